/**
 * How many connections a server keeps. A new one beyond the limit takes the place of the one that has been longest without a
 * request, be it that none came after an answer or none at all; when all have requests at work the new one is closed.
 */
import { readFileSync } from 'node:fs';
import type { Logger } from '../../log/index.js';
import { ThrottledWarning } from './client-faults.js';
import type { Connection, ConnectionList } from './connections.js';

/** Descriptors that are left for everything that is no connection: files, databases, other listeners. */
const RESERVED = 64;

/** Keeps the number of connections within its limit. */
export class ConnectionLimit {
  readonly #connections: ConnectionList;
  readonly #descriptors: number;
  #limit = 0;
  readonly #line: ThrottledWarning;

  /** `limit` 0 is no limit, except the number of descriptors that the process may have. */
  constructor(connections: ConnectionList, limit: number, log: Logger) {
    this.#connections = connections;
    this.#descriptors = Math.max(1, descriptorLimit() - RESERVED);
    this.limit = limit;
    this.#line = new ThrottledWarning(log, 'too many connections: some were closed');
  }

  /** Takes another limit, for connections from now on. */
  set limit(limit: number) {
    this.#limit = Math.min(limit === 0 ? Number.POSITIVE_INFINITY : limit, this.#descriptors);
  }

  /** To be called with each connection once it is in the list; closes one when there are too many. */
  enforce(fresh: Connection): void {
    if (this.#connections.size <= this.#limit) return;
    let oldest: Connection | undefined;
    for (const connection of this.#connections) {
      if (connection === fresh || !connection.idle || connection.socket.destroyed) continue;
      if (oldest === undefined || connection.lastUse < oldest.lastUse) oldest = connection;
    }
    (oldest ?? fresh).socket.destroy();
    this.#line.note({ max_connections: this.#limit });
  }
}

/** How many descriptors this process may have open; unknown outside Linux. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
