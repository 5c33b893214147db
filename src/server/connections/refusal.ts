/**
 * Refusals of requests by the server itself, before any filter, with their counts and log lines. Each closes its
 * connection.
 */
import type { Socket } from 'node:net';
import type { Logger } from '../../log/index.js';

/**
 * Reasons for which the server refuses a request or closes a connection, as stable words: `reason` of the metric and
 * the log.
 */
const REJECTION_REASONS = [
  'queue full',
  'queue timeout',
  'rate limit',
  'http version',
  'url too long',
  'headers too many',
  'headers too large',
  'header invalid',
  'host invalid',
  'target invalid',
  'framing invalid',
  'transfer coding',
  'expectation',
  'malformed',
  'connect',
  'chunk extensions',
  'request too slow',
  'body too slow',
  'answer not taken',
  'connection silent',
  'tls handshake failed',
  'no descriptor',
] as const;

type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Reasons for which the server closes a connection without a request in progress: `reason` of the metric. */
const CLOSE_REASONS = ['idle', 'no request', 'too many connections', 'lingering'] as const;

export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Status and reason of a refusal. */
export interface Refusal {
  readonly status: number;
  readonly why: RejectionReason;
  /** One fixed line for the client. */
  readonly reason: string;
}

/** Declares a refusal. */
export function refusal(status: number, why: RejectionReason, reason: string): Refusal {
  return Object.freeze({ status, why, reason });
}

const LINES_A_SECOND = 10;

/**
 * Counts refused requests and closed connections by reason, and logs them at debug: one line each up to ten a second,
 * then one a second for the rest, because a flood of broken requests must not become a flood of lines.
 */
export class Rejections {
  readonly #log: Logger;
  readonly #counts = new Map<RejectionReason, number>(REJECTION_REASONS.map((reason) => [reason, 0]));
  readonly #closed = new Map<CloseReason, number>(CLOSE_REASONS.map((reason) => [reason, 0]));
  #lines = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Count of each reason, including those with 0. */
  get counts(): ReadonlyMap<RejectionReason, number> {
    return this.#counts;
  }

  /** Closed connections by reason, including reasons with 0. */
  get closed(): ReadonlyMap<CloseReason, number> {
    return this.#closed;
  }

  /**
   * Counts and logs one. `detail`: a code of Node's parser, or the text for the client; `id`: the id in the response.
   */
  note(reason: RejectionReason, socket: Socket, detail?: string, id?: string): void {
    this.count(reason);
    this.#lines++;
    if (this.#lines > LINES_A_SECOND || !this.#log.enabled('debug')) return;
    this.#log.debug({ reason, detail, request_id: id, peer: peerOf(socket) }, 'request rejected');
  }

  /** Counts one without details. */
  count(reason: RejectionReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  /** Counts a connection that is closed without a request in progress. */
  countClosed(reason: CloseReason): void {
    this.#closed.set(reason, this.#closed.get(reason)! + 1);
  }

  /** Called once a second: logs the number of suppressed lines, and logs again from now on. */
  sum(): void {
    if (this.#lines > LINES_A_SECOND)
      this.#log.debug({ count: this.#lines - LINES_A_SECOND }, 'more requests rejected');
    this.#lines = 0;
  }
}

function peerOf(socket: Socket): string {
  return socket.remoteAddress === undefined ? 'unix' : `${socket.remoteAddress}:${socket.remotePort}`;
}
