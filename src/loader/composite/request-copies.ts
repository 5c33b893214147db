/**
 * Copies of a request for apps that are tried one after the other: each has the original headers, path and environ, and can read the
 * body from its start.
 */
import { IncomingMessage } from 'node:http';
import { environ, Fault, readBody } from '../../app/index.js';
import { environFields, noteOriginal } from '../../app/internal.js';

/** Bytes of the largest body that several apps can read. */
const MAX_KEPT_BYTES = 1_048_576;

/** Makes copies of one request. */
export class RequestCopies {
  readonly #request: IncomingMessage;
  readonly #environ: object;
  readonly #headers: IncomingMessage['headers'];
  readonly #url: string | undefined;
  /** The whole body, read when the first app reads it. */
  #body: Promise<Buffer> | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.#environ = environFields(request);
    this.#headers = { ...request.headers };
    this.#url = request.url;
  }

  /** Returns a copy for an app that is not the last. */
  next(): RequestCopy {
    const copy = new RequestCopy(this.#request, () => this.#whole());
    copy.url = this.#url ?? '/';
    copy.headers = { ...this.#headers };
    Object.assign(environ(copy), this.#environ);
    return copy;
  }

  /** Returns the copy for the last app; undefined if the body was not read, so the app gets the request itself. */
  last(): RequestCopy | undefined {
    return this.#body === undefined ? undefined : this.next();
  }

  #whole(): Promise<Buffer> {
    this.#body ??= readBody(this.#request, { limit: MAX_KEPT_BYTES });
    return this.#body;
  }
}

class RequestCopy extends IncomingMessage {
  /** Rejects if the body cannot be read and the app has no error listener, because the app would wait forever. */
  readonly refused: Promise<never>;
  #refuse!: (error: unknown) => void;
  readonly #original: IncomingMessage;
  readonly #body: () => Promise<Buffer>;

  constructor(original: IncomingMessage, body: () => Promise<Buffer>) {
    super(original.socket);
    pinMethods(this, RequestCopy.prototype);
    this.refused = new Promise((_, reject) => {
      this.#refuse = reject;
    });
    // The request may end before a caller awaits this.
    this.refused.catch(() => undefined);
    noteOriginal(this, original);
    this.#original = original;
    this.#body = body;
    this.method = original.method ?? 'GET';
    this.rawHeaders = original.rawHeaders;
    this.httpVersion = original.httpVersion;
    this.httpVersionMajor = original.httpVersionMajor;
    this.httpVersionMinor = original.httpVersionMinor;
  }

  override _read(): void {
    this.#body().then(
      (bytes) => {
        if (this.complete) return;
        this.complete = true;
        this.push(bytes);
        this.push(null);
      },
      (error: Error) => {
        if (this.listenerCount('error') > 0) this.destroy(error);
        else this.#refuse(error);
      },
    );
  }

  /**
   * If an app destroys the copy with an error before the body is complete, the request is destroyed; otherwise its connection is left
   * open.
   */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.complete && error !== null && !(error instanceof Fault)) this.#original.destroy(error);
    done(error);
  }
}

/**
 * Copies the methods of a class to an object. Express replaces the prototype of each request and response, which would remove the
 * overrides of a class.
 */
export function pinMethods(object: object, prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof descriptor.value !== 'function') continue;
    Object.defineProperty(object, name, { ...descriptor, enumerable: false });
  }
}
