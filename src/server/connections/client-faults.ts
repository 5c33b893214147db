/**
 * What requests are refused for before an app sees them, most often a fault of their clients: counted by reason, and said at debug level, one line each up to ten a second, then one a second
 * for the rest. A flood of broken requests must not become a flood of lines.
 */
import type { Socket } from 'node:net';
import type { LogFields, Logger } from '../../log/index.js';

const LINES_A_SECOND = 10;

/** Counts refused requests. */
export class ClientFaults {
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  #lines = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** How often each reason occurred. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Notes one fault; `reason` is one of a fixed set of texts. */
  note(reason: string, socket: Socket): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#lines++;
    if (this.#lines > LINES_A_SECOND || !this.#log.enabled('debug')) return;
    this.#log.debug('fault of a client', { reason, peer: peerOf(socket) });
  }

  /** To be called once a second: says how many were not told of, and begins to tell again. */
  sum(): void {
    if (this.#lines > LINES_A_SECOND)
      this.#log.debug('more faults of clients', { count: this.#lines - LINES_A_SECOND });
    this.#lines = 0;
  }
}

function peerOf(socket: Socket): string {
  return socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
}

const EVERY_MS = 10_000;

/** A warning of what may happen thousands of times a second: one line in ten seconds, with the count of what it stands for. */
export class ThrottledWarning {
  readonly #log: Logger;
  readonly #message: string;
  #toldAt = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(log: Logger, message: string) {
    this.#log = log;
    this.#message = message;
  }

  /** Notes that it happened; tells it, unless it was told a moment ago. */
  note(fields: LogFields): void {
    this.#count++;
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS) return;
    this.#toldAt = now;
    this.#log.warn(this.#message, { ...fields, count: this.#count });
    this.#count = 0;
  }
}
