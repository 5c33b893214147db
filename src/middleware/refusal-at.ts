/** The place of a mistake in the configuration that was found elsewhere. */
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';

/** Returns an error as a refusal of the option at this place, unless it has places itself, or is no error of Portico. */
export function refusalAt(error: unknown, origin: Origin): unknown {
  if (!(error instanceof PorticoError) || error.origin !== undefined || error.diagnostics.length > 1) return error;
  const { code, message, hint } = error;
  return new ConfigurationRefused(code, { message, hint, origin, cause: error });
}
