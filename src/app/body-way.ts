/** The parts of a response's body, in their order. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type BodySink, declareLength, type HoldOptions, HoldPart, StreamPart } from './body-parts.js';
import { type Callback, callbackOf, headSent, ownPatch } from './response-methods.js';

/**
 * The path of a body from the methods of a response through all parts to `out`. Parts are added as the head is decided, innermost first.
 */
export class BodyWay {
  readonly #res: ServerResponse;
  readonly #out: BodySink;
  #parts: (StreamPart | HoldPart)[] = [];
  #isEnded = false;
  #tellsDrain = false;

  constructor(res: ServerResponse, out: BodySink) {
    this.#res = res;
    this.#out = out;
  }

  addStream(stream: Duplex): void {
    const part: StreamPart = new StreamPart(this.#res, stream, () => this.#behind(part));
    this.#parts.push(part);
    this.#tellDrain();
  }

  addHold(options: HoldOptions): void {
    const res = this.#res;
    const part: HoldPart = new HoldPart(
      res,
      options,
      () => {
        if (!this.#parts.includes(part)) this.#parts.push(part);
        this.#tellDrain();
      },
      () => this.#behind(part),
    );
    const { flushHeaders } = res;
    res.flushHeaders = ownPatch(() => {
      this.#open();
      part.release();
      flushHeaders.call(res);
    });
  }

  write(chunk?: unknown, encoding?: unknown, callback?: unknown): boolean {
    this.#open();
    return this.#entry.write(chunk, encoding as BufferEncoding, callback as Callback);
  }

  end(...args: unknown[]): void {
    const callback = callbackOf(args);
    if (this.#isEnded) {
      afterEnd(this.#res, callback);
      return;
    }
    const [chunk, encoding] = args.map((argument) => (typeof argument === 'function' ? undefined : argument));
    if (!headSent.call(this.#res) && !this.#isHeld) declareLength(this.#res, chunk, encoding as BufferEncoding);
    this.#open();
    this.#isEnded = true;
    // Node ignores a falsy chunk; a stream refuses it.
    this.#entry.end(chunk || undefined, encoding as BufferEncoding, callback);
  }

  /** Discards all unsent data of a body, because another response replaces it. */
  reset(): void {
    for (const part of this.#parts) {
      if (part instanceof HoldPart) part.drop();
      else part.stream.destroy();
    }
    this.#parts = [];
    this.#isEnded = false;
    Reflect.deleteProperty(this.#res, 'writableEnded');
  }

  get #isHeld(): boolean {
    return this.#parts.some((part) => part instanceof HoldPart && part.holds);
  }

  get #entry(): BodySink {
    return this.#parts[0] ?? this.#out;
  }

  #behind(part: StreamPart | HoldPart): BodySink {
    return this.#parts[this.#parts.indexOf(part) + 1] ?? this.#out;
  }

  /** Writes an implicit head through the outermost `writeHead`, so that inner listeners run first. */
  #open(): void {
    if (!headSent.call(this.#res) && !this.#isHeld) this.#res.writeHead(this.#res.statusCode);
  }

  /**
   * Passes the socket's "drain" to the last part, and emits "drain" to the app for the first part: on the socket's event the app would
   * write into a first part that is still full.
   */
  #tellDrain(): void {
    const methods = this.#res as unknown as { emit: (event: string, ...args: unknown[]) => boolean };
    const { emit } = methods;
    if (!this.#tellsDrain) {
      this.#tellsDrain = true;
      methods.emit = (event, ...args) => {
        if (event !== 'drain' || this.#out.drained === undefined)
          return Reflect.apply(emit, this.#res, [event, ...args]);
        this.#out.drained();
        return true;
      };
      this.#emitDrain = () => void Reflect.apply(emit, this.#res, ['drain']);
    }
    this.#parts[0]!.drained = this.#emitDrain;
  }

  #emitDrain = (): void => {};
}

/** A second `end` is not an error in Node; its callback must still be called. */
function afterEnd(res: ServerResponse, callback: Callback | undefined): void {
  if (callback === undefined) return;
  if (res.writableFinished) queueMicrotask(callback);
  else res.once('finish', callback);
}
