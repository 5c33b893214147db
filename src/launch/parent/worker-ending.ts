/**
 * The end of a worker that was told to stop.
 */
import type { Logger } from '../../log/index.js';
import { STATUS_FAILED, STATUS_STOPPED } from '../exit-status.js';
import { within } from '../waiting.js';
import type { WorkerHandle } from './worker-handle.js';

/** After a worker's own deadline: how long until its supervisor kills it. */
const BACKSTOP_MS = 1000;
/** How long a start that is called off may take to let go of what it has. */
const CALLED_OFF_MS = 5000;

/**
 * Settles when the worker is gone: true when it ended by itself and cut nothing off. It keeps the deadline itself; for a loop that is
 * stuck its supervisor kills it a second later. `timeoutMs` 0: never.
 */
export async function endWithin(worker: WorkerHandle, timeoutMs: number, log: Logger): Promise<boolean> {
  if ((worker.rehearsing || worker.dismissed) && (await endEarly(worker, timeoutMs))) return true;
  // One that never served keeps no deadline of its own: its loop is stuck.
  const limitMs = worker.wasReady ? timeoutMs + BACKSTOP_MS : Math.max(timeoutMs, BACKSTOP_MS);
  if (timeoutMs > 0 && (await within(limitMs, worker.exited)) === undefined) {
    log.error('Graceful shutdown timeout exceeded, killing worker', {
      service: worker.assignment.service,
      workerId: worker.assignment.index,
      pid: worker.pid,
      stack: worker.stack,
    });
    worker.kill();
  }
  const { code, signal } = await worker.exited;
  if (worker.killed) return false;
  if (signal !== null) {
    // Before its program was loaded a worker has SIGTERM's default action, and nothing to finish; nor has one that was
    // on its way out when the signal came.
    return signal === 'SIGTERM' && (!worker.wasReady || worker.endedWith === STATUS_STOPPED);
  }
  // One that happens to crash just then has ended by itself; but not what it cut off.
  return code !== STATUS_FAILED && !worker.cutOff;
}

/**
 * The same for a worker that was told to end before it served, and has nothing in hand: killed after a second when it
 * only checked a reload, after five when it was starting, but no later than after `timeoutMs`; 0: that does not matter.
 * False: it served before it heard of that, and ends as any that does.
 */
export async function endEarly(worker: WorkerHandle, timeoutMs = 0): Promise<boolean> {
  const limitMs = worker.rehearsing ? BACKSTOP_MS : Math.min(CALLED_OFF_MS, timeoutMs || CALLED_OFF_MS);
  const serves = worker.ready.then(
    () => true,
    () => worker.exited.then(() => false),
  );
  const known = await within(limitMs, Promise.race([serves, worker.exited.then(() => false)]));
  if (known === true) return false;
  if (known === undefined) worker.kill();
  await worker.exited;
  return true;
}
