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
} from '../../errors/index.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { Generation } from '../parent/worker-process.js';
import { pause, within } from '../waiting.js';
import { NOT_LAUNCHED } from '../worker/worker-start.js';
import { changedMeanwhile } from './reload-source.js';

/** After the first mistake: how long the other children may take to report theirs. */
const OTHERS_MS = 1000;

export class Rehearsal {
  readonly #generation: Generation;
  readonly #limitMs: number;
  readonly #spares = new Map<WorkerPool, WorkerHandle>();
  #over = false;

  /** What is new says how long a child may take. */
  constructor(generation: Generation) {
    this.#generation = generation;
    this.#limitMs = generation.settings.reloadCheckTimeoutMs;
  }

  /**
   * Settles when no child found anything wrong, with the files they read and the digests of those. Rejects with everything they found.
   * Of each pool there is the number of workers there are to be.
   */
  async run(pools: ReadonlyMap<WorkerPool, number>): Promise<ReadonlyMap<string, string>> {
    const read = new Map<string, string>();
    await allOrWhy(
      [...pools].map(async ([pool, workers]) => {
        const spare = await pool.rehearse(this.#generation, workers);
        if (spare === undefined) return;
        if (this.#over) return pool.dismiss(spare);
        this.#spares.set(pool, spare);
        await this.#inTime(spare, 'load its application', spare.rehearsed);
        for (const [file, bytes] of spare.files) {
          if ((read.get(file) ?? bytes) !== bytes) throw changedMeanwhile(file);
          read.set(file, bytes);
        }
      }),
    );
    return read;
  }

  /**
   * Lets the child of a pool go on, as `go` says: it serves from then on. Settles when `go` does; rejects when that takes
   * too long.
   */
  async proceed<T>(pool: WorkerPool, go: (spare: WorkerHandle | undefined) => Promise<T>): Promise<T> {
    const spare = this.#spares.get(pool);
    const going = go(spare);
    if (spare === undefined) return going;
    await this.#inTime(spare, 'start', going);
    return going;
  }

  /** Ends the children that were not let go on. */
  dismiss(): void {
    this.#over = true;
    for (const [pool, spare] of this.#spares) if (spare.rehearsing) pool.dismiss(spare);
  }

  /** Ends all of them, those that were let go on to be a first new worker as well. */
  callOff(): void {
    this.dismiss();
    for (const [pool, spare] of this.#spares) pool.replacements.discard(0, spare);
  }

  async #inTime(spare: WorkerHandle, what: string, work: Promise<unknown>): Promise<void> {
    if (this.#limitMs === 0) {
      await work;
      return;
    }
    const done = work.then(() => true as const);
    if ((await within(this.#limitMs, done)) === true) return;
    done.catch(() => undefined);
    const { service } = spare.assignment;
    const stuck = spare.stack === undefined ? '' : `; it is stuck in:\n${spare.stack.join('\n')}`;
    throw new PorticoError('PORTICO_RELOAD_TIMEOUT', {
      message: `a new worker of service ${service} did not ${what} within ${this.#limitMs / 1000} s${stuck}`,
      hint: 'If it needs so long, set a longer reload_check_timeout.',
    });
  }
}

/** Waits for all. Rejects with everything that went wrong, told once each. */
export async function allOrWhy(works: readonly Promise<unknown>[]): Promise<void> {
  const failures = await failuresOf(works);
  const texts = [...new Set(failures.map((error) => describeError(error)))];
  if (texts.length > 1) throw new PorticoError('PORTICO_RELOAD_REFUSED', { message: texts.join('\n') });
  if (texts.length > 0) throw failures[0];
}

/** Waits for all, no longer than a moment once one has failed, nor than `limitMs`. Gives what went wrong by then. */
async function failuresOf(works: readonly Promise<unknown>[], limitMs?: number): Promise<unknown[]> {
  const failures: unknown[] = [];
  let failed!: () => void;
  const first = new Promise<void>((resolve) => {
    failed = resolve;
  });
  const noted = works.map((work) =>
    work.catch((error: unknown) => {
      failures.push(error);
      failed();
    }),
  );
  const known = Promise.race([Promise.all(noted), first.then(() => pause(OTHERS_MS))]);
  await (limitMs === undefined ? known : within(limitMs, known));
  return [...failures];
}

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
