/**
 * Status of a launcher's services and processes, without asking workers: for status pages and metrics.
 */

import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { FailedRequests, Totals } from '../metrics/index.js';
import type { Launchable, ListenAddress } from '../service/index.js';
import { formatAddress, isListening, isPlanned } from '../service/internal.js';
import { formatDuration } from '../text/index.js';
import { describeFiles, isOtherNode, NEW_PARENT } from './parent/program-code.js';
import type { Supervisor } from './parent/supervisor.js';
import type { WorkerEnd } from './parent/worker-end.js';
import type { WorkerHandle } from './parent/worker-handle.js';
import type { WorkerPool } from './parent/worker-pool.js';
import type { ReloadReport, ReloadUnderWay } from './reload/reload-report.js';
import type { ReloadChange } from './reload/service-plans.js';
import { errorLines } from './report/error-lines.js';
import type { Telling } from './report/report-subjects.js';
import type { ServiceRun } from './services/service-run.js';
import type { HeldRequest } from './worker-message.js';

/** Status of one process. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly generation: number;
  readonly uptimeMs: number;
  /** Time since its last heartbeat. */
  readonly silentMs: number;
  /** True if it sends no heartbeat: it answers no requests. */
  readonly stuck: boolean;
  /** True for a stuck worker that a signal has stopped, such as SIGSTOP. Known on Linux only. */
  readonly suspended: boolean;
  /** Stack that its main thread is stuck in, the application's frames first; undefined while it sends heartbeats. */
  readonly stack: readonly string[] | undefined;
  /** Requests of a stuck worker. */
  readonly heldRequests: readonly HeldRequest[];
  /** Files of the program that the first worker of its configuration has loaded with another content. */
  readonly otherCode: readonly string[];
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
  /** The number that its program or its configuration requests. */
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
  /**
   * Expiry of its certificate, ISO 8601; undefined without a certificate file. The file is read when the property is.
   */
  readonly certificateEnds: string | undefined;
  /** All processes, including those that drain. */
  readonly workers: readonly WorkerStatus[];
}

/** Status of a launcher and its services. */
export interface LauncherStatus {
  readonly pid: number;
  readonly stopping: boolean;
  /** The configuration in force, counted from 1. */
  readonly generation: number;
  readonly services: readonly ServiceStatus[];
  /** The last reloads, oldest first. */
  readonly reloads: readonly ReloadReport[];
  /** The reload in progress. */
  readonly reloading: ReloadUnderWay | undefined;
  /** Changes of the configuration that accepted reloads have left for a restart. */
  readonly left: readonly ReloadChange[];
}

/** Returns the status of a fleet's services. */
export function fleetStatus(supervisor: Supervisor, totals: Totals): ServiceStatus[] {
  // A service that a reload only tries is left out: a probe must not wait for it.
  const pools = supervisor.pools.filter(({ phase }) => phase !== 'new');
  return pools.map((pool: WorkerPool) => ({
    name: pool.name,
    addresses: pool.sockets.map(({ address }) => address),
    wanted: pool.wanted,
    wantedSince: pool.wantedSince,
    configured: pool.configured,
    ready: pool.current.filter((worker) => worker.serving && !worker.silent).length,
    restarts: pool.restarts,
    starts: pool.starts,
    lastFailure: pool.lastEnd,
    lost: pool.lost,
    errors: totals.failuresOf(pool.name),
    get certificateEnds() {
      return certificateEnds(pool.service);
    },
    workers: [...pool.workers].map(workerStatus),
  }));
}

function certificateEnds(service: Launchable): string | undefined {
  if (isPlanned(service)) return service.certificate?.ends;
  // The file may not be readable at present; the certificate that is served is not affected.
  return ignoreErrors(() => (service as Telling).certificateEnds?.toISOString());
}

