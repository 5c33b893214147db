/** Numbers of the connections of a server, for status and metrics. */
import type { Connection } from './connection.js';
import type { ConnectionList } from './connections.js';
import { descriptorWatch } from './descriptor-watch.js';

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
  /** True if it has none now: new connections are closed at once. */
  readonly isOutOfDescriptors: boolean;
}

/** Counts the connections by state. */
export function connectionReport(
  connections: ConnectionList,
  limit: number,
  closed: ReadonlyMap<string, number>,
): ConnectionReport {
  const counts = { idle: 0, receiving: 0, lingering: 0, busy: 0 };
  for (const connection of connections) counts[stateOf(connection)]++;
  const { busy: _, ...reported } = counts;
  const most = Number.isFinite(limit) ? limit : undefined;
  const { missing: lacksDescriptors, none: isOutOfDescriptors } = descriptorWatch;
  return { open: connections.size, limit: most, ...reported, closed, lacksDescriptors, isOutOfDescriptors };
}

function stateOf(connection: Connection): 'idle' | 'receiving' | 'lingering' | 'busy' {
  const { socket, requests, bytesBefore, idle, exchange } = connection;
  if (!idle) return exchange?.req.complete === false ? 'receiving' : 'busy';
  if (connection.discardsInput) return 'lingering';
  return requests === 0 || socket.bytesRead !== bytesBefore ? 'receiving' : 'idle';
}
