/**
 * Ends of workers: unexpected ones, with the requests that they had in progress, for the log and the status; and those of workers that were
 * asked to end, with time limits after which they are killed.
 */
import type { LogFields, Logger } from '../../log/index.js';
import type { EndReason, WorkerEnd } from '../../operating/index.js';
import { describeRequest } from '../../operating/internal.js';
import { isOwnFile } from '../../process/index.js';
import { within } from '../../tasks/internal.js';
import { type Fault, STATUS_FAILED, STATUS_STOPPED, textOf, type WorkerExit } from '../exit-status.js';
import { EXIT } from '../worker/parent-link.js';
import type { WorkerHandle } from './worker-handle.js';

/**
 * Returns the log fields of a worker that is about to be killed: its stack, and the requests in progress, if there are
 * any.
 */
export function standstill({ beat: { stack }, heldRequests }: WorkerHandle): LogFields {
  return { stack, requests: heldRequests.length === 0 ? undefined : heldRequests.map(describeRequest) };
}

/** A process that aborts counts as out of memory if this share of its heap was in use shortly before. */
const FULL_HEAP = 0.6;

/** `isOom`: the kernel has killed it for memory. */
export function workerEnd(worker: WorkerHandle, exit: WorkerExit, isOom = false): WorkerEnd {
  const { code, signal, uptimeMs, failure } = exit;
  // A worker that exits in order has responded to its requests, or has logged those that it cut off.
  const requests = worker.said === undefined ? worker.heldRequests : [];
  const { rss, facts } = worker.beat;
  const fault = faultOf(worker);
  return {
    at: new Date().toISOString(),
    worker: worker.assignment.index,
    pid: worker.pid,
    reason: isOom ? 'oom' : reasonOf(worker, exit),
    fault: fault?.what,
    code,
    signal,
    uptimeMs,
    error: fault === undefined ? failure && firstLine(textOf(failure)) : placeOf(worker),
    rss,
    heapUsed: countOf(facts.heapUsed),
    heapLimit: countOf(facts.heapLimit),
    requests,
    lost: worker.said?.requests ?? requests.length,
  };
}

/** Returns the fault for which a worker was killed. */
function faultOf({ killedFor }: WorkerHandle): Fault | undefined {
  return typeof killedFor === 'object' ? killedFor : undefined;
}

/** Returns what keeps a worker from its work. */
function placeOf({ beat: { stack = [], facts } }: WorkerHandle): string | undefined {
  if (stack[0] !== undefined) return `stuck ${stack[0]}`;
  return typeof facts.loading === 'string' ? `loading ${facts.loading}` : undefined;
}

function reasonOf(worker: WorkerHandle, { signal, failure }: WorkerExit): EndReason {
  const { killedFor } = worker;
  if (typeof killedFor === 'object') return killedFor.reason;
  if (killedFor === 'deadline') return 'deadline';
  if (signal === 'SIGABRT' && isHeapFull(worker)) return 'heap';
  if (worker.served === undefined) return 'start';
  if (signal !== null) return 'signal';
  if (failure !== undefined && failure.code !== EXIT) return 'error';
  return (worker.said?.requests ?? 0) > 0 ? 'deadline' : 'exit';
}

/**
 * Reports whether the heap was full, by its last reported size, or by the whole memory, which the watch thread reports
 * while the heap is collected.
 */
function isHeapFull({ beat: { facts, rss = 0 } }: WorkerHandle): boolean {
  const limit = countOf(facts.heapLimit);
  return limit !== undefined && Math.max(countOf(facts.heapUsed) ?? 0, rss) >= FULL_HEAP * limit;
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/**
 * Returns the first line of an error's text. If it names no location, adds the location in the application where the error
 * was created.
 */
function firstLine(text: string): string {
  const [first = '', ...rest] = text.split('\n');
  if (/:\d+:\d+/.test(first)) return first;
  const places = rest.flatMap((line) => /^\s+at (?:.*\()?(.+:\d+:\d+)\)?$/.exec(line)?.[1] ?? []);
  const place = places.find((each) => !isLibrary(each));
  return place === undefined ? first : `${first} (${place})`;
}

function isLibrary(place: string): boolean {
  return place.startsWith('node:') || place.includes('/node_modules/') || isOwnFile(place);
}

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
  const limitMs = worker.served === undefined ? Math.max(timeoutMs, BACKSTOP_MS) : timeoutMs + BACKSTOP_MS;
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
    worker.kill('deadline');
  }
  const { code, signal } = await worker.exited;
  if (worker.killedFor !== undefined) return false;
  if (signal !== null) {
    // Until its application is loaded, a worker has the default action of SIGTERM and no work to finish. The same holds for
    // a worker that was already exiting when the signal came.
    return signal === 'SIGTERM' && (worker.served === undefined || worker.said?.status === STATUS_STOPPED);
  }
  // A worker that crashes at this moment has ended by itself, unless it cut off requests.
  return code !== STATUS_FAILED && worker.said?.cutOff !== true;
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
  if (known === undefined) worker.kill('needless');
  await worker.exited;
  return true;
}

/**
 * Ends those of the workers that do not serve yet. Settles when each is gone, or serves after all; one that is not gone
 * after a second is killed. They have no requests, but hold the sockets: after the others have stopped accepting,
 * clients would wait in the queue of such a socket, and be reset at its end.
 */
export async function callOff(workers: Iterable<WorkerHandle>): Promise<void> {
  const starting = [...workers].filter(({ served }) => served === undefined);
  await Promise.all(
    starting.map((worker) => {
      worker.dismiss();
      worker.terminate();
      return endEarly(worker, BACKSTOP_MS);
    }),
  );
}
