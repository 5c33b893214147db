/**
 * Counts the bytes of a response body, and breaks the response off when its length is not the declared one.
 *
 * Node sends whatever is written (RFC 9110 §8.6 forbids another length than the declared one): a client waits for what a
 * shorter body lacks, and takes the rest of a longer one for the answer to its next request.
 */
import type { ServerResponse } from 'node:http';
import { PorticoError } from '../errors/index.js';
import { declaredLength } from '../wire/index.js';
import { abortReason, breakOffResponse, type ResponseOutcome } from './after-response.js';
import { Fault } from './fault.js';
import { type Callback, callbackOf, mayHaveBody, ownPatch } from './response-patches.js';

/** The body of a response as far as it was written. */
class CountedBody {
  readonly res: ServerResponse;
  /** Bytes; also of a body that is not sent, as behind HEAD. */
  written = 0;
  /** Nothing more comes. */
  ended = false;

  constructor(res: ServerResponse) {
    this.res = res;
  }
}

const WRONG_LENGTH = 'PORTICO_ANSWER_LENGTH';
const BODY: unique symbol = Symbol('portico.answerBody');

interface Carrier {
  [BODY]?: CountedBody;
  write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean;
  end(chunk?: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): ServerResponse;
}

/**
 * Counts what a response is given from now on; does nothing where that is counted already. A body that is shorter or longer
 * than the declared length breaks the response off, with a `PORTICO_ANSWER_LENGTH` as its reason.
 */
export function countAnswer(res: ServerResponse): void {
  const carrier = res as unknown as Carrier;
  if (carrier[BODY] !== undefined) return;
  carrier[BODY] = new CountedBody(res);
  carrier.write = countingWrite;
  carrier.end = countingEnd;
}

/** Bytes of the body that were sent; NaN for a response that is not counted. */
export function sentBytes(res: ServerResponse): number {
  const { [BODY]: body } = res as unknown as Carrier;
  if (body === undefined) return Number.NaN;
  if (!mayHaveBody(body.res)) return 0;
  return body.res.writableFinished ? body.written : Math.max(0, body.written - body.res.writableLength);
}

/**
 * The status that logs and metrics have of a response: that of its head; 499 where the client has left before, 500 or that of
 * a fault where the answer was broken off.
 */
export function answeredStatus(res: ServerResponse, { completed, error }: ResponseOutcome): number {
  if (completed) return res.statusCode;
  if (error !== undefined) return error instanceof Fault ? error.status : 500;
  return res.headersSent ? res.statusCode : 499;
}

/** Why a response was broken off whose body had another length than declared; undefined for any other. */
export function wrongLength(res: ServerResponse): PorticoError | undefined {
  const reason = abortReason(res);
  return reason instanceof PorticoError && reason.code === WRONG_LENGTH ? reason : undefined;
}

// One function for all responses each: a closure for each would cost every request.

const countingWrite = ownPatch(function countingWrite(
  this: Carrier,
  chunk: unknown,
  encoding?: BufferEncoding | Callback,
  callback?: Callback,
): boolean {
  const body = this[BODY]!;
  const { res } = body;
  if (isOver(body)) return below(res).write.call(this, chunk, encoding, callback);
  const length = lengthOf(chunk, encoding);
  if (writeDeclaredHead(res)) {
    body.written += length;
    if (!isTooLong(body)) return below(res).write.call(this, chunk, encoding, callback);
    breakOff(body, [encoding, callback]);
    return false;
  }
  const more = below(res).write.call(this, chunk, encoding, callback);
  // A listener for the head may have answered.
  if (!body.ended) body.written += length;
  if (isTooLong(body)) breakOff(body);
  return more;
});

const countingEnd = ownPatch(function countingEnd(
  this: Carrier,
  chunk?: unknown,
  encoding?: BufferEncoding | Callback,
  callback?: Callback,
): ServerResponse {
  const body = this[BODY]!;
  const { res } = body;
  if (isOver(body)) return below(res).end.call(this, chunk, encoding, callback);
  const length = lengthOf(chunk, encoding);
  if (writeDeclaredHead(res)) {
    if (body.ended) return res;
    body.ended = true;
    body.written += length;
    if (isRight(body)) return below(res).end.call(this, chunk, encoding, callback);
    breakOff(body, [chunk, encoding, callback]);
    return res;
  }
  const result = below(res).end.call(this, chunk, encoding, callback);
  if (body.ended) return result;
  body.ended = true;
  body.written += length;
  if (!isRight(body)) breakOff(body);
  return result;
});

const isOver = ({ ended, res }: CountedBody): boolean => ended || res.writableEnded || res.destroyed;

/** The methods of the response's class, which another library may have changed. */
const below = (res: ServerResponse): Carrier => Object.getPrototypeOf(res) as Carrier;

/** Writes a head that declares a length, so that it is known before a body of another goes out. False: it is not known yet. */
function writeDeclaredHead(res: ServerResponse): boolean {
  if (!res.headersSent && res.hasHeader('content-length')) res.writeHead(res.statusCode);
  return res.headersSent;
}

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}

const isTooLong = ({ res, written }: CountedBody): boolean => written > (declared(res) ?? written);
const isRight = ({ res, written }: CountedBody): boolean => written === (declared(res) ?? written);
const declared = (res: ServerResponse): number | undefined => (mayHaveBody(res) ? declaredLength(res) : undefined);

/** Nothing more is sent, and callbacks that wait for the end are told that it did not come. */
function breakOff(body: CountedBody, callbacks: readonly unknown[] = []): void {
  body.ended = true;
  const { res, written } = body;
  const error = new PorticoError(WRONG_LENGTH, {
    message: `the answer declared ${declared(res)} bytes and has ${written === 0 ? 'none' : written}`,
    hint: 'Content-Length says how many bytes follow the head. Leave it out: Node counts a body that is given whole, and sends others in chunks.',
  });
  breakOffResponse(res, error);
  const callback = callbackOf(callbacks);
  if (callback !== undefined) process.nextTick(callback, error);
}
