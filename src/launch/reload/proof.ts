/**
 * Proof of a new configuration: the first worker of each service is built with it, beside the old ones, validates it, and serves when all are
 * built. A configuration that has no plan is validated in a child.
 */
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  isError,
  PorticoError,
  type Refusals,
  severalRefusals,
  shownPath,
  whole,
} from '../../errors/index.js';
import { ConcurrentStarts, together as joined } from '../parent/concurrent-starts.js';
import type { FleetGeneration } from '../parent/fleet-generation.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { WorkerProgram } from '../parent/worker-process.js';
import { MORE_MISTAKES_MS, toldByAll } from '../services/judgement.js';
import { buildInChild } from './build.js';

/**
 * Settles with the findings of the first workers when each of them is ready; none serves before all are built. Rejects with all workers that
 * did not start. `pools`: each with its number of workers.
 */
export async function prove(
  generation: FleetGeneration,
  pools: ReadonlyMap<WorkerPool, number>,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const trials = [...pools].map(([pool, workers]) => pool.prove(generation, workers));
  const found: (readonly Diagnostic[])[] = [];
  const together = (step: (trial: Awaited<(typeof trials)[number]>) => Promise<unknown>): Promise<unknown> => {
    const starts = new ConcurrentStarts();
    return Promise.all(
      trials.map((trial) => {
        const built = trial.then((each) => each.built);
        return starts.add(
          trial.then(step).then(() => undefined),
          stopped,
          built,
        );
      }),
    );
  };
  await together(async ({ built, ready }) => {
    // A worker that is ended at the gate is not ready.
    ready.catch(() => undefined);
    found.push(await built);
  });
  generation.built.resolve();
  await together(({ ready }) => ready);
  // A worker that was ready may have ended while others started.
  const ended = [...pools.keys()].filter(({ trial }) => trial?.worker?.stopping === true);
  const failures = ended.map(({ name }) => {
    const message = `the new worker of service ${name} was ready, but ended again`;
    return new PorticoError('PORTICO_RELOAD_REFUSED', { message });
  });
  if (failures.length > 0) throw joined(failures);
  return toldByAll(found);
}

/**
 * Builds a configuration in a child, as a dry run does, and returns its warnings. Rejects with the errors of the
 * configuration, and if it takes too long. After a stop no child is started.
 */
export async function build(
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const found = stopped.aborted ? [] : ((await buildInChild(program, generation, stopped)) ?? []);
  if (found.some(isError)) throw severalRefusals(found);
  return found;
}

/**
 * Rejects with one refusal of these errors and those that a child finds in the same configuration, which is not
 * awaited if it takes too long.
 */
export async function refuseWhole(
  refusals: Refusals,
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<never> {
  const { settings } = generation;
  const workerStartTimeoutMs = Math.min(MORE_MISTAKES_MS, settings.workerStartTimeoutMs || MORE_MISTAKES_MS);
  const limited = { ...generation, settings: { ...settings, workerStartTimeoutMs } };
  const found = await build(program, limited, stopped).catch((error: unknown) => error);
  if (!(found instanceof ConfigurationRefused)) throw refusals.refusal;
  // As in the list of a check, files of the configuration come first.
  const files = generation.config?.configFiles ?? [];
  throw severalRefusals(inOrder(whole(found.diagnostics, refusals.diagnostics), [undefined, ...files.map(shownPath)]));
}
