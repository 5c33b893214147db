/** The one list of parts that a response's body passes through, in their order. */
import type { ServerResponse } from 'node:http';
import type { Exchange } from '../exchange.js';
import { type BodyList, type BodyPart, type BodySink, callbackOf, type Methods } from '../response-methods.js';
import { afterEnd, end, enter, send, write } from './response-body.js';
import { exchangeFor, writeHead } from './served-response.js';

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

/** Parts are added as the head is decided, innermost first. */
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
