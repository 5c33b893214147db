/** Unexpected ends of workers, and the requests that they had in progress: their data, and their words for log and status. */
import { countText, formatDuration } from '../text/index.js';

/**
 * `start`: before it was ready. `stuck`: killed because it sent no heartbeat. `heap`: V8 was out of memory. `error`: an
 * unhandled error, or a channel that it closed or wrote junk to. `oom`: killed by the kernel for memory. `signal`:
 * killed by another process. `exit`: by itself. `deadline`: it cut off requests at the deadline of a stop or drain, or
 * was killed after it.
 */
export type EndReason = 'start' | 'stuck' | 'heap' | 'oom' | 'error' | 'signal' | 'exit' | 'deadline';

/** A request in progress, as reported by a worker's watch thread, or by the worker at its end. */
export interface HeldRequest {
  readonly method: string;
  /** Path without its query, cut at 128 characters. */
  readonly path: string;
  readonly ageMs: number;
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
