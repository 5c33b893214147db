/**
 * The difference between two generations, in the configuration's own terms, and who is told of it.
 */

import { setTimeout as later } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Diagnostic, type Place, placeInFile, placeOf, printDiagnostic } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { masked } from '../../text/index.js';
import { type Sources, variableName } from '../sources/sources.js';
import type { Option } from '../types/option.js';
import { maskValue } from '../values/mask.js';
import type { Declared, Generation, State } from './generation.js';

/** What changed: `group.option` to its old and new parsed value, secrets in clear. */
export type ConfigChanges = ReadonlyMap<string, { readonly old: unknown; readonly new: unknown }>;

/** What takes a change up: this process at once, new workers, or a restart of everything. */
export type Effect = 'now' | 'new_workers' | 'restart';

/** How a new configuration is taken up: everything by new workers, or what is mutable in place. */
export type ReloadMethod = 'reload' | 'mutate';

/** How a reload takes changes up: by new workers (`reload`, the default), or what is mutable in place. */
export interface ReloadOptions {
  /** `reload` or `mutate`. Default `reload`. */
  readonly method?: ReloadMethod;
}

/** How a reload is prepared. */
export interface PrepareReloadOptions extends ReloadOptions {
  /** What is wrong waits in `refusal`, for a caller that looks for what else is. Default false: it is thrown. */
  readonly collect?: boolean;
}

/** One option whose parsed value is another now. */
export interface Change {
  readonly group: string;
  readonly opt: string;
  readonly option: Option;
  readonly old: unknown;
  readonly new: unknown;
  readonly oldLocation: Place;
  readonly newLocation: Place;
  readonly effect: Effect;
}

/** How two generations are compared. */
export interface Comparison {
  readonly method: ReloadMethod;
  /** The groups that this process has asked for: what is new to it needs no restart. */
  readonly inUse: ReadonlySet<string>;
  /** Groups that are out of use: their changes take effect at once. */
  readonly released?: ReadonlySet<string>;
}

/** The options that differ. `effect` says what would take each up under a method. */
export function compareGenerations(before: Generation, after: Generation, comparison: Comparison): Change[] {
  return after.resolved().flatMap(({ group, opt, option, value, location }) => {
    const old = before.resolver.resolve(group, opt, option);
    if (isDeepStrictEqual(old.value, value)) return [];
    const released = comparison.released?.has(group) === true;
    const effect = released ? 'now' : effectOf(option, comparison.method, comparison.inUse.has(group));
    return [
      { group, opt, option, old: old.value, new: value, oldLocation: old.location, newLocation: location, effect },
    ];
  });
}

/** The changes that are taken up, as services are told of them: `group.opt` to the real values, secrets included. */
export function appliedChanges(changes: readonly Change[]): ConfigChanges {
  const applied = changes.filter(({ effect }) => effect !== 'restart');
  return new Map(applied.map((change) => [`${change.group}.${change.opt}`, { old: change.old, new: change.new }]));
}

/** The line a log has for a change; secrets are masked. */
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

/** One changed option as a report shows it: secrets, passwords in URIs, and what workers alone know are masked. */
export interface ReportedChange {
  /** `group.option`. */
  readonly option: string;
  readonly old: string;
  readonly new: string;
  /** Where the new value stands; of an option that is no longer set, where the old one stood. */
  readonly where: string;
  /**
   * What took it up: a restart would be needed where the old value still counts. `not applied`: the reload was refused.
   * `by workers, if mutable`: of an option that workers alone know, by a mutate.
   */
  readonly effect: 'applied now' | 'by new workers' | 'by workers, if mutable' | 'needs a restart' | 'not applied';
}

const EFFECTS = { now: 'applied now', new_workers: 'by new workers', restart: 'needs a restart' } as const;

/** A change, for a report. */
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

/** The state after the changes that are taken up: what only a restart changes stays as it counted before. */
export function takenUp(before: Generation, fresh: State, changes: readonly Change[], method: ReloadMethod): State {
  const kept = changes.filter(({ option, effect }) => option.restart && effect === 'restart');
  const pinned = Object.fromEntries(
    kept.map(({ group, opt, option }) => [`${group}.${opt}`, before.resolver.resolve(group, opt, option).written]),
  );
  if (method === 'reload') return { ...fresh, pinned };
  return { ...fresh, pinned, fixed: before.state.fixed, files: before.state.files.refreshed(true) };
}

