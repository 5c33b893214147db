/**
 * The generation of a configuration that is in force: judging it, preparing the next, and replacing it.
 */
import { type Diagnostic, isObject, PorticoError, printDiagnostic } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import type { Logger } from '../../log/index.js';
import { readAgain } from '../load.js';
import { readExternalSources } from '../sources/external-sources.js';
import type { OptionDeclarations } from '../types/option.js';
import { type ConfigError, refusalFor, refuseErrors } from '../values/issue.js';
import {
  appliedChanges,
  type Change,
  type ChangeHooks,
  type ConfigChanges,
  changesWithoutEffect,
  compareGenerations,
  describeChange,
  type PrepareReloadOptions,
  type ReloadMethod,
  type ReportedChange,
  reportedChange,
  takenUp,
  undeclaredChanges,
} from './changes.js';
import { type ConfigSnapshot, type Declared, fromSnapshot, Generation, type State, toSnapshot } from './generation.js';

/** What stays the same from one generation to the next. */
export interface Lasting {
  /** Checks over several options, each run with the generation that is judged. */
  readonly checks: ((judged: CurrentGeneration) => readonly Diagnostic[])[];
  readonly hooks: ChangeHooks<CurrentGeneration>;
  /** Where warnings and changes go. */
  log: Logger | undefined;
  /** Another process has the same warnings. */
  readonly quiet?: boolean;
}

/**
 * A new configuration that was read and judged, and is not in force: a launcher tries new workers with it first. Dropping it
 * leaves the old configuration in force, with the old bytes of all files.
 */
export interface Preparation {
  /** The new configuration, complete. */
  readonly next: CurrentGeneration;
  readonly warnings: readonly Diagnostic[];
  /** Why it is refused, where that was collected: it is there to be looked at, and cannot be accepted. */
  readonly refusal: ConfigError | undefined;
  /** Every declared option that differs, with what would take it up: `now`, `new_workers` or `restart`. */
  readonly changes: readonly Change[];
  /**
   * The same for a report: old, new, where, and what takes it up; secrets are masked. With the options that the files have
   * and no module declared here, whose values are masked all.
   */
  report(): ReportedChange[];
  /** What workers of the new configuration are given. */
  snapshot(): ConfigSnapshot;
  /** Remembers the bytes of another file: one that only the new configuration names. */
  readFile(path: string, options?: { readonly mutable?: boolean }): Buffer;
  /**
   * Says which groups are out of use once this is in force: those of services that are to end. Their options needed a
   * restart while they were in use; from now on their values are what the files say. A group that the new configuration
   * was asked for stays.
   */
  release(over: (group: string) => boolean): void;
  /**
   * Puts it in force at once, then runs the hooks. Gives the changes that are taken up; what only a restart changes
   * keeps its old value and is logged. Rejects when it is refused, or another configuration was accepted meanwhile.
   */
  accept(): Promise<ConfigChanges>;
}

/** Holds the generation in force; a new one is judged whole before it takes the old one's place. */
export class CurrentGeneration {
  readonly lasting: Lasting;
  #declared: Declared;
  #generation: Generation;
  /** Set when this was prepared and then accepted: by whom. */
  #acceptedBy: CurrentGeneration | undefined;
  readonly #warned: Set<string>;
  /** Warnings that came before there was a logger. */
  readonly #untold: { readonly text: string; readonly code: string }[] = [];
  /** While it is judged: what checks come upon is among the issues. */
  #judging = false;
  /** What the last complete judgement covered; undefined before it. */
  complete: boolean | undefined;
  /** The groups whose values were asked for. */
  readonly inUse = new Set<string>();
  /** How many reloads were refused. */
  refusedReloads = 0;

  /** `told`: warnings that are in the log already. */
  constructor(state: State, declared: Declared, lasting: Lasting, told: Iterable<string> = []) {
    this.#warned = new Set(told);
    this.#declared = declared;
    this.#generation = new Generation(state, declared);
    this.lasting = lasting;
  }

