/**
 * The manager that an option names.
 */
import type { Config } from '../config/index.js';
import type { ManagerOption } from '../service/index.js';

/** Returns the manager that the option names; undefined if it is not set. */
export function namedManager(config: Config, { group, opt }: ManagerOption): string | undefined {
  const { value } = config.resolve(group, opt);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
