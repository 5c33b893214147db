/**
 * The generations of one configuration: the one in force, preparing the next, and taking it up.
 */
import { type Diagnostic, PorticoError, printDiagnostic } from '../../errors/index.js';
import { optionKey, sectionKey } from '../../ini/index.js';
import type { Logger } from '../../log/index.js';
import type { Config } from '../config.js';
import { readAgain } from '../load.js';
import { readExternalSources } from '../sources/external-sources.js';
import type { OptionDeclarations } from '../types/option.js';
import { type CrossCheck, runCrossChecks } from '../values/cross-check.js';
import { refusalFor, refuseErrors } from '../values/issue.js';
import {
  appliedChanges,
  type Change,
  type ChangeHooks,
  type ConfigChanges,
  changesWithoutEffect,
  compareGenerations,
  describeChange,
  type ReloadMethod,
  takenUp,
  undeclaredChanges,
} from './changes.js';
import { type ConfigSnapshot, type Declared, fromSnapshot, Generation, type State, toSnapshot } from './generation.js';
import { PreparedReload } from './prepared-reload.js';

/** What stays the same from one generation to the next. */
export interface Surrounding {
  readonly checks: CrossCheck[];
  readonly hooks: ChangeHooks;
  /** Where warnings and changes go. */
  log: Logger | undefined;
  /** Another process has the same warnings. */
  readonly quiet?: boolean;
  /** The public face of generations: for checks, hooks and whoever tries a prepared configuration. */
  readonly face: (generations: Generations) => Config;
}

/** Holds the generation in force; a new one is judged whole before it takes the old one's place. */
export class Generations {
  readonly surrounding: Surrounding;
  #declared: Declared;
  #current: Generation;
  #face: Config | undefined;
  /** Set when these were prepared and then accepted: by whom. */
  #acceptedBy: Generations | undefined;
  readonly #warned: Set<string>;
  /** Warnings that came before there was a logger. */
  readonly #untold: { readonly text: string; readonly code: string }[] = [];
  /** While they are judged: what checks come upon is among the issues. */
  #judging = false;
  /** What the last complete judgement covered; undefined before it. */
  complete: boolean | undefined;
  /** The groups somebody asked for. */
  readonly inUse = new Set<string>();
  /** How many reloads were refused. */
  refusedReloads = 0;

  /** `told`: warnings that are in the log already. */
  constructor(state: State, declared: Declared, surrounding: Surrounding, told: Iterable<string> = []) {
    this.#warned = new Set(told);
    this.#declared = declared;
    this.#current = new Generation(state, declared);
    this.surrounding = surrounding;
  }

  /** Those that count: these, or those that took them up. */
  get inForce(): Generations {
    return this.#acceptedBy?.inForce ?? this;
  }

  get current(): Generation {
    return this.#current;
  }

  get declared(): Declared {
    return this.#declared;
  }

  get face(): Config {
    this.#face ??= this.surrounding.face(this);
    return this.#face;
  }