  /** This one, or the one that took it up. */
  get inForce(): CurrentGeneration {
    return this.#acceptedBy?.inForce ?? this;
  }

  get generation(): Generation {
    return this.#generation;
  }

  get declared(): Declared {
    return this.#declared;
  }

  declare(group: string, options: OptionDeclarations, sectional = false): void {
    if (sectional) this.#declared.groups.sectional.add(group);
    if (this.#declared.groups.declare(group, options)) this.#generation.forget();
  }

  /** Puts a value from code among others of its kind, or takes it away. Throws for a bad one. */
  set(kind: 'overrides' | 'defaults', group: string, opt: string, value: unknown): void {
    const [section, name] = [sectionKey(group), optionKey(opt)];
    if (value === undefined) this.#declared[kind].delete(`${section}.${name}`);
    else {
      this.#declared.groups.option(section, name)?.check(value);
      this.#declared[kind].set(`${section}.${name}`, value);
    }
    this.#generation.forget();
  }

  problems(complete: boolean): readonly Diagnostic[] {
    const issues = this.#generation.problems(complete);
    const refused = issues.some(({ severity }) => severity === 'error');
    if (refused) return issues;
    const found = this.lasting.checks.flatMap((check) => check(this));
    // What a check has against a section as such says more than that it is unknown.
    const judged = new Set(found.filter(({ option }) => option === undefined).map(({ place }) => place?.detail));
    const unknown = ({ code, place }: Diagnostic): boolean =>
      code === 'PORTICO_CONFIG_UNKNOWN_SECTION' && judged.has(place?.detail);
    return [...issues.filter((issue) => !unknown(issue)), ...found];
  }

  /** Logs warnings, each once. */
  warn(issues: readonly Diagnostic[]): void {
    if (this.#judging) return;
    for (const issue of issues) {
      const text = inOneLine(issue);
      if (issue.severity !== 'warning' || this.#warned.has(text)) continue;
      this.#warned.add(text);
      this.#untold.push({ text, code: issue.code });
    }
    this.#tell();
  }

  /** Warnings go there from now on, those that came before there was a logger included. */
  useLogger(log: Logger): void {
    this.lasting.log = log;
    this.#tell();
  }

  #tell(): void {
    const { log, quiet } = this.lasting;
    if (log === undefined) return;
    for (const { text, code } of this.#untold.splice(0)) if (quiet !== true) log.warn(text, { code });
  }

  snapshot(): ConfigSnapshot {
    const told = [...this.#warned];
    return { ...toSnapshot(this.#generation.state, this.#asJson('overrides'), this.#asJson('defaults')), told };
  }

  /** Reads everything afresh and judges it. Rejects with `ConfigError`, or gives it with what was read: `collect`. */
  async prepare({ method = 'reload', collect = false }: PrepareReloadOptions): Promise<Preparation> {
    try {
      const prepared = await this.#prepare(method);
      if (prepared.refusal === undefined) return prepared;
      if (!collect) throw prepared.refusal;
      this.refusedReloads++;
      return prepared;
    } catch (error) {
      this.refusedReloads++;
      throw error;
    }
  }

  async #prepare(method: ReloadMethod): Promise<Preparation> {
    const base = this.#generation;
    const fresh = await readExternalSources(readAgain(base.state), this.#declared);
    const wanted = this.#next(fresh);
    let changes = compareGenerations(base, wanted.#generation, { method, inUse: this.inUse });
    const undeclared = undeclaredChanges(base.state, fresh, this.#declared, method);
    const next = this.#next(takenUp(base, fresh, changes, method));
    const found = [wanted, next].map((each) => each.#judge(this.complete));
    const refusal = found.map(refusalFor).find((each) => each !== undefined);
    const warnings = [...found.flat(), ...changesWithoutEffect(base, wanted.#generation)];
    for (const text of [...this.#warned, ...warnings.map(inOneLine)]) next.#warned.add(text);
    const released = new Set<string>();
    return {
      next,
      warnings,
      refusal,
      get changes() {
        return changes;
      },
      report: () => {
        const told = new Set(changes.map(({ group, opt }) => `${group}.${opt}`));
        return [...changes.map(reportedChange), ...undeclared.filter(({ option }) => !told.has(option))];
      },
      snapshot: () => next.snapshot(),
      readFile: (path, options) => next.generation.state.files.read(path, options?.mutable),
      release: (over) => {
        for (const group of this.inUse) if (over(group) && !next.inUse.has(group)) released.add(group);
        changes = compareGenerations(base, wanted.generation, { method, inUse: this.inUse, released });
        next.#generation = new Generation(takenUp(base, fresh, changes, method), this.#declared);
      },
      accept: async () => {
        if (refusal !== undefined) throw refusal;
        if (this.#generation !== base) {
          const message = 'another configuration was accepted meanwhile';
          throw new PorticoError('PORTICO_CONFIG_OVERTAKEN', { message });
        }
        for (const group of released) this.inUse.delete(group);
        return this.#takeUp(next, changes, warnings);
      },
    };
  }

  /** Takes up what a parent accepted; an older snapshot is nothing new. Rejects with `ConfigError` when it cannot. */
  async adopt(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    if (snapshot.generation <= this.#generation.state.generation) return new Map();
    return this.#takeOver(snapshot, 'debug');
  }

  /** Takes up an earlier snapshot as the newest generation. */
  async restore(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    return this.#takeOver({ ...snapshot, generation: this.#generation.state.generation + 1 }, 'info');
  }

  /** `level`: of a parent's change the parent has said all there is to say. */
  async #takeOver(snapshot: ConfigSnapshot, level: 'debug' | 'info'): Promise<ConfigChanges> {
    const next = this.#next(fromSnapshot(snapshot), {
      groups: this.#declared.groups,
      overrides: new Map(Object.entries(snapshot.overrides)),
      defaults: new Map(Object.entries(snapshot.defaults)),
    });
    for (const text of snapshot.told ?? []) this.#warned.add(text);
    const warnings = next.#judge(this.complete);
    refuseErrors(warnings);
    // What the parent handed on is taken up whole: the parent has judged it.
    const changes = compareGenerations(this.#generation, next.#generation, { method: 'reload', inUse: this.inUse });
    return this.#takeUp(
      next,
      changes.map((change) => ({ ...change, effect: 'now' })),
      warnings,
      level,
    );
  }

  #next(state: State, declared: Declared = this.#declared): CurrentGeneration {
    return new CurrentGeneration(state, declared, this.lasting);
  }

  #judge(complete: boolean | undefined): readonly Diagnostic[] {
    this.#judging = true;
    try {
      return this.problems(complete ?? false);
    } finally {
      this.#judging = false;
    }
  }

  async #takeUp(
    next: CurrentGeneration,
    changes: readonly Change[],
    warnings: readonly Diagnostic[],
    level: 'debug' | 'info' = 'info',
  ): Promise<ConfigChanges> {
    const { log, hooks } = this.lasting;
    this.#declared = next.#declared;
    this.#generation = next.#generation;
    next.#acceptedBy = this;
    for (const group of next.inUse) this.inUse.add(group);
    this.warn(warnings);
    // What was said since it was prepared.
    for (const text of next.#warned) this.#warned.add(text);
    for (const change of changes) {
      if (change.effect === 'restart') log?.warn(describeChange(change));
      else log?.[level](describeChange(change));
    }
    const applied = appliedChanges(changes);
    await hooks.run(this, applied, log);
    return applied;
  }

  /** Values from code as JSON: what is an object is written as text. */
  #asJson(kind: 'overrides' | 'defaults'): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#declared[kind]].map(([key, value]) => {
        if (!isObject(value)) return [key, value];
        const found = [...this.#declared.groups.all()].find(({ group, opt }) => `${group}.${opt}` === key);
        return [key, found === undefined ? value : found.option.format(value)];
      }),
    );
  }
}

/** As the log has a warning. */
function inOneLine(diagnostic: Diagnostic): string {
  return printDiagnostic(diagnostic, { showLine: false });
}
