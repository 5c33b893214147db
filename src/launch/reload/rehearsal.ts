/**
 * The check of a reload: for each service a spare child that runs the program with the new configuration, loads all that
 * a worker would need, and serves nothing. What it finds wrong ends the reload before anything is touched.
 */

import {
  ConfigurationRefused,
  describeError,
  PorticoError,
  type Refusals,
  severalRefusals,
  untold,
} from '../../errors/index.js';
import { pause, within } from '../../tasks/internal.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { FleetGeneration } from '../parent/worker-process.js';
import { deferred } from '../waiting.js';
import { NOT_LAUNCHED } from '../worker/parent-link.js';
import { inCheckTime } from './reload.js';

/** After the first mistake: how long the other children may take to report theirs. */
const OTHERS_MS = 1000;

export class Rehearsal {
  readonly #generation: FleetGeneration;
  readonly #pools = new Set<WorkerPool>();

  /** What is new says how long a child may take. */
  constructor(generation: FleetGeneration) {
    this.#generation = generation;
  }

  /**
   * Settles when no child found anything wrong, with the files they read and the digests of those. Rejects with everything they found.
   * Of each pool there is the number of workers there are to be.
   */
  async run(pools: ReadonlyMap<WorkerPool, number>): Promise<ReadonlyMap<string, string>> {
    const read = new Map<string, string>();
    await allOrWhy(
      [...pools].map(async ([pool, workers]) => {
        for (const [file, checked] of await this.rehearse(pool, workers)) {
          if ((read.get(file) ?? checked) !== checked) throw changedMeanwhile(file);
          read.set(file, checked);
        }
      }),
    );
    return read;
  }

  /** The same for one of them. */
  async rehearse(pool: WorkerPool, workers: number): Promise<ReadonlyMap<string, string>> {
    this.#pools.add(pool);
    const child = await pool.rehearse(this.#generation, workers);
    if (child === undefined) return new Map();
    return this.#inTime(child, 'load its application', child.rehearsed);
  }

  /** The children start to serve, and of a new service all its workers. Rejects with everything that did not start. */
  async proceed(): Promise<void> {
    await allOrWhy(
      [...this.#pools].map(async (pool) => {
        const child = pool.rehearsal?.worker;
        if (child !== undefined) await this.#inTime(child, 'start', pool.proceed());
      }),
    );
  }

  /** Ends all children. */
  callOff(): void {
    for (const pool of this.#pools) pool.endRehearsal();
  }

  #inTime<T>(child: WorkerHandle, what: string, work: Promise<T>): Promise<T> {
    return inCheckTime(this.#generation.settings.reloadCheckTimeoutMs, work, (limit) => {
      const stuck = child.stack === undefined ? '' : `; it is stuck in:\n${child.stack.join('\n')}`;
      return `a new worker of service ${child.assignment.service} did not ${what} ${limit}${stuck}`;
    });
  }
}

/** The error of a reload of which a file was written between two of its readers. */
export function changedMeanwhile(file: string): PorticoError {
  return new PorticoError('PORTICO_RELOAD_RACED', {
    message: `${file} was changed while the reload checked it`,
    hint: 'Reload again, once it is left alone.',
  });
}

/** Waits for all. Rejects with everything that went wrong, told once each. */
async function allOrWhy(works: readonly Promise<unknown>[]): Promise<void> {
  const failures = await failuresOf(works);
  const texts = [...new Set(failures.map((error) => describeError(error)))];
  if (texts.length > 1) throw new PorticoError('PORTICO_RELOAD_REFUSED', { message: texts.join('\n') });
  if (texts.length > 0) throw failures[0];
}

/** Waits for all, no longer than a moment once one has failed, nor than `limitMs`. Gives what went wrong by then. */
async function failuresOf(works: readonly Promise<unknown>[], limitMs?: number): Promise<unknown[]> {
  const failures: unknown[] = [];
  const first = deferred();
  const noted = works.map((work) =>
    work.catch((error: unknown) => {
      failures.push(error);
      first.resolve();
    }),
  );
  const known = Promise.race([Promise.all(noted), first.promise.then(() => pause(OTHERS_MS))]);
  await (limitMs === undefined ? known : within(known, limitMs));
  return [...failures];
}

/** How long the children may take at most: what is known already must not wait for long. */
const MORE_MS = 5000;

/**
 * Rejects with one refusal of these, and of what a child of each pool is refused for: it runs the program with what was refused,
 * imports the application, and starts nothing. How such a child fails otherwise is no mistake of a configuration, and
 * one that has not told anything in time is not waited for.
 */
export async function refuseWithChildren(
  refusals: Refusals,
  generation: FleetGeneration,
  pools: readonly WorkerPool[],
): Promise<never> {
  const rehearsal = new Rehearsal(generation);
  const limitMs = Math.min(MORE_MS, generation.settings.reloadCheckTimeoutMs || MORE_MS);
  const runs = pools.map(async (pool) => {
    try {
      await rehearsal.rehearse(pool, pool.wanted);
    } catch (error) {
      if (isMistake(error)) throw error;
    }
  });
  const found = (await failuresOf(runs, limitMs)).filter(isMistake);
  rehearsal.callOff();
  if (found.length === 0) refusals.refuse();
  const told = found.flatMap(({ diagnostics }) => diagnostics);
  // A child knows the whole of a paste file.
  const own = untold(told, refusals.diagnostics);
  throw own.length === 0 && found.length === 1 ? found[0]! : severalRefusals([...own, ...told]);
}

/** A service that the new configuration does not have, or misspells, is none: a start does not miss it. */
function isMistake(error: unknown): error is ConfigurationRefused {
  return error instanceof ConfigurationRefused && error.code !== NOT_LAUNCHED;
}
