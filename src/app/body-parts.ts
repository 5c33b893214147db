/**
 * Parts that a response's body passes on its way to the socket: streams, and buffers that hold it until it is complete. Each part writes
 * its result to the next outer one.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatheredBytes } from '../wire/index.js';
import { addStage, HELD, type HeadLayer } from './before-head.js';
import { type Callback, lengthOf, mayHaveBody } from './response-methods.js';

/** A destination for a body. */
export interface BodySink {
  /** Returns false if the caller must wait until `drained` is called. */
  write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean;
  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void;
  /** Set by the writer. */
  drained: (() => void) | undefined;
}

/** A part that sends the body through a stream. */
export class StreamPart implements BodySink {
  drained: (() => void) | undefined;
  readonly stream: Duplex;
  readonly #res: ServerResponse;

  /** `next`: called when the stream emits data; by then the head is decided. */
  constructor(res: ServerResponse, stream: Duplex, next: () => BodySink) {
    this.#res = res;
    this.stream = stream;
    const fail = (error: Error): unknown => res.destroy(error);
    stream.on('error', fail);
    stream.on('drain', () => this.drained?.());
    stream.on('data', (chunk: Buffer) => {
      // No caller catches an error of a head written here; the same at the end.
      try {
        const out = next();
        out.drained = () => stream.resume();
        if (!out.write(chunk)) stream.pause();
      } catch (error) {
        fail(error as Error);
      }
    });
    stream.on('end', () => {
      try {
        next().end();
      } catch (error) {
        fail(error as Error);
      }
    });
    res.once('close', () => stream.destroy());
  }

  write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    if (typeof encoding === 'function') return this.stream.write(chunk, encoding);
    return this.stream.write(chunk, encoding!, callback);
  }

  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void {
    Object.defineProperty(this.#res, 'writableEnded', { value: true, configurable: true });
    if (callback !== undefined) this.#res.once('finish', callback);
    if (chunk === undefined || chunk === null) this.stream.end();
    else this.stream.end(chunk, encoding!);
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

/** Holds head and body back until the body is complete or too large, or the head is flushed. */
export class HoldPart implements BodySink {
  drained: (() => void) | undefined;
  /** Whether it holds the head and the body so far. */
  holds = false;
  readonly #res: ServerResponse;
  readonly #options: HoldOptions;
  readonly #kept = new GatheredBytes();
  readonly #begin: () => void;
  readonly #next: () => BodySink;
  readonly #layer: HeadLayer;

  /** `begin`: called when it begins to hold; from then on `next` returns the next outer part. */
  constructor(res: ServerResponse, options: HoldOptions, begin: () => void, next: () => BodySink) {
    this.#res = res;
    this.#options = options;
    this.#begin = begin;
    this.#next = next;
    this.#layer = addStage(res, this.#judge);
  }

  /** Returns `HELD` if it holds the response whose head is being written. */
  readonly #judge = (): typeof HELD | undefined => {
    const declared = Number(this.#res.getHeader('content-length') ?? 0);
    if (declared > this.#options.limit || !this.#options.wants(this.#res)) return undefined;
    this.holds = true;
    this.#begin();
    return HELD;
  };

  write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    if (!this.holds) return this.#pass(chunk, encoding, callback);
    this.#keep(chunk, encoding);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) queueMicrotask(done);
    if (this.#kept.size > this.#options.limit) this.release();
    return true;
  }

  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void {
    if (!this.holds) {
      this.#next().end(chunk, encoding, callback);
      return;
    }
    if (chunk !== undefined && chunk !== null) this.#keep(chunk, encoding);
    if (this.#kept.size <= this.#options.limit) this.#complete();
    this.holds = false;
    this.#layer.resume();
    const kept = this.#takeKept();
    const last = kept.pop();
    for (const piece of kept) this.#next().write(piece);
    this.#next().end(last, undefined, callback);
  }

  /** Sends the held head and body. */
  release(): void {
    if (!this.holds) return;
    this.holds = false;
    this.#layer.resume();
    for (const piece of this.#takeKept()) this.#next().write(piece);
  }

  /** Discards the held data; the next head is judged again. */
  drop(): void {
    if (!this.holds) return;
    this.holds = false;
    this.#kept.clear();
    this.#layer.again(this.#judge);
  }

  #complete(): void {
    const res = this.#res;
    const body = this.#kept.whole();
    const made = this.#options.complete(body, res);
    this.#kept.clear();
    if (made !== undefined) this.#kept.add(made);
    // A length declared by the app applies to the app's body. A HEAD response keeps the length of the GET response.
    const isHead = made === undefined && res.req.method === 'HEAD';
    if (made !== body && !isHead && res.getHeader('content-length') === body.length) res.removeHeader('content-length');
    declareLength(res, made);
  }

  #pass(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const next = this.#next();
    next.drained = () => this.drained?.();
    return next.write(chunk, encoding, callback);
  }

  #keep(chunk: unknown, encoding: unknown): void {
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk as Uint8Array);
    this.#kept.add(bytes);
  }

  #takeKept(): Buffer[] {
    const kept = [...this.#kept.pieces()];
    this.#kept.clear();
    return kept;
  }
}

/**
 * Declares the length of a body that is given whole. Node computes it only after the head is decided, and stages that decide need it
 * earlier.
 */
export function declareLength(res: ServerResponse, chunk: unknown, encoding?: BufferEncoding): void {
  if (!mayHaveBody(res) || res.hasHeader('content-length') || res.hasHeader('transfer-encoding')) return;
  if (!res.hasHeader('trailer')) res.setHeader('content-length', lengthOf(chunk, encoding));
}
