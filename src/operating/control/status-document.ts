/** Documents about a launcher and its services: status, readiness, requests in progress. */

import { diagnose } from '../../config/internal.js';
import type { Totals } from '../../counts/index.js';
import { didYouMean, locationText } from '../../errors/index.js';
import { enteredLink } from '../../process/index.js';
import type { PeriodicStatus } from '../../tasks/index.js';
import { countText, formatDuration } from '../../text/index.js';
import {
  describeEnd,
  describeOthers,
  describeRequest,
  type LauncherStatus,
  type ServiceStatus,
  type WorkerStatus,
  whatLoads,
  whatOneLoads,
} from '../status.js';
import type { Controlled } from './controlled.js';
import { endingCertificate } from './ended-certificates.js';
import type { ExtensionPart } from './extension-parts.js';
import { jobsOf, overdueJobs } from './jobs.js';
import { overridesOf } from './overrides.js';

/**
 * `stuck`: it has workers, and none sends a heartbeat; `full`: none of those that do can accept a connection; `reloading`: its process, without
 * workers, lets requests wait.
 */
export interface Readiness {
  readonly name: string;
  readonly state: 'ready' | 'starting' | 'reloading' | 'draining' | 'stuck' | 'full';
  /** Problems of the service; a ready service may have some too. */
  readonly reasons: readonly string[];
}

/** A worker with its last facts, except its requests, which have their own document. */
export type ShownWorker = Omit<WorkerStatus, 'facts'> & {
  readonly utilization?: number;
  /** Maximum and p99 of the last half to whole minute. */
  readonly lagMaxMs?: number;
  readonly lagP99Ms?: number;
  readonly rss?: number;
  /** Version of its Node; `process.node` is that of its parent. */
  readonly node?: string;
  readonly inFlight?: number;
  /** Of these, requests whose application is at work, and those queued by the concurrency limit. */
  readonly running?: number;
  readonly queued?: number;
  /** Remote calls that it handles, and that it waits for. */
  readonly callsRunning?: number;
  readonly callsPending?: number;
  /** Problems of the services that it needs. */
  readonly troubles?: readonly string[];
  /** Its periodic tasks, with their last runs and failures. */
  readonly periodic?: readonly PeriodicStatus[];
};

/** Response to `GET /status`. */
export type StatusDocument = ReturnType<typeof statusDocument> & {
  /** Absent from a parent of an older version. */
  readonly extensions?: readonly ExtensionPart[];
};

