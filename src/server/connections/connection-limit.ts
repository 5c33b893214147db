/** The limit of the number of connections. */
import { readFileSync } from 'node:fs';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import type { Connection } from './connection.js';
import type { ConnectionList } from './connections.js';
import type { Rejections } from './refusal.js';

/** Descriptors reserved for other uses: files, databases, other listeners. */
const RESERVED = 64;

const LOWERED =
  'max_connections is lowered, because the process may open too few files: raise LimitNOFILE (ulimit -n), or set [wsgi] max_connections';

/** Time without a request after which none is expected to be on its way, in milliseconds. */
const QUIET_MS = 1000;

/**
 * Limits the number of connections. A new connection beyond the limit replaces one without a request: the one that has been so for the
 * longest time, of those that have for a second; else the oldest that has sent nothing yet; else the longest idle. So a burst of connections
 * closes none whose client sends one request after the other. If all have requests in progress, the new one is closed.
 */
export class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors = Math.max(1, descriptorLimit() - RESERVED);
  #limit = 0;
  readonly #closed = new Throttle(10_000);
  readonly #rejections: Rejections;
  readonly #log: Logger;

  /** `limit` 0: only the process's limit of descriptors applies. */
  constructor(connections: ConnectionList, limit: number, rejections: Rejections, log: Logger) {
    this.#connections = connections;
    this.#rejections = rejections;
    this.#log = log;
    this.limit = limit;
  }

  /** Sets the limit for connections from now on. */
  set limit(limit: number) {
    const lowered = Math.min(limit || Number.POSITIVE_INFINITY, this.#descriptors);
    if (lowered < limit && lowered !== this.#limit)
      this.#log.warn({ configured: limit, max_connections: lowered }, LOWERED);
    this.#limit = lowered;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Called with each connection after it was added to the list; closes one if there are too many. */
  enforce(fresh: Connection): void {
    if (this.#connections.size <= this.#limit) return;
    const oldest: Partial<Record<'quiet' | 'unused' | 'used', Connection>> = {};
    for (const connection of this.#connections) {
      if (connection === fresh || !connection.idle || connection.socket.destroyed) continue;
      // Part of a head counts as a use.
      const isUnused = connection.requests === 0 && connection.socket.bytesRead === 0;
      const kind = this.#isQuiet(connection) ? 'quiet' : isUnused ? 'unused' : 'used';
      if (oldest[kind] === undefined || connection.lastUse < oldest[kind].lastUse) oldest[kind] = connection;
    }
    (oldest.quiet ?? oldest.unused ?? oldest.used ?? fresh).socket.destroy();
    this.#rejections.countClosed('too many connections');
    this.#closed.tell((count) => {
      this.#log.warn({ max_connections: this.#limit, count }, 'too many connections: some were closed');
    });
  }

  /** An unused connection is quiet from its start on, a used one from when the timeouts have seen it idle. */
  #isQuiet({ requests, lastUseAt, idleAfter, idleSince }: Connection): boolean {
    const since = requests === 0 ? lastUseAt : idleAfter === requests ? idleSince : undefined;
    return since !== undefined && this.#connections.coarseNow - since >= QUIET_MS;
  }
}

/** Returns the process's limit of open descriptors; unknown outside Linux. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
