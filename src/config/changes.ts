/**
 * Differences between two generations, in the configuration's own terms.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, type Location, locationText, printDiagnostic } from '../errors/index.js';
import { masked, maskUndeclared } from '../text/index.js';
import type { Sources, State, Written } from './state.js';
import { maskText, maskValue } from './types/mask.js';
import type { DeclaredGroups } from './values/declared-groups.js';
import type { Generation } from './values/generation.js';
import { declarationOfUnused } from './values/unknown-names.js';
import { layerOf, nameOf, type Resolved, variableName, writtenIn } from './values/written.js';

/** One option whose parsed value has changed. */
export interface Change extends Pick<Resolved, 'group' | 'opt' | 'option'> {
  readonly old: unknown;
  readonly new: unknown;
  readonly oldLocation: Location;
  readonly newLocation: Location;
  /** True if the old value stays until the parent process starts anew. */
  readonly needsRestart: boolean;
}

/** Options of a comparison. */
export interface Comparison {
  /** Groups that this process has read: an option that is new to it needs no restart. */
  readonly inUse: ReadonlySet<string>;
  /** Groups that are no longer used: their changes take effect at once. */
  readonly released?: ReadonlySet<string>;
}

/** Returns the options that differ. */
export function compareGenerations(before: Generation, after: Generation, comparison: Comparison): Change[] {
  const old = before.noted();
  const now = new Map(after.noted().map((each) => [`${each.group}.${each.opt}`, each]));
  // In the order of declaration, except those that are no longer set.
  const options = [...now.values(), ...old.filter(({ group, opt }) => !now.has(`${group}.${opt}`))];
  return options.flatMap((wanted) => {
    const { group, opt, option, value, location } = after.resolve(wanted);
    const was = before.resolve(wanted);
    if (isDeepStrictEqual(was.value, value)) return [];
    const needsRestart = option.restart && comparison.inUse.has(group) && comparison.released?.has(group) !== true;
    const values = { old: was.value, new: value, oldLocation: was.location, newLocation: location };
    return [{ group, opt, option, ...values, needsRestart }];
  });
}

/** Describes a change for the log; secrets are masked. */
export function describeChange({ group, opt, option, old, new: now, newLocation, needsRestart }: Change): string {
  const values = `from [${maskValue(opt, option, old)}] to [${maskValue(opt, option, now)}]`;
  if (needsRestart) {
    const message = `ignoring change to [${group}] ${opt} ${values} (restart needed)`;
    return printDiagnostic(
      { severity: 'warning', code: 'PORTICO_CONFIG_IGNORED', location: newLocation, message },
      { showLine: false },
    );
  }
  return `Option ${group}.${opt} changed ${values}`;
}

/**
 * One changed option, as a report shows it. Secrets and passwords in URIs are masked; so are options that only workers know, except
 * switches and small numbers.
 */
export interface ReportedChange {
  /** `group.option`. */
  readonly option: string;
  readonly old: string;
  readonly new: string;
  /** Place of the new value; for an option that is no longer set, place of the old one. */
  readonly where: string;
  /**
   * Effect of the change: a restart is needed if the old value still applies. `passed to reset()`: by a mutate, after which only workers
   * that start later have the new value of Portico's own options. `not applied`: the reload was refused. `no effect`: the process that runs
   * the services declares no option of that name, or it is known to have none.
   */
  readonly effect: 'applied' | 'passed to reset()' | 'needs a restart' | 'not applied' | 'no effect';
}

/** Returns a change for a report. */
export function reportedChange(change: Change): ReportedChange {
  const { group, opt, option, oldLocation, newLocation, needsRestart } = change;
  const unset = newLocation.kind === 'default' && oldLocation.kind !== 'default';
  // An empty list has no text.
  const text = (value: unknown): string => maskValue(opt, option, value) || 'none';
  return {
    option: `${group}.${opt}`,
    old: text(change.old),
    new: text(change.new),
    where: unset ? `no longer at ${locationText(oldLocation)}` : locationText(newLocation) || 'default',
    effect: needsRestart ? 'needs a restart' : 'applied',
  };
}

