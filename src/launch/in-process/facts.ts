/** Facts of services in this process, for heartbeats and the status: counts, troubles, periodic tasks and the oldest requests. */
import type { Telling } from '../../operating/internal.js';

/** Most requests in progress, oldest first. */
const MOST_REQUESTS = 200;
/** Most characters of a text that a client chose: all requests must fit into a heartbeat. */
const MOST_CHARACTERS = 120;
/** Most periodic tasks of a worker in its facts. */
const MOST_TASKS = 50;

const NO_DESCRIPTOR = 'out of file descriptors: new connections are closed immediately (LimitNOFILE, ulimit -n)';

/** Returns the facts. `others`: troubles of the process beside those of its services. */
export function factsOf(services: readonly Telling[], others: readonly string[]): Record<string, unknown> {
  const requests = services.flatMap((service) => [...(service.requestsInFlight?.() ?? [])]);
  const meters = services.flatMap(({ meter }) => meter ?? []);
  const calls = meters.flatMap((meter) => meter.calls ?? []);
  const reports = meters.flatMap(({ connections }) => connections ?? []);
  const connectionsOf = (count: 'open' | 'limit' | 'idle' | 'receiving' | 'lingering'): number =>
    reports.reduce((sum, { [count]: number = 0 }) => sum + number, 0);
  const lost = meters.flatMap((meter) => meter.troubles?.() ?? []);
  const troubles = [...others, ...lost, ...services.flatMap((service) => service.registryTrouble?.() ?? [])];
  return {
    inFlight: requests.length,
    running: requests.filter(({ slot }) => slot === 'application').length,
    queued: requests.filter(({ slot }) => slot === 'waiting').length,
    connections: connectionsOf('open'),
    connectionLimit: connectionsOf('limit'),
    connectionsIdle: connectionsOf('idle'),
    connectionsReceiving: connectionsOf('receiving'),
    connectionsLingering: connectionsOf('lingering'),
    callsRunning: calls.reduce((sum, { running }) => sum + running, 0),
    callsPending: calls.reduce((sum, { pending }) => sum + pending, 0),
    brokersLost: lost.length,
    outOfDescriptors: reports.some(({ isOutOfDescriptors }) => isOutOfDescriptors),
    troubles: reports.some(({ lacksDescriptors }) => lacksDescriptors) ? [...troubles, NO_DESCRIPTOR] : troubles,
    periodic: services
      .flatMap(({ periodicTasks = [] }) => periodicTasks.flatMap((tasks) => [...tasks.status()]))
      .slice(0, MOST_TASKS)
      .map((status) => shortened({ ...status })),
    requests: [...requests, ...calls.flatMap(({ open }) => [...open])]
      .sort((a, b) => b.ageMs - a.ageMs)
      .slice(0, MOST_REQUESTS)
      .map((request) => shortened({ ...request })),
  };
}

/** Returns facts with their long texts cut. */
function shortened(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]: [string, unknown]) =>
      typeof value === 'string' && value.length > MOST_CHARACTERS
        ? [name, `${value.slice(0, MOST_CHARACTERS - 3)}...`]
        : [name, value],
    ),
  );
}
