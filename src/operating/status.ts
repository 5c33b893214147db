/** Status of a launcher, its services and their processes: the data of `status` and metrics, and its words. */
import type { ReportedChange } from '../config/index.js';
import type { FailedRequests, ShownRefusals } from '../counts/index.js';
import type { ListenAddress } from '../service/index.js';
import { agoText, countText, formatDuration } from '../text/index.js';
import { errorLines } from './report/report.js';

/** Status of one process. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number | undefined;
  /** `reloading`: a reload of a process without workers has stopped its service, and it has not started again. */
  readonly state: 'starting' | 'ready' | 'reloading' | 'draining';
  readonly generation: number;
  readonly uptimeMs: number;
  /** Time since its last heartbeat. */
  readonly silentMs: number;
  /** True if it sends no heartbeat: it responds to no requests. */
  readonly stuck: boolean;
  /** True for a stuck worker that a signal has stopped, such as SIGSTOP. Known on Linux only. */
  readonly suspended: boolean;
  /** Stack that its main thread is stuck in, the application's frames first; undefined while it sends heartbeats. */
  readonly stack: readonly string[] | undefined;
  /** Requests of a stuck worker. */
  readonly heldRequests: readonly HeldRequest[];
  /** Facts of its last heartbeat: `utilization`, `lagMaxMs`, `rss`, and those of `addFacts`. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Status of one service. */
export interface ServiceStatus {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  /** Desired number of workers. */
  readonly wanted: number;
  /** Time at which that was set, ISO 8601. */
  readonly wantedSince: string;
  /** The number that its application or its configuration requests. */
  readonly configured: number;
  /** Number of workers that serve, without stuck ones. */
  readonly ready: number;
  /** Number of workers that replaced one that ended unexpectedly. */
  readonly restarts: number;
  /**
   * Number of started workers, by reason: `launch`, `scale`, `death`, `stuck`, `recycle`, `memory`, `reload`,
   * `restart`.
   */
  readonly starts: Readonly<Record<string, number>>;
  /**
   * The last worker that ended unexpectedly, other than the first one of a refused reload; undefined if there is none.
   */
  readonly lastFailure: WorkerEnd | undefined;
  /** Number of requests lost with workers, by the reason of the worker's end. */
  readonly lost: Readonly<Record<string, number>>;
  /** The most frequent and the last error of each route in the last ten minutes, twenty at most. */
  readonly errors: readonly FailedRequests[];
  /** Requests refused in the last ten minutes, the most frequent reason first. */
  readonly refusals: readonly ShownRefusals[];
  /**
   * Expiry of its certificate, ISO 8601; undefined without a certificate file. The file is read when the property is.
   */
  readonly certificateEnds: string | undefined;
  /** Without workers: the oldest work that a reload waits for, or has left to the former configuration; absent for none. */
  readonly reloading?: string | undefined;
  /** Why clients may not trust it; undefined if nothing is known against it. */
  readonly certificateUntrusted?: string | undefined;
  /** All processes, including those that drain. */
  readonly workers: readonly WorkerStatus[];
}

/** Status of a launcher and its services. */
export interface LauncherStatus {
  readonly pid: number;
  readonly stopping: boolean;
  /** True while it stops and still accepts connections, for `drain_delay`. */
  readonly leaving: boolean;
  /** Milliseconds until a stop cuts off what is open; undefined without a stop, and without a limit. */
  readonly stopsInMs: number | undefined;
  /** The configuration in force, counted from 1. */
  readonly generation: number;
  readonly services: readonly ServiceStatus[];
  /** Without workers: services that a reload has removed, with the work that each of them still ends, a line each. Absent for none. */
  readonly ending?: readonly string[] | undefined;
  /** The last reloads, oldest first. */
  readonly reloads: readonly ReloadReport[];
  /** The reload in progress. */
  readonly reloading: ReloadUnderWay | undefined;
  /** Changes of the configuration that accepted reloads have left for a restart. */
  readonly left: readonly ReloadChange[];
}

/** Returns the workers that run another version of Node than this process, their parent. */
export function withOtherNode<W extends Pick<WorkerStatus, 'state' | 'facts'>>(workers: readonly W[]): W[] {
  return workers.filter(({ state, facts: { node } }) => state !== 'draining' && isOtherNode(node));
}

/** Describes these workers in a few words. */
export function describeOthers(workers: readonly WorkerStatus[]): string[] {
  const node = withOtherNode(workers);
  if (node.length === 0) return [];
  const who = node.map(({ id, pid }) => `worker ${id} (pid ${pid})`).join(', ');
  const versions = [...new Set(node.map(({ facts }) => facts.node))].join(', ');
  return [
    `${who} ${node.length === 1 ? 'runs' : 'run'} Node ${versions}, the parent ${process.version}; ${NEW_PARENT}`,
  ];
}

/** Describes the modules that new workers load, or the work that services wait for, in a few words, for a reload that takes long. */
export function whatLoads(services: readonly ServiceStatus[]): string {
  const waits = services.flatMap(({ name, reloading }) => (reloading === undefined ? [] : [`${name} ${reloading}`]));
  if (waits.length > 0) return waits.join(', ');
  const starting = services.flatMap(({ name, workers }) =>
    workers.flatMap((worker) => {
      return worker.state === 'starting' ? [`worker ${worker.id} of ${name} ${whatOneLoads(worker)}`] : [];
    }),
  );
  return starting.length === 0 ? 'workers are replaced' : starting.join(', ');
}

