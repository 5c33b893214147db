/**
 * What clients do wrong: counted by reason, and said at debug level, one line each up to ten a second, then one a second
 * for the rest. A flood of broken requests must not become a flood of lines.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../../log/index.js';

const LINES_A_SECOND = 10;

/** Counts the faults of clients. */
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
