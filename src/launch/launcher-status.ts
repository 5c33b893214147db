/**
 * A launcher's own knowledge of its services and processes, without asking workers: for status pages and metrics.
 */

import type { Logger } from '../log/index.js';
import type { Launchable, ListenAddress } from '../service/index.js';
import { formatAddress, isListening, isPlanned } from '../service/internal.js';
import { formatDuration } from '../text/index.js';
import { describeFiles } from './parent/program-code.js';
import type { Supervisor } from './parent/supervisor.js';
import type { WorkerEnd } from './parent/worker-end.js';
import type { WorkerHandle } from './parent/worker-handle.js';
import type { WorkerPool } from './parent/worker-pool.js';
import type { ReloadReport, ReloadUnderWay } from './reload/reload-report.js';
import type { ReloadChange } from './reload/service-plans.js';
import type { Telling } from './report/report-subjects.js';
import type { ServiceRun } from './services/service-run.js';
import type { HeldRequest } from './worker-message.js';

/** One process. */
export interface WorkerStatus {
  readonly id: number;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly generation: number;
  readonly uptimeMs: number;
  /** How long ago it gave its last sign of life. */
  readonly silentMs: number;
  /** It gives no sign of life: no request is answered. */
  readonly stuck: boolean;
  /** Stack that its main thread is stuck in, the application's frames first; undefined while it gives signs of life. */
  readonly stack: readonly string[] | undefined;
  /** The requests of one that is stuck. */
  readonly heldRequests: readonly HeldRequest[];
  /** Files of the program that the first worker of its configuration has loaded with another text. */
  readonly otherCode: readonly string[];
  /** Facts of its last sign of life: `utilization`, `lagMs`, `rss`, and those of `addFacts`. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One service. */
export interface ServiceStatus {
  readonly name: string;
  readonly addresses: readonly ListenAddress[];
  /** How many workers there are to be. */
  readonly wanted: number;
  /** How many serve, without those that are stuck. */
  readonly ready: number;
  /** Workers started in place of others that ended unasked. */
  readonly restarts: number;
  /** Workers that were started, by why: `launch`, `scale`, `death`, `stuck`, `recycle`, `memory`, `reload`, `restart`. */
  readonly starts: Readonly<Record<string, number>>;
  /** The last worker that ended and was not told to, other than the first of a reload that is refused; undefined where none has. */
  readonly lastFailure: WorkerEnd | undefined;
  /** Requests that were lost with workers, by how these ended. */
  readonly lost: Readonly<Record<string, number>>;
  /** When its certificate ends, ISO 8601; undefined without one in a file, which is read when this is. */
  readonly certificateEnds: string | undefined;
  /** All processes, those that drain included. */
  readonly workers: readonly WorkerStatus[];
}

/** A launcher and all it runs. */
export interface LauncherStatus {
  readonly pid: number;
  readonly stopping: boolean;
  /** The configuration in force, counted from 1. */
  readonly generation: number;
  readonly services: readonly ServiceStatus[];
  /** The last reloads, oldest first. */
  readonly reloads: readonly ReloadReport[];
  /** The one that is under way. */
  readonly reloading: ReloadUnderWay | undefined;
  /** Changes of the configuration that accepted reloads have left for a restart. */
  readonly left: readonly ReloadChange[];
}

/** The services of a fleet. */
export function fleetStatus(supervisor: Supervisor): ServiceStatus[] {
  // One that a reload only checks is none yet: a probe must not wait for it.
  const pools = supervisor.pools.filter(({ phase }) => phase !== 'new');
  return pools.map((pool: WorkerPool) => ({
    name: pool.name,
    addresses: pool.sockets.map(({ address }) => address),
    wanted: pool.wanted,
    ready: pool.current.filter((worker) => worker.serving && !worker.silent).length,
    restarts: pool.restarts,
    starts: pool.starts,
    lastFailure: pool.lastEnd,
    lost: pool.lost,
    get certificateEnds() {
      return certificateEnds(supervisor.service(pool.name));
    },
    workers: [...pool.workers].map(workerStatus),
  }));
}

function certificateEnds(service: Launchable | undefined): string | undefined {
  if (service === undefined || isPlanned(service)) return service?.certificate?.ends;
  try {
    return (service as Telling).certificateEnds?.toISOString();
  } catch {
    // Its file cannot be read at the moment; what is served is not touched by that.
    return undefined;
  }
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
    stack: worker.stack,
    heldRequests: worker.silent ? worker.heldRequests : [],
    otherCode: worker.otherCode,
    facts: worker.facts,
  };
}

/** Those that serve and run other code than the first worker of their configuration. */
export function withOtherCode<W extends Pick<WorkerStatus, 'state' | 'otherCode'>>(workers: readonly W[]): W[] {
  return workers.filter(({ state, otherCode }) => state === 'ready' && otherCode.length > 0);
}

/** In a few words, for people; none where all run the same. */
export function describeCode(
  workers: readonly Pick<WorkerStatus, 'id' | 'pid' | 'state' | 'generation' | 'otherCode'>[],
): string[] {
  const others = withOtherCode(workers);
  const [first] = others;
  if (first === undefined) return [];
  const who = others.map(({ id, pid }) => `worker ${id} (pid ${pid})`).join(', ');
  const files = describeFiles([...new Set(others.flatMap(({ otherCode }) => otherCode))]);
  const verb = others.length === 1 ? 'runs' : 'run';
  return [`${who} ${verb} other code than configuration ${first.generation} began with: ${files}; a reload ends that`];
}

/** A service of this process. */
export function runStatus(
  run: ServiceRun,
  process: Pick<WorkerStatus, 'id' | 'pid' | 'generation' | 'facts'>,
): ServiceStatus {
  return {
    name: run.name,
    addresses: isListening(run.service) ? run.service.addresses : [],
    wanted: 1,
    ready: run.started ? 1 : 0,
    restarts: 0,
    starts: {},
    lastFailure: undefined,
    lost: {},
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
        stack: undefined,
        heldRequests: [],
        otherCode: [],
      },
    ],
  };
}

/** The modules that new workers load, in a few words: for a reload that takes long. */
export function whatLoads(services: readonly ServiceStatus[]): string {
  const starting = services.flatMap(({ name, workers }) =>
    workers.flatMap(({ id, state, facts: { loading }, stack }) => {
      if (state !== 'starting') return [];
      const what = typeof loading === 'string' ? ` loads ${loading}` : ' starts';
      return [`worker ${id} of ${name}${what}${stack?.[0] === undefined ? '' : `, stuck ${stack[0]}`}`];
    }),
  );
  return starting.length === 0 ? 'workers are replaced' : starting.join(', ');
}

/** The workers of a service, a line each: for reports. */
export function workerLines({ name, restarts, workers }: ServiceStatus): string[] {
  const each = workers.map(
    ({ id, pid, state, uptimeMs, stuck }) =>
      `  worker ${id}: pid ${pid}, ${stuck ? 'silent' : state}, up for ${formatDuration(uptimeMs / 1000)}`,
  );
  return [`${name}: ${workers.length} processes, ${restarts} restarts`, ...each];
}

/** The line a log has once every service that was launched serves for the first time. */
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
  log.notice(`Ready after ${durationMs} ms: ${names}`, { event: 'ready', services: each, durationMs });
}
