/**
 * Values from code for a while: for tests.
 */
import type { Config } from './config.js';

/**
 * Runs `work` with overrides in force, `group.opt` to value, and takes them away again however it ends. Throws for a bad
 * value; then none is in force. An override that was set before for the same option does not come back.
 */
export async function withOverrides<T>(
  config: Config,
  values: Readonly<Record<string, unknown>>,
  work: () => T | Promise<T>,
): Promise<T> {
  const set: (readonly [group: string, opt: string])[] = [];
  try {
    for (const [name, value] of Object.entries(values)) {
      const dot = name.lastIndexOf('.');
      const [group, opt] = [name.slice(0, dot), name.slice(dot + 1)];
      config.setOverride(group, opt, value);
      set.push([group, opt]);
    }
    return await work();
  } finally {
    for (const [group, opt] of set) config.clearOverride(group, opt);
  }
}
