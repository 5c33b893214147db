/**
 * Differences between two generations, in the configuration's own terms.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, type Place, placeOf, printDiagnostic } from '../errors/index.js';
import { masked, maskUndeclared } from '../text/index.js';
import type { Sources, State, Written } from './state.js';
import { maskValue } from './types/mask.js';
import type { Option } from './types/option.js';
import type { DeclaredGroups } from './values/declared-groups.js';
import type { Generation } from './values/generation.js';
import { layerOf, nameOf, type Resolved, variableName, writtenIn } from './values/written.js';

/** Changes: `group.option` to its old and new parsed value, with secrets. */
export type ConfigChanges = ReadonlyMap<string, { readonly old: unknown; readonly new: unknown }>;

/** Scope of a change: this process at once, new workers, or a restart of everything. */
export type Effect = 'now' | 'new_workers' | 'restart';

/** Method of applying a new configuration: everything by new workers, or mutable options in place. */
export type ReloadMethod = 'reload' | 'mutate';

/** Options of a reload. */
export interface ReloadOptions {
  /** `reload`: new workers; `mutate`: mutable options in place. Default `reload`. */
  readonly method?: ReloadMethod;
}

/** Options of a reload's preparation. */
export interface PrepareReloadOptions extends ReloadOptions {
  /** Keeps mistakes in `refusal`, for a caller that searches for more. Default false: they are thrown. */
  readonly collect?: boolean;
}

/** One option whose parsed value has changed. */
export interface Change extends Pick<Resolved, 'group' | 'opt' | 'option'> {
  readonly old: unknown;
  readonly new: unknown;
  readonly oldLocation: Place;
  readonly newLocation: Place;
  readonly effect: Effect;
}

/** Options of a comparison. */
export interface Comparison {
  readonly method: ReloadMethod;
  /** Groups that this process has read: an option that is new to it needs no restart. */
  readonly inUse: ReadonlySet<string>;
  /** Groups that are no longer used: their changes take effect at once. */
  readonly released?: ReadonlySet<string>;
}

/** Returns the options that differ. `effect`: the step that applies the change under a method. */
export function compareGenerations(before: Generation, after: Generation, comparison: Comparison): Change[] {
  const old = before.noted();
  const now = new Map(after.noted().map((each) => [`${each.group}.${each.opt}`, each]));
  // In the order of declaration, except those that are no longer set.
  const options = [...now.values(), ...old.filter(({ group, opt }) => !now.has(`${group}.${opt}`))];
  return options.flatMap((wanted) => {
    const { group, opt, option, value, location } = after.resolve(wanted);
    const was = before.resolve(wanted);
    if (isDeepStrictEqual(was.value, value)) return [];
    const released = comparison.released?.has(group) === true;
    const effect = released ? 'now' : effectOf(option, comparison.method, comparison.inUse.has(group));
    return [
      { group, opt, option, old: was.value, new: value, oldLocation: was.location, newLocation: location, effect },
    ];
  });
}

/** Describes a change for the log; secrets are masked. */
export function describeChange({ group, opt, option, old, new: now, newLocation, effect }: Change): string {
  const values = `from [${maskValue(opt, option, old)}] to [${maskValue(opt, option, now)}]`;
  if (effect === 'restart') {
    const message = `ignoring change to [${group}] ${opt} ${values} (restart needed)`;
    return printDiagnostic(
      { severity: 'warning', code: 'PORTICO_CONFIG_IGNORED', place: newLocation, message },
      { showLine: false },
    );
  }
  return `Option ${group}.${opt} changed ${values}`;
}

/**
 * One changed option in a report: secrets, passwords in URIs, and options that only workers know are masked. Of these, switches and small
 * numbers are shown.
 */
export interface ReportedChange {
  /** `group.option`. */
  readonly option: string;
  readonly old: string;
  readonly new: string;
  /** Place of the new value; for an option that is no longer set, place of the old one. */
  readonly where: string;
  /**
   * Effect of the change: a restart is needed if the old value still applies. `not applied`: the reload was refused. `by workers, if
   * mutable`: for an option that only workers know, by a mutate. `no effect`: the process that runs the services declares no option of that
   * name.
   */
  readonly effect:
    | 'applied now'
    | 'by new workers'
    | 'by workers, if mutable'
    | 'needs a restart'
    | 'not applied'
    | 'no effect';
}

