/**
 * A configuration that is refused, with everything that is wrong with it.
 */
import { ConfigurationRefused, type Diagnostic, nearestNames } from '../../errors/index.js';

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

/** What a configuration is refused with for the errors among the diagnostics; undefined where there are none. */
export function refusalFor(diagnostics: readonly Diagnostic[]): ConfigError | undefined {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? new ConfigError(errors) : undefined;
}

/** `did you mean 'workers'?`, or undefined when no name is near. */
export function suggestion(word: string, candidates: Iterable<string>): string | undefined {
  const names = nearestNames(word, new Set(candidates)).map((name) => `'${name}'`);
  return names.length === 0 ? undefined : `did you mean ${names.join(' or ')}?`;
}
