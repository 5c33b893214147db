/**
 * The options that serving and all commands have, in one list for Node's own parser, with which a program makes do that only
 * serves, and for the one that explains commands.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Command } from 'commander';

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
  readonly traceErrors?: boolean | undefined;
}

/** Options as Node's parser has them, with what each takes, and what it is for. */
type Options = Readonly<
  Record<string, NonNullable<ParseArgsConfig['options']>[string] & { readonly takes?: string; readonly help: string }>
>;

const CONFIGURATION: Options = {
  'config-file': {
    type: 'string',
    multiple: true,
    takes: '<path>',
    help: 'read this file; may repeat (default: portico.ini, paste/portico.ini)',
  },
  'config-dir': {
    type: 'string',
    multiple: true,
    takes: '<path>',
    help: 'read every *.conf in this folder after the files; may repeat',
  },
  set: {
    type: 'string',
    multiple: true,
    takes: '<group.option=value>',
    help: 'set any option, above files and environment; may repeat',
  },
};

const SERVE: Options = {
  'enabled-apis': {
    type: 'string',
    takes: '<names>',
    help: 'the APIs to start, between commas, and no service (default: what the configuration enables)',
  },
  'enabled-ssl-apis': { type: 'string', takes: '<names>', help: 'those of them that speak HTTPS' },
  'enabled-services': {
    type: 'string',
    takes: '<names>',
    help: 'the services to start, between commas, and no API that --enabled-apis does not name',
  },
  dev: {
    type: 'boolean',
    help: 'one worker, anew when a file of it changes, readable logs, and a certificate of its own where HTTPS names none',
  },
};

/** Options of every command. */
const EVERYWHERE: Options = {
  'trace-errors': { type: 'boolean', help: 'show stack traces for mistakes of the configuration too' },
};

const ALL: Options = { ...CONFIGURATION, ...SERVE, ...EVERYWHERE };

/** Adds `--config-file`, `--config-dir` and `--set` to a command. */
export const addConfigurationOptions = (command: Command): Command => add(command, CONFIGURATION);

/** Adds the options of `serve` that are none of {@link addConfigurationOptions}. */
export const addServeOptions = (command: Command): Command => add(command, SERVE);

/** Adds the options that all commands have. */
export const addCommonOptions = (program: Command): Command => add(program, EVERYWHERE);

function add(command: Command, options: Options): Command {
  for (const [name, { takes = '', multiple, help }] of Object.entries(options)) {
    const flags = `--${name} ${takes}`.trim();
    if (multiple) command.option(flags, help, collect);
    else command.option(flags, help);
  }
  return command;
}

/** The value of an option that may come again: each behind those before. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

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
  const known = ALL[option.replace(/^--/, '')];
  if (known === undefined) return 'perhaps';
  return known.type === 'boolean' ? 'nothing' : 'value';
}

/**
 * What a line says that has nothing but options of `serve`, with that word before them or without; undefined for one that has
 * anything else in it, which is for the parser of all commands to explain.
 */
export function serveArguments(words: readonly string[]): ServeArguments | undefined {
  try {
    const { values } = parseArgs({ args: words[0] === 'serve' ? words.slice(1) : [...words], options: ALL });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [camelCased(name), value]));
  } catch {
    return undefined;
  }
}

const camelCased = (name: string): string => name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
