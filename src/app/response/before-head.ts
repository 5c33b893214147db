/** Listeners for the headers of a response and streams for its body: registered on the way in, and run just before the headers are written. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { bytesDeclared } from '../header-fields.js';
import { mayHaveBody } from '../response-methods.js';
import { type HoldOptions, HoldPart, StreamPart, wayOf } from './body-parts.js';
import { addStage, exchangeFor, LATER, setMissing } from './served-response.js';

/** Sees status and headers while they can still be changed. */
export type HeadListener = (res: ServerResponse) => void;

/**
 * Runs `listener` just before the response headers are written, while status and headers can still be changed.
 *
 * Listeners run in reverse order of registration, so that an outer filter has the last word, as with WSGI's start_response. They see
 * headers given to `writeHead` as if they had been set one by one, and run for implicit headers too. Each runs once; an error goes to the
 * caller that wrote the headers, and the remaining listeners run when the response to the failure is sent. A listener that returns a promise fails the
 * request with `PORTICO_HEAD_PROMISE`: the headers do not wait. Informational responses (1xx) do not count as headers. Costs nothing if
 * unused. Throws `PORTICO_HEAD_SENT` if the headers have already been sent.
 */
export function beforeHead(res: ServerResponse, listener: HeadListener): void {
  addStage(res, listener);
}

/** Sets a header that neither the application nor any filter sets. `name`: in lower case. */
export function lastHeader(res: ServerResponse, name: string, value: string): void {
  const exchange = exchangeFor(res);
  exchange.headDefaults = [name, value, ...(exchange.headDefaults ?? [])];
}

/** Sets those headers that are missing. `headers`: names and values in turn. */
export function setMissingHeaders(res: ServerResponse, headers: readonly string[]): void {
  for (let at = 0; at < headers.length; at += 2) {
    setMissing(res, headers[at]!, headers[at + 1]!);
  }
}

/** Returns a stream for the body, or undefined to leave the body unchanged. */
export type BodyTransformer = (res: ServerResponse) => (Duplex & { flush?(): void }) | undefined;

/**
 * Sends the response's body through the stream that `make` returns.
 *
 * `make` is called just before the headers are written, in order with the listeners of `beforeHead` (the innermost first, and the body flows
 * the same way), so it can read and change status and headers. If it returns a stream, `Content-Length` is removed. It is not called for
 * responses without a body: HEAD, 101, 204 and 304. Back-pressure works from the socket to the app; a stream error aborts the response. A
 * stream with a method `flush`, as those of zlib have, is flushed when the app pauses for a turn.
 */
export function transformBody(res: ServerResponse, make: BodyTransformer): void {
  const way = wayOf(res);
  addStage(res, () => {
    const stream = mayHaveBody(res) ? make(res) : undefined;
    if (stream === undefined) return;
    res.removeHeader('content-length');
    way.add((next) => new StreamPart(res, stream, next));
  });
}

/**
 * Holds headers and body back until the body is complete. One that is too large, comes in pieces without a declared length, or whose headers the app
 * flushes is not held. When the headers are held, the `beforeHead`
 * listeners registered after this call have already run; earlier ones run when it is sent.
 */
export function holdBody(res: ServerResponse, options: HoldOptions): void {
  const way = wayOf(res);
  const hold = (): unknown => {
    const declared = Math.max(0, bytesDeclared(res.getHeader('content-length')));
    if (declared > options.limit || !options.wants(res)) return undefined;
    way.add((next) => new HoldPart(res, options, hold, declared, next));
    return LATER;
  };
  addStage(res, hold);
  way.releaseOnFlush();
}