/** Returns the document. Facts of workers are those of their last heartbeats. */
export function statusDocument(controlled: Controlled) {
  const { name, version, config, log, runner, status, levels, notListening } = controlled;
  const known = status();
  const { services, reloads, reloading, left, ...rest } = known;
  const { stopping } = rest;
  const readiness = new Map(readinessOf(known).map((service) => [service.name, service]));
  const shown = services.map(({ workers, ...service }) => ({
    ...service,
    state: readiness.get(service.name)!.state,
    reasons: readiness.get(service.name)!.reasons,
    connections: connectionCounts(workers),
    jobs: jobsOf(workers),
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
      // The link by which it was entered: a reload changes to the directory to which it leads then.
      link: enteredLink() ?? null,
      configFiles: config.configFiles,
      // Sum over all processes: the disk may be full, or standard error not read.
      logLinesLost: logLinesLost(log, runner.counted()),
      notListening,
      // Absent from a parent of an older version.
      notStarted: stopping ? undefined : notStarted(config, services),
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
    reloading: reloading && { ...reloading, doing: whatLoads(services) },
    left,
    overrides: overridesOf(levels, known),
  };
}

/** Returns the names that the configuration enables and that no service has: a start warns of them, and starts the others. */
function notStarted(config: Controlled['config'], services: readonly ServiceStatus[]): string[] {
  const running = services.map(({ name }) => name);
  const sections = config.listAllSections().flatMap((each) => /^(?:api|service):(.+)/s.exec(each)?.[1] ?? []);
  return ['enabled_apis', 'enabled_services'].flatMap((opt) => {
    const names = config.has('DEFAULT', opt) ? ((config.resolve('DEFAULT', opt).value ?? []) as readonly string[]) : [];
    const missing = names.filter((name) => !running.includes(name));
    const known = new Set([...running, ...sections].filter((name) => !missing.includes(name)));
    return missing.map((name) => {
      const { location } = diagnose(config, { group: 'DEFAULT', opt, item: name, message: '' });
      const near = didYouMean(name, known);
      const place = location === undefined ? '' : ` (${locationText(location)})`;
      return `${name} does not run, although ${opt} names it${place}${near === undefined ? ': see api-cli check' : `. ${near}`}`;
    });
  });
}

/** Returns the number of log lines that could not be written. */
function logLinesLost(log: Controlled['log'], counted: Totals): number {
  return (log.lost?.() ?? 0) + sum([...counted.of('logLinesLost')].map(({ values }) => values.sum));
}

function withoutRequests({ facts, ...worker }: WorkerStatus): ShownWorker {
  const { requests: _, ...rest } = facts;
  return { ...worker, ...rest };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Returns the readiness of each service, for probes. */
export function readinessOf({ stopping, leaving, stopsInMs, services }: LauncherStatus): Readiness[] {
  const limit = stopsInMs === undefined ? '' : `: what is still open in ${formatDuration(stopsInMs / 1000)} is cut off`;
  const ends = leaving
    ? 'the service is leaving: it accepts requests until drain_delay has passed'
    : `the service is stopping${limit}`;
  return services.map(({ name, ...service }) => {
    const state = stopping ? 'draining' : stateOf(service.workers);
    return { name, state, reasons: [...(stopping ? [ends] : startReasons(service)), ...reasonsOf(service)] };
  });
}

function stateOf(workers: readonly WorkerStatus[]): Readiness['state'] {
  const serving = workers.filter(({ state }) => state === 'ready');
  const awake = serving.filter(({ stuck }) => !stuck);
  if (awake.some(({ facts }) => facts.outOfDescriptors !== true)) return 'ready';
  if (awake.length > 0) return 'full';
  if (serving.length > 0) return 'stuck';
  if (workers.some(({ state }) => state === 'reloading')) return 'reloading';
  return workers.length > 0 && workers.every(({ state }) => state === 'draining') ? 'draining' : 'starting';
}

/** Time after which a start takes long. */
const SOON_MS = 2000;

/** Reasons for which fewer workers serve than wanted. */
function startReasons({ ready, wanted, workers, lastFailure, reloading }: Omit<ServiceStatus, 'name'>): string[] {
  if (reloading !== undefined) return [reloading];
  const isStuck = workers.some(({ stuck }) => stuck);
  const late = workers.filter(({ state, stuck, uptimeMs }) => state === 'starting' && !stuck && uptimeMs > SOON_MS);
  return [
    ...(ready < wanted || wanted === 0 ? [`${ready} of ${wanted} workers are ready`] : []),
    ...(ready < wanted && !isStuck && lastFailure !== undefined ? [describeEnd(lastFailure)] : []),
    ...(ready < wanted ? late : []).map((worker) => {
      const since = formatDuration(worker.uptimeMs / 1000);
      return `worker ${worker.id} has been starting for ${since}: it ${whatOneLoads(worker)}`;
    }),
  ];
}

function reasonsOf({ workers, certificateEnds }: Omit<ServiceStatus, 'name'>): string[] {
  const stuck = workers.filter((worker) => worker.stuck);
  return [
    ...stuck.map(({ id, silentMs, suspended, stack, heldRequests: [oldest] }) => {
      const hangs = stack?.[0] === undefined ? '' : `, stuck ${stack[0]}`;
      const where = suspended ? ', stopped by SIGSTOP' : hangs;
      const request = oldest === undefined ? '' : `, with ${describeRequest(oldest)}`;
      return `worker ${id} has sent no heartbeat for ${formatDuration(silentMs / 1000)}${where}${request}`;
    }),
    ...endingCertificate(certificateEnds),
    ...takenSlots(workers),
    ...overdueJobs(workers),
    ...describeOthers(workers),
    ...new Set(workers.flatMap(({ facts }) => troublesOf(facts))),
  ];
}

/**
 * Returns the problems that a worker reports of the services it needs. It serves on, because the other workers have the
 * same problems.
 */
function troublesOf({ troubles }: WorkerStatus['facts']): readonly string[] {
  return Array.isArray(troubles) ? troubles.map(String) : [];
}

/** A request in progress. */
export interface ShownRequest {
  readonly ageMs: number;
  readonly method: string;
  readonly path: string;
  readonly requestId?: string;
  readonly route?: string;
  readonly filter?: string;
  readonly slot?: string;
  /** `handler`, `alone`, `body`, `client`, `stream`, `queue` or `filters`, and for how long. */
  readonly state?: string;
  readonly stateMs?: number;
  readonly peer?: string;
  readonly service: string;
  readonly worker: number;
}

type ToldRequest = Pick<ShownRequest, 'ageMs' | 'method' | 'path' | 'stateMs'>;

/** Ages have an error of a quarter of a second on both sides. */
const AGE_MS = 1000;

/** Finds the same request in the last heartbeat, which has more than method and path. */
function knownOf(held: ToldRequest, known: readonly ToldRequest[]): ToldRequest | undefined {
  return known.find(
    ({ method, path, ageMs }) => method === held.method && path === held.path && Math.abs(ageMs - held.ageMs) < AGE_MS,
  );
}

/** Most requests in the list, oldest first. */
const MOST_REQUESTS = 200;

/**
 * Returns the requests in progress of all workers, as last reported; those of a stuck worker come from its watch
 * thread.
 */
export function requestsOf(services: readonly ServiceStatus[]): readonly ShownRequest[] {
  const all = services.flatMap(({ name, workers }) =>
    workers.flatMap(({ id, pid, silentMs, facts, stuck, heldRequests }) => {
      const told = Array.isArray(facts.requests) ? (facts.requests as ToldRequest[]) : [];
      const known = told.map(({ ageMs, stateMs, ...request }) => ({
        ...request,
        ageMs: Math.round(ageMs + silentMs),
        ...(stateMs !== undefined && { stateMs: Math.round(stateMs + silentMs) }),
      }));
      const requests = stuck ? heldRequests.map((held) => ({ ...knownOf(held, known), ...held })) : known;
      return requests.map((request) => ({ ...request, service: name, worker: id, pid }));
    }),
  );
  return all.sort((a, b) => b.ageMs - a.ageMs).slice(0, MOST_REQUESTS);
}

// Workers at their concurrency limit while requests are queued: clients get nothing, although every process is alive.

/** A request of a heartbeat. `state`: `alone` if its client has left. */
interface Told {
  readonly method: string;
  readonly path: string;
  readonly slot?: string;
  readonly state?: string;
  readonly stateMs?: number;
}

/** Time for which a handler may work while others are queued: a short queue is normal under load. */
const LONG_MS = 5000;

/** Returns a sentence if handlers work for long while requests are queued. */
function takenSlots(workers: readonly Pick<WorkerStatus, 'state' | 'facts' | 'silentMs'>[]): string[] {
  const serving = workers.filter(({ state }) => state === 'ready');
  const full = serving.flatMap(({ facts, silentMs }) => {
    const queued = Number(facts.queued ?? 0);
    const oldest = ((facts.requests ?? []) as readonly Told[])
      .filter(({ slot }) => slot === 'application')
      .map((request) => ({ ...request, queued, heldMs: (request.stateMs ?? 0) + silentMs }))
      .sort((a, b) => b.heldMs - a.heldMs)[0];
    return queued > 0 && oldest !== undefined && oldest.heldMs > LONG_MS ? [oldest] : [];
  });
  const [longest] = full.toSorted((a, b) => b.heldMs - a.heldMs);
  if (longest === undefined) return [];
  const { method, path, heldMs, state } = longest;
  const waiting = full.reduce((sum, { queued }) => sum + queued, 0);
  const wait = `${countText(waiting, 'request')} ${waiting === 1 ? 'waits' : 'wait'}`;
  const held = `the longest is held by ${method} ${path} for ${(heldMs / 1000).toFixed(1)} s`;
  const left = state === 'alone' ? ', whose client has left' : '';
  return [
    `${full.length} of ${countText(serving.length, 'worker')} reached the concurrency limit, and ${wait}: ${held}${left}`,
  ];
}

/** Facts of workers by states of connections. */
export const CONNECTION_STATES = {
  idle: 'connectionsIdle',
  receiving: 'connectionsReceiving',
  lingering: 'connectionsLingering',
} as const;

/** Numbers of the connections of a service, summed over its workers. */
interface ConnectionCounts {
  readonly open: number;
  /** Most that may be open; 0: no limit. */
  readonly limit: number;
  /** Without a request, after at least one. */
  readonly idle: number;
  /** Whose next request has not arrived whole. */
  readonly receiving: number;
  /** Whose input after a response is discarded. */
  readonly lingering: number;
}

/** Returns the numbers as the workers last reported them. */
function connectionCounts(workers: readonly WorkerStatus[]): ConnectionCounts {
  const sum = (fact: string): number => workers.reduce((total, { facts }) => total + Number(facts[fact] ?? 0), 0);
  return {
    open: sum('connections'),
    limit: sum('connectionLimit'),
    idle: sum(CONNECTION_STATES.idle),
    receiving: sum(CONNECTION_STATES.receiving),
    lingering: sum(CONNECTION_STATES.lingering),
  };
}

/** `connections: 40 of at most 8192, idle 30, receiving 4`; undefined without any. */
export function describeConnections(counts: ConnectionCounts): string | undefined {
  const { open, limit, ...states } = counts;
  if (open + limit === 0) return undefined;
  const most = limit === 0 ? '' : ` of at most ${limit}`;
  return [`connections: ${open}${most}`, ...listed(states)].join(', ');
}

function listed(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${what} ${count}`]));
}
