/**
 * Puts another generation in force: one that is read again, in two steps, or one that another process accepted.
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

/**
 * A new configuration that was read and checked, but is not in force: a launcher tries new workers with it first. If it is dropped, the old
 * configuration stays in force, with the old content of all files.
 */
export interface JudgedReload {
  /** Its warnings, and later ones from `config.warn`. */
  readonly warnings: readonly Diagnostic[];
  /** Reason of the refusal, if it was collected: such a configuration can be inspected, but not accepted. */
  readonly refusal: ConfigError | undefined;
  /** Every declared option that differs, with the step that would apply it: `now`, `new_workers` or `restart`. */
  readonly changes: readonly Change[];
  /**
   * Returns the changes for a report: old, new, place, and the step that applies each; secrets are masked. Includes options of the files
   * that no module here declares; their values are always masked. `workers`: there are workers, which may know more options. Default true.
   */
  report(options?: { readonly workers?: boolean }): ReportedChange[];
  /** Returns the snapshot of the new configuration for workers. */
  snapshot(): ConfigSnapshot;
  /** Reads and keeps another file: one that only the new configuration names. */
  readFile(path: string, options?: { readonly mutable?: boolean }): Buffer;
  /**
   * Marks groups that are no longer used once this is in force: those of services that will end. Their options needed a restart while they
   * were used; from now on they have the values of the files. A group that was read from the new configuration stays.
   */
  release(over: (group: string) => boolean): void;
  /**
   * Puts it in force at once, then runs the hooks. Returns the changes that take effect; options that only a restart changes keep their old
   * value, and are logged. Rejects if it is refused, or another configuration was accepted meanwhile.
   */
  accept(): Promise<ConfigChanges>;
}

/**
 * Reads everything again and checks it. Rejects with `ConfigError`, or with `collect` returns it together with the read values. `next`: the
 * new configuration.
 */
export async function prepareReload(
  current: ConfigHolder,
  { method = 'reload', collect = false }: PrepareReloadOptions,
): Promise<JudgedReload & { readonly next: ConfigHolder }> {
  const { generation: base, lasting, inUse } = current;
  const groups = current.groups.copy();
  const fresh = await readExternalSources(readAgain(base.state), groups);
  // Two are checked. The written one must be valid for the next start of the parent; the one that takes effect now keeps the old values of
  // options that only such a start changes, and must be valid together with them.
  const asWritten = new ConfigHolder(fresh, lasting, [], groups);
  let changes = compareGenerations(base, asWritten.generation, { method, inUse });
  const undeclared = undeclaredChanges(base.state, fresh, groups, method);
  const isWhole = method === 'reload' && !changes.some(({ effect }) => effect === 'restart');
  const asTakenUp = isWhole
    ? asWritten
    : new ConfigHolder(takenUp(base, asWritten.generation, changes, method), lasting, [], groups);
  const found = [...new Set([asWritten, asTakenUp])].map((each) => each.judge());
  const refusal = found.map(refusalFor).find((each) => each !== undefined);
  if (refusal !== undefined && !collect) throw refusal;
  const judged = [...found.flat(), ...changesWithoutEffect(base, asWritten.generation)];
  // The refusal has the errors.
  const warnings = judged.filter(({ severity }) => severity === 'warning');
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
      // Options that services declared during their rebuild are known now.
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
      asTakenUp.generation = new Generation(takenUp(base, asWritten.generation, changes, method), groups);
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

/** Applies the configuration that a parent accepted; ignores an older snapshot. Rejects with `ConfigError` if it cannot. */
export async function adopt(current: ConfigHolder, snapshot: ConfigSnapshot): Promise<ConfigChanges> {
  if (snapshot.generation <= current.generation.state.generation) return new Map();
  const next = new ConfigHolder(fromSnapshot(snapshot), current.lasting);
  for (const text of snapshot.told ?? []) current.warned.add(text);
  const warnings = next.judge();
  refuseErrors(warnings);
  const { generation, inUse } = current;
  const changes = compareGenerations(generation, next.generation, { method: 'reload', inUse });
  // A snapshot of the parent is applied as a whole: the parent has checked it, and has reported all mistakes.
  const all = changes.map((change) => ({ ...change, effect: 'now' as const }));
  return takeUp(current, next, all, warnings, 'debug');
}

/** Returns the options, `group.opt`, whose values in the files a mutate has left for a restart. */
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
  // Those that were declared meanwhile.
  current.groups = next.groups.add(current.groups);
  current.lasting.groups = current.groups;
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
