/** Connections of a service, summed over its workers. */
import type { WorkerStatus } from '../status.js';

/** Facts of workers by states of connections. */
export const CONNECTION_STATES = {
  idle: 'connectionsIdle',
  receiving: 'connectionsReceiving',
  lingering: 'connectionsLingering',
} as const;

/** Numbers of connections. */
export interface ConnectionCounts {
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
export function connectionCounts(workers: readonly WorkerStatus[]): ConnectionCounts {
  const sum = (fact: string): number => workers.reduce((total, { facts }) => total + Number(facts[fact] ?? 0), 0);
  return {
    open: sum('connections'),
    limit: sum('connectionLimit'),
    idle: sum(CONNECTION_STATES.idle),
    receiving: sum(CONNECTION_STATES.receiving),
    lingering: sum(CONNECTION_STATES.lingering),
  };
}

/** `connections: 40 of at most 8192, idle 30, receiving 4; closed in the last minute: idle 2`; undefined without any. */
export function describeConnections(
  counts: ConnectionCounts,
  closed: Readonly<Record<string, number>> = {},
): string | undefined {
  const { open, limit, ...states } = counts;
  if (open + limit === 0) return undefined;
  const most = limit === 0 ? '' : ` of at most ${limit}`;
  const ended = listed(closed).join(', ');
  return [
    [`connections: ${open}${most}`, ...listed(states)].join(', '),
    ...(ended === '' ? [] : [`closed in the last minute: ${ended}`]),
  ].join('; ');
}

function listed(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${what} ${count}`]));
}
