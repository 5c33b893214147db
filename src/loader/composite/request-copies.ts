/**
 * Copies of a request for apps that are tried one after the other: each has the headers, the path and the environ as
 * they came, and can read the body from its start.
 */
import { IncomingMessage } from 'node:http';
import { environ, Fault } from '../../app/index.js';
import { GatheredBytes, noteOriginal } from '../../app/internal.js';

/** How much of a body is kept for the apps still to be tried. */
const MAX_KEPT_BYTES = 1_048_576;

/** Gives copies of one request, and the request itself to the last app if its body was not read yet. */
export class RequestCopies {
  readonly #request: IncomingMessage;
  readonly #environ: object;
  readonly #headers: IncomingMessage['headers'];
  readonly #url: string | undefined;
  readonly #body: RecordedBody;

  constructor(request: IncomingMessage) {
    this.#request = request;
    this.#environ = { ...environ(request) };
    this.#headers = { ...request.headers };
    this.#url = request.url;
    this.#body = new RecordedBody(request);
  }

  /** A copy for an app that is not the last. */
  next(): RequestCopy {
    return this.#copy();
  }

  /** What the last app gets. Its body is not kept any more. */
  last(): IncomingMessage {
    this.#body.keep = false;
    return this.#body.touched ? this.#copy() : this.#request;
  }

  /** The app is done with its copy: it gets no more of the body. */
  finished(copy: RequestCopy): void {
    this.#body.forget(copy);
  }

  #copy(): RequestCopy {
    const copy = new RequestCopy(this.#request, this.#body);
    copy.url = this.#url ?? '/';
    copy.headers = { ...this.#headers };
    Object.assign(environ(copy), this.#environ);
    return copy;
  }
}

/** One copy of a request. */
class RequestCopy extends IncomingMessage {
  /** How much of what is kept of the body it has got. */
  cursor = 0;
  readonly #original: IncomingMessage;
  readonly #body: RecordedBody;

  constructor(original: IncomingMessage, body: RecordedBody) {
    super(original.socket);
    pinMethods(this, RequestCopy.prototype);
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
    this.#body.serve(this);
  }

  /** An app that gives up on the body gives up on the request; otherwise the connection is not the copy's to close. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#body.forget(this);
    if (!this.complete && error !== null && !(error instanceof Fault)) this.#original.destroy(error);
    done(error);
  }
}

/** A body that is read from the connection once, at the first read of a copy, and handed out as often as needed. */
class RecordedBody {
  /** Whether chunks are kept for later copies. */
  keep = true;
  /** True once anything was asked for: the request itself cannot be read any more. */
  touched = false;
  readonly #source: IncomingMessage;
  readonly #kept = new GatheredBytes();
  readonly #waiting = new Set<RequestCopy>();
  #came = 0;
  #ended = false;
  #failure: Error | undefined;

  constructor(source: IncomingMessage) {
    this.#source = source;
  }

  /** Gives a copy its next chunk, now or when it arrives. */
  serve(copy: RequestCopy): void {
    this.#open();
    const chunk = this.#kept.after(copy.cursor);
    if (chunk !== undefined) {
      copy.cursor += chunk.length;
      give(copy, chunk);
    } else if (this.#failure !== undefined) {
      copy.destroy(this.#failure);
    } else if (this.#ended) {
      copy.complete = true;
      copy.push(null);
    } else {
      this.#waiting.add(copy);
      this.#source.resume();
    }
  }

  forget(copy: RequestCopy): void {
    this.#waiting.delete(copy);
  }

  #open(): void {
    if (this.touched) return;
    this.touched = true;
    const source = this.#source;
    source.on('data', (chunk: Buffer) => this.#arrived(chunk));
    source.on('end', () => this.#over(undefined));
    source.on('error', (error: Error) => this.#over(error));
    source.on('aborted', () => this.#over(new Error('the client went away')));
  }

  #arrived(chunk: Buffer): void {
    this.#source.pause();
    this.#came += chunk.length;
    if (this.keep && this.#came > MAX_KEPT_BYTES) {
      this.#over(new Fault(413, { message: `More than ${MAX_KEPT_BYTES} bytes cannot be tried with several apps.` }));
      return;
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const store = this.keep || waiting.length === 0;
    if (store) this.#kept.add(chunk);
    for (const copy of waiting) {
      if (store) copy.cursor += chunk.length;
      give(copy, chunk);
    }
  }

  #over(failure: Error | undefined): void {
    this.#ended = true;
    this.#failure ??= failure;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const copy of waiting) this.serve(copy);
  }
}

/** An IncomingMessage does not ask for more by itself: Node's parser pushes. `read(0)` asks without taking anything. */
function give(copy: RequestCopy, chunk: Buffer): void {
  copy.push(chunk);
  process.nextTick(() => copy.read(0));
}

/**
 * Makes the methods of a class an object's own. Express gives each request and response a prototype of its own, and what
 * was overridden in a class would be gone.
 */
export function pinMethods(object: object, prototype: object): void {
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (name === 'constructor' || typeof descriptor.value !== 'function') continue;
    Object.defineProperty(object, name, { ...descriptor, enumerable: false });
  }
}
