/** Managers that a configuration names: whether they can be found, and the place of their option for errors. */
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';
import type { ManagerOption } from '../service/index.js';
import { besideOption, findManager } from '../service/internal.js';

/**
 * Resolves a reference without creating a manager. Throws `PORTICO_MANAGER` if it cannot be resolved: with the place of
 * the option, if an option names it.
 */
export async function checkManager(reference: string, config: Config, option: ManagerOption): Promise<void> {
  try {
    await findManager(reference, besideOption(config));
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message,
      hint,
      cause,
      origin: originOfManager(reference, config, option),
    });
  }
}

/** Adds the place in a file that names the manager to an error, unless it has a place. */
export function withOrigin(error: unknown, origin: Origin | undefined): unknown {
  if (origin === undefined || !(error instanceof PorticoError) || error.origin !== undefined) return error;
  const { message, hint } = error;
  return new ConfigurationRefused('PORTICO_MANAGER', { message, hint, origin, cause: error });
}

/** Returns the place of that reference in a file; undefined for a manager given in code. */
export function originOfManager(reference: unknown, config: Config, { group, opt }: ManagerOption): Origin | undefined {
  if (!config.has(group, opt)) return undefined;
  const { value, location } = config.resolve(group, opt);
  return value === reference ? location.origin : undefined;
}
