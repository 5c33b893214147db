/**
 * The body of a response: counted, checked against its declared length, and sent through the parts that filters have added.
 *
 * Node sends whatever is written (RFC 9110 §8.6 forbids another length than the declared one): a client waits for the missing rest of a
 * shorter body, and reads the excess of a longer one as the response to its next request.
 */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import { PorticoError } from '../../errors/index.js';
import { dropImpliedLength, EXCHANGE, type Exchange, exchangeBy, NODE } from '../exchange.js';
import { type BodyList, type Callback, callbackOf, headSent, lengthOf, mayHaveBody } from '../response-methods.js';
import { appResponds } from '../slot.js';
import { afterResponse, breakOffResponse, WRONG_LENGTH } from './after-response.js';

type Carrier = ServerResponse & { [EXCHANGE]?: Exchange | undefined };

/** The `write` of a response. */
export function write(this: Carrier, chunk?: unknown, encoding?: unknown, callback?: unknown): boolean {
  const exchange = this[EXCHANGE] ?? exchangeBy(this);
  if (exchange.settledBy !== 'return') appResponds(exchange);
  return enter(exchange, exchange.bodyWay, false, chunk, encoding, callback);
}

/** The `end` of a response. */
export function end(this: Carrier, chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse {
  const exchange = this[EXCHANGE] ?? exchangeBy(this);
  if (exchange.settledBy !== 'return') appResponds(exchange);
  enter(exchange, exchange.bodyWay, true, chunk, encoding, callback);
  return this;
}

/** Takes data, writes the headers before it, and passes it on: to the parts of the body, or to the methods below. */
export function enter(
  exchange: Exchange,
  way: BodyList | undefined,
  isLast: boolean,
  chunk: unknown,
  encoding: unknown,
  callback: unknown,
): boolean {
  const res = exchange.res!;
  if (typeof chunk !== 'string' && !isUint8Array(chunk)) refuseOther(res, isLast, chunk);
  try {
    const isOpen = exchange.declaredLength !== undefined || exchange.holdsHead || headSent.call(res);
    // Node may write the headers of a body that is given whole, if no function has to see it and no length is to be compared.
    const mayLeave = !isOpen && isLast && way === undefined && exchange.headStages === undefined;
    if (!isOpen && !(mayLeave && !res.hasHeader('content-length'))) {
      openHead(exchange, isLast && way?.isEnded !== true, chunk, encoding);
      if (exchange.bodyEnded) {
        // A listener of `beforeHead` has responded.
        afterEnd(res, callbackOf([chunk, encoding, callback]));
        return false;
      }
    }
    if (way !== undefined) return way.take(isLast, chunk, encoding, callback);
    return send(exchange, isLast, chunk, encoding, callback);
  } catch (error) {
    const { pipedStream: piped } = exchange;
    if (piped === undefined) throw error;
    resetBody(res);
    piped.fail(error);
    return false;
  }
}

/**
 * Throws Node's error for a chunk that is neither text nor bytes: before the headers, so that the app can still respond. `end` may have no
 * chunk.
 */
function refuseOther(res: ServerResponse, isLast: boolean, chunk: unknown): void {
  if (isLast && (!chunk || typeof chunk === 'function' || res.writableEnded)) return;
  NODE.write.call(res, chunk, 'utf8');
}

/**
 * Writes implicit headers through the outermost `writeHead`, so that the functions further in run first. A body that is given whole
 * declares its length: functions that decide need it.
 */
function openHead(exchange: Exchange, isWhole: boolean, chunk: unknown, encoding: unknown): void {
  const res = exchange.res!;
  if (exchange.runsStages) dropImpliedLength(exchange);
  if (!isWhole || !mayDeclareLength(res)) {
    res.writeHead(res.statusCode);
    return;
  }
  exchange.impliedLength = lengthOf(chunk, encoding);
  res.writeHead(res.statusCode, { 'Content-Length': exchange.impliedLength });
  exchange.impliedLength = undefined;
}

/** Reports whether a body that is given whole needs a declared length. */
export function mayDeclareLength(res: ServerResponse): boolean {
  if (!mayHaveBody(res) || res.hasHeader('content-length') || res.hasHeader('transfer-encoding')) return false;
  return !res.hasHeader('trailer');
}

/** Writes to the methods below; `isLast`: ends the response with it. A body of another length than declared ends the connection. */
export function send(
  exchange: Exchange,
  isLast: boolean,
  chunk?: unknown,
  encoding?: unknown,
  callback?: unknown,
): boolean {
  const { nodeMethods: below, declaredLength: declared = -1 } = exchange;
  const res = exchange.res!;
  // Not `writableEnded`, which is true while the body still passes through streams.
  if (!exchange.bodyEnded && !res.finished && !res.destroyed) {
    if (exchange.beganAt === 0) exchange.beganAt = performance.now();
    exchange.writtenBytes += lengthOf(chunk, encoding);
    exchange.bodyEnded = isLast;
    const isWrong = isLast ? exchange.writtenBytes !== declared : exchange.writtenBytes > declared;
    if (isWrong && declared >= 0 && mayHaveBody(res)) {
      breakOff(exchange, callbackOf([chunk, encoding, callback]));
      return false;
    }
  } else tellAfterEnd(exchange);
  if (!isLast) {
    return below!.write.call(res, chunk, encoding, callback);
  }
  try {
    below!.end.call(res, chunk, encoding, callback);
  } catch (error) {
    // Node refuses the headers: nothing was sent, and another response may follow.
    if (!headSent.call(res)) Object.assign(exchange, { bodyEnded: false, writtenBytes: 0 });
    throw error;
  }
  return false;
}

/**
 * Logs data that an app writes after the end of its response, once for each response, in place of Node's error events, which end the process if
 * nothing listens to them: one request would end those of all others. A listener of the app gets the events.
 */
function tellAfterEnd({ res, serverState: server }: Exchange): void {
  if (server?.failed === undefined || res!.listeners('error').includes(ignoreLater)) return;
  if (res!.listenerCount('error') === 0)
    res!.once('error', (error) => server.failed!(error, res!.req, 'the app wrote after the end of its response'));
  // Each write has its event, and the app may have listened for one only.
  res!.on('error', ignoreLater);
}

function ignoreLater(): void {}

/** Sends no more data, and reports the error to the callback that waits for the end. */
function breakOff(exchange: Exchange, callback: Callback | undefined): void {
  exchange.bodyEnded = true;
  const error = lengthError(exchange.declaredLength, exchange.writtenBytes);
  breakOffResponse(exchange.res!, error);
  if (callback !== undefined) process.nextTick(callback, error);
}

/** Returns the error of a body that differs from its declared length. */
export function lengthError(declared: unknown, written: number): PorticoError {
  return new PorticoError(WRONG_LENGTH, {
    message: `the response declared ${String(declared)} bytes and has ${written === 0 ? 'none' : written}`,
    hint: 'Content-Length is the size of the body. Omit it: Node sets it for a complete body, and sends others in chunks.',
  });
}

/** A second `end` is not an error in Node; its callback must still be called. */
export function afterEnd(res: ServerResponse, callback: Callback | undefined): void {
  if (callback === undefined) return;
  if (res.writableFinished) queueMicrotask(callback);
  else res.once('finish', callback);
}

/**
 * Sends an error of a `beforeHead` listener to `fail`, which may still respond, for a stream that is piped into the response later: the stream
 * writes the headers, no caller catches the error, and Node would end the process.
 */
export function watchPipe(res: ServerResponse, fail: (error: unknown) => void): void {
  res.once('pipe', (source: Readable) => {
    exchangeBy(res).pipedStream = { source, fail };
  });
}

/** Discards the unsent body, because another response replaces it. */
export function resetBody(res: ServerResponse): void {
  const exchange = exchangeBy(res);
  exchange.newestBodyWay?.reset();
  const { pipedStream: piped } = exchange;
  if (piped === undefined) return;
  exchange.pipedStream = undefined;
  piped.source.unpipe(res);
  // Not now: Fastify treats the end of its stream as the end of the response, and would destroy the replacement.
  afterResponse(res, () => (piped.source as Partial<Readable>).destroy?.());
}

/** Makes {@link beganAt} know when the response begins. */
export function noteBegin(res: ServerResponse): void {
  exchangeBy(res).beganAt ??= 0;
}

/** Returns when the response began, its headers with the first bytes of its body, by `performance.now()`; undefined before. */
export function beganAt(res: ServerResponse): number | undefined {
  return exchangeBy(res).beganAt || undefined;
}

/** Returns the number of body bytes sent; NaN for a response that is not counted: one of another server, without `countAnswer`. */
export function sentBytes(res: ServerResponse): number {
  const { writtenBytes: written, nodeMethods: below } = exchangeBy(res);
  if (below === undefined) return Number.NaN;
  if (!mayHaveBody(res)) return 0;
  return res.writableFinished ? written : Math.max(0, written - res.writableLength);
}
