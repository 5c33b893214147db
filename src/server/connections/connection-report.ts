/** Numbers of the connections of a server, for status and metrics. */
import type { Connection, ConnectionList } from './connections.js';
import { descriptorWatch } from './descriptor-watch.js';
import { discardsInput } from './lingering-close.js';

/** Numbers of connections. */
export interface ConnectionReport {
  /** All, including idle ones and TLS handshakes. */
  readonly open: number;
  /** Most that may be open; undefined without limit. */
  readonly limit: number | undefined;
  /** Without a request, after at least one. */
  readonly idle: number;
  /** Whose next request has not arrived whole. */
  readonly receiving: number;
  /** Whose input is discarded, because it comes after the response. */
  readonly lingering: number;
  /** Closed by the server without a request in progress, by reason. */
  readonly closed: ReadonlyMap<string, number>;
  /** True if its process had no free descriptor within the last minute: connections were closed at once. */
  readonly lacksDescriptors: boolean;
}

/** Counts the connections by state. */
export function connectionReport(
  connections: ConnectionList,
  limit: number,
  closed: ReadonlyMap<string, number>,
): ConnectionReport {
  const counts = { idle: 0, receiving: 0, lingering: 0, busy: 0 };
  for (const connection of connections) counts[stateOf(connection)]++;
  const { idle, receiving, lingering } = counts;
  return {
    open: connections.size,
    limit: Number.isFinite(limit) ? limit : undefined,
    idle,
    receiving,
    lingering,
    closed,
    lacksDescriptors: descriptorWatch.missing,
  };
}

function stateOf(connection: Connection): 'idle' | 'receiving' | 'lingering' | 'busy' {
  const { socket, fresh, bytesBefore, idle, exchange } = connection;
  if (!idle) return exchange?.req.complete === false ? 'receiving' : 'busy';
  if (discardsInput(connection)) return 'lingering';
  return fresh || socket.bytesRead !== bytesBefore ? 'receiving' : 'idle';
}
