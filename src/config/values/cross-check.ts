/**
 * Mistakes that code finds in options: checks over several at once, and values that only their user can judge.
 */
import { type Diagnostic, type Place, placeInFile } from '../../errors/index.js';
import { originWithin } from '../../ini/index.js';
import type { Config } from '../config.js';
import { ConfigError } from './issue.js';
import type { Resolved } from './resolver.js';

/** What is wrong with an option, or a section, without its place, which is found for it. */
export interface OptionMistake {
  readonly group: string;
  /** None: the section itself is meant. */
  readonly opt?: string | undefined;
  /** Of an option that is a list: the item that is meant. */
  readonly item?: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Default `error`. */
  readonly severity?: Diagnostic['severity'];
  /** Default `PORTICO_CONFIG_CHECK`. */
  readonly code?: string;
}

/** Looks at several options at once. Runs in `validate()` and before a reload is accepted. */
export type CrossCheck = (config: Config) => readonly OptionMistake[] | undefined;

/** Runs checks; each finding is placed where its option was set. A check that cannot read its values finds nothing. */
export function runCrossChecks(config: Config, checks: readonly CrossCheck[]): Diagnostic[] {
  return checks.flatMap((check) => {
    try {
      return (check(config) ?? []).map((found) => diagnose(config, found));
    } catch (error) {
      // What it could not read is reported as such already.
      if (error instanceof ConfigError) return error.diagnostics;
      throw error;
    }
  });
}

/** The mistake at the place where the option was set, or where the section begins. */
export function diagnose(config: Config, mistake: OptionMistake): Diagnostic {
  const { group, opt, message, hint, severity = 'error', code = 'PORTICO_CONFIG_CHECK' } = mistake;
  const place = placeOfMistake(config, mistake);
  // A section as it is written: whoever looks for it looks for that.
  const section = opt === undefined ? (place?.origin?.section ?? group) : group;
  return { severity, code, section, option: opt, place, message, hint };
}

function placeOfMistake(config: Config, { group, opt, item }: OptionMistake): Place | undefined {
  if (opt === undefined) return config.getSectionLocation(group);
  if (!config.has(group, opt)) return undefined;
  return item === undefined ? config.getLocation(group, opt) : locationOfItem(config.resolve(group, opt), item);
}

/** Refuses a value where only its user can judge it: throws a {@link ConfigError} that names the place it was set at. */
export function refuseOption(config: Config, found: OptionMistake): never {
  throw new ConfigError([diagnose(config, found)]);
}

/** The place of an item in the file that the list stands in; of one that is not written there, that of the option. */
export function locationOfItem({ written, location }: Pick<Resolved, 'written' | 'location'>, item: string): Place {
  const entry = written.at(-1)?.entry;
  if (entry === undefined || (location.kind !== 'file' && location.kind !== 'source')) return location;
  const quoted = item.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const before = new RegExp(`(?<=^|,)[\\s"']*(?=${quoted}[\\s"']*(?:,|$))`).exec(entry.value);
  if (before === null) return location;
  return placeInFile(originWithin(entry.pieces, before.index + before[0].length), location.kind);
}
