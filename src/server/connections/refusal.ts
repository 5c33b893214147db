/**
 * Answers that the server gives by itself, before any filter: always short, always the end of the connection, and never
 * with anything of the request in them; and how they are counted and told.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
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

/** Refuses a request that has a response. */
export function sendRefusal(res: ServerResponse, { status, reason }: Refusal): void {
  const body = `${reason}\n`;
  res.writeHead(status, {
    connection: 'close',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  res.end(body);
}

/** The bytes of a refusal where there is no response object: the parser gave up before there was a request. */
export function refusalBytes({ status, reason }: Refusal): string {
  const body = `${reason}\n`;
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
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

  /** Notes one; `detail` is for the log: a code of Node's parser, or what the client was told. */
  note(reason: RejectionReason, socket: Socket, detail?: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.#lines++;
    if (this.#lines > LINES_A_SECOND || !this.#log.enabled('debug')) return;
    this.#log.debug('request rejected', { reason, detail, peer: peerOf(socket) });
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
