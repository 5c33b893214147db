/**
 * Reads a configuration again: the next one of a program, beside the present one, which stays as it is.
 */
import type { Diagnostic } from '../errors/index.js';
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
import { ConfigHolder, withoutHint } from './config-holder.js';
import { readAgain } from './load-config.js';
import { readExternalSources } from './sources/external-sources.js';
import { Generation } from './values/generation.js';
import { type ConfigError, refusalFor } from './values/option-issues.js';

/**
 * The next configuration of a program, read and validated: a launcher tries new workers with it before it is accepted. If it is dropped,
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
   * Returns the changes for a report: old, new, place and effect; secrets are masked. Includes options of the files that no module here
   * declares; their values are always masked. `workers`: there are workers, which may know more options. Default true.
   */
  report(options?: { readonly workers?: boolean }): ReportedChange[];
  /**
   * Marks groups that are no longer used with the next configuration: those of services that will end. Their options needed a restart while
   * they were used; from now on they have the values of the files. A group that was read from the next configuration stays.
   */
  release(over: (group: string) => boolean): void;
  /** Makes it the configuration of the program's log, and logs the changes and new warnings. Throws if it is refused. */
  accept(): void;
}

/** Reads everything again and validates it. Rejects with `ConfigError`, or with `collect` returns it together with the read values. */
export async function nextReading(
  current: ConfigHolder,
  { collect = false }: { readonly collect?: boolean },
): Promise<NextReading & { readonly next: ConfigHolder }> {
  const { generation: base, lasting, inUse } = current;
  const groups = current.groups.copy();
  const fresh = await readExternalSources(readAgain(base.state), groups);
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
