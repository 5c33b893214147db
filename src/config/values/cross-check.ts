/**
 * Checks over several options at once: that one timeout is below another, that two APIs do not share an address.
 */
import type { Config } from '../config.js';
import { ConfigError, type ConfigIssue } from './issue.js';

/** What a cross-check finds: an issue without its place, which is found for it. */
export interface CheckIssue {
  readonly group: string;
  /** None: the section itself is meant. */
  readonly opt?: string;
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

function place(config: Config, { group, opt, message, hint, severity = 'error' }: CheckIssue): ConfigIssue {
  const location =
    opt === undefined
      ? config.getSectionLocation(group)
      : config.has(group, opt)
        ? config.getLocation(group, opt)
        : undefined;
  return { severity, code: 'PORTICO_CONFIG_CHECK', group, opt, location, message, hint };
}

/** Refuses a value where only its user can judge it: throws a {@link ConfigError} that names the place it was set at. */
export function refuseOption(config: Config, found: CheckIssue): never {
  throw new ConfigError([place(config, found)]);
}
