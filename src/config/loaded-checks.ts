/** Checks over several options, which loaded modules declare beside them. */
import type { OptionIssue } from './values/option-issues.js';

/** A check of a configuration, by the members that it needs. */
type Check = (config: never) => readonly OptionIssue[] | undefined;

const loaded = new Set<Check>();

/** Adds a check to the configurations of this process, from the import of its module on. */
export function crossCheck(find: Check): void {
  loaded.add(find);
}

/** Returns the checks of all modules that this process has loaded. */
export function loadedChecks(): Iterable<Check> {
  return loaded;
}
