/** The one list of parts that a response's body passes through, in their order. */
import type { ServerResponse } from 'node:http';
import type { BodySink } from './body-parts.js';
import type { Exchange } from './exchange.js';
import { afterEnd, end, enter, send, write } from './response-body.js';
import { callbackOf, type Methods } from './response-methods.js';
import { exchangeFor, writeHead } from './served-response.js';

/** A part of a body: a stream, or a buffer that holds it until it is whole. */
export interface BodyPart extends BodySink {
  /** Sends what it holds. */
  release(): void;
  /** Discards what is unsent. */
  discard(): void;
}

/**
 * Returns the list of a response. Where other code has replaced the methods, such as the package compression, a list further in begins,
 * which ends in the methods of that code.
 */
export function wayOf(res: ServerResponse): BodyWay {
  const exchange = exchangeFor(res);
  const { newestWay: newest } = exchange;
  const methods = res as unknown as Methods;
  const known = newest ?? { write, end };
  if (methods.write === known.write && methods.end === known.end) {
    if (newest !== undefined) return newest;
    const pass = (isLast: boolean, args: readonly unknown[]): boolean => send(exchange, isLast, ...args);
    exchange.way = new BodyWay(exchange, write, end, pass);
    exchange.newestWay = exchange.way;
    return exchange.way;
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
  exchange.newestWay = way;
  return way;
}

const ours = new WeakSet<object>([writeHead, write, end]);

/** Reports whether a method of a response was set by this directory, not by other code; for `lint`. */
export function isOwnPatch(method: object): boolean {
  return ours.has(method);
}

/** Parts are added as the head is decided, innermost first. */
export class BodyWay {
  readonly write: Methods['write'];
  readonly end: Methods['end'];
  readonly #exchange: Exchange;
  readonly #before: BodyWay | undefined;
  readonly #out: BodySink;
  #parts: BodyPart[] = [];
  #tellsDrain = false;
  /** True after the end of the body; more of it is ignored. */
  isEnded = false;

  constructor(
    exchange: Exchange,
    write: Methods['write'],
    end: Methods['end'],
    pass: (isLast: boolean, args: readonly unknown[]) => boolean,
  ) {
    this.#exchange = exchange;
    this.#before = exchange.newestWay;
    this.write = write;
    this.end = end;
    this.#out = {
      write: (...args) => pass(false, args),
      end: (...args) => void pass(true, args),
      drained: undefined,
    };
  }

  /** Adds a part; `make` gets a function that returns the next outer one. */
  add<P extends BodyPart>(make: (next: () => BodySink) => P): P {
    const at = this.#parts.length;
    const part = make(() => this.#parts[at + 1] ?? this.#out);
    this.#parts.push(part);
    this.#tellDrain();
    return part;
  }

  /** Takes data from the app. */
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

  /** Discards all unsent data of a body, because another response replaces it. */
  reset(): void {
    const parts = this.#parts;
    this.#parts = [];
    for (const part of parts) part.discard();
    this.isEnded = false;
    Reflect.deleteProperty(this.#exchange.res!, 'writableEnded');
    this.#before?.reset();
  }

  /** Makes `flushHeaders` send what is held. */
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
