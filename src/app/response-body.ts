/**
 * The body of a response: counted, checked against its declared length, and sent through the streams of filters.
 *
 * Node sends whatever is written (RFC 9110 §8.6 forbids another length than the declared one): a client waits for the missing rest of a
 * shorter body, and reads the excess of a longer one as the response to its next request.
 */
import { ServerResponse } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import { PorticoError } from '../errors/index.js';
import { declaredLength } from '../wire/index.js';
import { afterResponse, breakOffResponse, WRONG_LENGTH } from './after-response.js';
import { beforeHead } from './before-head.js';
import type { HoldOptions } from './body-parts.js';
import { BodyWay } from './body-way.js';
import { callbackOf, headSent, lengthOf, mayHaveBody, ownPatch } from './response-methods.js';

/** Returns a stream for the body, or undefined to leave the body unchanged. */
export type BodyTransformer = (res: ServerResponse) => Duplex | undefined;

/**
 * Sends the response's body through the stream that `make` returns.
 *
 * `make` is called just before the head is written, in order with the listeners of `beforeHead` (the innermost first, and the body flows
 * the same way), so it can read and change status and headers. If it returns a stream, `Content-Length` is removed. It is not called for
 * responses without a body: HEAD, 101, 204 and 304. Back-pressure works from the socket to the app; a stream error aborts the response.
 */
export function transformBody(res: ServerResponse, make: BodyTransformer): void {
  const way = wayOf(res);
  beforeHead(res, () => {
    if (!mayHaveBody(res)) return;
    const stream = make(res);
    if (stream === undefined) return;
    res.removeHeader('content-length');
    way.addStream(stream);
  });
}

/**
 * Holds head and body back until the body is complete or too large, or the app flushes the head. When the head is held, the `beforeHead`
 * listeners registered after this call have already run; earlier ones run when it is sent.
 */
export function holdBody(res: ServerResponse, options: HoldOptions): void {
  wayOf(res).addHold(options);
}

/** Discards the unsent body, because another response replaces it. */
export function resetBody(res: ServerResponse): void {
  const newest = (res as unknown as Carrier)[BODY];
  for (let layer = newest; layer !== undefined; layer = layer.before) layer.way?.reset();
  const source = newest?.first.source;
  if (source === undefined) return;
  source.unpipe(res);
  // Not now: Fastify treats the end of its stream as the end of the response, and would destroy the replacement.
  afterResponse(res, () => (source as Partial<Readable>).destroy?.());
}

/**
 * Protects the process from errors of `beforeHead` listeners under a piped stream: the stream writes the head, no caller catches the
 * error, and Node would end the process. From now on such an error goes to `fail`, which may still answer: the stream is unpiped first,
 * and destroyed after the response. Errors after the head are thrown as usual.
 */
export function guardPipe(res: ServerResponse, fail: (error: unknown) => void): void {
  res.once('pipe', (source: Readable) => {
    const layer = layerOnTop(res);
    layer.first.source = source;
    if (res.writeHead !== ServerResponse.prototype.writeHead) layer.piped = { source, fail };
  });
}

/**
 * Counts the bytes that are written to a response from now on. A body that is shorter or longer than the declared length aborts the
 * response with `PORTICO_ANSWER_LENGTH`.
 */
export function countAnswer(res: ServerResponse): void {
  const { [BODY]: layer } = res as unknown as Carrier;
  (layer?.first ?? layerOnTop(res)).isCounted = true;
}

/** Returns when the response began, its head with the first bytes of its body, by `performance.now()`; undefined before. */
export function beganAt(res: ServerResponse): number | undefined {
  return (res as unknown as Carrier)[BODY]?.first.beganAt || undefined;
}

