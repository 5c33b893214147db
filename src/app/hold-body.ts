/**
 * Keeping a response back until its body is whole, for headers that depend on the body.
 */
import type { ServerResponse } from 'node:http';
import { GatheredBytes } from '../wire/index.js';
import { foldHeaders, type HeadersArgument } from './headers.js';
import { callbackOf, ownPatch } from './response-patches.js';

/** How {@link holdBody} treats one response. */
export interface HoldOptions {
  /** Bodies over so many bytes are let go as they are. */
  readonly limit: number;
  /** Asked when status and headers are known: false lets the response go as it is. */
  readonly wants: (res: ServerResponse) => boolean;
  /** Given the whole body before anything is sent: may change status and headers, and gives the body to send. */
  readonly complete: (body: Buffer, res: ServerResponse) => Buffer | undefined;
}

/**
 * Holds head and body back until the body is complete, or too large, or the app asks for the head to be flushed. Heads
 * that are held have run the listeners of `beforeHead` that were registered after this; those before run later.
 */
export function holdBody(res: ServerResponse, options: HoldOptions): void {
  (res as { [HOLD]?: Hold })[HOLD] = new Hold(res, options);
}

/** Forgets what is held back: another answer takes its place. Says nothing where nothing is held. */
export function dropHeld(res: ServerResponse): void {
  (res as { [HOLD]?: Hold })[HOLD]?.drop();
}

const HOLD: unique symbol = Symbol('portico.holdBody');

type Method = (...args: never[]) => unknown;
type Head = [status: number, reason?: string | HeadersArgument, headers?: HeadersArgument];
type Methods = Record<'writeHead' | 'write' | 'end' | 'flushHeaders', Method>;

class Hold {
  readonly #res: ServerResponse;
  readonly #options: HoldOptions;
  readonly #below: Methods;
  readonly #kept = new GatheredBytes();
  #state: 'open' | 'holding' | 'released' = 'open';

  constructor(res: ServerResponse, options: HoldOptions) {
    this.#res = res;
    this.#options = options;
    const { writeHead, write, end, flushHeaders } = res as unknown as Methods;
    this.#below = { writeHead, write, end, flushHeaders };
    const own: Methods = {
      writeHead: (...args: never[]) => this.#writeHead(...(args as unknown as Head)),
      write: (...args: never[]) => this.#write(args),
      end: (...args: never[]) => this.#end(args),
      flushHeaders: () => {
        this.#release();
        return this.#call('flushHeaders', []);
      },
    };
    Object.values(own).forEach(ownPatch);
    Object.assign(res, own);
  }

  /** The head that comes next is judged anew; the one that was held has had its listeners, and is gone. */
  drop(): void {
    if (this.#state !== 'holding') return;
    this.#state = 'open';
    this.#kept.clear();
  }

  /** With the head it is known whether chunks are kept from here on, or nothing is. */
  #writeHead(...[status, reason, headers]: Head): unknown {
    const res = this.#res;
    // Of informational heads 101 alone is the last one.
    if (status === 101) this.#state = 'released';
    if (this.#state === 'released' || status < 200) return this.#call('writeHead', [status, reason, headers]);
    res.statusCode = status;
    if (typeof reason === 'string') res.statusMessage = reason;
    foldHeaders(res, typeof reason === 'string' ? headers : (headers ?? reason));
    if (this.#state === 'open') {
      this.#state = 'holding';
      const declared = Number(res.getHeader('content-length') ?? 0);
      if (declared > this.#options.limit || !this.#options.wants(res)) this.#release();
    }
    return res;
  }

  #write(args: readonly unknown[]): unknown {
    this.#open();
    if (this.#state === 'released') return this.#call('write', args);
    const callback = callbackOf(args);
    this.#keep(args[0], args[1]);
    if (callback !== undefined) queueMicrotask(callback);
    if (this.#kept.size > this.#options.limit) this.#release();
    return true;
  }

  #end(args: readonly unknown[]): unknown {
    this.#open();
    if (this.#state === 'released') return this.#call('end', args);
    const [chunk, encoding] = args;
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') this.#keep(chunk, encoding);
    const callback = callbackOf(args);
    if (this.#kept.size > this.#options.limit) this.#release();
    else {
      const body = this.#options.complete(this.#kept.whole(), this.#res);
      this.#kept.clear();
      if (body !== undefined) this.#kept.add(body);
      this.#state = 'released';
    }
    const kept = this.#takeKept();
    const last = kept.pop();
    for (const piece of kept) this.#call('write', [piece]);
    return this.#call('end', [...(last === undefined ? [] : [last]), ...(callback === undefined ? [] : [callback])]);
  }

  /** An implicit head: listeners further in run first, by the way of the outermost `writeHead`. */
  #open(): void {
    if (this.#state === 'open') this.#res.writeHead(this.#res.statusCode);
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

  #release(): void {
    if (this.#state === 'released') return;
    const headKnown = this.#state === 'holding';
    this.#state = 'released';
    if (headKnown) this.#call('writeHead', [this.#res.statusCode]);
    for (const piece of this.#takeKept()) this.#call('write', [piece]);
  }

  #call(name: keyof Methods, args: readonly unknown[]): unknown {
    return Reflect.apply(this.#below[name], this.#res, args);
  }
}
