/**
 * New values for workers that go on serving: pushed to all of them at once, over the channel.
 */
import type { Logger } from '../../log/index.js';
import type { Generation } from '../parent/pool-surroundings.js';
import type { Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';

/** A worker that has not taken the new values by then is replaced by one that begins with them. */
const TAKEN_WITHIN_MS = 10_000;

/** Gives the workers that refused or did not answer, each with what happened. The generation is in force already. */
export async function mutateFleet(supervisor: Supervisor, next: Generation, log: Logger): Promise<string[]> {
  const failures: string[] = [];
  const mutateOne = async (pool: WorkerPool, worker: WorkerHandle): Promise<void> => {
    const { index } = worker.assignment;
    const taken = await worker.mutate(next, TAKEN_WITHIN_MS).catch(() => true);
    if (taken === true) return;
    const what = taken === false ? 'refused the new values' : 'did not answer and is replaced';
    failures.push(`worker ${index} of service ${pool.name} ${what}`);
    if (taken === undefined) {
      await pool.replacements.replace(index, next).catch((error: unknown) => {
        log.error(`Child ${worker.pid} could not be replaced`, { service: pool.name, workerId: index, err: error });
      });
    }
  };
  const workers = supervisor.pools.flatMap((pool) => pool.current.map((worker) => ({ pool, worker })));
  await Promise.all(workers.map(({ pool, worker }) => mutateOne(pool, worker)));
  return failures;
}
