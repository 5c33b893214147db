/**
 * The interface of an extension: what a package adds to an application. It is data, and functions that import parts when they are needed; reading
 * it runs nothing.
 */
import type { Command } from 'commander';
import type { Config, Location, OptionDeclarations } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { ApplicationFacts } from './application-facts.js';
import type { ServiceBase } from './service.js';

/** Additions to an application by a package. A module exports it as `extension`; `package.json` names that module. */
export interface Extension {
  /** Name for messages, and in `[DEFAULT] extensions`: that of the package. */
  readonly name: string;
  /** Options, by group. */
  readonly options?: Readonly<Record<string, () => Promise<OptionDeclarations>>>;
  /** Commands of `api-cli`, by name. Commands of one file are registered together. */
  readonly commands?: Readonly<Record<string, () => Promise<CommandFile>>>;
  /**
   * Other names of factories in paste files, such as those for Python, each with the factory to load in its place: `wsgi.audit:factory` with
   * `portico-audit:audit`.
   * After `egg:` a second word is the protocol. Aliases of the application and of the file go before.
   */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Parts that others ask for by their interface. */
  readonly provides?: Provides;
  /** Its part of `api-cli status` and of `GET /status`, asked in the parent process. */
  readonly status?: () => Promise<StatusPart>;
}

/**
 * Interfaces that extensions implement, one for each member: the code of Portico that asks for one declares it here (`declare module`). A member
 * is a function that imports the implementation, or several of them by name. Another one, which nobody would ask for, is refused.
 */
// biome-ignore lint/suspicious/noEmptyInterface: others add to it.
export interface Provides {}

/** A part of the status. */
export interface StatusPart {
  /** Returns lines for people, and data for scripts; undefined if it has nothing to tell. May take two seconds. */
  status(config: Config): Promise<{ readonly lines: readonly string[]; readonly data?: unknown } | undefined>;
}

/** A file of commands: adds one command, or a few related ones, to `api-cli`. */
export interface CommandFile {
  register(program: Command, context: CommandContext): void;
}

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

/** Functions of `api-cli` that its commands use. */
export interface CommandContext {
  /** Adds a command that reads a configuration to another command. `line`: the example at the end of its help. */
  addCommand(parent: Command, words: string, description: string, line: string): Command;
  /** Returns the example at the end of a command's help. */
  example(line: string): string;
  /** Reads the configuration that the options name. `isQuiet`: the log has none of its lines; default false. */
  readConfiguration(args: ConfigurationArguments, options?: { readonly isQuiet?: boolean }): Promise<Config>;
  /**
   * Returns what other tools need to start, probe and forward to the application: addresses, workers, time limits, files. Imports
   * the filters of its pipelines. `args`: name the configuration. Rejects with the errors of APIs that cannot be planned.
   */
  applicationFacts(config: Config, args: ConfigurationArguments): Promise<ApplicationFacts>;
  /**
   * Builds each app of the enabled APIs, and closes it: what its factories have loaded can be looked at. `failed`: called with the error of
   * each that cannot be built; default: reject with it.
   */
  buildApps(config: Config, failed?: (error: unknown) => void): Promise<void>;
  /**
   * Makes the service of `[service:<name>]`, not started, whatever else the configuration enables. Rejects with all its errors, and for a name
   * without a section with the nearest one.
   */
  makeService(config: Config, name: string): Promise<ServiceBase>;
  /** Returns the log of a command: warnings on standard error. */
  log(config: Config): Logger;
  /** Prints a document, or its text; control characters are escaped. */
  print(args: { readonly json?: boolean }, document: unknown, text: () => string): void;
  /** Returns file and line, relative to the working directory; `-` if there is no file. */
  placeText(origin: Location['origin']): string;
  /** Returns rows with aligned columns. */
  columns(table: readonly (readonly string[])[]): string[];
  /** Returns a parser that accepts only these words. */
  choice<T extends string>(option: string, words: readonly T[]): (text: string) => T;
  /** Returns a parser of decimal digits. */
  wholeNumber(option: string, min?: number): (text: string) => number;
}

/**
 * Returns the extensions of a configuration that are imported, for callers that cannot wait: all that Portico does not ship. Undefined if not
 * all are known: the list has an error, or nobody has imported those of `Config.fromText()`.
 */
export function loadedExtensionsOf(config: Config): readonly Extension[] | undefined {
  return config.knownExtensions().loaded as readonly Extension[] | undefined;
}

/**
 * Returns the extensions of a configuration, in the order of their list. `configured`: those with an option that it may set; `providing`: those
 * that provide this part. The others that Portico ships are not imported.
 */
export async function extensionsOf(
  config: Config,
  wanted: { readonly configured?: boolean; readonly providing?: keyof Provides } = {},
): Promise<readonly Extension[]> {
  return (await config.extensions(wanted)) as readonly Extension[];
}
