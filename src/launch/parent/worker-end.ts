/** How a worker ended that was not told to, and what it had in hand: for the log, and for all who ask why a service is down. */
import type { LogFields } from '../../log/index.js';
import { isOwnFile } from '../../process/index.js';
import { countText, formatDuration } from '../../text/index.js';
import type { WorkerExit } from '../exit-status.js';
import { EXIT } from '../worker/parent-link.js';
import type { HeldRequest } from '../worker-message.js';
import type { WorkerHandle } from './worker-handle.js';

/**
 * `start`: before it was ready. `stuck`: killed, because it sent no heartbeat. `heap`: V8 had no memory left. `error`: nothing
 * handled one. `signal`: killed by another one. `exit`: by itself.
 */
export type EndReason = 'start' | 'stuck' | 'heap' | 'error' | 'signal' | 'exit';

/** Facts of a worker for the line before it is killed: its stack, and the requests that it has in hand, where there are any. */
export function standstill({ stack, heldRequests }: WorkerHandle): LogFields {
  return { stack, requests: heldRequests.length === 0 ? undefined : heldRequests.map(describeRequest) };
}

/** The end of a worker that was not told to end. */
export interface WorkerEnd {
  /** ISO 8601. */
  readonly at: string;
  /** Its number. */
  readonly worker: number;
  readonly pid: number | undefined;
  readonly reason: EndReason;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly uptimeMs: number;
  /** The first line of its error, with the place in the application; where it was stuck. */
  readonly error: string | undefined;
  /** In bytes, as it told them last. */
  readonly rss: number | undefined;
  readonly heapUsed: number | undefined;
  readonly heapLimit: number | undefined;
  /** Requests that are lost with it, the oldest first, but for those younger than a quarter of a second. */
  readonly requests: readonly HeldRequest[];
  /** How many are lost, as it was seen last. */
  readonly lost: number;
}

/** A process that is aborted had its heap full, if so much of it was in use shortly before. */
const FULL_HEAP = 0.6;

export function workerEnd(worker: WorkerHandle, exit: WorkerExit): WorkerEnd {
  const { code, signal, uptimeMs, failure } = exit;
  // One that has ended in order has answered its requests, or has told the log which were cut off.
  const isAbrupt = worker.endedWith === undefined;
  const requests = isAbrupt ? worker.heldRequests : [];
  const [frame] = worker.hung ? (worker.stack ?? []) : [];
  return {
    at: new Date().toISOString(),
    worker: worker.assignment.index,
    pid: worker.pid,
    reason: reasonOf(worker, exit),
    code,
    signal,
    uptimeMs,
    error: frame === undefined ? failure && firstLine(failure.text) : `stuck ${frame}`,
    rss: worker.rss,
    heapUsed: countOf(worker.facts.heapUsed),
    heapLimit: countOf(worker.facts.heapLimit),
    requests,
    lost: isAbrupt ? Math.max(worker.heldCount, requests.length) : 0,
  };
}

function reasonOf(worker: WorkerHandle, { signal, failure }: WorkerExit): EndReason {
  if (worker.hung) return 'stuck';
  if (signal === 'SIGABRT' && isHeapFull(worker)) return 'heap';
  if (!worker.wasReady) return 'start';
  if (signal !== null) return 'signal';
  return failure === undefined || failure.code === EXIT ? 'exit' : 'error';
}

/** The heap as it was told last, or the whole memory, which the watch thread tells while the heap is being collected. */
function isHeapFull({ facts, rss = 0 }: WorkerHandle): boolean {
  const limit = countOf(facts.heapLimit);
  return limit !== undefined && Math.max(countOf(facts.heapUsed) ?? 0, rss) >= FULL_HEAP * limit;
}

function countOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** `killed by signal SIGKILL`, with what is known of the reason. */
export function howEnded({ reason, code, signal, heapLimit }: WorkerEnd): string {
  switch (reason) {
    case 'stuck':
      return 'killed, because it sent no heartbeat';
    case 'heap':
      return `aborted, because its heap was full (${mebibytes(heapLimit)} at most: --max-old-space-size)`;
    default:
      return signal === null ? `exited with status ${code}` : `killed by signal ${signal}`;
  }
}

/** Its end in one line, for people. */
export function describeEnd(end: WorkerEnd, now = Date.now()): string {
  const { at, worker, pid, reason, error, rss, uptimeMs, lost } = end;
  const ago = formatDuration(Math.max(0, now - Date.parse(at)) / 1000);
  const when = `worker ${worker}${pid === undefined ? '' : ` (pid ${pid})`} ${howEnded(end)} ${ago} ago`;
  const before = reason === 'start' ? ' before it was ready' : `, up for ${formatDuration(uptimeMs / 1000)}`;
  const memory = rss === undefined ? '' : `, ${mebibytes(rss)}`;
  const held = lost === 0 ? '' : `; lost ${countText(lost, 'request')}${listed(end.requests)}`;
  return `${when}${before}${memory}${held}${error === undefined ? '' : `: ${error}`}`;
}

/** So many are named in a line. */
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

/** The first line of an error's text. If it names no place, that of the application in which the error was made is added. */
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
