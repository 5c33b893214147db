/** The configuration of a service. */

import { inspect } from 'node:util';
import { type Diagnostic, type Place, PorticoError, placeInFile } from '../errors/index.js';
import { optionKey, sectionKey } from '../ini/index.js';
import type { Logger } from '../log/index.js';
import type { ConfigChanges, MutateHook } from './generations/changes.js';
import {
  firstGeneration,
  generationsOfSnapshot,
  generationsOfText,
  loadGenerations,
} from './generations/first-generation.js';
import type { ConfigSnapshot } from './generations/generation.js';
import type { Generations } from './generations/generations.js';
import type { PreparedReload, PrepareReloadOptions, ReloadOptions } from './generations/prepared-reload.js';
import type { LoadOptions } from './load.js';
import { declaredFlags, type MaskingOptions, maskArguments } from './sources/command-line.js';
import { findConfigFile } from './sources/default-files.js';
import type { OptionDeclarations, OptionsOf } from './types/option.js';
import type { CrossCheck } from './values/cross-check.js';
import { type GroupOptions, printable, readGroup, type ValidateOptions } from './values/group-values.js';
import { refuseErrors } from './values/issue.js';
import { isSecret } from './values/mask.js';
import type { Resolved } from './values/resolver.js';

/**
 * Typed options from files, environment and command line. `new Config()` is empty: every option has its default.
 * Values are handed out frozen; after a reload `group()` gives the new ones.
 */
export class Config {
  readonly #given: Generations;

  /** Without `generations` (which only this folder makes) a configuration in which nothing is written. */
  constructor(generations: Generations = firstGeneration({ face })) {
    this.#given = generations;
  }

