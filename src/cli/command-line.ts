/**
 * The options that serving and all commands have, in one list for Node's own parser, with which a program makes do that only
 * serves, and for the one that explains commands.
 */
import { parseArgs } from 'node:util';
import type { Command } from 'commander';
import { example } from './option-values.js';

/** What the options that name a configuration come to. */
export interface ConfigurationArguments {
  readonly configFile?: readonly string[] | undefined;
  readonly configDir?: readonly string[] | undefined;
  readonly set?: readonly string[] | undefined;
}

/** What the options of `serve` come to. */
export interface ServeArguments extends ConfigurationArguments {
  readonly enabledApis?: string | undefined;
  readonly enabledSslApis?: string | undefined;
  readonly enabledServices?: string | undefined;
  readonly dev?: boolean | undefined;
}

/** An option: what it takes, if anything, whether it may come again, and what it is for. */
interface Word {
  readonly takes?: string;
  readonly repeats?: boolean;
  readonly help: string;
}

const CONFIGURATION: Readonly<Record<string, Word>> = {
  'config-file': {
    takes: '<path>',
    repeats: true,
    help: 'read this file; may repeat (default: portico.ini, paste/portico.ini)',
  },
  'config-dir': {
    takes: '<path>',
    repeats: true,
    help: 'read every *.conf in this folder after the files; may repeat',
  },
  set: {
    takes: '<group.option=value>',
    repeats: true,
    help: 'set any option, above files and environment; may repeat',
  },
};

const SERVE: Readonly<Record<string, Word>> = {
  'enabled-apis': {
    takes: '<names>',
    help: 'the APIs to start, between commas, and no service (default: what the configuration enables)',
  },
  'enabled-ssl-apis': { takes: '<names>', help: 'those of them that speak HTTPS' },
  'enabled-services': {
    takes: '<names>',
    help: 'the services to start, between commas, and no API that --enabled-apis does not name',
  },
  dev: {
    help: 'one worker, anew when a file of it changes, readable logs, and a certificate of its own where HTTPS names none',
  },
};

/** An option of every command. */
const EVERYWHERE: Readonly<Record<string, Word>> = {
  'trace-errors': { help: 'show stack traces for mistakes of the configuration too' },
};

/** Adds a command that reads a configuration to another one. `line` is the example at the end of its help. */
export function addCommand(parent: Command, words: string, description: string, line: string): Command {
  return addConfigurationOptions(parent.command(words).description(description).addHelpText('after', example(line)));
}

/** Adds `--config-file`, `--config-dir` and `--set` to a command. */
export const addConfigurationOptions = (command: Command): Command => add(command, CONFIGURATION);

/** Adds the options of `serve` that are none of {@link addConfigurationOptions}. */
export const addServeOptions = (command: Command): Command => add(command, SERVE);

/** Adds the options that all commands have. */
export const addCommonOptions = (program: Command): Command => add(program, EVERYWHERE);

function add(command: Command, words: Readonly<Record<string, Word>>): Command {
  for (const [name, { takes, repeats = false, help }] of Object.entries(words)) {
    const flags = takes === undefined ? `--${name}` : `--${name} ${takes}`;
    if (repeats) command.option(flags, help, collect);
    else command.option(flags, help);
  }
  return command;
}

/** The value of an option that may come again: each behind those before. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The commands, in the order of the help. */
export const COMMAND_NAMES = [
  'serve',
  'init',
  'check',
  'config',
  'pipeline',
  'explain',
  'request',
  'routes',
  'openapi',
  'generate',
  'service',
  'db',
  'rpc',
  'status',
  'requests',
  'reload',
  'scale',
  'restart',
  'stop',
  'log-level',
  'report',
  'notify',
  'wait-ready',
  'completion',
] as const;

/**
 * The words with the command in front, wherever its options stand: `--config-file p.ini check` as `check --config-file p.ini`.
 * A word behind an unknown option is taken for its value, unless it is a command. Without a command the words stay as they are.
 */
export function commandFirst(words: readonly string[], commands: readonly string[]): readonly string[] {
  let takes: 'nothing' | 'perhaps' | 'value' = 'nothing';
  for (const [at, word] of words.entries()) {
    if (word === '--') return words;
    if (word.startsWith('-')) takes = taking(word);
    else if (takes === 'nothing' || (takes === 'perhaps' && commands.includes(word))) {
      return [word, ...words.slice(0, at), ...words.slice(at + 1)];
    } else takes = 'nothing';
  }
  return words;
}

/** Whether the next word is an option's value. */
function taking(option: string): 'nothing' | 'perhaps' | 'value' {
  if (option.includes('=')) return 'nothing';
  const known: Word | undefined = { ...CONFIGURATION, ...SERVE, ...EVERYWHERE }[option.replace(/^--/, '')];
  if (known === undefined) return 'perhaps';
  return known.takes === undefined ? 'nothing' : 'value';
}

/** What a command line says that has nothing but options of `serve`. */
export interface ServeWords {
  readonly args: ServeArguments;
  readonly traceErrors: boolean;
}

/**
 * What the words say, with `serve` before them or without; undefined for a line that has anything else in it, which is for the
 * parser of all commands to explain.
 */
export function readServeWords(words: readonly string[]): ServeWords | undefined {
  try {
    return valuesOf(words[0] === 'serve' ? words.slice(1) : words, true);
  } catch {
    return undefined;
  }
}

/** What a worker reads of them: there may be words that only the configuration's options explain. */
export function readWorkersWords(words: readonly string[]): { readonly dev: boolean; readonly traceErrors: boolean } {
  const { args, traceErrors } = valuesOf(words, false);
  return { dev: args.dev === true, traceErrors };
}

function valuesOf(line: readonly string[], strict: boolean): ServeWords {
  const words = Object.entries({ ...CONFIGURATION, ...SERVE, ...EVERYWHERE });
  const options = Object.fromEntries(
    words.map(([name, { takes, repeats = false }]) => {
      const type: 'boolean' | 'string' = takes === undefined ? 'boolean' : 'string';
      return [name, { type, multiple: repeats }];
    }),
  );
  const { values } = parseArgs({ args: [...line], options, strict });
  const { 'trace-errors': traceErrors, ...rest } = values;
  const args = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [camelCased(name), value]),
  ) as ServeArguments;
  return { args, traceErrors: traceErrors === true };
}

const camelCased = (name: string): string => name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