/** Returns the new state with the old values of the options that only a restart changes. */
export function withKeptValues(
  before: Generation,
  { state: fresh, groups }: Pick<Generation, 'state' | 'groups'>,
  changes: readonly Change[],
): State {
  const kept = changes.filter(({ needsRestart }) => needsRestart);
  const pinned = Object.fromEntries(
    kept.map(({ group, opt }) => [`${group}.${opt}`, before.resolve(groups.option(group, opt)!).written]),
  );
  return { ...fresh, pinned };
}

/** Returns a warning for each value that changed in a file but is overridden by a source of higher precedence. */
export function changesWithoutEffect(before: Generation, after: Generation): Diagnostic[] {
  return after.noted().flatMap((wanted) => {
    const { group, opt, location, shadowed } = after.resolve(wanted);
    if (location.kind === 'file') return [];
    const [now] = shadowed;
    const [old] = before.resolve(wanted).shadowed;
    if (now === undefined || now.text === old?.text) return [];
    const message = `the changed value does not count: ${locationText(location)} sets the option`;
    const [severity, code] = ['warning', 'PORTICO_CONFIG_IGNORED'] as const;
    return [{ severity, code, section: group, option: opt, location: now.location, message }];
  });
}

/** Returns the undeclared options that differ. Most of their values are masked: only the workers know which are secret. */
export function undeclaredChanges(before: State, after: State, groups: DeclaredGroups): ReportedChange[] {
  const isKnown = (group: string, opt: string): boolean =>
    groups.find(group, opt) !== undefined || before.overrides.has(`${group}.${opt}`);
  const [old, now] = [unknownSettings(before.sources, isKnown), unknownSettings(after.sources, isKnown)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((option) => {
    const [was = [], is = []] = [old.get(option), now.get(option)];
    if (isDeepStrictEqual(was.map(textOf), is.map(textOf))) return [];
    const place = locationText((is.at(-1) ?? was.at(-1)!).location);
    const where = is.length === 0 ? `no longer at ${place}` : place;
    const { group, opt } = is.at(-1) ?? was.at(-1)!;
    const effect = declarationOfUnused(groups.elsewhereOf(group, opt), opt) === undefined ? 'applied' : 'no effect';
    return [{ option, old: shownOf(was, groups), new: shownOf(is, groups), where, effect }];
  });
}

const textOf = ({ text }: Written): string => text;

/** Returns all values of a repeated key, or that they are masked. */
function shownOf(lines: readonly Written[], groups: DeclaredGroups): string {
  const shown = lines.map(({ group, opt, text }) => {
    const known = declarationOfUnused(groups.elsewhereIn(group), opt);
    return known === undefined ? maskUndeclared(opt, text) : maskText(opt, known, text);
  });
  return shown.includes(masked) ? masked : shown.join(', ') || 'none';
}

/** Returns for each `group.opt` all its lines of the last file that has it, unless a source above the files sets it. */
function unknownSettings(
  sources: Sources,
  isKnown: (group: string, opt: string) => boolean,
): ReadonlyMap<string, readonly Written[]> {
  const { environment, envPrefix } = sources;
  const [said = [], ...files] = writtenIn(sources);
  const above = new Set(said.map(nameOf));
  const counts = (line: Written): boolean =>
    !isKnown(line.group, line.opt) &&
    !above.has(nameOf(line)) &&
    !(variableName(envPrefix, line.group, line.opt) in environment);
  const found = new Map<string, readonly Written[]>();
  for (const file of files.toReversed()) {
    for (const lines of layerOf(file.filter(counts)).values()) found.set(nameOf(lines[0]!), lines);
  }
  return found;
}