  declare(group: string, options: OptionDeclarations, sectional = false): void {
    if (sectional) this.#declared.groups.sectional.add(group);
    if (this.#declared.groups.declare(group, options)) this.#current.forget();
  }

  /** Puts a value from code among others of its kind, or takes it away. Throws for a bad one. */
  set(kind: 'overrides' | 'defaults', group: string, opt: string, value: unknown): void {
    const [section, name] = [sectionKey(group), optionKey(opt)];
    if (value === undefined) this.#declared[kind].delete(`${section}.${name}`);
    else {
      this.#declared.groups.option(section, name)?.check(value);
      this.#declared[kind].set(`${section}.${name}`, value);
    }
    this.#current.forget();
  }

  problems(complete: boolean): readonly Diagnostic[] {
    const issues = this.#current.problems(complete);
    const refused = issues.some(({ severity }) => severity === 'error');
    if (refused) return issues;
    const found = runCrossChecks(this.face, this.surrounding.checks);
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
      const text = printDiagnostic(issue);
      if (issue.severity !== 'warning' || this.#warned.has(text)) continue;
      this.#warned.add(text);
      this.#untold.push({ text, code: issue.code });
    }
    this.#tell();
  }

  /** Warnings go there from now on, those that came before there was a logger included. */
  useLogger(log: Logger): void {
    this.surrounding.log = log;
    this.#tell();
  }

  #tell(): void {
    const { log, quiet } = this.surrounding;
    if (log === undefined) return;
    for (const { text, code } of this.#untold.splice(0)) if (quiet !== true) log.warn(text, { code });
  }

  snapshot(): ConfigSnapshot {
    const told = [...this.#warned];
    return { ...toSnapshot(this.#current.state, this.#asJson('overrides'), this.#asJson('defaults')), told };
  }

  /** Reads everything afresh and judges it. Rejects with `ConfigError`, or gives it with what was read: `collect`. */
  async prepare(method: ReloadMethod, { collect = false }: { collect?: boolean } = {}): Promise<PreparedReload> {
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

  async #prepare(method: ReloadMethod): Promise<PreparedReload> {
    const base = this.#current;
    const fresh = await readExternalSources(readAgain(base.state), this.#declared);
    const wanted = this.#next(fresh);
    let changes = compareGenerations(base, wanted.#current, { method, inUse: this.inUse });
    const undeclared = undeclaredChanges(base.state, fresh, this.#declared, method);
    const next = this.#next(takenUp(base, fresh, changes, method));
    const found = [wanted, next].map((each) => each.#judge(this.complete));
    const refusal = found.map(refusalFor).find((each) => each !== undefined);
    const warnings = [...found.flat(), ...changesWithoutEffect(base, wanted.#current)];
    for (const text of [...this.#warned, ...warnings.map((each) => printDiagnostic(each))]) next.#warned.add(text);
    const released = new Set<string>();
    const release = (over: (group: string) => boolean): void => {
      for (const group of this.inUse) if (over(group) && !next.inUse.has(group)) released.add(group);
      changes = compareGenerations(base, wanted.#current, { method, inUse: this.inUse, released });
      next.#current = new Generation(takenUp(base, fresh, changes, method), this.#declared);
    };
    const accept = async (): Promise<ConfigChanges> => {
      if (this.#current !== base) {
        throw new PorticoError('PORTICO_CONFIG_OVERTAKEN', { message: 'another configuration was accepted meanwhile' });
      }
      for (const group of released) this.inUse.delete(group);
      return this.#takeUp(next, changes, warnings);
    };
    const of = { config: next.face, changes: () => changes, undeclared };
    return new PreparedReload({ ...of, warnings, refusal, release, accept });
  }

  /** Takes up what a parent accepted; an older snapshot is nothing new. Rejects with `ConfigError` when it cannot. */
  async adopt(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    if (snapshot.generation <= this.#current.state.generation) return new Map();
    return this.#takeOver(snapshot, 'debug');
  }

  /** Takes up an earlier snapshot as the newest generation. */
  async restore(snapshot: ConfigSnapshot): Promise<ConfigChanges> {
    return this.#takeOver({ ...snapshot, generation: this.#current.state.generation + 1 }, 'info');
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
    // What the parent handed on is taken up, whatever it would mean to somebody who reads files.
    const changes = compareGenerations(this.#current, next.#current, { method: 'reload', inUse: this.inUse });
    return this.#takeUp(
      next,
      changes.map((change) => ({ ...change, effect: 'now' })),
      warnings,
      level,
    );
  }

  #next(state: State, declared: Declared = this.#declared): Generations {
    return new Generations(state, declared, this.surrounding);
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
    next: Generations,
    changes: readonly Change[],
    warnings: readonly Diagnostic[],
    level: 'debug' | 'info' = 'info',
  ): Promise<ConfigChanges> {
    const { log, hooks } = this.surrounding;
    this.#declared = next.#declared;
    this.#current = next.#current;
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
    await hooks.run(this.face, applied, log);
    return applied;
  }

  /** Values from code as JSON: what is an object is written as text. */
  #asJson(kind: 'overrides' | 'defaults'): Record<string, unknown> {
    return Object.fromEntries(
      [...this.#declared[kind]].map(([key, value]) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) return [key, value];
        const found = [...this.#declared.groups.all()].find(({ group, opt }) => `${group}.${opt}` === key);
        return [key, found === undefined ? value : found.option.format(value)];
      }),
    );
  }
}
