/** The configuration of a service. */
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { type Diagnostic, type Location, locationInFile, locationText } from '../errors/index.js';
import { optionKey, sectionKey } from '../ini/index.js';
import type { Logger, LogLevel, LogOption } from '../log/index.js';
import {
  type Change,
  changesWithoutEffect,
  compareGenerations,
  describeChange,
  type ReportedChange,
  reportedChange,
  undeclaredChanges,
  withKeptValues,
} from './changes.js';
import { ConfigHolder, Lasting, loadedChecks, withoutHint } from './config-holder.js';
import type { ExtensionObject } from './extension-objects.js';
import { type KnownExtensions, knownExtensions, loadExtensions, readExtensions, type Wanted } from './extensions.js';
import { fromSources, fromText, type LoadOptions, ofSnapshot, readAgain } from './load-config.js';
import { serversLogger } from './program-log.js';
import { maskArguments, optionNamed } from './sources/command-line-values.js';
import { findConfigFile } from './sources/default-files.js';
import { type ConfigSnapshot, fromSnapshot, type State } from './state.js';
import type { OptionDeclarations, OptionsOf } from './types/option.js';
import { Generation } from './values/generation.js';
import { type GroupOptions, printable, readGroup, type ValidateOptions } from './values/group-values.js';
import { type ConfigError, type OptionIssue, refusalFor, refuseErrors, runCheck } from './values/option-issues.js';
import { loadOwners } from './values/owners.js';
import type { Resolved } from './values/written.js';

/** Checks several options at once. Runs in `validate()` and before a reload is accepted. */
export type CrossCheck = (config: Config) => readonly OptionIssue[] | undefined;

/** The next configuration of a process, read and validated, before it is accepted. */
export interface NextConfig extends NextReading {
  readonly config: Config;
}

/**
 * Typed options from files, environment variables and the command line. `Config.load()` reads them; in `new Config()`, every
 * option has its default. A configuration never changes after its first reading: a reload makes a new one, for new workers or services.
 */
export class Config {
  readonly #current: ConfigHolder;

  /** Creates a configuration without written values: every option has its default. */
  constructor();
  /** Creates a configuration with the written values of a holder, which only this directory makes. @internal */
  constructor(current: ConfigHolder);
  constructor(current: ConfigHolder = new ConfigHolder()) {
    this.#current = current;
  }

