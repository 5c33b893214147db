/**
 * Options of serving and of all commands, in one list for two parsers: a small one for a process that only serves, and the one with all
 * commands and their help.
 */
import type { Command } from 'commander';
import { commandLineWords } from '../process/index.js';

/** Values of the options that name a configuration. */
export interface ConfigurationArguments {
  readonly configFile?: readonly string[] | undefined;
  readonly configDir?: readonly string[] | undefined;
  readonly set?: readonly string[] | undefined;
}

/** Values of the options of a command that can print JSON. */
export interface OutputArguments extends ConfigurationArguments {
  readonly json?: boolean;
}

/** Values of the options of `serve`. */
export interface ServeArguments extends ConfigurationArguments {
  readonly enabledApis?: string | undefined;
  readonly enabledSslApis?: string | undefined;
  readonly enabledServices?: string | undefined;
  readonly dev?: boolean | undefined;
  readonly traceErrors?: boolean | undefined;
}

/** An option: its value, if it takes one, whether it is repeatable, and its help. */
interface KnownOption {
  readonly takes?: string;
  readonly repeats?: boolean;
  readonly help: string;
}

type Options = Readonly<Record<string, KnownOption>>;

const CONFIGURATION: Options = {
  'config-file': {
    repeats: true,
    takes: '<path>',
    help: 'read this file; may repeat (default: portico.ini, paste/portico.ini)',
  },
  'config-dir': {
    repeats: true,
    takes: '<path>',
    help: 'read every *.conf in this folder after the files; may repeat',
  },
  set: {
    repeats: true,
    takes: '<group.option=value>',
    help: 'set an option over files and environment; may repeat',
  },
};

const SERVE: Options = {
  'enabled-apis': {
    takes: '<names>',
    help: 'APIs to start, separated by commas, without services (default: all enabled)',
  },
  'enabled-ssl-apis': { takes: '<names>', help: 'APIs that use HTTPS, separated by commas' },
  'enabled-services': {
    takes: '<names>',
    help: 'services to start, separated by commas, without APIs but those in --enabled-apis',
  },
  dev: {
    help: 'development: one worker that restarts when files change, readable logs, a generated certificate if HTTPS has none',
  },
};

/** Options of every command. */
const EVERYWHERE: Options = {
  'trace-errors': { help: 'also show stack traces for configuration errors' },
};

const ALL: ReadonlyMap<string, KnownOption> = new Map(Object.entries({ ...CONFIGURATION, ...SERVE, ...EVERYWHERE }));

/** Adds `--config-file`, `--config-dir` and `--set` to a command. */
export const addConfigurationOptions = (command: Command): Command => add(command, CONFIGURATION);

/** Adds the options of `serve` beyond those of {@link addConfigurationOptions}. */
export const addServeOptions = (command: Command): Command => add(command, SERVE);

/** Adds the options that all commands have. */
export const addCommonOptions = (program: Command): Command => add(program, EVERYWHERE);

function add(command: Command, options: Options): Command {
  for (const [name, { takes = '', repeats, help }] of Object.entries(options)) {
    const flags = `--${name} ${takes}`.trim();
    if (repeats) command.option(flags, help, collect);
    else command.option(flags, help);
  }
  return command;
}

/** Collects the values of a repeatable option, in order. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * Moves the command to the front, wherever its options are: `--config-file p.ini check` becomes `check --config-file p.ini`. A word after
 * an unknown option counts as its value, unless it is a command; `--json` has none. Without a command the words are unchanged.
 */
export function commandFirst(words: readonly string[], isCommand: (word: string) => boolean): readonly string[] {
  const takesNext = (option: string, next: string): boolean => {
    const known = knownOption(option);
    if (known !== undefined) return known.takes !== undefined;
    return option !== '--json' && !next.startsWith('-') && !isCommand(next);
  };
  for (const { at, word, isOption } of commandLineWords(words, takesNext)) {
    if (word === '--') return words;
    if (!isOption) return [words[at]!, ...words.slice(0, at), ...words.slice(at + 1)];
  }
  return words;
}

/** Reports whether one of these options is on a line, and not only as the value of another one: `--set --help`. */
export function hasOption(words: readonly string[], ...options: readonly string[]): boolean {
  for (const { word } of commandLineWords(words, takesValue)) {
    if (word === '--') return false;
    if (options.includes(word)) return true;
  }
  return false;
}

function takesValue(option: string): boolean {
  return knownOption(option)?.takes !== undefined;
}

function knownOption(word: string): KnownOption | undefined {
  return word.startsWith('--') ? ALL.get(word.slice(2)) : undefined;
}

/**
 * Returns the arguments of a line that has only options of `serve`, with or without that word before them; undefined for any other line,
 * which the parser of all commands handles.
 */
export function serveArguments(words: readonly string[]): ServeArguments | undefined {
  const found: Record<string, string | true | readonly string[]> = {};
  const line = words[0] === 'serve' ? words.slice(1) : words;
  for (const { word, value } of commandLineWords(line, takesValue)) {
    const known = knownOption(word);
    if (known === undefined || (known.takes === undefined) !== (value === undefined)) return undefined;
    const name = word.slice(2).replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase());
    const before = found[name] as readonly string[] | undefined;
    found[name] = known.repeats && value !== undefined ? collect(value, before) : (value ?? true);
  }
  return found;
}

/** Returns the values of the options that name a configuration, wherever they are on a line; others are left out. */
export function configurationOf(words: readonly string[]): ConfigurationArguments {
  const found: { configFile?: readonly string[]; configDir?: readonly string[]; set?: readonly string[] } = {};
  const names = { '--config-file': 'configFile', '--config-dir': 'configDir', '--set': 'set' } as const;
  for (const { word, value } of commandLineWords(words, takesValue)) {
    const name = names[word as keyof typeof names];
    if (name !== undefined && value !== undefined) found[name] = collect(value, found[name]);
  }
  return found;
}
