/**
 * Keeping a response back until its body is whole, for headers that depend on the body.
 */
import type { ServerResponse } from 'node:http';
import { GatheredBytes } from '../wire/index.js';
import { foldHeaders, type HeadersArgument } from './headers.js';

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
  new Hold(res, options).start();
}

/** Forgets what is held back: another answer takes its place. Says nothing where nothing is held. */
export function dropHeld(res: ServerResponse): void {
  (res as { [HOLD]?: Hold })[HOLD]?.drop();
}

const HOLD: unique symbol = Symbol('portico.holdBody');

/** Whether a replaced method of a response is ours; for `lint`. */
export function isHoldPatch(res: ServerResponse, method: unknown): boolean {
  return (res as { [HOLD]?: Hold })[HOLD]?.owns(method) === true;
}

type Method = (...args: never[]) => unknown;
type Methods = Record<'writeHead' | 'write' | 'end' | 'flushHeaders', Method>;
type Callback = (error?: Error | null) => void;

class Hold {
  readonly #res: ServerResponse;
  readonly #options: HoldOptions;
  readonly #below: Methods;
  readonly #own: Methods;
  readonly #kept = new GatheredBytes();
  #state: 'open' | 'holding' | 'released' = 'open';

  constructor(res: ServerResponse, options: HoldOptions) {
    this.#res = res;
    this.#options = options;
    const { writeHead, write, end, flushHeaders } = res as unknown as Methods;
    this.#below = { writeHead, write, end, flushHeaders };
    this.#own = {
      writeHead: (...args: never[]) => this.#writeHead(...(args as unknown as Parameters<Hold['setHead']>)),
      write: (...args: never[]) => this.#write(args),
      end: (...args: never[]) => this.#end(args),
      flushHeaders: () => {
        this.#release();
        return this.#call('flushHeaders', []);
      },
    };
  }

  owns(method: unknown): boolean {
    return Object.values(this.#own).includes(method as Method);
  }

  start(): void {
    (this.#res as { [HOLD]?: Hold })[HOLD] = this;
    Object.assign(this.#res, this.#own);
  }

  /** The head that comes next is judged anew; the one that was held has had its listeners, and is gone. */
  drop(): void {
    if (this.#state !== 'holding') return;
    this.#state = 'open';
    this.#kept.clear();
  }

  /** Takes status and headers as `writeHead` has them, without sending. */
  setHead(status: number, reason?: string | HeadersArgument, headers?: HeadersArgument): void {
    this.#res.statusCode = status;
    if (typeof reason === 'string') this.#res.statusMessage = reason;
    foldHeaders(this.#res, typeof reason === 'string' ? headers : (headers ?? reason));
  }

  #writeHead(status: number, reason?: string | HeadersArgument, headers?: HeadersArgument): unknown {
    // Of informational heads 101 alone is the last one.
    if (status === 101) this.#state = 'released';
    if (this.#state === 'released' || status < 200) return this.#call('writeHead', [status, reason, headers]);
    this.setHead(status, reason, headers);
    this.#begin();
    return this.#res;
  }

  /** The head is known: from here on chunks are kept, or nothing is. */
  #begin(): void {
    if (this.#state !== 'open') return;
    this.#state = 'holding';
    const declared = Number(this.#res.getHeader('content-length') ?? 0);
    if (declared > this.#options.limit || !this.#options.wants(this.#res)) this.#release();
  }

  #write(args: readonly unknown[]): unknown {
    this.#open();
    if (this.#state === 'released') return this.#call('write', args);
    const callback = args.find((argument) => typeof argument === 'function') as Callback | undefined;
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
    const callback = args.find((argument) => typeof argument === 'function');
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