const EFFECTS = { now: 'applied now', new_workers: 'by new workers', restart: 'needs a restart' } as const;

/** Returns a change for a report. */
export function reportedChange(change: Change): ReportedChange {
  const { group, opt, option, oldLocation, newLocation, effect } = change;
  const unset = newLocation.kind === 'default' && oldLocation.kind !== 'default';
  return {
    option: `${group}.${opt}`,
    old: maskValue(opt, option, change.old),
    new: maskValue(opt, option, change.new),
    where: unset ? `no longer at ${placeOf(oldLocation)}` : placeOf(newLocation) || 'default',
    effect: EFFECTS[effect],
  };
}

/** Returns the state after the changes that take effect: options that only a restart changes keep their value. */
export function takenUp(
  before: Generation,
  { state: fresh, groups }: Pick<Generation, 'state' | 'groups'>,
  changes: readonly Change[],
  method: ReloadMethod,
): State {
  const kept = changes.filter(({ option, effect }) => option.restart && effect === 'restart');
  const pinned = Object.fromEntries(
    kept.map(({ group, opt }) => [`${group}.${opt}`, before.resolve(groups.option(group, opt)!).written]),
  );
  if (method === 'reload') return { ...fresh, pinned };
  return { ...fresh, pinned, fixed: before.state.fixed, files: before.state.files.refreshed(true) };
}

/** Returns a warning for each value that changed in a file but is overridden by a source of higher precedence. */
export function changesWithoutEffect(before: Generation, after: Generation): Diagnostic[] {
  return after.noted().flatMap((wanted) => {
    const { group, opt, location, shadowed } = after.resolve(wanted);
    if (location.kind === 'file' || location.kind === 'source') return [];
    const [now] = shadowed;
    const [old] = before.resolve(wanted).shadowed;
    if (now === undefined || now.text === old?.text) return [];
    const message = `the changed value does not count: ${placeOf(location)} sets the option`;
    const [severity, code] = ['warning', 'PORTICO_CONFIG_IGNORED'] as const;
    return [{ severity, code, section: group, option: opt, place: now.location, message }];
  });
}

function effectOf(option: Option, method: ReloadMethod, inUse: boolean): Effect {
  if (option.restart && inUse) return 'restart';
  if (option.mutable) return 'now';
  if (method === 'mutate') return 'restart';
  return option.parent ? 'now' : 'new_workers';
}

/** Returns the undeclared options that differ. Most of their values are masked: only the workers know which are secret. */
export function undeclaredChanges(
  before: State,
  after: State,
  groups: DeclaredGroups,
  method: ReloadMethod,
): ReportedChange[] {
  const isKnown = (group: string, opt: string): boolean =>
    groups.find(group, opt) !== undefined || before.overrides.has(`${group}.${opt}`);
  // Changes of a mutate are new to workers once; other changes are new to their replacements.
  const layer = method === 'mutate' ? 'mutable' : 'fixed';
  const [old, now] = [unknownSettings(before[layer], isKnown), unknownSettings(after[layer], isKnown)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((option) => {
    const [was = [], is = []] = [old.get(option), now.get(option)];
    if (isDeepStrictEqual(was.map(textOf), is.map(textOf))) return [];
    const place = placeOf((is.at(-1) ?? was.at(-1)!).location);
    const where = is.length === 0 ? `no longer at ${place}` : place;
    const effect = method === 'mutate' ? 'by workers, if mutable' : 'by new workers';
    return [{ option, old: shownOf(was), new: shownOf(is), where, effect }];
  });
}

const textOf = ({ text }: Written): string => text;

/** Returns all values of a repeated key, or that they are masked. */
function shownOf(lines: readonly Written[]): string {
  const shown = lines.map(({ opt, text }) => maskUndeclared(opt, text));
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
