/** Ends of workers that were asked to end: their time limits, after which they are killed, and their outcome. */
import type { Logger } from '../../log/index.js';
import { within } from '../../tasks/internal.js';
import { STATUS_FAILED, STATUS_STOPPED } from '../exit-status.js';
import { standstill } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';

/** Time between a worker's own deadline and the kill by its supervisor. */
const BACKSTOP_MS = 1000;
/** Time that a cancelled start has to release its resources. */
const CALLED_OFF_MS = 5000;

/**
 * Settles when the worker is gone: with true if it ended by itself and cut off no request. The worker keeps the
 * deadline itself; if its event loop is stuck, the supervisor kills it one second later. `timeoutMs` 0: no deadline.
 */
export async function endWithin(worker: WorkerHandle, timeoutMs: number, log: Logger): Promise<boolean> {
  if (worker.dismissed && (await endEarly(worker, timeoutMs))) return true;
  // A worker that has never served keeps no separate deadline: its event loop is stuck.
  const limitMs = worker.wasReady ? timeoutMs + BACKSTOP_MS : Math.max(timeoutMs, BACKSTOP_MS);
  if (timeoutMs > 0 && (await within(worker.exited, limitMs)) === undefined) {
    log.error(
      {
        service: worker.assignment.service,
        workerId: worker.assignment.index,
        pid: worker.pid,
        ...standstill(worker),
      },
      'Graceful shutdown timeout exceeded, killing worker',
    );
    worker.overdue = true;
    worker.kill();
  }
  const { code, signal } = await worker.exited;
  if (worker.killed) return false;
  if (signal !== null) {
    // Until its program is loaded, a worker has the default action of SIGTERM and no work to finish. The same holds for
    // a worker that was already exiting when the signal came.
    return signal === 'SIGTERM' && (!worker.wasReady || worker.endedWith === STATUS_STOPPED);
  }
  // A worker that crashes at this moment has ended by itself, unless it cut off requests.
  return code !== STATUS_FAILED && !worker.cutOff;
}

/**
 * As {@link endWithin}, for a worker that was asked to end before it served and so has no requests: it is killed after
 * five seconds, and after `timeoutMs` at the latest (0: no limit). Returns false if it served before the message
 * arrived; it then ends like any worker that serves.
 */
export async function endEarly(worker: WorkerHandle, timeoutMs = 0): Promise<boolean> {
  const limitMs = Math.min(CALLED_OFF_MS, timeoutMs || CALLED_OFF_MS);
  const serves = worker.ready.then(
    () => true,
    () => worker.exited.then(() => false),
  );
  const known = await within(Promise.race([serves, worker.exited.then(() => false)]), limitMs);
  if (known === true) return false;
  if (known === undefined) worker.kill();
  await worker.exited;
  return true;
}

/**
 * Ends those of the workers that do not serve yet. Settles when each is gone, or serves after all; one that is not gone
 * after a second is killed. They have no requests, but hold the sockets: after the others have stopped accepting,
 * clients would wait in the queue of such a socket, and be reset at its end.
 */
export async function callOff(workers: Iterable<WorkerHandle>): Promise<void> {
  const starting = [...workers].filter(({ wasReady }) => !wasReady);
  await Promise.all(
    starting.map((worker) => {
      worker.dismissed = true;
      worker.terminate();
      return endEarly(worker, BACKSTOP_MS);
    }),
  );
}
