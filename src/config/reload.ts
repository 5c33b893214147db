/**
 * Putting another generation in force: one that is read afresh, in two steps, or one that another process accepted.
 */
import { type Diagnostic, PorticoError } from '../errors/index.js';
import {
  type Change,
  type ConfigChanges,
  changesWithoutEffect,
  compareGenerations,
  describeChange,
  type PrepareReloadOptions,
  type ReportedChange,
  reportedChange,
  takenUp,
  undeclaredChanges,
} from './changes.js';
import { ConfigHolder, withoutHint } from './config-holder.js';
import { readAgain } from './load.js';
import { readExternalSources } from './sources/external-sources.js';
import { type ConfigSnapshot, fromSnapshot } from './state.js';
import { Generation } from './values/generation.js';
import { type ConfigError, refusalFor, refuseErrors } from './values/mistakes.js';

/** A {@link JudgedReload} with its configuration. */
export interface Preparation extends JudgedReload {
  /** The new configuration, complete. */
  readonly next: ConfigHolder;
}

/**
 * A new configuration that was read and judged, and is not in force: a launcher tries new workers with it first. Dropping it
 * leaves the old configuration in force, with the old bytes of all files.
 */
export interface JudgedReload {
  /** Its warnings, and later ones from `config.warn`. */
  readonly warnings: readonly Diagnostic[];
  /** Why it is refused, where that was collected: it is there to be looked at, and cannot be accepted. */
  readonly refusal: ConfigError | undefined;
  /** Every declared option that differs, with what would apply it: `now`, `new_workers` or `restart`. */
  readonly changes: readonly Change[];
  /**
   * The same for a report: old, new, where, and what applies it; secrets are masked. With the options that the files have
   * and no module declared here, whose values are masked all. `workers`: there are some, which may know more options. Default true.
   */
  report(options?: { readonly workers?: boolean }): ReportedChange[];
  /** Snapshot for workers of the new configuration. */
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
   * Puts it in force at once, then runs the hooks. Gives the changes that take effect; what only a restart changes
   * keeps its old value and is logged. Rejects when it is refused, or another configuration was accepted meanwhile.
   */
  accept(): Promise<ConfigChanges>;
}

/** Reads everything afresh and judges it. Rejects with `ConfigError`, or gives it with what was read: `collect`. */
export async function prepareReload(
  current: ConfigHolder,
  { method = 'reload', collect = false }: PrepareReloadOptions,
): Promise<Preparation> {
  const { generation: base, lasting, groups, inUse, complete } = current;
  const fresh = await readExternalSources(readAgain(base.state), groups);
  // Two are judged. The written one has to be right for the next start of the parent; what takes effect now keeps the old
  // values of options that only such a start changes, and has to be right beside these.
  const asWritten = new ConfigHolder(fresh, lasting);
  let changes = compareGenerations(base, asWritten.generation, { method, inUse });
  const undeclared = undeclaredChanges(base.state, fresh, groups, method);
  const isWhole = method === 'reload' && !changes.some(({ effect }) => effect === 'restart');
  const asTakenUp = isWhole ? asWritten : new ConfigHolder(takenUp(base, fresh, changes, method), lasting);
  const found = [...new Set([asWritten, asTakenUp])].map((each) => each.judge(complete));
  const refusal = found.map(refusalFor).find((each) => each !== undefined);
  if (refusal !== undefined && !collect) throw refusal;
  const warnings = [...found.flat(), ...changesWithoutEffect(base, asWritten.generation)];
  for (const text of [...current.warned, ...warnings.map(withoutHint)]) asTakenUp.warned.add(text);
  // `warn` adds to it.
  asTakenUp.given = [...warnings];
  const released = new Set<string>();
  return {
    next: asTakenUp,
    warnings: asTakenUp.given,
    refusal,
    get changes() {
      return changes;
    },
    report: ({ workers = true } = {}) => {
      const told = new Set(changes.map(({ group, opt }) => `${group}.${opt}`));
      const others = undeclared.filter(({ option }) => !told.has(option));
      if (workers) return [...changes.map(reportedChange), ...others];
      // Options that services declared when they were built again are known now.
      const known = new Set(groups.all().map(({ group, opt }) => `${group}.${opt}`));
      const effectHere = (option: string): ReportedChange['effect'] =>
        known.has(option) ? 'applied now' : 'no effect';
      return [...changes.map(reportedChange), ...others.map((each) => ({ ...each, effect: effectHere(each.option) }))];
    },
    snapshot: () => asTakenUp.snapshot(),
    readFile: (path, options) => asTakenUp.generation.state.files.read(path, options?.mutable),
    release: (over) => {
      for (const group of inUse) if (over(group) && !asTakenUp.inUse.has(group)) released.add(group);
      changes = compareGenerations(base, asWritten.generation, { method, inUse, released });
      asTakenUp.generation = new Generation(takenUp(base, fresh, changes, method), groups);
    },
    accept: async () => {
      if (refusal !== undefined) throw refusal;
      if (current.generation !== base) {
        const message = 'another configuration was accepted meanwhile';
        throw new PorticoError('PORTICO_CONFIG_OVERTAKEN', { message });
      }
      for (const group of released) inUse.delete(group);
      return takeUp(current, asTakenUp, changes, warnings);
    },
  };
}

/** Applies what a parent accepted; an older snapshot is nothing new. Rejects with `ConfigError` when it cannot. */
export async function adopt(current: ConfigHolder, snapshot: ConfigSnapshot): Promise<ConfigChanges> {
  if (snapshot.generation <= current.generation.state.generation) return new Map();
  const next = new ConfigHolder(fromSnapshot(snapshot), current.lasting);
  for (const text of snapshot.told ?? []) current.warned.add(text);
  const warnings = next.judge(current.complete);
  refuseErrors(warnings);
  const { generation, inUse } = current;
  const changes = compareGenerations(generation, next.generation, { method: 'reload', inUse });
  // A snapshot of the parent is applied as a whole: the parent has judged it, and has reported all mistakes.
  const all = changes.map((change) => ({ ...change, effect: 'now' as const }));
  return takeUp(current, next, all, warnings, 'debug');
}

/** The options, `group.opt`, whose values in the files a mutate has left to a restart. */
export function waitingOptions({ generation, inUse }: ConfigHolder): string[] {
  const { state, groups } = generation;
  const asWritten = new Generation({ ...state, fixed: state.mutable, pinned: {} }, groups);
  const waiting = compareGenerations(generation, asWritten, { method: 'mutate', inUse });
  return waiting.map(({ group, opt }) => `${group}.${opt}`);
}

async function takeUp(
  current: ConfigHolder,
  next: ConfigHolder,
  changes: readonly Change[],
  warnings: readonly Diagnostic[],
  level: 'debug' | 'info' = 'info',
): Promise<ConfigChanges> {
  const { log } = current.lasting;
  current.generation = next.generation;
  next.acceptedBy = current;
  for (const group of next.inUse) current.inUse.add(group);
  current.warn(warnings);
  // Warnings given since it was prepared.
  for (const text of next.warned) current.warned.add(text);
  for (const change of changes) log?.[change.effect === 'restart' ? 'warn' : level](describeChange(change));
  const applied = changes.filter(({ effect }) => effect !== 'restart');
  const told: ConfigChanges = new Map(
    applied.map((change) => [`${change.group}.${change.opt}`, { old: change.old, new: change.new }]),
  );
  await current.runHooks(told);
  return told;
}
