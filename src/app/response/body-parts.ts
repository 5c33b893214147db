/**
 * The parts that a response's body passes on its way to the socket: streams, and buffers that hold it until it is complete; and their one
 * list, in their order. Each part writes its result to the next outer one.
 */
import type { ServerResponse } from 'node:http';
import { GatheredBytes } from '../../wire/index.js';
import type { Exchange } from '../exchange.js';
import { bytesDeclared } from '../header-fields.js';
import {
  type BodyList,
  type BodyPart,
  type BodySink,
  type BodyStream,
  type Callback,
  callbackOf,
  lengthOf,
  type Methods,
  type Stage,
} from '../response-methods.js';
import { afterEnd, end, enter, mayDeclareLength, send, write } from './response-body.js';
import { exchangeFor, resumeHead, writeHead } from './served-response.js';

/** A part that sends the body through a stream. */
export class StreamPart implements BodyPart {
  drained: (() => void) | undefined;
  readonly stream: BodyStream;
  readonly #res: ServerResponse;
  #writes = 0;

  /** `next`: called when the stream emits data; by then the headers are decided. */
  constructor(res: ServerResponse, stream: BodyStream, next: () => BodySink) {
    this.#res = res;
    this.stream = stream;
    // No caller catches an error of headers that are written here.
    const passOn = (act: (out: BodySink) => void) => {
      try {
        act(next());
      } catch (error) {
        res.destroy(error as Error);
      }
    };
    stream.on('error', (error: Error) => res.destroy(error));
    stream.on('drain', () => this.drained?.());
    stream.on('data', (chunk: Buffer) =>
      passOn((out) => {
        out.drained = () => stream.resume();
        if (!out.write(chunk)) stream.pause();
      }),
    );
    stream.on('end', () => passOn((out) => out.end()));
    res.once('close', () => stream.destroy());
  }

