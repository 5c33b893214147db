/**
 * Proof of a new configuration: the first worker of each service starts with it, beside the old ones. If one does not
 * start, or the configuration was refused before, one refusal lists all mistakes.
 */
import {
  ConfigurationRefused,
  type Diagnostic,
  PorticoError,
  type Refusals,
  severalRefusals,
  untold,
} from '../../errors/index.js';
import { ConcurrentStarts, together } from '../parent/concurrent-starts.js';
import type { FleetGeneration } from '../parent/fleet-generation.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { WorkerProgram } from '../parent/worker-process.js';
import { NOT_LAUNCHED } from '../worker/parent-link.js';
import { buildInChild } from './build.js';

/** Time that a child has to find further mistakes beside the known ones. */
const MORE_MS = 5000;

/**
 * Settles when the first worker of each service is ready. Rejects with all workers that did not start. `pools`: each
 * with its number of workers.
 */
export async function prove(
  generation: FleetGeneration,
  pools: ReadonlyMap<WorkerPool, number>,
  stopped: AbortSignal,
): Promise<void> {
  const works = [...pools].map(async ([pool, workers]) => {
    const { ready } = await pool.prove(generation, workers);
    await ready;
  });
  const starts = new ConcurrentStarts();
  await Promise.all(works.map((work) => starts.add(work, stopped)));
  // A worker that was ready may have ended while others started.
  const ended = [...pools.keys()].filter(({ trial }) => trial?.worker?.stopping === true);
  const failures = ended.map(({ name }) => {
    const message = `the new worker of service ${name} was ready, but ended again`;
    return new PorticoError('PORTICO_RELOAD_REFUSED', { message });
  });
  if (failures.length > 0) throw together(failures);
}

/**
 * Builds a configuration in a child, as a dry run does, and returns its warnings. Rejects with the mistakes of the
 * configuration, and if it takes too long. After a stop no child is started.
 */
export async function build(
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const found = stopped.aborted ? [] : ((await buildInChild(program, generation, stopped)) ?? []);
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw severalRefusals(errors);
  return found;
}

/**
 * Rejects with one refusal of these mistakes and those that a child finds while it builds the same configuration. Other
 * failures of the child are not mistakes of a configuration, and a child that takes too long is not awaited.
 */
export async function refuseWhole(
  refusals: Refusals,
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<never> {
  const { settings } = generation;
  const workerStartTimeoutMs = Math.min(MORE_MS, settings.workerStartTimeoutMs || MORE_MS);
  const limited = { ...generation, settings: { ...settings, workerStartTimeoutMs } };
  const found = await build(program, limited, stopped).catch((error: unknown) => error);
  if (!isMistake(found)) throw refusals.refusal;
  // A child reads the whole paste file.
  const own = untold(found.diagnostics, refusals.diagnostics);
  throw own.length === 0 ? found : severalRefusals([...own, ...found.diagnostics]);
}

/**
 * Reports whether an error is a refusal for which a child may find more: not one of code that the configuration names,
 * nor of a service that the new configuration lacks or misspells, because a start reports these completely.
 */
export function isMistake(error: unknown): error is ConfigurationRefused {
  if (!(error instanceof ConfigurationRefused) || !error.blamesConfiguration) return false;
  return error.diagnostics.some(({ code }) => code !== NOT_LAUNCHED);
}
