/** Unexpected ends of workers and the requests that they had in progress, for the log and the status. */
import type { LogFields } from '../../log/index.js';
import { isOwnFile } from '../../process/index.js';
import { countText, formatDuration } from '../../text/index.js';
import type { EndReason, WorkerExit } from '../exit-status.js';
import { EXIT } from '../worker/parent-link.js';
import type { HeldRequest } from '../worker-message.js';
import type { WorkerHandle } from './worker-handle.js';

/**
 * Returns the log fields of a worker that is about to be killed: its stack, and the requests in progress, if there are
 * any.
 */
export function standstill({ stack, heldRequests }: WorkerHandle): LogFields {
  return { stack, requests: heldRequests.length === 0 ? undefined : heldRequests.map(describeRequest) };
}

/** The unexpected end of a worker. */
export interface WorkerEnd {
  /** ISO 8601. */
  readonly at: string;
  /** Number of the worker. */
  readonly worker: number;
  readonly pid: number | undefined;
  readonly reason: EndReason;
  /** Fault for which its supervisor has killed it: `sent no heartbeat for 30 s`. */
  readonly fault: string | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly uptimeMs: number;
  /**
   * First line of the worker's error, with the place in the application; for a worker that hangs, the place, or the
   * module that it loads.
   */
  readonly error: string | undefined;
  /** Last reported resident memory in bytes. */
  readonly rss: number | undefined;
  readonly heapUsed: number | undefined;
  readonly heapLimit: number | undefined;
  /** Requests that were lost, oldest first, by the last report. */
  readonly requests: readonly HeldRequest[];
  /** Number of lost requests, by the last report. */
  readonly lost: number;
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

/** Describes the end, with the reason if it is known: `killed by signal SIGKILL`. */
export function howEnded({ reason, fault, code, signal, heapLimit }: WorkerEnd): string {
  if (fault !== undefined) return `${fault} and was killed`;
  if (reason === 'heap')
    return `aborted, because its heap was full (${mebibytes(heapLimit)} at most: --max-old-space-size)`;
  if (reason === 'oom')
    return 'killed by the kernel, because the memory of its cgroup or of the machine was full (oom_kill)';
  if (signal !== null) return `killed by signal ${signal}`;
  return code === null ? 'could not be started' : `exited with status ${code}`;
}

/** Describes the end in one line. */
export function describeEnd(end: WorkerEnd, now = Date.now()): string {
  const { at, worker, pid, reason, fault, error, rss, uptimeMs, lost } = end;
  const ago = formatDuration(Math.max(0, now - Date.parse(at)) / 1000);
  const when = `worker ${worker}${pid === undefined ? '' : ` (pid ${pid})`} ${howEnded(end)} ${ago} ago`;
  const early = fault === undefined ? ' before it was ready' : '';
  const before = reason === 'start' ? early : `, up for ${formatDuration(uptimeMs / 1000)}`;
  const memory = rss === undefined ? '' : `, ${mebibytes(rss)}`;
  const held = lost === 0 ? '' : `; lost ${countText(lost, 'request')}${listed(end.requests)}`;
  return `${when}${before}${memory}${held}${error === undefined ? '' : `: ${error}`}`;
}

/** `3 requests were cut off at drain_timeout`. */
export function cutOffText(count: number, limit: string): string {
  return `${countText(count, 'request')} ${count === 1 ? 'was' : 'were'} cut off at ${limit}`;
}

/** Most requests that a line names. */
const NAMED = 3;

function listed(requests: readonly HeldRequest[]): string {
  if (requests.length === 0) return '';
  const each = requests.slice(0, NAMED).map(describeRequest);
  return ` (${each.join(', ')}${requests.length > NAMED ? ', …' : ''})`;
}

/** `GET /servers for 3.2 s`. */
export function describeRequest({ method, path, ageMs }: HeldRequest): string {
  return `${method} ${path} for ${(ageMs / 1000).toFixed(1)} s`;
}

/** `300 MiB`. */
export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${Math.round(bytes / 2 ** 20)} MiB`;
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
