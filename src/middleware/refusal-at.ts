/** The location of an error in the configuration that was found elsewhere. */
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';

/** Returns an error as a refusal of the option at this location, unless it is one already, or is no error of Portico. */
export function refusalAt(error: unknown, origin: Origin): unknown {
  if (!(error instanceof PorticoError) || error instanceof ConfigurationRefused) return error;
  const { code, message, hint } = error;
  return new ConfigurationRefused(code, { message, hint, origin, cause: error });
}
