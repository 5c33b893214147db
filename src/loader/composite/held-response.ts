/**
 * A response whose head is held until its status is known: then it is either dropped or passed on as a stream. It is a separate object
 * and does not use `holdBody`, because headers and data of a dropped app must not reach the next one's response.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { App } from '../../app/index.js';
import { foldHeaders } from '../../app/internal.js';
import { pinMethods } from './request-copies.js';

type Callback = (error?: Error | null) => void;

/**
 * Replaces `target` while one app of a cascade answers. Only informational responses (1xx) reach the target before the status is known;
 * a response with a caught status never does. It emits the target's `close` and, once passed on, its `drain` and `finish`.
 */
export class HeldResponse extends ServerResponse {
  readonly #target: ServerResponse;
  readonly #caught: ReadonlySet<number>;
  #fate: 'held' | 'dropped' | 'passed' = 'held';
  #settle: ((answered: boolean) => void) | undefined;

  constructor(req: IncomingMessage, target: ServerResponse, caught: ReadonlySet<number>) {
    super(req);
    this.#target = target;
    this.#caught = caught;
    for (const name of target.getHeaderNames()) this.setHeader(name, target.getHeader(name)!);
    pinMethods(this, HeldResponse.prototype);
    Object.defineProperties(this, {
      headersSent: { get: () => this.#fate !== 'held' },
      socket: { value: target.socket, writable: true },
    });
    target.once('close', () => {
      this.emit('close');
      this.#settle?.(true);
    });
  }

  /** True once the head is passed on to the target. */
  get passedOn(): boolean {
    return this.#fate === 'passed';
  }

  /** Runs an app on this response. Resolves to true if its response is passed on, false if it is dropped. */
  answeredBy(app: App): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve;
      Promise.resolve(app(this.req, this)).then(
        () => {
          if (this.#fate === 'passed') resolve(true);
        },
        (error: unknown) => {
          if (this.#fate === 'dropped') resolve(false);
          else reject(error as Error);
        },
      );
    });
  }

  override writeHead(
    status: number,
    message?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    this.statusCode = status;
    if (typeof message === 'string') this.statusMessage = message;
    foldHeaders(this, typeof message === 'string' ? headers : message);
    if (this.#decide()) this.#target.writeHead(this.statusCode);
    return this;
  }

  override flushHeaders(): void {
    this.#head();
    if (this.#fate === 'passed') this.#target.flushHeaders();
  }

  override write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    this.#head();
    if (this.#fate === 'passed') return this.#target.write(chunk as string, encoding as BufferEncoding, callback);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done !== undefined) process.nextTick(done);
    return true;
  }

  override end(chunk?: unknown, encoding?: BufferEncoding | (() => void), callback?: () => void): this {
    if (this.finished) return this;
    if (this.#fate === 'held') this.#decide();
    this.finished = true;
    if (this.#fate === 'passed') {
      this.#target.end(chunk as string, encoding as BufferEncoding, callback);
      return this;
    }
    const done = [chunk, encoding, callback].find((argument) => typeof argument === 'function') as
      | (() => void)
      | undefined;
    process.nextTick(() => {
      this.emit('finish');
      done?.();
      this.emit('close');
    });
    this.#settle?.(false);
    return this;
  }

  override addTrailers(headers: OutgoingHttpHeaders): void {
    if (this.#fate === 'passed') this.#target.addTrailers(headers);
  }

  override writeContinue(callback?: () => void): void {
    this.#target.writeContinue(callback);
  }

  override writeEarlyHints(hints: Record<string, string | string[]>, callback?: () => void): void {
    this.#target.writeEarlyHints(hints, callback);
  }

  /** Sends the implicit head of a body that begins without `writeHead`. */
  #head(): void {
    if (this.#fate === 'held') this.writeHead(this.statusCode);
  }

  /** Decides by the status, once; returns true if the response is passed on. Status and headers are then copied to the target. */
  #decide(): boolean {
    if (this.#fate !== 'held') return false;
    if (this.#caught.has(this.statusCode)) {
      this.#fate = 'dropped';
      return false;
    }
    this.#fate = 'passed';
    this.#target.statusCode = this.statusCode;
    if (this.statusMessage) this.#target.statusMessage = this.statusMessage;
    for (const name of this.#target.getHeaderNames()) if (!this.hasHeader(name)) this.#target.removeHeader(name);
    for (const name of rawNamesOf(this)) this.#target.setHeader(name, this.getHeader(name)!);
    for (const event of ['drain', 'finish'] as const) this.#target.on(event, () => this.emit(event));
    process.nextTick(() => this.#settle?.(true));
    return true;
  }
}

/** Returns names in the letter case in which they were set; Node has this method, its type declarations for Node 20 do not. */
function rawNamesOf(response: ServerResponse): string[] {
  return (response as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames();
}
