/** Types and functions for the modules that send a response. */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HeadersArgument } from './header-fields.js';

/** The callback of a write. */
export type Callback = (error?: Error | null) => void;

/** The methods that send a response: of Node, or of other code that has replaced them. */
export interface Methods {
  writeHead(status: number, reason?: string | HeadersArgument, headers?: HeadersArgument): ServerResponse;
  write(chunk?: unknown, encoding?: unknown, callback?: unknown): boolean;
  end(chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse;
}

/** A function of the list for the headers. Returns `LATER` if the headers are written later. */
export type Stage = (res: ServerResponse) => unknown;

/** A stream that a body passes through. One with `flush`, as those of zlib have, is flushed when the app pauses for a turn. */
export type BodyStream = Duplex & { flush?(): void };

/** A destination for a body. */
export interface BodySink {
  /** Returns false if the caller must wait until `drained` is called. */
  write(chunk: unknown, encoding?: BufferEncoding, callback?: Callback): boolean;
  end(chunk?: unknown, encoding?: BufferEncoding, callback?: Callback): void;
  /** Set by the writer. */
  drained: (() => void) | undefined;
}

/** A part of a body: a stream, or a buffer that holds it until it is whole. */
export interface BodyPart extends BodySink {
  /** Sends what it holds. */
  release(): void;
  /** Discards what is unsent. */
  discard(): void;
}

/** The one list of the parts of a body. */
export interface BodyList extends Pick<Methods, 'write' | 'end'> {
  /** True after the end of the body; more of it is ignored. */
  readonly isEnded: boolean;
  /** Adds a part; `make` gets a function that returns the next outer one. */
  add(make: (next: () => BodySink) => BodyPart): void;
  /** Takes data from the app. */
  take(isLast: boolean, ...args: readonly unknown[]): boolean;
  /** Discards all unsent data of a body, because another response replaces it. */
  reset(): void;
  /** Makes `flushHeaders` send what is held. */
  releaseOnFlush(): void;
}

/** The outcome of a response. */
export interface ResponseOutcome {
  /** Whether all of it was passed to the operating system; false if the connection broke before. */
  readonly completed: boolean;
  /** The reason why the server aborted the response, such as a `Fault` 503 at the deadline of a stop; undefined if it completed or the client disconnected. */
  readonly error?: unknown;
}

/** Called with the outcome of a response. */
export type ResponseListener = (outcome: ResponseOutcome) => void;

/** Returns the callback among the arguments of `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((argument) => typeof argument === 'function') as Callback | undefined;
}

/** Reports whether a response with this status to this request may have a body (RFC 9110 §6.4.1). */
export function mayHaveBody({ req, statusCode }: ServerResponse): boolean {
  return req.method !== 'HEAD' && statusCode >= 200 && statusCode !== 204 && statusCode !== 304;
}

/** Returns the size in bytes of a chunk given to `write` or `end`. */
export function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}

/** Node's own `headersSent`, to be called on a response: `@fastify/express` replaces the property with a different one. */
export const headSent = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, 'headersSent')!.get as (
  this: ServerResponse,
) => boolean;
