/** Numbers of the connections of a server, for status and metrics. */

import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import type { Connection } from './connection.js';
import type { ConnectionList } from './connections.js';

/** Numbers of connections. */
export interface ConnectionReport {
  /** All, including idle ones and TLS handshakes. */
  readonly open: number;
  /** Most that may be open; undefined without limit. */
  readonly limit: number | undefined;
  /** Connections without a request, after at least one. */
  readonly idle: number;
  /** Connections whose next request has not arrived whole. */
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

// Watch on the file descriptors of this process (EMFILE). If none is left, the system accepts connections that Node closes at once without an
// event.

const EVERY_MS = 60_000;
const MISSING =
  'out of file descriptors: new connections are closed immediately. Raise LimitNOFILE (ulimit -n), or find out what keeps them open';

/** Time for which a check is valid: all servers of a process share it, each of which checks once a second. */
const LOOK_MS = 900;

/** Checks for a free descriptor. */
class DescriptorWatch {
  #lookedAt = Number.NEGATIVE_INFINITY;
  #missedAt = Number.NEGATIVE_INFINITY;
  readonly #missed = new Throttle(EVERY_MS);

  /** Reports whether a check of the last minute found none. */
  get missing(): boolean {
    return performance.now() - this.#missedAt < EVERY_MS;
  }

  /** Reports whether the last check found none. */
  get none(): boolean {
    return this.missing && this.#missedAt === this.#lookedAt;
  }

  /** Reports whether there is none now, logged once a minute. Called once a second; takes 10 µs. */
  look(log: Logger): boolean {
    const now = performance.now();
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      const code = missingCode();
      if (code !== undefined) {
        this.#missedAt = now;
        this.#missed.tell((count) => log.warn({ code, count }, MISSING));
      }
    }
    return this.none;
  }
}

/** One instance for the process, like its descriptors. */
export const descriptorWatch = new DescriptorWatch();

/** Returns the system's error code if none is left. */
function missingCode(): string | undefined {
  try {
    closeSync(openSync(devNull, 'r'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return code;
  }
  return undefined;
}
