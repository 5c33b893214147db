/**
 * Checks over several options at once: that one timeout is below another, that two APIs do not share an address.
 */
import type { Config } from '../config.js';
import { ConfigError, type ConfigIssue, type Location } from './issue.js';
import { locationOfItem } from './item-location.js';

/** What a cross-check finds: an issue without its place, which is found for it. */
export interface CheckIssue {
  readonly group: string;
  /** None: the section itself is meant. */
  readonly opt?: string;
  /** Of an option that is a list: the item that is meant. */
  readonly item?: string;
  readonly message: string;
  readonly hint?: string;
  /** Default `error`. */
  readonly severity?: ConfigIssue['severity'];
}

/** Looks at several options at once. Runs in `validate()` and before a reload is accepted. */
export type CrossCheck = (config: Config) => readonly CheckIssue[] | undefined;

/** Runs checks; each finding is placed where its option was set. A check that cannot read its values finds nothing. */
export function runCrossChecks(config: Config, checks: readonly CrossCheck[]): ConfigIssue[] {
  return checks.flatMap((check) => {
    try {
      return (check(config) ?? []).map((found) => place(config, found));
    } catch (error) {
      // What it could not read is reported as such already.
      if (error instanceof ConfigError) return [...error.issues];
      throw error;
    }
  });
}

function place(config: Config, found: CheckIssue): ConfigIssue {
  const { group, opt, message, hint, severity = 'error' } = found;
  const location = locate(config, found);
  // A section as it is written: whoever looks for it looks for that.
  const shown = opt === undefined ? (location?.origin?.section ?? group) : group;
  return { severity, code: 'PORTICO_CONFIG_CHECK', group: shown, opt, location, message, hint };
}

function locate(config: Config, { group, opt, item }: CheckIssue): Location | undefined {
  if (opt === undefined) return config.getSectionLocation(group);
  if (!config.has(group, opt)) return undefined;
  return item === undefined ? config.getLocation(group, opt) : locationOfItem(config.resolve(group, opt), item);
}

/** Refuses a value where only its user can judge it: throws a {@link ConfigError} that names the place it was set at. */
export function refuseOption(config: Config, found: CheckIssue): never {
  throw new ConfigError([place(config, found)]);
}