  get #state(): State {
    return this.#current.generation.state;
  }

  /** Reads files, environment and command line; in a worker, takes what its parent has accepted. Throws `ConfigError` with all errors. */
  static async load(options: LoadOptions = {}): Promise<Config> {
    return new Config(await fromSources(options));
  }

  /** Returns a configuration from text, as from a file of that name, without environment and command line. */
  static fromText(text: string, options: { readonly file?: string; readonly log?: LogOption } = {}): Config {
    return new Config(fromText(text, options));
  }

  /** Returns the configuration of a snapshot: same values, same content of files. Reads nothing. */
  static fromSnapshot(snapshot: ConfigSnapshot, options: Pick<LoadOptions, 'log' | 'groups'> = {}): Config {
    return new Config(ofSnapshot(snapshot, options));
  }

  /** Returns the same sources and values from code, for a check with other options or values. */
  copy(): Config {
    const [overrides, defaults] = [new Map(this.#state.overrides), new Map(this.#state.defaults)];
    return new Config(new ConfigHolder({ ...this.#state, overrides, defaults }, new Lasting()));
  }

  /** Returns a copy with the values of the next start, also of options that a reload has left to it. @internal */
  asWritten(): Config {
    return new Config(new ConfigHolder({ ...this.#state, pinned: {} }, new Lasting()));
  }

  /** Returns a copy that also knows the options of all loaded code, and of the shipped code that owns written groups. @internal */
  async toValidate(): Promise<Config> {
    const { groups, generation } = this.#current;
    await loadOwners(groups, generation);
    const copy = new Config(this.#current.copy(new Set()));
    copy.registerLoaded();
    return copy;
  }

  /**
   * Logger of the process, which launchers and services without another one use. It is the one of `load({ log })` or `useLogger()`; else
   * one with `log_level`, `debug`, `log_format` and `log_file`, at the level of the newest accepted configuration.
   */
  get log(): Logger {
    return this.#current.lasting.log ?? serversLogger(this);
  }

  /**
   * Sets the logger of warnings and changes, earlier ones included. `lent`: keeps a logger that is already set, as launchers want. `level`:
   * returns the level for each later configuration that is accepted.
   */
  useLogger(
    log: Logger,
    {
      lent = false,
      level,
    }: { readonly lent?: boolean; readonly level?: ((accepted: Config) => LogLevel) | undefined } = {},
  ): void {
    if (lent && this.#current.lasting.log !== undefined) return;
    this.#current.useLogger(
      log,
      level &&
        ((accepted) => {
          log.level = level(new Config(accepted));
        }),
    );
  }

  /** The same object in this configuration and those that a reload makes from it: the key of things that outlive a reload. */
  get lineage(): object {
    return this.#current.lasting;
  }

  /** Number of this configuration; the next one has the next number. */
  get generation(): number {
    return this.#state.generation;
  }

  /**
   * Returns the typed, frozen values of a group, and declares its options. Throws one `ConfigError` with all their errors: bad values,
   * missing ones, and undeclared names in the section. Names in `[DEFAULT]`, which many share, are checked only by {@link Config.validate}.
   */
  group<D extends OptionDeclarations>(name: string, options: D, from: GroupOptions = {}): OptionsOf<D> {
    const group = sectionKey(name);
    const current = this.#current;
    const { generation } = current;
    current.inUse.add(group);
    // If only a part was read, the names of the group have not been checked.
    const key = from.partial === true ? `part of ${group}` : group;
    const known = from.local === undefined ? generation.known(key, options) : undefined;
    if (known !== undefined) return known as OptionsOf<D>;
    current.declare(group, options, from.local !== undefined);
    const { values, issues } = readGroup(generation, group, options, from);
    current.warn(issues);
    refuseErrors(from.local === undefined ? current.withoutNoted(issues) : issues, this);
    if (from.local === undefined) generation.remember(key, options, values);
    return values as OptionsOf<D>;
  }

  /** Returns the group `[api:<name>]`, whose options may have flat names too: alias `DEFAULT.<name>_workers`. */
  api<D extends OptionDeclarations>(name: string, options: D, from: GroupOptions = {}): OptionsOf<D> {
    return this.group(`api:${name}`, options, from);
  }

  /**
   * Declares options without reading their values; `api:<name>` stands for all such sections. After {@link Config.validate} they are
   * checked at once, except `sectional` ones, which sections of the paste file may have. Throws for two different declarations.
   */
  register(name: string, options: OptionDeclarations, { sectional = false }: { sectional?: boolean } = {}): void {
    if (!this.#current.lasting.validated || sectional || name.endsWith('<name>'))
      this.#current.declare(name, options, sectional);
    else this.group(name, options);
  }

  /** Declares the options of all modules that are loaded, with their checks. @internal */
  registerLoaded(): void {
    this.#current.declareLoaded();
    for (const find of loadedChecks()) this.check(find as CrossCheck);
  }

  /** Imports the extensions that it lists. @internal */
  extensions(wanted?: Wanted): Promise<readonly ExtensionObject[]> {
    return loadExtensions(this.#current.generation, wanted);
  }

  /** Returns its extensions, as far as they are known without an import. @internal */
  knownExtensions(): KnownExtensions {
    return knownExtensions(this.#current.generation);
  }

  /** Adds a check over several options, once; its findings get the location of the option. */
  check(find: CrossCheck): void {
    this.#current.lasting.checks.set(find, (checked) => runCheck(new Config(checked), find));
  }

  /** Returns all errors and warnings: files, values of declared groups, cross-checks, and names without an owner. */
  problems({ complete = true }: ValidateOptions = {}): readonly Diagnostic[] {
    return this.#current.problemsOf(complete ? 'all' : 'owned');
  }

  /** Throws `ConfigError` with all errors at once; logs each warning once. */
  validate(options: ValidateOptions = {}): void {
    this.#current.lasting.validated = true;
    refuseErrors(this.#current.warn(this.problems(options)));
  }

  /** Logs the warnings among these that are not in the log yet, in this process or in the parent of a worker. */
  warn(diagnostics: readonly Diagnostic[]): void {
    this.#current.warn(diagnostics);
  }

  /** Reports whether an option is declared. */
  has(group: string, opt: string): boolean {
    return this.#current.groups.option(sectionKey(group), optionKey(opt)) !== undefined;
  }

  /** Returns one option with its value, its location and the values it overrides. Throws for an undeclared one. */
  resolve(group: string, opt: string): Resolved {
    return this.#current.resolve(sectionKey(group), optionKey(opt));
  }

  /** Returns every declared option, resolved, in the order of declaration. */
  resolveAll(): readonly Resolved[] {
    return this.#current.generation.resolveAll();
  }

  /** Returns the location of an option's value. */
  getLocation(group: string, opt: string): Location {
    return this.resolve(group, opt).location;
  }

  /** Returns the sections of the files, in their order, each once. */
  listAllSections(): string[] {
    return [...new Set(this.#state.sources.files.flatMap(({ sections }) => sections.map(({ name }) => name)))];
  }

  /** Returns the names of the files in a section, each once. */
  listOptions(section: string): string[] {
    const entries = this.#state.sources.files.flatMap((file) => file.entries);
    return [...new Set(entries.filter((each) => each.section === section).map(({ name }) => name))];
  }

  /** Returns the first place of a section; undefined if no file has it. */
  getSectionLocation(section: string): Location | undefined {
    const file = this.#state.sources.files.find(({ sections }) => sections.some(({ name }) => name === section));
    const found = file?.sections.find(({ name }) => name === section);
    return found && locationInFile(found.origin);
  }

  /** Sets a value above all others, until {@link Config.clearOverride}. Throws for a bad one. */
  setOverride(group: string, opt: string, value: unknown): void {
    this.#current.set('overrides', group, opt, value);
  }

  /** Removes the value that {@link Config.setOverride} has set. */
  clearOverride(group: string, opt: string): void {
    this.#current.set('overrides', group, opt, undefined);
  }

  /** Sets a value above the declared default only, until {@link Config.clearDefault}. Throws for a bad one. */
  setDefault(group: string, opt: string, value: unknown): void {
    this.#current.set('defaults', group, opt, value);
  }

  /** Removes the value that {@link Config.setDefault} has set. */
  clearDefault(group: string, opt: string): void {
    this.#current.set('defaults', group, opt, undefined);
  }

  /** Returns the content of a file that belongs to this configuration: in a worker that of the parent, else from disk, and kept. */
  readFile(path: string): Buffer {
    return this.#state.files.read(path);
  }

  /** Absolute paths of the files that were read through {@link Config.readFile}. @internal */
  get filesRead(): readonly string[] {
    return this.#state.files.paths;
  }

  /** Absolute paths of files that the configuration before this one has read, and that can no longer be read: a reload without them. */
  get filesLost(): readonly string[] {
    return [...this.#state.files.lost];
  }

  /** Files that this process has read itself, without those from its parent. @internal */
  get ownFilesRead(): readonly string[] {
    return this.#state.files.asked;
  }

  /** All files read, each with the option that names it. @internal */
  get namedFiles(): readonly NamedFile[] {
    return namedFiles(this.#current.generation);
  }

  /** Absolute paths of the configuration files, lowest precedence first. */
  get configFiles(): readonly string[] {
    return this.#state.sources.files.map(({ path }) => path);
  }

  /** Absolute paths of the directories whose `*.conf` are read. @internal */
  get configDirs(): readonly string[] {
    return this.#state.paths.dirs.map(({ path }) => path);
  }

  /** Arguments of the command line: `group.opt` and the value as written. */
  get arguments(): readonly { readonly group: string; readonly opt: string; readonly value: string }[] {
    return this.#state.sources.arguments;
  }

  /** Names of the environment variables that options were read from: a worker does not need them. */
  get variables(): readonly string[] {
    return Object.keys(this.#state.sources.environment);
  }

  /** Masks arguments for a log or a list of processes: keeps values of declared options that are not secret. */
  maskArguments(argv: readonly string[]): string[] {
    return maskArguments(argv, this.#current.groups);
  }

  /** Masks arguments for a worker, which has its configuration already: only values that are secret, or unknown here. */
  workerArguments(argv: readonly string[]): string[] {
    return maskArguments(argv, this.#current.groups, (text) => text);
  }

  /** Finds a file named without a folder: beside the configuration files, then in the default directories. */
  findFile(name: string): string | undefined {
    return findConfigFile(name, this.#state);
  }

  /** Returns the whole configuration for a worker, as JSON. Contains secrets: send it over a channel, not in the environment. */
  snapshot(): ConfigSnapshot {
    return this.#current.snapshot();
  }

  /** Returns the configuration that the parent of this worker has accepted since. */
  accepted(snapshot: ConfigSnapshot): Config {
    const { lasting, groups } = this.#current;
    return new Config(new ConfigHolder(fromSnapshot(snapshot), lasting, snapshot.told, groups.copy()));
  }

  /** Reads all sources again: a launcher's first step of a reload. Rejects with `ConfigError` if the result is refused. */
  async next(options: { readonly collect?: boolean } = {}): Promise<NextConfig> {
    const reading = await nextReading(this.#current, options);
    return Object.assign(reading, { config: new Config(reading.next) });
  }

  /** Reads all sources again, and returns them as a new configuration; this one stays as it is. Rejects with `ConfigError` if it is refused. */
  async readAgain(): Promise<Config> {
    const { config, accept } = await this.next();
    accept();
    return config;
  }

  /** Returns values by group, with masked secrets. */
  toJSON(): Record<string, Record<string, string>> {
    return printable(this.resolveAll());
  }

  /** @internal */
  [inspect.custom](): unknown {
    return this.toJSON();
  }
}

// Files that were read with a configuration, and the options that name them.

/** A file that `config.readFile` has read. */
interface NamedFile {
  /** Absolute path. */
  readonly path: string;
  /** The option that names it, as `group.option`; without one, as in a section of a paste file, its path. */
  readonly option: string;
  /** Place of the option's value; without one, `read by the application`. */
  readonly where: string;
  /** True if its content is the value of the option, whose change a reload reports. */
  readonly isValue: boolean;
}

/** Returns all files of a generation that were read, in that order. */
function namedFiles(generation: Generation): NamedFile[] {
  const { files, sources } = generation.state;
  const { paths } = files;
  if (paths.length === 0) return [];
  const named = new Map<string, NamedFile>();
  for (const { group, opt, option, value, location } of generation.resolveAll()) {
    const variable = location.kind === 'environment' ? sources.environment[location.detail ?? ''] : undefined;
    const isValue = option.secret && variable !== undefined && location.detail?.endsWith('_FILE') === true;
    const file = isValue ? variable : option.type === 'path' ? value : undefined;
    if (typeof file !== 'string' || file === '') continue;
    const path = resolve(file);
    const where = locationText(location) || 'default';
    named.set(path, named.get(path) ?? { path, option: `${group}.${opt}`, where, isValue });
  }
  return paths.map(
    (path) => named.get(path) ?? { path, option: path, where: 'read by the application', isValue: false },
  );
}

// Temporary values from code, for tests.

/**
 * Runs `work` with overrides applied, `group.opt` to value, and removes them however it ends. Throws for a bad value; then none
 * applies. An earlier override of the same option is not restored.
 */
export async function withOverrides<T>(
  config: Config,
  values: Readonly<Record<string, unknown>>,
  work: () => T | Promise<T>,
): Promise<T> {
  const set: (readonly [group: string, opt: string])[] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const { group, opt } = optionNamed(name);
      config.setOverride(group, opt, value);
      set.push([group, opt]);
    }
    return await work();
  } finally {
    for (const [group, opt] of set) config.clearOverride(group, opt);
  }
}

/**
 * The next configuration of a process, read and validated: a launcher tries new workers with it before it is accepted. If it is dropped,
 * nothing has changed.
 */
export interface NextReading {
  /** Its warnings, and later ones from `config.warn`. */
  readonly warnings: readonly Diagnostic[];
  /** Reason of the refusal, if it was collected: such a configuration can be inspected, but not accepted. */
  readonly refusal: ConfigError | undefined;
  /** Every declared option that differs. */
  readonly changes: readonly Change[];
  /**
   * Returns the changes for a report: old and new value, location and effect; secrets are masked. Options of the files that no module here
   * declares are included, with masked values. `workers`: there are workers, which may know more options. Default true.
   */
  report(options?: { readonly workers?: boolean }): ReportedChange[];
  /**
   * Releases groups that the next configuration does not use: those of services that end. While they were in use, a change of their options
   * needed a restart; from now on their values are those of the files. A group that was read from the next configuration is kept.
   */
  release(over: (group: string) => boolean): void;
  /** Makes it the configuration of the log, and logs the changes and new warnings. Throws if it is refused. */
  accept(): void;
}

/**
 * Reads everything again, beside the present configuration, which stays as it is, and validates it. Rejects with `ConfigError`, or with
 * `collect` returns it together with the read values.
 */
async function nextReading(
  current: ConfigHolder,
  { collect = false }: { readonly collect?: boolean },
): Promise<NextReading & { readonly next: ConfigHolder }> {
  const { generation: base, lasting, inUse } = current;
  const groups = current.groups.copy();
  const fresh = await readExtensions(readAgain(base.state), groups);
  // Two are validated. The written one must be valid for the next start of the parent; the one that takes effect now keeps the old values of
  // options that only such a start changes, and must be valid together with them.
  const asWritten = new ConfigHolder(fresh, lasting, [], groups);
  let changes = compareGenerations(base, asWritten.generation, { inUse });
  const undeclared = undeclaredChanges(base.state, fresh, groups);
  const next = changes.some(({ needsRestart }) => needsRestart)
    ? new ConfigHolder(withKeptValues(base, asWritten.generation, changes), lasting, [], groups)
    : asWritten;
  const found = [...new Set([asWritten, next])].map((each) => each.validate());
  const refusal = found.map(refusalFor).find((each) => each !== undefined);
  if (refusal !== undefined && !collect) throw refusal;
  const checked = [...found.flat(), ...changesWithoutEffect(base, asWritten.generation)];
  // The refusal has the errors.
  const warnings = checked.filter(({ severity }) => severity === 'warning');
  for (const text of [...current.warned, ...warnings.map(withoutHint)]) next.warned.add(text);
  // `warn` adds to it.
  const given = [...warnings];
  next.given = given;
  const released = new Set<string>();
  return {
    next,
    warnings: given,
    refusal,
    get changes() {
      return changes;
    },
    report: ({ workers = true } = {}) => {
      const told = new Set(changes.map(({ group, opt }) => `${group}.${opt}`));
      const others = undeclared.filter(({ option }) => !told.has(option));
      if (workers) return [...changes.map(reportedChange), ...others];
      // Options that services declared during their rebuild are known now.
      const known = new Set(groups.all().map(({ group, opt }) => `${group}.${opt}`));
      const effectHere = (option: string): ReportedChange['effect'] => (known.has(option) ? 'applied' : 'no effect');
      return [...changes.map(reportedChange), ...others.map((each) => ({ ...each, effect: effectHere(each.option) }))];
    },
    release: (over) => {
      for (const group of inUse) if (over(group) && !next.inUse.has(group)) released.add(group);
      changes = compareGenerations(base, asWritten.generation, { inUse, released });
      next.generation = new Generation(withKeptValues(base, asWritten.generation, changes), groups);
    },
    accept: () => {
      if (refusal !== undefined) throw refusal;
      for (const group of inUse) if (!released.has(group)) next.inUse.add(group);
      // Those that were declared meanwhile.
      groups.add(current.groups);
      next.given = undefined;
      current.warn(warnings);
      for (const change of changes) lasting.log?.[change.needsRestart ? 'warn' : 'info'](describeChange(change));
      lasting.followLevel?.(next);
    },
  };
}
