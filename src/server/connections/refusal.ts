/**
 * Refusals of requests by the server itself, before any filter, with their counts and log lines. Each closes its
 * connection.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connectionAddress, exchangeOf } from '../../app/internal.js';
import { LABEL_CHARACTERS, NotedRefusals } from '../../counts/index.js';
import type { Logger } from '../../log/index.js';
import { requestFacts } from './request-facts.js';

/**
 * Reasons for which the server refuses a request or closes a connection, as stable words, `reason` of the metric and the log; with the
 * status of the response, if there is one.
 */
const REJECTIONS = {
  'queue full': 503,
  'queue timeout': 503,
  'rate limit': 429,
  'http version': 505,
  'url too long': 414,
  'headers too many': 431,
  'headers too large': 431,
  'header invalid': 400,
  'host invalid': 400,
  'target invalid': 400,
  'framing invalid': 400,
  'transfer coding': 501,
  expectation: 417,
  malformed: 400,
  connect: 400,
  'chunk extensions': 431,
  'request too slow': 408,
  'body too slow': 408,
  'response not taken': undefined,
  'connection silent': undefined,
  'tls handshake failed': undefined,
  'no descriptor': undefined,
} as const;

type RejectionReason = keyof typeof REJECTIONS;

/** Reasons of which the access log has a line already: the filters saw the request. */
const IN_ACCESS_LOG: ReadonlySet<RejectionReason> = new Set([
  'queue full',
  'queue timeout',
  'response not taken',
  'connection silent',
]);

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

/** Details of a refused request. */
interface Told {
  /** A code of Node's parser, or the text for the client. */
  readonly detail?: string | undefined;
  /** The refused request, if its headers were readable. */
  readonly req?: IncomingMessage | undefined;
}

/**
 * Counts refused requests and closed connections by reason. Logs each request that reaches no application with its reason, at info: one line
 * each up to ten a second, then one a second for the rest, because a flood of broken requests must not become a flood of lines. `request_log`
 * has those that can be read as a request, with the same id.
 */
export class Rejections {
  /** Refusals of the last ten minutes, for status. */
  readonly noted = new NotedRefusals();
  readonly #log: Logger;
  /** Count of each reason, including those with 0. */
  readonly counts = new Map(Object.keys(REJECTIONS).map((reason) => [reason as RejectionReason, 0]));
  /** Closed connections by reason, including reasons with 0. */
  readonly closed = new Map<CloseReason, number>(CLOSE_REASONS.map((reason) => [reason, 0]));
  #lines = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Counts and logs one. */
  note(reason: RejectionReason, socket: Socket, { detail, req }: Told = {}): void {
    const { remoteAddress, remotePort } = socket;
    this.count(reason, remoteAddress);
    if (IN_ACCESS_LOG.has(reason) || ++this.#lines > LINES_A_SECOND || !this.#log.enabled('info')) return;
    const peer = remoteAddress === undefined ? 'unix' : `${remoteAddress}:${remotePort}`;
    const facts = req === undefined ? {} : requestFacts(req);
    this.#log.info({ ...facts, status: REJECTIONS[reason], reason, detail, peer }, 'request rejected');
  }

  /** Counts a response of 429, which the access log has. */
  limited(req: IncomingMessage): void {
    this.count('rate limit', exchangeOf(req).remote?.address ?? connectionAddress(req));
  }

  /** Counts one without a line. */
  count(reason: RejectionReason, address?: string): void {
    this.counts.set(reason, this.counts.get(reason)! + 1);
    this.noted.note(reason, REJECTIONS[reason], address?.slice(0, LABEL_CHARACTERS));
  }

  /** Counts a connection that is closed without a request in progress. */
  countClosed(reason: CloseReason): void {
    this.closed.set(reason, this.closed.get(reason)! + 1);
  }

  /** Called once a second: logs the number of suppressed lines, and logs again from now on. */
  sum(): void {
    if (this.#lines > LINES_A_SECOND) this.#log.info({ count: this.#lines - LINES_A_SECOND }, 'more requests rejected');
    this.#lines = 0;
  }
}
