/** What a launcher and all it runs are, as one document. */
import type { Config } from '../../config/index.js';
import type { LauncherStatus, WorkerStatus } from '../launcher-status.js';
import { type Readiness, readinessOf } from './readiness.js';

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
export interface StatusDocument extends Pick<LauncherStatus, 'reloads'> {
  readonly schema: 'portico/status';
  readonly version: 1;
  readonly process: Omit<LauncherStatus, 'services' | 'reloads'> & {
    readonly name: string;
    readonly version: string | undefined;
    readonly node: string;
    readonly uptimeMs: number;
    readonly configFiles: readonly string[];
  };
  readonly services: readonly (Omit<LauncherStatus['services'][number], 'workers'> & {
    readonly state: Readiness['state'];
    readonly workers: readonly ShownWorker[];
  })[];
  /** Of all services; what workers told last. */
  readonly totals: Readonly<Record<'wanted' | 'ready' | 'restarts' | 'inFlight' | 'rss', number>>;
}

/** Of what it is made. */
interface Told {
  readonly name: string;
  readonly version: string | undefined;
  readonly config: Config | undefined;
  status(): LauncherStatus;
}

export function statusDocument({ name, version, config, status }: Told): StatusDocument {
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
      configFiles: config?.configFiles ?? [],
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
