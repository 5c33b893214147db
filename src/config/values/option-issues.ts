/**
 * Errors in a configuration: the exception that refuses it, and the errors that code finds in options, with their locations.
 */
import { ConfigurationRefused, type Diagnostic, type Location } from '../../errors/index.js';
import { InvalidValue, type Option } from '../types/option.js';
import { locationWithin, type Resolved } from './written.js';

/** A refused configuration; `diagnostics` has all its errors, the message one line for each. */
export class ConfigError extends ConfigurationRefused {
  constructor(diagnostics: readonly Diagnostic[]) {
    super('PORTICO_CONFIG_REFUSED', { diagnostics });
  }
}

/** Throws if there are errors among the diagnostics; `config`: the configuration that the error refuses. */
export function refuseErrors(diagnostics: readonly Diagnostic[], config?: object): void {
  const refusal = refusalFor(diagnostics);
  if (refusal === undefined) return;
  if (config !== undefined) noteRefused(refusal, config);
  throw refusal;
}

/** Returns the error that refuses a configuration for the errors among the diagnostics; undefined if there are none. */
export function refusalFor(diagnostics: readonly Diagnostic[]): ConfigError | undefined {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? new ConfigError(errors) : undefined;
}

/** Returns the hint for a value that was refused with an error. */
export function hintFor(error: unknown, option: Option, text: string, quoted = false): string | undefined {
  if (option.plain && !quoted && /\s[#;]/.test(text)) {
    return 'inline comments are not supported: put the comment on a separate line';
  }
  return error instanceof InvalidValue ? error.hint : undefined;
}

/** An error in an option, or a section, without its location, which is looked up. */
export interface OptionIssue {
  readonly group: string;
  /** Absent if the section itself is wrong. */
  readonly opt?: string | undefined;
  /** The wrong item of an option that is a list. */
  readonly item?: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Default `error`. */
  readonly severity?: Diagnostic['severity'];
  /** Default `PORTICO_CONFIG_CHECK`. */
  readonly code?: string;
}

/** Lookup of the locations of options, as in a `Config`. */
export interface OptionLocations {
  has(group: string, opt: string): boolean;
  resolve(group: string, opt: string): Resolved;
  getSectionLocation(section: string): Location | undefined;
}

/** Reports whether an option has a value other than its default. */
export function isSet(config: OptionLocations, group: string, opt: string): boolean {
  return config.has(group, opt) && config.resolve(group, opt).location.kind !== 'default';
}

/** Runs a check; each error gets the location of its option. A check that cannot read its values finds nothing. */
export function runCheck<C extends OptionLocations>(
  config: C,
  check: (config: C) => readonly OptionIssue[] | undefined,
): readonly Diagnostic[] {
  try {
    return (check(config) ?? []).map((found) => diagnose(config, found));
  } catch (error) {
    // Unreadable values are reported as such already.
    if (error instanceof ConfigError) return error.diagnostics;
    throw error;
  }
}

/** Returns the error at the location of the option, or at the start of its section. */
export function diagnose(config: OptionLocations, issue: OptionIssue): Diagnostic {
  const { group, opt, message, hint, severity = 'error', code = 'PORTICO_CONFIG_CHECK' } = issue;
  const location = locationOfIssue(config, issue);
  // The section as written, so that a text search finds it.
  const section = opt === undefined ? (location?.origin?.section ?? group) : group;
  return { severity, code, section, option: opt, location, message, hint };
}

function locationOfIssue(config: OptionLocations, { group, opt, item }: OptionIssue): Location | undefined {
  if (opt === undefined) return config.getSectionLocation(group);
  if (!config.has(group, opt)) return undefined;
  const resolved = config.resolve(group, opt);
  return item === undefined ? resolved.location : locationOfItem(resolved, item);
}

/** Refuses a value that only its user can check: throws a `ConfigError` that names its location. */
export function refuseOption(config: OptionLocations, found: OptionIssue): never {
  throw new ConfigError([diagnose(config, found)]);
}

/** Returns the location of an item in the file of the list; if it is not written there, that of the option. */
export function locationOfItem({ written, location }: Pick<Resolved, 'written' | 'location'>, item: string): Location {
  const last = written.at(-1);
  if (last?.entry === undefined) return location;
  const quoted = item.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const before = new RegExp(`(?<=^|,)[\\s"']*(?=${quoted}[\\s"']*(?:,|$))`).exec(last.entry.value);
  return before === null ? location : locationWithin(before.index + before[0].length, last);
}

// The configuration that a refusal is about, so that a process which exits because of it can report all its other errors.

const refused = new WeakMap<object, object>();

/** Notes the configuration that an error refuses. */
function noteRefused(error: unknown, config: object): void {
  if (error instanceof ConfigurationRefused && !refused.has(error)) refused.set(error, config);
}

/** Returns the result of a step that reads a configuration; notes the configuration of a refusal. */
export function readingFrom<T>(config: object, step: () => T): T {
  try {
    return step();
  } catch (error) {
    noteRefused(error, config);
    throw error;
  }
}

/** Returns the configuration that an error refuses; undefined if that is not known. */
export function refusedConfig(error: unknown): unknown {
  return error instanceof ConfigurationRefused ? refused.get(error) : undefined;
}
