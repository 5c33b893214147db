/**
 * What else is wrong, when a reload is refused anyway: all that a start would name, in one report.
 */
import { ConfigurationRefused, type Refusals, severalRefusals } from '../../errors/index.js';
import type { Generation } from '../parent/pool-surroundings.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import { NOT_LAUNCHED } from '../worker/worker-start.js';
import { failuresOf, Rehearsal } from './rehearsal.js';

/** How long the children may take at most: what is known already must not wait for long. */
const MORE_MS = 5000;

/**
 * Rejects with one refusal of these, and of what a child of each pool is refused for: it runs the program with what was refused,
 * imports the application, and starts nothing. How such a child fails otherwise is no mistake of a configuration, and
 * one that has not told anything in time is not waited for.
 */
export async function allThatIsWrong(
  refusals: Refusals,
  generation: Generation,
  pools: readonly WorkerPool[],
): Promise<never> {
  const rehearsal = new Rehearsal(generation);
  const limitMs = Math.min(MORE_MS, generation.settings.reloadCheckTimeoutMs || MORE_MS);
  const runs = pools.map(async (pool) => {
    try {
      await rehearsal.run(new Map([[pool, pool.wanted]]));
    } catch (error) {
      if (isMistake(error)) throw error;
    }
  });
  const found = (await failuresOf(runs, limitMs)).filter(isMistake);
  rehearsal.dismiss();
  if (found.length === 0) refusals.refuse();
  const told = found.flatMap(({ diagnostics }) => diagnostics);
  const places = new Set(told.flatMap(({ place }) => (place?.origin === undefined ? [] : place.detail)));
  // A child knows the whole of a paste file: what it says of a place stands for what the parent met there first.
  const own = refusals.diagnostics.filter(({ place }) => !places.has(place?.detail ?? ''));
  throw own.length === 0 && found.length === 1 ? found[0]! : severalRefusals([...own, ...told]);
}

/** A service that the new configuration does not have, or misspells, is none: a start does not miss it. */
function isMistake(error: unknown): error is ConfigurationRefused {
  return error instanceof ConfigurationRefused && error.code !== NOT_LAUNCHED;
}
