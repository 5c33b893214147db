/** The location of an error in the configuration that was found elsewhere. */
import type { Origin } from './diagnostic.js';
import { ConfigurationRefused, PorticoError } from './errors.js';

/** Returns an error as a refusal of the option at this location, unless it is one already, or is no error of Portico. */
export function refusalAt(error: unknown, origin: Origin): unknown {
  if (!(error instanceof PorticoError) || error instanceof ConfigurationRefused) return error;
  const { code, message, hint } = error;
  return new ConfigurationRefused(code, { message, hint, origin, cause: error });
}
