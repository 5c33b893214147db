/**
 * The proof of a new configuration: the first worker of each service starts with it, beside the old ones. If one does not, or
 * the configuration is refused before, one refusal names all that is wrong.
 */
import {
  ConfigurationRefused,
  type Diagnostic,
  PorticoError,
  type Refusals,
  severalRefusals,
  untold,
} from '../../errors/index.js';
import { heldUp } from '../exit-status.js';
import { ConcurrentStarts, together } from '../parent/concurrent-starts.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { FleetGeneration, WorkerProgram } from '../parent/worker-process.js';
import { NOT_LAUNCHED } from '../worker/parent-link.js';
import { buildInChild } from './build.js';
import { inCheckTime } from './reload.js';

/** How long a child may take to find more than what is known to be wrong already. */
const MORE_MS = 5000;

/** Settles when the first worker of each is ready. Rejects with everything that did not start. `pools`: how many workers each is to have. */
export async function prove(
  generation: FleetGeneration,
  pools: ReadonlyMap<WorkerPool, number>,
  stopped: AbortSignal,
): Promise<void> {
  const { reloadCheckTimeoutMs } = generation.settings;
  const works = [...pools].map(async ([pool, workers]) => {
    // Waiting for room, which old workers that drain may take, is no part of the time that a start may take.
    const { ready } = await pool.prove(generation, workers);
    await inCheckTime(reloadCheckTimeoutMs, ready, (limit) => {
      const isNew = ({ wasReady, assignment }: WorkerHandle): boolean =>
        !wasReady && assignment.generation === generation.number;
      const worker = [...pool.workers].find(isNew);
      return `a new worker of service ${pool.name} did not start ${limit}${worker === undefined ? '' : heldUp(worker)}`;
    });
  });
  const starts = new ConcurrentStarts();
  await Promise.all(works.map((work) => starts.add(work, stopped)));
  // One that was ready may have ended while others started.
  const ended = [...pools.keys()].filter(({ trial }) => trial?.worker?.stopping === true);
  const failures = ended.map(({ name }) => {
    const message = `the new worker of service ${name} was ready, but ended again`;
    return new PorticoError('PORTICO_RELOAD_REFUSED', { message });
  });
  if (failures.length > 0) throw together(failures);
}

/** Builds a configuration in a child, as a dry run does: its warnings. Rejects with what is wrong with it, and when it takes too long. */
export async function build(
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const found = (await buildInChild(program, generation, stopped)) ?? [];
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw severalRefusals(errors);
  return found;
}

/**
 * Rejects with one refusal of these, and of what a child finds that builds the same configuration. How such a child fails
 * otherwise is no mistake of a configuration, and one that takes too long is not waited for.
 */
export async function refuseWhole(
  refusals: Refusals,
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<never> {
  const { settings } = generation;
  const reloadCheckTimeoutMs = Math.min(MORE_MS, settings.reloadCheckTimeoutMs || MORE_MS);
  const limited = { ...generation, settings: { ...settings, reloadCheckTimeoutMs } };
  const found = await build(program, limited, stopped).catch((error: unknown) => error);
  if (!isMistake(found)) throw refusals.refusal;
  // A child knows the whole of a paste file.
  const own = untold(found.diagnostics, refusals.diagnostics);
  throw own.length === 0 ? found : severalRefusals([...own, ...found.diagnostics]);
}

/**
 * A refusal that is not of code that the configuration names, nor of a service that the new configuration does not have, or misspells: a
 * start does not miss that.
 */
export function isMistake(error: unknown): error is ConfigurationRefused {
  if (!(error instanceof ConfigurationRefused) || !error.blamesConfiguration) return false;
  return error.diagnostics.some(({ code }) => code !== NOT_LAUNCHED);
}
