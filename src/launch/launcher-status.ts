/**
 * Status of a launcher's services and processes, without asking workers: for `status` and metrics.
 */
import type { Config } from '../config/index.js';
import type { Totals } from '../counts/index.js';
import { ignoreErrors } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceStatus, WorkerStatus } from '../operating/index.js';
import type { ReportedRequest, Telling } from '../operating/internal.js';
import type { Launchable, ServiceBase } from '../service/index.js';
import { formatAddress, isListening, isPlanned } from '../service/internal.js';
import { countText, formatDuration } from '../text/index.js';
import { isSuspended } from './parent/late-workers.js';
import type { Supervisor } from './parent/supervisor.js';
import type { WorkerHandle } from './parent/worker-handle.js';
import type { WorkerPool } from './parent/worker-pool.js';
import { refusedFor } from './reload/reload-report.js';
import type { ServiceRun } from './services/service-run.js';

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
    ready: pool.current.filter((worker) => worker.serving && !worker.beat.silent).length,
    restarts: pool.restarts,
    starts: pool.starts,
    lastFailure: pool.lastEnd,
    lost: pool.lost,
    // Computed for those who show them.
    get errors() {
      return totals.failuresOf(pool.name);
    },
    get refusals() {
      return totals.refusalsOf(pool.name);
    },
    get certificateEnds() {
      return certificateEnds(pool.service, supervisor.generation.config);
    },
    get certificateUntrusted() {
      return certificateUntrusted(pool.service, supervisor.generation.config);
    },
    workers: [...pool.workers].map(workerStatus),
  }));
}

function certificateEnds(service: Launchable, config: Config | undefined): string | undefined {
  if (isPlanned(service)) return service.certificate?.ends;
  if (config === undefined) return undefined;
  // The file may not be readable at present; the certificate that is served is not affected.
  return ignoreErrors(() => (service as Telling).certificateEndsIn?.(config)?.toISOString());
}

function certificateUntrusted(service: Launchable, config: Config | undefined): string | undefined {
  if (isPlanned(service)) return service.certificate?.untrusted;
  return config && ignoreErrors(() => (service as Telling).certificateUntrustedIn?.(config));
}

function workerStatus(worker: WorkerHandle): WorkerStatus {
  const now = performance.now();
  const { beat } = worker;
  return {
    id: worker.assignment.index,
    pid: worker.pid,
    state: worker.stopping ? 'draining' : worker.serving ? 'ready' : 'starting',
    generation: worker.assignment.generation,
    uptimeMs: now - worker.startedAt,
    silentMs: Math.max(0, now - beat.at),
    stuck: beat.silent,
    suspended: beat.silent && isSuspended(worker.pid),
    stack: beat.stack,
    heldRequests: beat.silent ? worker.heldRequests : [],
    facts: beat.facts,
  };
}

/** Returns the status of a service of this process. */
export function runStatus(
  run: ServiceRun,
  process: Pick<WorkerStatus, 'id' | 'pid' | 'generation' | 'facts'>,
  config: () => Config | undefined,
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
    lost: { deadline: run.cutOffRequests },
    errors: (run.service as Telling).meter?.failures ?? [],
    refusals: (run.service as Telling).meter?.refusals ?? [],
    get certificateEnds() {
      return certificateEnds(run.service, config());
    },
    get reloading() {
      return reloadingText(run);
    },
    get certificateUntrusted() {
      return certificateUntrusted(run.service, config());
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
      },
    ],
  };
}

/** Says what a service waits for in a reload, and since when. */
function reloadingText({ service, state, failure, isStarting, uptimeMs }: ServiceRun): string | undefined {
  const telling = service as Telling;
  if (state !== 'reloading') {
    const left = [...(telling.requestsLeft?.() ?? [])];
    const [work] = telling.formerWork?.() ?? [];
    if (left.length === 0) return work && `the former configuration ends after ${work}`;
    return `${countText(left.length, 'request')} of the former configuration: ${waitedFor(left)}`;
  }
  if (failure !== undefined) return `did not start in a reload, and is tried again: ${refusedFor(failure).error}`;
  // Requests that are open now wait for the start, and not it for them.
  if (isStarting) return `starts since ${formatDuration(uptimeMs / 1000)}`;
  return `waits for ${oldestWork(service) ?? 'the end of its former run'}`;
}

/** Says what a service that a reload has removed waits for, and since when. */
export function endingText({ name, service }: ServiceRun): string {
  return `${name} was removed by a reload, and waits for ${oldestWork(service) ?? 'its end'}`;
}

function oldestWork(service: ServiceBase & Telling): string | undefined {
  const open = [...(service.requestsInFlight?.() ?? [])];
  return open.length > 0 ? waitedFor(open) : service.describeWork?.()[0];
}

/** `GET /big of 10.0.0.7 since 3 s`, of the oldest request. */
function waitedFor(requests: readonly ReportedRequest[]): string {
  const { method, path, peer, ageMs } = requests.reduce((oldest, each) => (each.ageMs > oldest.ageMs ? each : oldest));
  return `${method} ${path}${peer === undefined ? '' : ` of ${peer}`} since ${formatDuration(ageMs / 1000)}`;
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