function workerStatus(worker: WorkerHandle): WorkerStatus {
  const now = performance.now();
  return {
    id: worker.assignment.index,
    pid: worker.pid,
    state: worker.stopping ? 'draining' : worker.wasReady ? 'ready' : 'starting',
    generation: worker.assignment.generation,
    uptimeMs: now - worker.startedAt,
    silentMs: now - worker.lastBeatAt,
    stuck: worker.silent,
    suspended: worker.silent && isSuspended(worker.pid),
    stack: worker.stack,
    heldRequests: worker.silent ? worker.heldRequests : [],
    otherCode: worker.otherCode,
    facts: worker.facts,
  };
}

/** Reads the state of a process, which follows its name in parentheses: proc_pid_stat(5). */
function isSuspended(pid: number | undefined): boolean {
  const stat = ignoreErrors(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

/** Returns the workers that serve and run other code than the first worker of their configuration. */
export function withOtherCode<W extends Pick<WorkerStatus, 'state' | 'otherCode'>>(workers: readonly W[]): W[] {
  return workers.filter(({ state, otherCode }) => state === 'ready' && otherCode.length > 0);
}

/** Returns the workers that run another version of Node than this process, their parent. */
export function withOtherNode<W extends Pick<WorkerStatus, 'state' | 'facts'>>(workers: readonly W[]): W[] {
  return workers.filter(({ state, facts: { node } }) => state !== 'draining' && isOtherNode(node));
}

/** Describes both kinds of workers in a few words each. */
export function describeOthers(workers: readonly WorkerStatus[]): string[] {
  const who = (others: readonly WorkerStatus[]): string =>
    `${others.map(({ id, pid }) => `worker ${id} (pid ${pid})`).join(', ')} ${others.length === 1 ? 'runs' : 'run'}`;
  const [code, node] = [withOtherCode(workers), withOtherNode(workers)];
  const files = describeFiles([...new Set(code.flatMap(({ otherCode }) => otherCode))]);
  const versions = [...new Set(node.map(({ facts }) => facts.node))].join(', ');
  const began =
    code[0] && `other code than configuration ${code[0].generation} began with: ${files}; a reload ends that`;
  return [
    ...(began === undefined ? [] : [`${who(code)} ${began}`]),
    ...(node.length === 0 ? [] : [`${who(node)} Node ${versions}, the parent ${process.version}; ${NEW_PARENT}`]),
  ];
}

/** Returns the status of a service of this process. */
export function runStatus(
  run: ServiceRun,
  process: Pick<WorkerStatus, 'id' | 'pid' | 'generation' | 'facts'>,
): ServiceStatus {
  return {
    name: run.name,
    addresses: isListening(run.service) ? run.service.addresses : [],
    wanted: 1,
    wantedSince: new Date(performance.timeOrigin).toISOString(),
    configured: 1,
    ready: run.started ? 1 : 0,
    restarts: 0,
    starts: {},
    lastFailure: undefined,
    lost: { deadline: (run.service as Telling).meter?.cutOffRequests ?? 0 },
    errors: (run.service as Telling).meter?.failures ?? [],
    get certificateEnds() {
      return certificateEnds(run.service);
    },
    workers: [
      {
        ...process,
        state: run.state,
        uptimeMs: run.uptimeMs,
        silentMs: 0,
        stuck: false,
        suspended: false,
        stack: undefined,
        heldRequests: [],
        otherCode: [],
      },
    ],
  };
}

/** Describes the modules that new workers load in a few words, for a reload that takes long. */
export function whatLoads(services: readonly ServiceStatus[]): string {
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

/** Logs one line when every launched service is ready for the first time. */
export function logReady(log: Logger, services: readonly ServiceStatus[], since: number): void {
  const durationMs = Math.round(performance.now() - since);
  const each = services.map(({ name, wanted, addresses }) => ({
    name,
    workers: wanted,
    addresses: addresses.map(formatAddress),
  }));
  const names = each
    .map(({ name, addresses: [...on] }) => [name, ...(on.length > 0 ? ['on', on.join(' ')] : [])].join(' '))
    .join(', ');
  log.notice({ event: 'ready', services: each, durationMs }, `Ready after ${durationMs} ms: ${names}`);
}
