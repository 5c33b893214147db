/** Options of shipped code with their types, for commands that print them; their names are known to every process without an import. */
import type { Config } from '../../config/index.js';
import { loadedGroups, type OwnedGroup, shippedExtensions } from '../../config/internal.js';

/** A group of options. */
export type Registration = OwnedGroup;

/** Returns all shipped options, without families of filters, such as `cors.<name>`, which repeat other options. Imports their code. */
export async function bundledOptions(): Promise<readonly Registration[]> {
  await loadBundled();
  return loadedGroups().filter(({ group }) => !isFamily(group));
}

/** Declares them, for commands that check a whole file; also families of filters. */
export async function registerBundledOptions(config: Config): Promise<void> {
  await loadBundled();
  for (const { group, options, sectional = false } of loadedGroups()) config.register(group, options, { sectional });
}

/** Imports all code that declares options. */
async function loadBundled(): Promise<void> {
  await import('../../server/index.js');
  await import('../../operating/internal.js');
  await import('../../launch/internal.js');
  await import('./named-logger.js');
  await import('../../middleware/index.js');
  for (const { options = {} } of await shippedExtensions())
    for (const declare of Object.values(options)) await declare();
}

function isFamily(group: string): boolean {
  return /^[^:]+<name>$/.test(group);
}