/** A warning for each value that changed in a file and that something of higher precedence keeps from counting. */
export function changesWithoutEffect(before: Generation, after: Generation): Diagnostic[] {
  return after.resolved().flatMap(({ group, opt, option, location, shadowed }) => {
    if (location.kind === 'file' || location.kind === 'source') return [];
    const [now] = shadowed;
    const [old] = before.resolver.resolve(group, opt, option).shadowed;
    if (now === undefined || now.text === old?.text) return [];
    const message = `the changed value does not count: ${placeOf(location)} sets the option`;
    return [
      {
        severity: 'warning',
        code: 'PORTICO_CONFIG_IGNORED',
        section: group,
        option: opt,
        place: now.location,
        message,
      },
    ];
  });
}

function effectOf(option: Option, method: ReloadMethod, inUse: boolean): Effect {
  if (option.restart && inUse) return 'restart';
  if (option.mutable) return 'now';
  if (method === 'mutate') return 'restart';
  return option.parent ? 'now' : 'new_workers';
}

/** Where an option is set, and every line that the file has of it. */
interface Setting {
  readonly texts: string[];
  location: Place;
}

/** The options that differ, without their values: what is secret only the workers know. */
export function undeclaredChanges(
  before: State,
  after: State,
  { groups, overrides }: Declared,
  method: ReloadMethod,
): ReportedChange[] {
  const isKnown = (group: string, opt: string): boolean =>
    groups.find(group, opt) !== undefined || overrides.has(`${group}.${opt}`);
  // What workers took up by a mutate is new once; what they could not take up is new to their replacements.
  const layer = method === 'mutate' ? 'mutable' : 'fixed';
  const [old, now] = [before, after].map((state) => settings(state[layer], isKnown));
  return [...new Set([...old!.keys(), ...now!.keys()])].flatMap((option) => {
    const [was, is] = [old!.get(option), now!.get(option)];
    if (isDeepStrictEqual(was?.texts, is?.texts)) return [];
    const shown = (setting: Setting | undefined): string => (setting === undefined ? 'none' : masked);
    const where = is === undefined ? `no longer at ${placeOf(was!.location)}` : placeOf(is.location);
    const effect = method === 'mutate' ? 'by workers, if mutable' : 'by new workers';
    return [{ option, old: shown(was), new: shown(is), where, effect }];
  });
}

/** `group.opt` to what the last file that has it says, where nothing above the files does. */
function settings(sources: Sources, isKnown: (group: string, opt: string) => boolean): Map<string, Setting> {
  const { files, environment, envPrefix } = sources;
  const above = new Set(sources.arguments.map(({ group, opt }) => `${group}.${opt}`));
  const found = new Map<string, Setting>();
  for (const file of files) {
    const own = new Map<string, Setting>();
    for (const { section, name, value, origin } of file.entries) {
      const key = `${section}.${name}`;
      if (isKnown(section, name) || above.has(key) || variableName(envPrefix, section, name) in environment) continue;
      const setting = own.get(key);
      const location = placeInFile(origin, file.kind);
      if (setting === undefined) own.set(key, { texts: [value], location });
      else {
        setting.texts.push(value);
        setting.location = location;
      }
    }
    for (const [key, setting] of own) found.set(key, setting);
  }
  return found;
}

/** How long one hook may take before the next one is run, in milliseconds. */
const hookTimeoutMs = 5000;

/** Hooks, in the order of registration. One that throws or hangs is logged and does not keep the others waiting. */
export class ChangeHooks<C> {
  readonly #hooks = new Set<(current: C, changes: ConfigChanges) => unknown>();

  /** Adds a hook; the function returned takes it away again. */
  add(hook: (current: C, changes: ConfigChanges) => unknown): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  /** Runs all hooks, one after another. Never rejects. */
  async run(current: C, changes: ConfigChanges, log: Logger | undefined): Promise<void> {
    if (changes.size === 0) return;
    for (const hook of this.#hooks) {
      const waiting = new AbortController();
      const tooLate = later(hookTimeoutMs, 'late', { signal: waiting.signal, ref: false }).catch(() => 'done');
      try {
        const ended = await Promise.race([tooLate, (async () => hook(current, changes))()]);
        if (ended === 'late') log?.warn('a hook for configuration changes takes too long', { hookTimeoutMs });
      } catch (error) {
        log?.error('a hook for configuration changes failed', { err: error });
      } finally {
        waiting.abort();
      }
    }
  }
}
