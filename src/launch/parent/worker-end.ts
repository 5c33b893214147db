/** Unexpected ends of workers and the requests that they had in progress, for the log and the status. */
import type { LogFields } from '../../log/index.js';
import type { EndReason, WorkerEnd } from '../../operating/index.js';
import { describeRequest } from '../../operating/internal.js';
import { isOwnFile } from '../../process/index.js';
import type { WorkerExit } from '../exit-status.js';
import { EXIT } from '../worker/parent-link.js';
import type { WorkerHandle } from './worker-handle.js';

/**
 * Returns the log fields of a worker that is about to be killed: its stack, and the requests in progress, if there are
 * any.
 */
export function standstill({ stack, heldRequests }: WorkerHandle): LogFields {
  return { stack, requests: heldRequests.length === 0 ? undefined : heldRequests.map(describeRequest) };
}

/** A process that aborts counts as out of memory if this share of its heap was in use shortly before. */
const FULL_HEAP = 0.6;

/** `isOom`: the kernel has killed it for memory. */
export function workerEnd(worker: WorkerHandle, exit: WorkerExit, isOom = false): WorkerEnd {
  const { code, signal, uptimeMs, failure } = exit;
  // A worker that exits in order has answered its requests, or has logged those that it cut off.
  const isAbrupt = worker.endedWith === undefined;
  const requests = isAbrupt ? worker.heldRequests : [];
  return {
    at: new Date().toISOString(),
    worker: worker.assignment.index,
    pid: worker.pid,
    reason: isOom ? 'oom' : reasonOf(worker, exit),
    fault: worker.fault?.what,
    code,
    signal,
    uptimeMs,
    error: worker.fault === undefined ? failure && firstLine(failure.text) : placeOf(worker),
    rss: worker.rss,
    heapUsed: countOf(worker.facts.heapUsed),
    heapLimit: countOf(worker.facts.heapLimit),
    requests,
    lost: isAbrupt ? requests.length : worker.cutOffRequests,
  };
}

/** Returns what keeps a worker from its work. */
function placeOf({ stack = [], facts: { loading } }: WorkerHandle): string | undefined {
  if (stack[0] !== undefined) return `stuck ${stack[0]}`;
  return typeof loading === 'string' ? `loading ${loading}` : undefined;
}

function reasonOf(worker: WorkerHandle, { signal, failure }: WorkerExit): EndReason {
  if (worker.fault !== undefined) return worker.fault.reason;
  if (worker.overdue) return 'deadline';
  if (signal === 'SIGABRT' && isHeapFull(worker)) return 'heap';
  if (!worker.wasReady) return 'start';
  if (signal !== null) return 'signal';
  if (failure !== undefined && failure.code !== EXIT) return 'error';
  return worker.cutOffRequests > 0 ? 'deadline' : 'exit';
}

/**
 * Reports whether the heap was full, by its last reported size, or by the whole memory, which the watch thread reports
 * while the heap is collected.
 */
function isHeapFull({ facts, rss = 0 }: WorkerHandle): boolean {
  const limit = countOf(facts.heapLimit);
  return limit !== undefined && Math.max(countOf(facts.heapUsed) ?? 0, rss) >= FULL_HEAP * limit;
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/**
 * Returns the first line of an error's text. If it names no place, adds the place in the application where the error
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