  /** A prepared configuration is that of the program once it is accepted: whoever holds it sees what comes later. */
  get #generations(): Generations {
    return this.#given.inForce;
  }

  /**
   * Reads files, environment and command line. In a worker it gives what the parent accepted and reads nothing.
   * Throws {@link ConfigError} with everything that is wrong with the files, and with the values of `groups`.
   */
  static async load(options: LoadOptions = {}): Promise<Config> {
    return new Config(await loadGenerations(options, face));
  }

  /** A configuration from text, as if it stood in a file of that name; environment and command line are left out. */
  static fromText(text: string, options: { readonly file?: string; readonly log?: Logger } = {}): Config {
    return new Config(generationsOfText(text, options, face));
  }

  /** The configuration of a snapshot: same values, same bytes of files. Reads nothing. */
  static fromSnapshot(snapshot: ConfigSnapshot, options: Pick<LoadOptions, 'log' | 'groups'> = {}): Config {
    return new Config(generationsOfSnapshot(snapshot, options, face));
  }

  /** Sends warnings and changes there from now on, those before included; `lent`: unless it has a logger, as launchers do. */
  useLogger(log: Logger, { lent = false } = {}): void {
    if (!lent || this.#generations.surrounding.log === undefined) this.#generations.useLogger(log);
  }

  /** Grows by one with each accepted change. */
  get generation(): number {
    return this.#generations.current.state.generation;
  }

  /** How many reloads were refused, for metrics. */
  get refusedReloads(): number {
    return this.#generations.refusedReloads;
  }

  /**
   * The typed, frozen values of a group; declares its options. Throws {@link ConfigError} with everything that is wrong
   * with them: bad values, missing ones, and names in the section that nobody declared (`[DEFAULT]` waits for
   * {@link Config.validate}, because many share it).
   */
  group<D extends OptionDeclarations>(name: string, options: D, from: GroupOptions = {}): OptionsOf<D> {
    const group = sectionKey(name);
    this.#generations.declare(group, options, from.local !== undefined);
    this.#generations.inUse.add(group);
    const { current } = this.#generations;
    const make = () => {
      const { values, issues } = readGroup(current, group, options, from);
      this.#generations.warn(issues);
      refuseErrors(issues);
      return values;
    };
    // Whoever asks for a part only has not had the names of the group judged.
    const key = from.partial === true ? `part of ${group}` : group;
    return (from.local === undefined ? current.remembered(key, options, make) : make()) as OptionsOf<D>;
  }

  /** The group `[api:<name>]`, whose options may have flat names too: alias `DEFAULT.<name>_workers`. */
  api<D extends OptionDeclarations>(name: string, options: D, from: GroupOptions = {}): OptionsOf<D> {
    return this.group(`api:${name}`, options, from);
  }

  /**
   * Declares options without asking for their values; a group `api:<name>` stands for all sections of that form. After
   * {@link Config.validate} they are judged at once, but `sectional` ones: what a section of the paste file may have need not
   * stand here. Throws when an option is declared in two ways.
   */
  register(
    name: string,
    options: OptionDeclarations,
    { sectional = false }: { readonly sectional?: boolean } = {},
  ): void {
    if (this.#generations.complete === undefined || sectional || name.endsWith('<name>'))
      this.#generations.declare(sectionKey(name), options, sectional);
    else this.group(name, options);
  }

  /** Whether sections of the paste file may have the options of a group as well: those of filters and apps. */
  isSectional(group: string): boolean {
    return this.#generations.declared.groups.sectional.has(sectionKey(group));
  }

  /** Adds a check over several options. */
  check(find: CrossCheck): void {
    this.#generations.surrounding.checks.push(find);
  }

  /** Everything that is wrong, warnings included: files, values of declared groups, cross-checks, unknown names. */
  problems(options: ValidateOptions = {}): readonly Diagnostic[] {
    return this.#generations.problems(options.complete ?? true);
  }

  /** Throws {@link ConfigError} with all errors at once; warnings go to the log, each once. */
  validate(options: ValidateOptions = {}): void {
    this.#generations.complete = options.complete ?? true;
    const issues = this.problems(options);
    this.#generations.warn(issues);
    refuseErrors(issues);
  }

  /** True when somebody declared the option. */
  has(group: string, opt: string): boolean {
    return this.#generations.declared.groups.option(sectionKey(group), optionKey(opt)) !== undefined;
  }

  /** One option with its value, its place and what it shadows. Throws for one that nobody declared. */
  resolve(group: string, opt: string): Resolved {
    const [section, name] = [sectionKey(group), optionKey(opt)];
    const option = this.#generations.declared.groups.option(section, name);
    if (option !== undefined) return this.#generations.current.resolver.resolve(section, name, option);
    throw new PorticoError('PORTICO_CONFIG_NO_SUCH_OPTION', {
      message: `no option ${name} is declared in [${section}]`,
    });
  }

  /** Every declared option, resolved, in the order of declaration. */
  resolveAll(): readonly Resolved[] {
    return this.#generations.current.resolved();
  }

  /** Where the value of an option comes from. */
  getLocation(group: string, opt: string): Place {
    return this.resolve(group, opt).location;
  }

  /** The sections that files have, in their order, each once. */
  listAllSections(): string[] {
    const { files } = this.#generations.current.state.mutable;
    return [...new Set(files.flatMap(({ sections }) => sections.map(({ name }) => name)))];
  }

  /** The names that files have in a section, each once. */
  listOptions(section: string): string[] {
    const { files } = this.#generations.current.state.mutable;
    const entries = files.flatMap((file) => file.entries.filter((entry) => entry.section === section));
    return [...new Set(entries.map(({ name }) => name))];
  }

  /** Where a section begins first; undefined for one that no file has. */
  getSectionLocation(section: string): Place | undefined {
    for (const { kind, sections } of this.#generations.current.state.mutable.files) {
      const found = sections.find(({ name }) => name === section);
      if (found !== undefined) return placeInFile(found.origin, kind);
    }
    return undefined;
  }

  /** Sets a value above everything else, until {@link Config.clearOverride}. Throws for a bad one. */
  setOverride(group: string, opt: string, value: unknown): void {
    this.#generations.set('overrides', group, opt, value);
  }

  clearOverride(group: string, opt: string): void {
    this.#generations.set('overrides', group, opt, undefined);
  }

  /** Sets a value above the declared default only, until {@link Config.clearDefault}. Throws for a bad one. */
  setDefault(group: string, opt: string, value: unknown): void {
    this.#generations.set('defaults', group, opt, value);
  }

  clearDefault(group: string, opt: string): void {
    this.#generations.set('defaults', group, opt, undefined);
  }

  /**
   * The bytes of a file as they were accepted: in a worker what the parent read, else from disk, and remembered.
   * `mutable` ones (certificates) are read afresh by a mutate too. Throws what `readFileSync` throws.
   */
  readFile(path: string, options: { readonly mutable?: boolean } = {}): Buffer {
    return this.#generations.current.state.files.read(path, options.mutable);
  }

  /** The absolute paths of the files that were read through {@link Config.readFile}. */
  get filesRead(): readonly string[] {
    return this.#generations.current.state.files.paths;
  }

  /** The absolute paths of the configuration files, lowest precedence first. */
  get configFiles(): readonly string[] {
    return this.#generations.current.state.mutable.files.map(({ path }) => path);
  }

  /** What the command line said, `group.opt` and value as written. */
  get arguments(): readonly { readonly group: string; readonly opt: string; readonly value: string }[] {
    return this.#generations.current.state.mutable.arguments;
  }

  /** The names of the environment variables that options were read from: what a worker needs no more. */
  get variables(): readonly string[] {
    return Object.keys(this.#generations.current.state.mutable.environment);
  }

  /** Arguments as a log or a list of processes may show them: values of declared options that are no secrets. */
  maskArguments(argv: readonly string[]): string[] {
    return maskArguments(argv, this.#masking());
  }

  /**
   * Arguments for a worker, which has its configuration already: values that are secret, or whose option only workers know,
   * are replaced; all other words stay, and the worker is told them over its channel.
   */
  workerArguments(argv: readonly string[]): string[] {
    return maskArguments(argv, { ...this.#masking(), word: (text) => text });
  }

  #masking(): MaskingOptions {
    const { groups } = this.#generations.declared;
    const isHidden = (group: string, opt: string): boolean => {
      const option = groups.find(group, opt)?.option;
      return option === undefined || isSecret(opt, option);
    };
    return { flags: declaredFlags(groups), isHidden };
  }

  /** Finds a file named without a folder: beside the configuration files, then where those are looked for. */
  findFile(name: string): string | undefined {
    return findConfigFile(this.#generations.current.state, name);
  }

  /** Everything a worker needs, as JSON. Holds secrets in clear: hand it over a channel, not the environment. */
  snapshot(): ConfigSnapshot {
    return this.#generations.snapshot();
  }

  /**
   * Reads files and remembered files afresh and judges them; nothing changes before the result is accepted. Rejects with
   * {@link ConfigError} when the new configuration is refused.
   */
  async prepareReload(options: PrepareReloadOptions = {}): Promise<PreparedReload> {
    return this.#generations.prepare(options.method ?? 'reload', options);
  }

  /** Both steps at once. Nothing changes when it rejects with {@link ConfigError}. */
  async reload(options: ReloadOptions = {}): Promise<ConfigChanges> {
    const next = await this.#generations.prepare(options.method ?? 'reload');
    return next.accept();
  }

  /** Takes up what a parent accepted, and runs the hooks. Rejects with {@link ConfigError} when this process cannot. */
  async adopt(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    return this.#generations.adopt(snapshot);
  }

  /** Goes back to an earlier snapshot of this configuration, as a new generation. */
  async restore(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    return this.#generations.restore(snapshot);
  }

  /** Calls back after each accepted change. The function returned ends that. */
  onMutate(hook: MutateHook): () => void {
    return this.#generations.surrounding.hooks.add(hook);
  }

  /** Calls back with the new value of one option, `group.opt`, after each change of it. */
  watch(name: string, changed: (value: unknown) => void | Promise<void>): () => void {
    return this.onMutate((_, changes) => {
      const change = changes.get(name);
      return change === undefined ? undefined : changed(change.new);
    });
  }

  /** What is printed: values by group, secrets masked. */
  toJSON(): Record<string, Record<string, string>> {
    return printable(this.resolveAll());
  }

  [inspect.custom](): unknown {
    return this.toJSON();
  }
}

function face(generations: Generations): Config {
  return new Config(generations);
}
