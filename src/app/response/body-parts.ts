/**
 * Parts that a response's body passes on its way to the socket: streams, and buffers that hold it until it is complete. Each part writes
 * its result to the next outer one.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatheredBytes } from '../../wire/index.js';
import { type BodyPart, type BodySink, type Callback, lengthOf, type Stage } from '../response-methods.js';
import { mayDeclareLength } from './response-body.js';
import { exchangeFor, LATER, resumeHead } from './served-response.js';

/** A part that sends the body through a stream. */
export class StreamPart implements BodyPart {
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

/** Holds head and body back until the body is complete or too large, or the head is flushed. */
export class HoldPart implements BodyPart {
  drained: (() => void) | undefined;
  /** Whether it holds the head and the body so far. */
  #holds = false;
  readonly #res: ServerResponse;
  readonly #options: HoldOptions;
  readonly #kept = new GatheredBytes();
  readonly #judge: Stage;
  readonly #next: () => BodySink;

  /** `judge`: decides whether the next head is held. */
  constructor(res: ServerResponse, options: HoldOptions, judge: Stage, next: () => BodySink) {
    this.#res = res;
    this.#options = options;
    this.#judge = judge;
    this.#next = next;
  }

  /** Holds the head that is being written. */
  begin(): typeof LATER {
    this.#holds = true;
    exchangeFor(this.#res).holdsHead = true;
    return LATER;
  }

  write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    if (!this.#holds) return this.#pass(chunk, encoding, callback);
    this.#keep(chunk, encoding);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) queueMicrotask(done);
    if (this.#kept.size > this.#options.limit) this.release();
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

  /** Sends the held head and body. */
  release(): void {
    if (!this.#holds) return;
    this.#holds = false;
    resumeHead(exchangeFor(this.#res));
    for (const piece of this.#takeKept()) this.#next().write(piece);
  }

  /** The next head is judged again. */
  discard(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#kept.clear();
    const exchange = exchangeFor(this.#res);
    exchange.holdsHead = false;
    exchange.headStages!.push(this.#judge);
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
    if (mayDeclareLength(res)) res.setHeader('content-length', lengthOf(made, undefined));
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