  write(chunk: unknown, encoding?: BufferEncoding, callback?: Callback): boolean {
    const count = ++this.#writes;
    return this.stream.write(chunk, encoding as BufferEncoding, (error) => {
      callback?.(error);
      if (this.stream.flush !== undefined) setImmediate(() => this.#flush(count));
    });
  }

  /** Flushes what was taken, unless more came in the same turn or the stream still works on it. */
  #flush(count: number): void {
    const { stream } = this;
    if (count === this.#writes && stream.writable && stream.writableLength === 0) stream.flush!();
  }

  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void {
    Object.defineProperty(this.#res, 'writableEnded', { value: true, configurable: true });
    if (callback !== undefined) this.#res.once('finish', callback);
    if (chunk === undefined || chunk === null) this.stream.end();
    else this.stream.end(chunk, encoding!);
  }

  release(): void {}

  discard(): void {
    this.stream.destroy();
  }
}

/** Options of `holdBody`. */
export interface HoldOptions {
  /** The largest body that is held, in bytes; larger ones are sent unchanged. */
  readonly limit: number;
  /** Called when status and headers are known; false sends the response unchanged. */
  readonly wants: (res: ServerResponse) => boolean;
  /** Called with the whole body before anything is sent; may change status and headers. Returns the body to send. */
  readonly complete: (body: Buffer, res: ServerResponse) => Buffer | undefined;
}

/** Holds headers and body back until the body is complete, comes in pieces without a declared length, or the headers are flushed. */
export class HoldPart implements BodyPart {
  drained: (() => void) | undefined;
  /** Whether it holds the headers and the body so far. */
  #holds = true;
  /** The declared length of the body: more is not held before its end. */
  readonly #declared: number;
  readonly #res: ServerResponse;
  readonly #options: HoldOptions;
  readonly #kept = new GatheredBytes();
  readonly #hold: Stage;
  readonly #next: () => BodySink;

  /** Holds the headers that are being written. `hold`: decides whether the next headers are held. */
  constructor(res: ServerResponse, options: HoldOptions, hold: Stage, declared: number, next: () => BodySink) {
    this.#res = res;
    this.#options = options;
    this.#hold = hold;
    this.#declared = declared;
    this.#next = next;
    exchangeFor(res).holdsHead = true;
  }

  write(chunk: unknown, encoding?: BufferEncoding, callback?: Callback): boolean {
    if (!this.#holds) {
      const next = this.#next();
      next.drained = () => this.drained?.();
      return next.write(chunk, encoding, callback);
    }
    this.#keep(chunk, encoding);
    if (callback !== undefined) queueMicrotask(callback);
    if (this.#kept.size > this.#declared) this.release();
    return true;
  }

  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void {
    if (!this.#holds) {
      this.#next().end(chunk, encoding, callback);
      return;
    }
    if (chunk !== undefined && chunk !== null) this.#keep(chunk, encoding);
    if (this.#kept.size <= this.#options.limit) this.#complete();
    this.#holds = false;
    resumeHead(exchangeFor(this.#res));
    const kept = this.#takeKept();
    const last = kept.pop();
    for (const piece of kept) this.#next().write(piece);
    this.#next().end(last, undefined, callback);
  }

  /** Sends the held headers and body. */
  release(): void {
    if (!this.#holds) return;
    this.#holds = false;
    resumeHead(exchangeFor(this.#res));
    for (const piece of this.#takeKept()) this.#next().write(piece);
  }

  /** `hold` decides again on the next headers. */
  discard(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#kept.clear();
    const exchange = exchangeFor(this.#res);
    exchange.holdsHead = false;
    exchange.headStages!.push(this.#hold);
  }

  #complete(): void {
    const res = this.#res;
    const body = this.#kept.whole();
    const made = this.#options.complete(body, res);
    this.#kept.clear();
    if (made !== undefined) this.#kept.add(made);
    // A length declared by the app applies to the app's body. A HEAD response keeps the length of the GET response.
    const isHead = made === undefined && res.req.method === 'HEAD';
    const isOfBody = bytesDeclared(res.getHeader('content-length')) === body.length;
    if (made !== body && !isHead && isOfBody) res.removeHeader('content-length');
    if (mayDeclareLength(res)) res.setHeader('content-length', lengthOf(made, undefined));
  }

  #keep(chunk: unknown, encoding: BufferEncoding | undefined): void {
    this.#kept.add(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk as Uint8Array));
  }

  #takeKept(): Buffer[] {
    const kept = [...this.#kept.pieces()];
    this.#kept.clear();
    return kept;
  }
}

/**
 * Returns the list of a response. If other code has replaced the methods, as the package compression does, a list further in begins. It
 * ends in the methods of the other code.
 */
export function wayOf(res: ServerResponse): BodyList {
  const exchange = exchangeFor(res);
  const { newestBodyWay: newest } = exchange;
  const methods = res as unknown as Methods;
  const known = newest ?? { write, end };
  if (methods.write === known.write && methods.end === known.end) {
    if (newest !== undefined) return newest;
    const pass = (isLast: boolean, args: readonly unknown[]): boolean => send(exchange, isLast, ...args);
    exchange.bodyWay = new BodyWay(exchange, write, end, pass);
    exchange.newestBodyWay = exchange.bodyWay;
    return exchange.bodyWay;
  }
  const { write: data, end: last } = methods;
  const way: BodyWay = new BodyWay(
    exchange,
    (...[chunk, encoding, callback]) => enter(exchange, way, false, chunk, encoding, callback),
    (...[chunk, encoding, callback]) => {
      enter(exchange, way, true, chunk, encoding, callback);
      return res;
    },
    (isLast, args) => (isLast ? Boolean(last.apply(res, args as [])) : data.apply(res, args as [])),
  );
  ours.add(way.write).add(way.end);
  Object.assign(methods, { write: way.write, end: way.end });
  exchange.newestBodyWay = way;
  return way;
}

const ours = new WeakSet<object>([writeHead, write, end]);

/** Reports whether a method of a response was set by this directory, not by other code; for `lint`. */
export function isOwnPatch(method: object): boolean {
  return ours.has(method);
}

/** Parts are added as the headers are decided, innermost first. */
class BodyWay implements BodyList {
  readonly write: Methods['write'];
  readonly end: Methods['end'];
  readonly #exchange: Exchange;
  readonly #before: BodyList | undefined;
  readonly #out: BodySink;
  #parts: BodyPart[] = [];
  #tellsDrain = false;
  isEnded = false;

  constructor(
    exchange: Exchange,
    write: Methods['write'],
    end: Methods['end'],
    pass: (isLast: boolean, args: readonly unknown[]) => boolean,
  ) {
    this.#exchange = exchange;
    this.#before = exchange.newestBodyWay;
    this.write = write;
    this.end = end;
    this.#out = {
      write: (...args) => pass(false, args),
      end: (...args) => void pass(true, args),
      drained: undefined,
    };
  }

  add(make: (next: () => BodySink) => BodyPart): void {
    const at = this.#parts.length;
    this.#parts.push(make(() => this.#parts[at + 1] ?? this.#out));
    this.#tellDrain();
  }

  take(isLast: boolean, ...args: readonly unknown[]): boolean {
    const first = this.#parts[0] ?? this.#out;
    const callback = callbackOf(args);
    const [chunk, encoding] = args.map((argument) => (typeof argument === 'function' ? undefined : argument));
    if (!isLast) return first.write(chunk, encoding as BufferEncoding, callback);
    if (this.isEnded) afterEnd(this.#exchange.res!, callback);
    else {
      this.isEnded = true;
      // Node ignores a falsy chunk; a stream refuses it.
      first.end(chunk || undefined, encoding as BufferEncoding, callback);
    }
    return false;
  }

  reset(): void {
    const parts = this.#parts;
    this.#parts = [];
    for (const part of parts) part.discard();
    this.isEnded = false;
    Reflect.deleteProperty(this.#exchange.res!, 'writableEnded');
    this.#before?.reset();
  }

  releaseOnFlush(): void {
    const res = this.#exchange.res!;
    const { flushHeaders } = res;
    res.flushHeaders = () => {
      if (!res.headersSent && !this.#exchange.holdsHead) res.writeHead(res.statusCode);
      for (const part of this.#parts) part.release();
      flushHeaders.call(res);
    };
  }

  /**
   * Passes the socket's "drain" to the last part, and emits "drain" to the app for the first part: on the socket's event the app would
   * write into a first part that is still full.
   */
  #tellDrain(): void {
    if (this.#tellsDrain) return;
    this.#tellsDrain = true;
    const res = this.#exchange.res!;
    const methods = res as unknown as { emit: (event: string, ...args: unknown[]) => boolean };
    const { emit } = methods;
    methods.emit = (event, ...args) => {
      if (event !== 'drain' || this.#out.drained === undefined) return Reflect.apply(emit, res, [event, ...args]);
      this.#out.drained();
      return true;
    };
    this.#parts[0]!.drained = () => void Reflect.apply(emit, res, ['drain']);
  }
}
