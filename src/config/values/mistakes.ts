/**
 * Mistakes in a configuration: the error that refuses it, and mistakes that code finds in options, with their places.
 */
import { ConfigurationRefused, type Diagnostic, nearestNames, type Place, placeInFile } from '../../errors/index.js';
import { originWithin } from '../../ini/index.js';
import { InvalidValue, type Option } from '../types/option.js';
import type { Resolved } from './written.js';

/** A configuration that was refused; `diagnostics` holds everything that is wrong with it, the message one line for each. */
export class ConfigError extends ConfigurationRefused {
  constructor(diagnostics: readonly Diagnostic[]) {
    super('PORTICO_CONFIG_REFUSED', { diagnostics });
  }
}

/** Throws when there are errors among the diagnostics. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
  const refusal = refusalFor(diagnostics);
  if (refusal !== undefined) throw refusal;
}

/** The error that refuses a configuration for the errors among the diagnostics; undefined where there are none. */
export function refusalFor(diagnostics: readonly Diagnostic[]): ConfigError | undefined {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? new ConfigError(errors) : undefined;
}

/** `did you mean 'workers'?`, or undefined when no name is near. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, new Set(candidates)).map((name) => `'${name}'`);
  return names.length === 0 ? undefined : `did you mean ${names.join(' or ')}?`;
}

/** The remedy for a value that was refused with an error. */
export function hintFor(error: unknown, option: Option, text: string, quoted = false): string | undefined {
  if (option.plain && !quoted && /\s[#;]/.test(text)) {
    return 'inline comments are not supported: put the comment on a separate line';
  }
  return error instanceof InvalidValue ? error.hint : undefined;
}

/** A mistake in an option, or a section, without its place, which is found for it. */
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

/** Places of options, as a `Config` knows them. */
export interface OptionPlaces {
  has(group: string, opt: string): boolean;
  resolve(group: string, opt: string): Resolved;
  getSectionLocation(section: string): Place | undefined;
}

/** Runs a check; each mistake is placed where its option was set. A check that cannot read its values finds nothing. */
export function runCheck<C extends OptionPlaces>(
  config: C,
  check: (config: C) => readonly OptionMistake[] | undefined,
): readonly Diagnostic[] {
  try {
    return (check(config) ?? []).map((found) => diagnose(config, found));
  } catch (error) {
    // Values that could not be read are reported as such already.
    if (error instanceof ConfigError) return error.diagnostics;
    throw error;
  }
}

/** The mistake at the place where the option was set, or where the section begins. */
export function diagnose(config: OptionPlaces, mistake: OptionMistake): Diagnostic {
  const { group, opt, message, hint, severity = 'error', code = 'PORTICO_CONFIG_CHECK' } = mistake;
  const place = placeOfMistake(config, mistake);
  // A section as it is written, so that a search for it finds it.
  const section = opt === undefined ? (place?.origin?.section ?? group) : group;
  return { severity, code, section, option: opt, place, message, hint };
}

function placeOfMistake(config: OptionPlaces, { group, opt, item }: OptionMistake): Place | undefined {
  if (opt === undefined) return config.getSectionLocation(group);
  if (!config.has(group, opt)) return undefined;
  const resolved = config.resolve(group, opt);
  return item === undefined ? resolved.location : locationOfItem(resolved, item);
}

/** Refuses a value where only its user can judge it: throws a `ConfigError` that names the place it was set at. */
export function refuseOption(config: OptionPlaces, found: OptionMistake): never {
  throw new ConfigError([diagnose(config, found)]);
}

/** The place of an item in the file that the list is in; of one that is not written there, that of the option. */
function locationOfItem({ written, location }: Pick<Resolved, 'written' | 'location'>, item: string): Place {
  const entry = written.at(-1)?.entry;
  if (entry === undefined || (location.kind !== 'file' && location.kind !== 'source')) return location;
  const quoted = item.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const before = new RegExp(`(?<=^|,)[\\s"']*(?=${quoted}[\\s"']*(?:,|$))`).exec(entry.value);
  if (before === null) return location;
  return placeInFile(originWithin(entry.pieces, before.index + before[0].length), location.kind);
}
