/**
 * What clients do wrong: counted by reason, and said at debug level, one line each up to ten a second, then one a second
 * for the rest. A flood of broken requests must not become a flood of lines.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../log.js';

const LINES_A_SECOND = 10;

/** Counts the faults of clients. */
export class ClientFaults {
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  #second = 0;
  #lines = 0;
  #untold = 0;

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
    if (!this.#log.enabled('debug')) return;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      if (this.#untold > 0) this.#log.debug('more faults of clients', { count: this.#untold });
      this.#second = second;
      this.#lines = 0;
      this.#untold = 0;
    }
    if (this.#lines++ < LINES_A_SECOND) this.#log.debug('fault of a client', { reason, peer: peerOf(socket) });
    else this.#untold++;
  }
}

function peerOf(socket: Socket): string {
  return socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
}
