/** Checks over several options, which loaded modules declare beside them. */
import type { OptionIssue } from './values/option-issues.js';

/** A check of a configuration, by the members that it needs. */
type Check = Parameters<typeof crossCheck>[0];

const loaded = new Set<Check>();

/**
 * Adds a check over several options to all configurations of this process, from the import of its module on. `find` gets the `Config`, and
 * returns an error for each wrong option; one that reads a value which is refused finds nothing.
 */
export function crossCheck(find: (config: never) => readonly OptionIssue[] | undefined): void {
  loaded.add(find);
}

/** Returns the checks of all modules that this process has loaded. */
export function loadedChecks(): Iterable<Check> {
  return loaded;
}