/** Returns the number of body bytes sent; NaN for a response that is not counted. */
export function sentBytes(res: ServerResponse): number {
  const first = (res as unknown as Carrier)[BODY]?.first;
  if (first?.isCounted !== true) return Number.NaN;
  if (!mayHaveBody(first.res)) return 0;
  return first.res.writableFinished ? first.written : Math.max(0, first.written - first.res.writableLength);
}

/** The key of a response's newest pair of replaced methods. */
export const BODY: unique symbol = Symbol('portico.responseBody');

type Method = (...args: unknown[]) => unknown;

interface Carrier {
  /** The newest layer. */
  [BODY]?: BodyLayer;
  write: Method;
  end: Method;
}

/** Returns the newest pair of replaced methods; a new one if other code has wrapped `write` in the meantime. */
function layerOnTop(res: ServerResponse): BodyLayer {
  const carrier = res as unknown as Carrier;
  const current = carrier[BODY];
  if (current !== undefined && carrier.write === current.write) return current;
  const isOwn = Object.hasOwn(res, 'write') || Object.hasOwn(res, 'end');
  const below = isOwn ? { write: carrier.write, end: carrier.end } : (Object.getPrototypeOf(res) as Carrier);
  const layer = new BodyLayer(res, current, below);
  carrier[BODY] = layer;
  carrier.write = layer.write;
  carrier.end = layer.end;
  return layer;
}

function wayOf(res: ServerResponse): BodyWay {
  const layer = layerOnTop(res);
  layer.way ??= new BodyWay(res, {
    write: (...args) => layer.send(false, ...args),
    end: (...args) => void layer.send(true, ...args),
    drained: undefined,
  });
  return layer.way;
}

/** One replaced pair of `write` and `end`, and the parts of the body between them and the methods they replaced. */
export class BodyLayer {
  declare readonly res: ServerResponse;
  declare readonly before: BodyLayer | undefined;
  /** The oldest layer of the response. */
  declare readonly first: BodyLayer;
  /** The replaced methods; the methods of its class if it had none itself, because another library may change those. */
  declare readonly below: Pick<Carrier, 'write' | 'end'>;
  declare readonly write: Method;
  declare readonly end: Method;
  /** The parts of the body, innermost first; undefined without any. */
  declare way: BodyWay | undefined;
  declare isCounted: boolean;
  /** Bytes passed to the replaced methods; also of a body that is not sent, as for HEAD. */
  declare written: number;
  /** When the head and the first data were sent, by `performance.now()`; 0 before. Without an early head, only of a counted response. */
  declare beganAt: number;
  /** No more data follows. */
  declare isOver: boolean;
  /** The stream that is piped into the response, until the head is written. */
  declare piped: { readonly source: Readable; readonly fail: (error: unknown) => void } | undefined;

  /** The stream that is piped into the response. */
  declare source: Readable | undefined;

  constructor(res: ServerResponse, before: BodyLayer | undefined, below: Pick<Carrier, 'write' | 'end'>) {
    this.res = res;
    this.before = before;
    this.first = before?.first ?? this;
    this.below = below;
    this.way = undefined;
    this.isCounted = false;
    this.written = 0;
    this.beganAt = 0;
    this.isOver = false;
    this.piped = undefined;
    this.source = undefined;
    this.write = before === undefined ? writeFirst : ownPatch((...args: unknown[]) => this.take(...args));
    this.end = before === undefined ? endFirst : ownPatch((...args: unknown[]) => this.finish(...args));
  }

  take(...args: unknown[]): unknown {
    if (this.piped !== undefined) return this.#guarded(() => this.take(...args), false);
    const [chunk] = args;
    if (typeof chunk !== 'string' && !isUint8Array(chunk)) refuseChunk(this.res, chunk);
    return this.way === undefined ? this.send(false, ...args) : this.way.write(...args);
  }

