/** What a launcher and all it runs are, as documents: its status, which services can be sent requests, what is under way. */
import { formatDuration } from '../../text/index.js';
import { type LauncherStatus, type ServiceStatus, SILENT_MS, type WorkerStatus } from '../launcher-status.js';
import type { Controlled } from './controlled.js';

/** `stuck`: its workers are there, and none gives a sign of life. */
export interface Readiness {
  readonly name: string;
  readonly state: 'ready' | 'starting' | 'draining' | 'stuck';
  /** What is not as it should be; a service that is ready may have some too. */
  readonly reasons: readonly string[];
}

/** A worker with what it told last, but for its requests, which have a document of their own. */
export type ShownWorker = Omit<WorkerStatus, 'facts'> & {
  readonly utilization?: number;
  readonly lagMs?: number;
  readonly rss?: number;
  readonly inFlight?: number;
  /** What is wrong with what it needs. */
  readonly troubles?: readonly string[];
};

/** What `GET /status` answers. */
export type StatusDocument = ReturnType<typeof statusDocument>;

/** `totals`: of all services; what workers told last. */
export function statusDocument({ name, version, config, status }: Controlled) {
  const known = status();
  const { services, reloads, ...rest } = known;
  const states = new Map(readinessOf(known).map(({ name: service, state }) => [service, state]));
  const shown = services.map(({ workers, ...service }) => ({
    ...service,
    state: states.get(service.name)!,
    workers: workers.map(withoutRequests),
  }));
  const workers = shown.flatMap((service) => service.workers);
  return {
    schema: 'portico/status',
    version: 1,
    process: {
      name,
      version,
      node: process.version,
      uptimeMs: process.uptime() * 1000,
      ...rest,
      folder: process.cwd(),
      configFiles: config.configFiles,
    },
    services: shown,
    totals: {
      wanted: sum(services.map(({ wanted }) => wanted)),
      ready: sum(services.map(({ ready }) => ready)),
      restarts: sum(services.map(({ restarts }) => restarts)),
      inFlight: sum(workers.map(({ inFlight = 0 }) => inFlight)),
      rss: sum(workers.map(({ rss = 0 }) => rss)),
    },
    reloads,
  };
}

function withoutRequests({ facts, ...worker }: WorkerStatus): ShownWorker {
  const { requests: _, ...rest } = facts;
  return { ...worker, ...rest };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Which services can be sent requests, for probes. */
export function readinessOf({ stopping, services }: LauncherStatus): Readiness[] {
  return services.map(({ name, ...service }) => {
    const state = stopping ? 'draining' : stateOf(service.workers);
    return { name, state, reasons: [...(stopping ? ['the service is being stopped'] : []), ...reasonsOf(service)] };
  });
}

function stateOf(workers: readonly WorkerStatus[]): Readiness['state'] {
  const serving = workers.filter(({ state }) => state === 'ready');
  if (serving.some(({ silentMs }) => silentMs <= SILENT_MS)) return 'ready';
  if (serving.length > 0) return 'stuck';
  return workers.length > 0 && workers.every(({ state }) => state === 'draining') ? 'draining' : 'starting';
}

function reasonsOf({ ready, wanted, workers }: Omit<ServiceStatus, 'name'>): string[] {
  const silent = workers.filter(({ silentMs }) => silentMs > SILENT_MS);
  return [
    ...(ready < wanted || wanted === 0 ? [`${ready} of ${wanted} workers serve`] : []),
    ...silent.map(({ id, silentMs, stack }) => {
      const where = stack?.[0] === undefined ? '' : `, stuck ${stack[0]}`;
      return `worker ${id} has given no sign of life for ${formatDuration(silentMs / 1000)}${where}`;
    }),
    ...new Set(workers.flatMap(({ facts }) => troublesOf(facts))),
  ];
}

/** What a worker has told to be wrong with what it needs: the other services lack it as well, so it serves on. */
function troublesOf({ troubles }: WorkerStatus['facts']): readonly string[] {
  return Array.isArray(troubles) ? troubles.map(String) : [];
}

/** A request under way. */
export interface ShownRequest {
  readonly ageMs: number;
  readonly method?: string;
  readonly path?: string;
  readonly route?: string;
  readonly filter?: string;
  readonly peer?: string;
  readonly service: string;
  readonly worker: number;
}

/** So many requests are listed, the oldest first. */
const MOST_REQUESTS = 200;

/** The requests under way of all workers, as each last told them. */
export function requestsOf(services: readonly ServiceStatus[]): readonly ShownRequest[] {
  const all = services.flatMap(({ name, workers }) =>
    workers.flatMap(({ id, pid, silentMs, facts }) => {
      const requests = Array.isArray(facts.requests) ? (facts.requests as { readonly ageMs: number }[]) : [];
      return requests.map(({ ageMs, ...request }) => ({
        ageMs: Math.round(ageMs + silentMs),
        ...request,
        service: name,
        worker: id,
        pid,
      }));
    }),
  );
  return all.sort((a, b) => b.ageMs - a.ageMs).slice(0, MOST_REQUESTS);
}
