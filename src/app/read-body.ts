/** The whole body of a request as one buffer, and a size limit for bodies that other code reads. */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { PorticoError } from '../errors/index.js';
import { countFor, GatheredBytes } from '../wire/index.js';
import { type Environ, type Exchange, exchangeOf } from './exchange.js';
import { Fault } from './fault.js';
import { bodyLengthOf } from './request-fields.js';

/** Options of {@link readBody}. */
export interface ReadBodyOptions {
  /** The largest accepted body, in bytes. Default: 114688 (112 KiB), like the sizelimit filter's. */
  readonly limit?: number;
}

/**
 * Reads the body of a request, without decoding it.
 *
 * Rejects with a 413 `Fault` if the body exceeds the limit (before reading, if Content-Length shows it), with `PORTICO_REQUEST_ABORTED`
 * if the client disconnects before the end, so that an incomplete body is never returned, and with `PORTICO_BODY_CONSUMED` if the body
 * has already been read.
 */
export function readBody(req: IncomingMessage, { limit = 114_688 }: ReadBodyOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    collectBody(req, limit, (error, bytes) => {
      if (error === null) resolve(bytes!);
      else {
        // The rest is not read: the connection closes after the error response.
        if (error instanceof Fault && !req.readableEnded) req.pause();
        reject(error);
      }
    });
  });
}

/**
 * Works like {@link readBody}, without a promise, and also for a stream in place of the request: a decoded body, or one read ahead. A
 * paused stream is resumed; text of a stream with an encoding is converted back to bytes. Bytes beyond the limit are not kept, but still
 * flow. `done`: called once, with the whole body or an error.
 */
export function collectBody(body: Readable, limit: number, done: (error: Error | null, bytes?: Buffer) => void): void {
  const { complete } = body as Partial<IncomingMessage>;
  const isUsed = body.readableDidRead || body.readableEnded;
  const isOver = 'headers' in body && bodyLengthOf(exchangeOf(body as IncomingMessage)) > limit;
  if (isOver || isUsed || body.destroyed) {
    done(isOver ? tooLarge(limit) : isUsed || complete === true ? bodyConsumed() : aborted());
    return;
  }
  // Nearly always the only one.
  let first: Buffer | undefined;
  let gathered: GatheredBytes | undefined;
  let size = 0;
  const settle = (error: Error | null, bytes?: Buffer): void => {
    body.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    done(error, bytes);
  };
  const onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, body.readableEncoding ?? 'utf8') : chunk;
    size += bytes.length;
    if (size > limit) settle(tooLarge(limit));
    else if (first === undefined) first = bytes;
    else {
      if (gathered === undefined) {
        gathered = new GatheredBytes();
        gathered.add(first);
      }
      gathered.add(bytes);
    }
  };
  const onEnd = (): void => settle(null, gathered?.whole() ?? first ?? Buffer.alloc(0));
  // Any other error means that the client disconnected.
  const onError = (error: Error): void => settle(error instanceof Fault ? error : aborted(error));
  const onClose = (): void => settle(aborted());
  body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  // A reader that paused it and then left would otherwise block it forever.
  body.resume();
}

/** Returns the fault for a body over the limit; it closes the connection, because the rest is not read. */
export function tooLarge(limit: number): Fault {
  return new Fault(413, {
    message: `The request body is larger than the limit of ${limit} bytes.`,
    headers: { connection: 'close' },
  });
}

function aborted(cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_REQUEST_ABORTED', {
    message: 'the client disconnected before the end of its request body',
    cause,
  });
}

/** Returns the error of a second reader of a body. */
export function bodyConsumed(): PorticoError {
  return new PorticoError('PORTICO_BODY_CONSUMED', {
    message: 'the request body has already been read',
    hint: 'Read it once and pass on the result.',
  });
}

/** Bytes read and discarded beyond the limit, so that the client can read the error response; then reading stops. */
const DISCARDED = 65_536;

type Push = (chunk: unknown, encoding?: BufferEncoding) => boolean;

/**
 * Calls `onExceeded` once when more than `limit` bytes of body have arrived, and passes on no more: a reader of the body sees neither
 * the rest nor an end, so it cannot take the part for the whole, and its read fails when the connection closes, with the error that
 * `onExceeded` returned, if any. `onExceeded` runs in the async context of this call. Costs one comparison per chunk, and buffers
 * nothing.
 */
export function limitBody(req: IncomingMessage, limit: number, onExceeded: () => unknown): void {
  const carrier = req as unknown as { push: Push };
  const below = carrier.push;
  // The parser calls push in the async context of the connection. AsyncResource.bind takes 60 µs on Node 20.
  const scope = new AsyncResource('portico.limit');
  let size = 0;
  let drain: Readable | undefined;

  // All of a body enters the request through push(), however it is read afterwards.
  carrier.push = (chunk, encoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength;
    if (size <= limit) return Reflect.apply(below, req, [chunk, encoding]);
    if (drain === undefined) {
      drain = new Readable({ read: () => undefined }).resume();
      countFor(req, drain);
      // Not earlier: destroying a request destroys its socket, and with it a response that the client has not read yet.
      const reason = scope.runInAsyncScope(onExceeded);
      req.socket.once('close', () => req.destroy(reason instanceof Error ? reason : undefined));
    }
    // Goes the same way into a stream that discards it, so that a server that counts body bytes still sees them.
    Reflect.apply(below, drain, [chunk, encoding]);
    return size <= limit + DISCARDED;
  };
}

// Signals of a request: that its response is no longer needed, and that its server is about to close.

/**
 * Makes `signal` available, created on first access, which few requests need: an AbortSignal costs more than a whole filter. A signal
 * that was set or offered before aborts this one too.
 */
export function offerSignal(env: Environ, make: () => AbortSignal): void {
  const exchange = env as Exchange;
  const { madeSignal: made, offeredSignal: offered } = exchange;
  const isFirst = made === undefined && offered === undefined;
  exchange.madeSignal = undefined;
  exchange.offeredSignal = isFirst ? make : () => followed(exchange.res, [made ?? offered!(), make()]);
}

function followed(res: ServerResponse | undefined, sources: readonly AbortSignal[]): AbortSignal {
  const abort = new AbortController();
  for (const source of sources) followSignal(res, abort, source);
  return abort.signal;
}

/**
 * Aborts `abort` with a signal, until the response has closed. Not `AbortSignal.any`: Node 20 keeps what that makes for ever, if it has a
 * listener. `reason`: instead of the signal's own.
 */
export function followSignal(
  res: ServerResponse | undefined,
  abort: AbortController,
  source: AbortSignal,
  reason: () => unknown = () => source.reason,
): void {
  const end = (): void => abort.abort(reason());
  if (source.aborted) end();
  if (source.aborted || res?.closed === true) return;
  source.addEventListener('abort', end);
  // Later in this turn: a source may be aborted because the response has closed.
  res?.once('close', () => process.nextTick(() => source.removeEventListener('abort', end)));
}

/** Returns the reason of an aborted signal. It has the name by which `fetch`, timers and streams of Node call an end of their work. */
export function abortError(message: string): Error {
  return new DOMException(message, 'AbortError');
}

/**
 * Returns the signal that is aborted when the server of a request stops, after `drain_delay`, or replaces the app. Endless
 * responses, such as event streams, should end then. For a request that begins while the server stops already, on a kept connection, it is aborted
 * within two seconds, and not before one has passed. Undefined for a server without this state, such as plain `node:http`.
 */
export function closingOf(req: IncomingMessage): AbortSignal | undefined {
  return exchangeOf(req).closingSignal;
}
