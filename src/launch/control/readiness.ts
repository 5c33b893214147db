/** Which services can be sent requests, for probes. */
import { formatDuration } from '../../text/index.js';
import { type LauncherStatus, type ServiceStatus, SILENT_MS, type WorkerStatus } from '../launcher-status.js';

/** `stuck`: its workers are there, and none gives a sign of life. */
export interface Readiness {
  readonly name: string;
  readonly state: 'ready' | 'starting' | 'draining' | 'stuck';
  /** What is not as it should be; a service that is ready may have some too. */
  readonly reasons: readonly string[];
}

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
