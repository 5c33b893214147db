/**
 * Streams between an app and its socket, registered on the way in.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { beforeHead } from './before-head.js';
import { type Callback, callbackOf, mayHaveBody, ownPatch } from './response-patches.js';

/** Gives the stream that the body is to go through, or undefined to leave this body alone. */
export type BodyTransformer = (res: ServerResponse) => Duplex | undefined;

/**
 * Sends the response's body through the stream that `make` gives.
 *
 * `make` is called just before the head is written, in order with the listeners of `beforeHead` (the innermost first,
 * and the body flows the same way), so it can decide by status and headers and change them. When it gives a stream,
 * `Content-Length` is removed. It is not called for answers without a body: HEAD, 101, 204 and 304. Back-pressure holds
 * from the socket to the app; a stream that fails breaks the response off.
 */
export function transformBody(res: ServerResponse, make: BodyTransformer): void {
  const body = bodyOf(res);
  beforeHead(res, () => {
    if (!mayHaveBody(res)) return;
    const stream = make(res);
    if (stream === undefined) return;
    res.removeHeader('content-length');
    body.streams.push(stream);
  });
}

/** Forgets the streams that were made for a head that failed: another answer, which they were not made for, takes its place. */
export function dropTransforms(res: ServerResponse): void {
  for (let body = (res as { [BODY]?: Body })[BODY]; body !== undefined; body = body.before) body.drop();
}

/** One pair of replaced `write` and `end`, and the streams behind them, innermost first. */
interface Body {
  readonly write: Method;
  readonly end: Method;
  readonly streams: Duplex[];
  /** Lets go of streams that nothing was written to. */
  readonly drop: () => void;
  /** The pair below. */
  readonly before: Body | undefined;
}

const BODY: unique symbol = Symbol('portico.transformBody');

/** As with `beforeHead`: when other code has wrapped `write` in the meantime, a new pair goes on top. */
function bodyOf(res: ServerResponse): Body {
  const carrier = res as ServerResponse & { [BODY]?: Body };
  const current = carrier[BODY];
  if (current !== undefined && methodsOf(res).write === current.write) return current;
  const body = newBody(res, current);
  carrier[BODY] = body;
  methodsOf(res).write = body.write;
  methodsOf(res).end = body.end;
  return body;
}

type Method = (...args: never[]) => unknown;

/** The methods that are replaced, as plain functions. */
interface Methods {
  write: Method;
  end: Method;
  emit: Method;
}

const methodsOf = (res: ServerResponse): Methods => res as unknown as Methods;

function newBody(res: ServerResponse, before: Body | undefined): Body {
  const methods = methodsOf(res);
  const below: Below = { write: methods.write, end: methods.end };
  const streams: Duplex[] = [];
  let entry: Duplex | undefined;
  let ended = false;

  /** The stream to write into, once the head is written and it is known whether there is one. */
  const opened = (): Duplex | undefined => {
    if (!res.headersSent) res.writeHead(res.statusCode);
    if (entry === undefined && streams.length > 0) entry = connect(res, streams, below);
    return entry;
  };

  function write(chunk: unknown, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const stream = opened();
    if (stream === undefined) return Reflect.apply(below.write, res, [chunk, encoding, callback]) as boolean;
    return typeof encoding === 'function' ? stream.write(chunk, encoding) : stream.write(chunk, encoding!, callback);
  }

  function end(first?: unknown, second?: BufferEncoding | Callback, third?: Callback): ServerResponse {
    const callback = callbackOf([first, second, third]);
    if (ended) return afterEnd(res, callback);
    const chunk = typeof first === 'function' ? undefined : first;
    const encoding = typeof second === 'function' ? undefined : second;
    if (!res.headersSent) declareLength(res, chunk, encoding);
    const stream = opened();
    if (stream === undefined) {
      Reflect.apply(below.end, res, [first, second, third]);
      return res;
    }
    ended = true;
    Object.defineProperty(res, 'writableEnded', { value: true, configurable: true });
    if (callback !== undefined) res.once('finish', callback);
    if (chunk === undefined || chunk === null) stream.end();
    else stream.end(chunk, encoding!);
    return res;
  }

  function drop(): void {
    if (entry === undefined) for (const stream of streams.splice(0)) stream.destroy();
  }

  return { write: ownPatch(write), end: ownPatch(end), streams, drop, before };
}

type Below = Pick<Methods, 'write' | 'end'>;

/** Joins the streams to one another and to the socket; gives the first. */
function connect(res: ServerResponse, streams: readonly Duplex[], below: Below): Duplex {
  const entry = streams[0]!;
  const exit = streams.at(-1)!;
  for (const [at, stream] of streams.entries()) {
    const next = streams[at + 1];
    if (next !== undefined) stream.pipe(next);
    stream.on('error', (error) => res.destroy(error));
  }
  exit.on('data', (chunk: Buffer) => {
    if (Reflect.apply(below.write, res, [chunk]) === false) exit.pause();
  });
  exit.on('end', () => {
    Reflect.apply(below.end, res, []);
  });
  res.once('close', () => {
    for (const stream of streams) stream.destroy();
  });
  // The socket's 'drain' is for the last stream, the first stream's is for the app: were the app woken by the
  // socket's, it would write into a first stream that is still full.
  const methods = methodsOf(res);
  const { emit } = methods;
  methods.emit = (event: string, ...args: unknown[]) => {
    if (event !== 'drain') return Reflect.apply(emit, res, [event, ...args]);
    exit.resume();
    return true;
  };
  entry.on('drain', () => Reflect.apply(emit, res, ['drain']));
  return entry;
}

/**
 * A body given whole has a known length, which Node works out after the head is decided; for those who decide it is
 * said before.
 */
function declareLength(res: ServerResponse, chunk: unknown, encoding: BufferEncoding | undefined): void {
  if (!mayHaveBody(res) || res.hasHeader('content-length') || res.hasHeader('transfer-encoding')) return;
  if (res.hasHeader('trailer')) return;
  if (chunk === undefined || chunk === null) res.setHeader('content-length', 0);
  else if (typeof chunk === 'string') res.setHeader('content-length', Buffer.byteLength(chunk, encoding));
  else if (chunk instanceof Uint8Array) res.setHeader('content-length', chunk.byteLength);
}

/** A second `end` is no error in Node; its callback still wants to be called. */
function afterEnd(res: ServerResponse, callback: Callback | undefined): ServerResponse {
  if (callback !== undefined) {
    if (res.writableFinished) queueMicrotask(callback);
    else res.once('finish', callback);
  }
  return res;
}