/** Returns what a starting worker does: `loads ./app.js, stuck at …`. */
export function whatOneLoads({ facts: { loading }, stack }: Pick<WorkerStatus, 'facts' | 'stack'>): string {
  const what = typeof loading === 'string' ? `loads ${loading}` : 'starts';
  return `${what}${stack?.[0] === undefined ? '' : `, stuck ${stack[0]}`}`;
}

/** Returns the workers of a service, one line each, for reports. */
export function workerLines({ name, restarts, workers, errors }: ServiceStatus): string[] {
  const each = workers.map(
    ({ id, pid, state, uptimeMs, stuck }) =>
      `  worker ${id}: pid ${pid}, ${stuck ? 'silent' : state}, up for ${formatDuration(uptimeMs / 1000)}`,
  );
  return [
    `${name}: ${workers.length} processes, ${restarts} restarts`,
    ...each,
    ...errorLines(errors).map((line) => `  error: ${line}`),
  ];
}

/** Reports whether a worker has reported another version of Node than that of this process: its file was replaced. */
export function isOtherNode(node: unknown): node is string {
  return typeof node === 'string' && node !== process.version;
}

/** Remedy for a parent that runs a replaced Node. */
export const NEW_PARENT = 'restart the service, parent and all';

/** One reload, as `status --json` and the control socket show it. */
export interface ReloadReport {
  /** Start of the reload, ISO 8601. */
  readonly at: string;
  readonly method: 'reload' | 'mutate';
  /** True for a dry run: outcome and changes are those that a reload would have, and nothing was changed. */
  readonly dryRun?: true;
  /**
   * `accepted`: all changes are in force. `refused`: the old configuration stays in force, and nothing was changed.
   * `incomplete`: accepted, but some workers, or services of this process, could not be replaced. `abandoned`: a stop
   * was requested first.
   */
  readonly outcome: 'accepted' | 'refused' | 'incomplete' | 'abandoned';
  /** The configuration in force afterwards, counted from 1. */
  readonly generation: number;
  readonly durationMs: number;
  /**
   * Changed options: old and new value, location, and the part that applies the new value; then certificates and paste
   * files whose content changed. Secrets are masked.
   */
  readonly changes: readonly ReloadChange[];
  /** Changed pipelines of paste files, with the filters and apps that were added, removed and moved. */
  readonly pipelines: readonly PipelineChange[];
  /** Warnings of the new configuration, including certificates that have expired or expire soon. */
  readonly warnings: readonly string[];
  /** Workers replaced, by service. */
  readonly replaced: Readonly<Record<string, number>>;
  /** Number of open requests of replaced workers at the end of the reload. */
  readonly draining?: number;
  /**
   * Number of requests of replaced workers that were cut off at `drain_timeout`; may grow after the reload. Without workers, of those that were
   * cut off before the new start.
   */
  readonly cutOff?: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Reason of the refusal, or the workers that could not be replaced. */
  readonly error?: string;
  /** Pages of the reference that explain the refusal: paths in the package, each with an anchor. */
  readonly pages?: readonly string[];
}

/** A reload in progress. */
export interface ReloadUnderWay {
  /** Start of the reload, ISO 8601. */
  readonly at: string;
  readonly method: ReloadReport['method'];
  readonly dryRun: boolean;
}

/** One change of a reload: of an option's value, or of the content of a file that it names. */
export interface ReloadChange extends ReportedChange {
  /** The file, for a change of its content. */
  readonly file?: string;
  /** Services that have read the file. */
  readonly services?: readonly string[];
}

/** One changed pipeline. A new pipeline has all its parts added, a removed one all of them removed. */
export interface PipelineChange {
  readonly pipeline: string;
  /** Filters and apps, by name. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /**
   * Parts of both pipelines that are in another order relative to the others: the fewest that explain the new order.
   */
  readonly moved: readonly string[];
}

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
   * First line of the worker's error, with the location in the application; for a worker that hangs, the location, or the
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
  const ago = agoText((now - Date.parse(at)) / 1000);
  const when = `worker ${worker}${pid === undefined ? '' : ` (pid ${pid})`} ${howEnded(end)} ${ago}`;
  const early = fault === undefined ? ' before it was ready' : '';
  const before = reason === 'start' ? early : `, up for ${formatDuration(uptimeMs / 1000)}`;
  const memory = rss === undefined ? '' : `, ${mebibytes(rss)}`;
  // Only a worker that ends by itself reports its last requests.
  const least = reason === 'exit' ? '' : 'at least ';
  const held = lost === 0 ? '' : `; lost ${least}${countText(lost, 'request')}${listed(end.requests)}`;
  return `${when}${before}${memory}${held}${error === undefined ? '' : `: ${error}`}`;
}

/** `3 requests were cut off at drain_timeout`. */
export function cutOffText(count: number, limit: string): string {
  return `${countText(count, 'request')} ${count === 1 ? 'was' : 'were'} cut off at ${limit}`;
}

/** Most requests that a line names. */
const NAMED_REQUESTS = 3;

function listed(requests: readonly HeldRequest[]): string {
  if (requests.length === 0) return '';
  const each = requests.slice(0, NAMED_REQUESTS).map(describeRequest);
  return ` (${each.join(', ')}${requests.length > NAMED_REQUESTS ? ', …' : ''})`;
}

/** `GET /servers for 3.2 s`. */
export function describeRequest({ method, path, ageMs }: HeldRequest): string {
  return `${method} ${path} for ${(ageMs / 1000).toFixed(1)} s`;
}

/** `300 MiB`. */
export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${Math.round(bytes / 2 ** 20)} MiB`;
}
