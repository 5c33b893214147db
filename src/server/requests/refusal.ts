/**
 * Answers that the server gives by itself, before any filter: always short, always the end of the connection, and never
 * with anything of the request in them.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';

/** Why a request is refused, and with what. */
export interface Refusal {
  readonly status: number;
  /** One line for the client, fixed when the program was written. */
  readonly reason: string;
}

/** Declares a refusal. */
export function refusal(status: number, reason: string): Refusal {
  return Object.freeze({ status, reason });
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
