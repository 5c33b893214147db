/**
 * A request's body as one buffer, for handlers that want it whole; and its size limited while others read it.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { PorticoError } from '../errors/index.js';
import { countFor, GatheredBytes } from '../wire/index.js';
import { Fault } from './fault.js';

/** How {@link readBody} reads. */
export interface ReadBodyOptions {
  /** The largest body accepted, in bytes. Default: 114688 (112 KiB), as the sizelimit filter's. */
  readonly limit?: number;
}

/**
 * Reads the body of a request, without decoding it.
 *
 * Rejects with a 413 `Fault` if the body exceeds the limit (before reading, if Content-Length says so), with
 * `PORTICO_REQUEST_ABORTED` if the client disconnects before the end, so an incomplete body is never returned, and with
 * `PORTICO_BODY_CONSUMED` if the body has already been read.
 */
export function readBody(req: IncomingMessage, { limit = 114_688 }: ReadBodyOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    collectBody(req, limit, (error, bytes) => {
      if (error === null) resolve(bytes!);
      else {
        // The rest is not wanted: the connection ends with the refusal.
        if (error instanceof Fault && !req.readableEnded) req.pause();
        reject(error);
      }
    });
  });
}

/** Told of the whole body, or of what went wrong; once. */
export type BodyCollected = (error: Error | null, bytes?: Buffer) => void;

/**
 * As {@link readBody}, without a promise, and for a stream that stands for the request's body as well: what was decoded
 * or read ahead. A paused stream flows again; text of a stream with an encoding is
 * turned back into bytes. Bytes over the limit are not kept, but still flow.
 */
export function collectBody(body: Readable, limit: number, done: BodyCollected): void {
  const { headers, complete } = body as Partial<IncomingMessage>;
  const problem =
    Number(headers?.['content-length'] ?? 0) > limit
      ? tooLarge(limit)
      : body.readableDidRead
        ? consumed()
        : body.destroyed && complete !== true && !body.readableEnded
          ? aborted()
          : body.readableEnded || body.destroyed
            ? consumed()
            : null;
  if (problem !== null) {
    done(problem);
    return;
  }
  collectStream(body, limit, done);
  // One who paused it and went away would otherwise hold it for ever.
  body.resume();
}

/** Reads what a stream brings, unless it is paused. */
function collectStream(body: Readable, limit: number, done: BodyCollected): void {
  const gathered = new GatheredBytes();
  const settle = (error: Error | null, bytes?: Buffer): void => {
    body.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    done(error, bytes);
  };
  const onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, body.readableEncoding ?? 'utf8') : chunk;
    if (gathered.size + bytes.length > limit) settle(tooLarge(limit));
    else gathered.add(bytes);
  };
  const onEnd = (): void => settle(null, gathered.whole());
  const onError = (error: Error): void => settle(failure(error));
  const onClose = (): void => settle(aborted());
  body.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
}

/** The refusal of a body over a limit of so many bytes; the connection ends with it, for the rest is not read. */
export function tooLarge(limit: number): Fault {
  return new Fault(413, {
    message: `The request body is larger than the limit of ${limit} bytes.`,
    headers: { connection: 'close' },
  });
}

/** A fault says itself what is wrong; anything else is a client that left. */
function failure(error: Error | undefined): Error {
  return error instanceof Fault ? error : aborted(error);
}

function aborted(cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_REQUEST_ABORTED', {
    message: 'the client disconnected before the end of its request body',
    cause,
  });
}

function consumed(): PorticoError {
  return new PorticoError('PORTICO_BODY_CONSUMED', {
    message: 'the request body has already been read',
    hint: 'Read it once and pass on the result.',
  });
}

/** Read and thrown away after the limit, in bytes, so that the client can see the refusal; then reading stops. */
const DISCARDED = 65_536;

type Push = (chunk: unknown, encoding?: BufferEncoding) => boolean;

/**
 * Calls `onExceeded` once when more than `limit` bytes of body have come, and lets nothing more through: a reader of
 * the body sees neither the rest nor an end, so it cannot take the part for the whole, and its read fails when the
 * connection is closed, with the error that `onExceeded` gave, if any. It runs in the async context of this call. Costs a
 * comparison a chunk, and buffers nothing.
 */
export function limitBody(req: IncomingMessage, limit: number, onExceeded: () => unknown): void {
  const carrier = req as unknown as { push: Push };
  const below = carrier.push;
  // The parser pushes, in the context in which the connection was accepted.
  const tell = AsyncResource.bind(onExceeded);
  let size = 0;
  let drain: Readable | undefined;

  // All of a body enters the request through push(), however it is read afterwards.
  carrier.push = (chunk, encoding) => {
    if (chunk instanceof Uint8Array) size += chunk.byteLength;
    if (size <= limit) return Reflect.apply(below, req, [chunk, encoding]);
    if (drain === undefined) {
      drain = new Readable({ read: () => undefined }).resume();
      countFor(req, drain);
      // Not earlier: a destroyed request takes its socket along, and with it an answer the client has not read yet.
      const reason = tell();
      req.socket.once('close', () => req.destroy(reason instanceof Error ? reason : undefined));
    }
    // By the same way as the rest, but into nothing: a server that counts what comes still sees it.
    Reflect.apply(below, drain, [chunk, encoding]);
    return size <= limit + DISCARDED;
  };
}