  finish(...args: unknown[]): unknown {
    if (this.piped !== undefined) return this.#guarded(() => this.finish(...args), this.res);
    const [chunk] = args;
    const isOther = Boolean(chunk) && typeof chunk !== 'string' && typeof chunk !== 'function' && !isUint8Array(chunk);
    if (isOther && !this.res.writableEnded) refuseChunk(this.res, chunk);
    if (this.way === undefined) this.send(true, ...args);
    else this.way.end(...args);
    return this.res;
  }

  /** Writes to the replaced method; `isLast`: ends the response with it. */
  send(isLast: boolean, chunk?: unknown, encoding?: unknown, callback?: unknown): boolean {
    const { res, below } = this;
    const method = isLast ? below.end : below.write;
    // Not `writableEnded`, which is true while the body still passes through streams.
    if (!this.isCounted || this.isOver || res.finished || res.destroyed) {
      return Reflect.apply(method, res, [chunk, encoding, callback]) as boolean;
    }
    if (this.beganAt === 0) this.beganAt = performance.now();
    const length = lengthOf(chunk, encoding);
    if (!headSent.call(res)) this.#writeDeclaredHead();
    // After the head the length is checked before the data is sent; otherwise the data writes the head, and only then is it known.
    const hasHead = headSent.call(res);
    const more = hasHead || (Reflect.apply(method, res, [chunk, encoding, callback]) as boolean);
    // A `beforeHead` listener has answered.
    if (this.isOver) return hasHead ? false : more;
    this.isOver = isLast;
    this.written += length;
    const declared = declaredLength(res) ?? this.written;
    const isWrong = (isLast ? this.written !== declared : this.written > declared) && mayHaveBody(res);
    if (isWrong) this.#breakOff(hasHead ? [chunk, encoding, callback] : []);
    if (!hasHead) return more;
    return !isWrong && (Reflect.apply(method, res, [chunk, encoding, callback]) as boolean);
  }

  /** Writes a head that declares a length, so that the length is known before a body of another length is sent. */
  #writeDeclaredHead(): void {
    const { res } = this;
    if (res.hasHeader('content-length')) res.writeHead(res.statusCode);
  }

  /** Sends no more data, and reports the error to callbacks that wait for the end. */
  #breakOff(callbacks: readonly unknown[]): void {
    this.isOver = true;
    const { written } = this;
    const error = new PorticoError(WRONG_LENGTH, {
      message: `the response declared ${declaredLength(this.res)} bytes and has ${written === 0 ? 'none' : written}`,
      hint: 'Content-Length is the size of the body. Omit it: Node sets it for a complete body, and sends others in chunks.',
    });
    breakOffResponse(this.res, error);
    const callback = callbackOf(callbacks);
    if (callback !== undefined) process.nextTick(callback, error);
  }

  #guarded(act: () => unknown, otherwise: unknown): unknown {
    const { res } = this;
    const { source, fail } = this.piped!;
    this.piped = undefined;
    try {
      const result = act();
      // The head is written once: later calls are not guarded.
      if (!headSent.call(res)) this.piped = { source, fail };
      return result;
    } catch (error) {
      if (headSent.call(res)) throw error;
      source.unpipe(res);
      // Not now: Fastify treats the end of its stream as the end of the response, and would destroy the replacement.
      afterResponse(res, () => source.destroy());
      fail(error);
      return otherwise;
    }
  }
}

/**
 * Throws Node's error for a chunk that is neither text nor bytes: before the head, so that the app can still answer. Node too checks the
 * chunk first, and then does nothing with it.
 */
function refuseChunk(res: ServerResponse, chunk: unknown): void {
  nodeWrite.call(res, chunk, 'utf8');
}

const { write: nodeWrite } = ServerResponse.prototype;

// One function each for all responses: a closure would cost every request.

const writeFirst = ownPatch(function write(this: Carrier, ...args: unknown[]): unknown {
  return this[BODY]!.first.take(...args);
});

const endFirst = ownPatch(function end(this: Carrier, ...args: unknown[]): unknown {
  return this[BODY]!.first.finish(...args);
});
