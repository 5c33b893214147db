/**
 * A worker that is not ready for long: what the log has of it.
 */
import type { Logger } from '../../log/index.js';
import type { WorkerHandle } from './worker-handle.js';

/** After so long a start is worth a line, again when it has taken twice as long, and from then on once a minute at least. */
const FIRST_MS = 10_000;
const LONGEST_MS = 60_000;

/** Warns until the function it gives is called; each time with what is being loaded, or what it is stuck in, if known. */
export function watchStart(worker: WorkerHandle, log: Logger): () => void {
  const { service, index } = worker.assignment;
  let elapsedMs = 0;
  let timer: NodeJS.Timeout;
  const wait = (ms: number): void => {
    timer = setTimeout(() => {
      elapsedMs += ms;
      const { stack } = worker;
      const loading = typeof worker.facts.loading === 'string' ? worker.facts.loading : undefined;
      const what = loading === undefined ? '' : `, loading ${loading}`;
      const stuck = stack === undefined ? '' : `; it is stuck ${stack[0] ?? ''}`;
      const facts = { event: 'worker_starting', service, workerId: index, pid: worker.pid, loading, stack };
      log.warn(`${service}: worker ${index} is still starting after ${elapsedMs / 1000} s${what}${stuck}`, facts);
      wait(Math.min(elapsedMs, LONGEST_MS));
    }, ms).unref();
  };
  wait(FIRST_MS);
  return () => clearTimeout(timer);
}
