/**
 * Refusals of requests by the server itself, before any filter, and how they are counted and told. Each ends its connection.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../../log/index.js';
import { REJECTION_REASONS, type RejectionReason } from './rejection-reason.js';

/** Why a request is refused, and with what. */
export interface Refusal {
  readonly status: number;
  readonly why: RejectionReason;
  /** One line for the client, fixed when the program was written. */
  readonly reason: string;
}

/** Declares a refusal. */
export function refusal(status: number, why: RejectionReason, reason: string): Refusal {
  return Object.freeze({ status, why, reason });
}

const LINES_A_SECOND = 10;

/**
 * Counts requests that are refused, and connections that are ended, by reason; and says them at debug level, one line each up to
 * ten a second, then one a second for the rest: a flood of broken requests must not become a flood of lines.
 */
export class Rejections {
  readonly #log: Logger;
  readonly #counts = new Map<RejectionReason, number>(REJECTION_REASONS.map((reason) => [reason, 0]));
  #lines = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** How often each reason occurred: all of them, from 0. */
  get counts(): ReadonlyMap<RejectionReason, number> {
    return this.#counts;
  }

  /** Notes one. For the log: `detail`, a code of Node's parser, or what the client was told; `id`, in the answer. */
  note(reason: RejectionReason, socket: Socket, detail?: string, id?: string): void {
    this.count(reason);
    this.#lines++;
    if (this.#lines > LINES_A_SECOND || !this.#log.enabled('debug')) return;
    this.#log.debug('request rejected', { reason, detail, request_id: id, peer: peerOf(socket) });
  }

  /** Counts one of which nothing else is known. */
  count(reason: RejectionReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** To be called once a second: says how many were not told of, and begins to tell again. */
  sum(): void {
    if (this.#lines > LINES_A_SECOND)
      this.#log.debug('more requests rejected', { count: this.#lines - LINES_A_SECOND });
    this.#lines = 0;
  }
}

function peerOf(socket: Socket): string {
  return socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
}
