/**
 * Temporary values from code, for tests.
 */
import type { Config } from './config.js';
import { optionNamed } from './sources/command-line.js';

/**
 * Runs `work` with overrides applied, `group.opt` to value, and removes them however it ends. Throws for a bad value; then none
 * applies. An earlier override of the same option is not restored.
 */
export async function withOverrides<T>(
  config: Config,
  values: Readonly<Record<string, unknown>>,
  work: () => T | Promise<T>,
): Promise<T> {
  const set: (readonly [group: string, opt: string])[] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const { group, opt } = optionNamed(name);
      config.setOverride(group, opt, value);
      set.push([group, opt]);
    }
    return await work();
  } finally {
    for (const [group, opt] of set) config.clearOverride(group, opt);
  }
}
