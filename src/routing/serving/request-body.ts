/**
 * Bodies that a router reads: their types, the refusal of others (RFC 9110 §15.5.16), the parsing of JSON, and the reading of other types
 * for routes that say what they take.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyContentTypeParser, FastifyInstance, onRequestHookHandler } from 'fastify';
import { Fault, quoteClient } from '../../app/index.js';
import { bodyLengthOf, collectBody, exchangeOf, FIELD, isEncoded, limitBody, tooLarge } from '../../app/internal.js';
import { readFields } from '../actions/query-lists.js';
import type { TakenType, TakenTypes } from '../actions/taken-types.js';

/** Methods whose body is read. */
export const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Types that are read as JSON; for others only plugins have parsers. */
const JSON_TYPES: readonly RegExp[] = [/^application\/(?:[\w.-]+\+)?json(?:[ \t]*;|$)/i, /^text\/plain(?:[ \t]*;|$)/i];

type AddParser = (...args: [type: string | RegExp | string[], ...rest: unknown[]]) => FastifyInstance;

/** Parsers of a Fastify instance. */
export class BodyTypes {
  readonly #named = new Set(['application/json']);

  /** `read` reads JSON. */
  constructor(fastify: FastifyInstance, read: FastifyContentTypeParser) {
    fastify.removeAllContentTypeParsers();
    for (const type of JSON_TYPES) fastify.addContentTypeParser(type, read);
    // For a missing type Fastify only has the parser for all types: it reads those bodies and refuses other types.
    fastify.addContentTypeParser('*', (request, payload, done) => {
      if (request.headers['content-type'] === undefined) void read(request, payload, done);
      else done(hasBody(request.raw) ? this.refusal(request.raw) : null);
    });
    this.#note(fastify);
  }

  /** Returns the refusal of a body whose type has no parser: it closes the connection. */
  refusal(req: IncomingMessage, taken: readonly string[] = [...this.#named]): Fault {
    return unsupported(req, taken);
  }

  /** Fastify does not report the parsers that plugins have added. */
  #note(fastify: FastifyInstance): void {
    const named = this.#named;
    const add = fastify.addContentTypeParser as AddParser;
    const noting: AddParser = function (this: FastifyInstance, ...args) {
      for (const type of [args[0]].flat()) if (typeof type === 'string' && type !== '*') named.add(type);
      return Reflect.apply(add, this, args);
    };
    Object.assign(fastify, { addContentTypeParser: noting });
  }
}

/** Returns the refusal of a body of another type; it closes the connection. */
export function unsupported({ headers }: IncomingMessage, types: readonly string[]): Fault {
  const message = `The body must be ${types.join(' or ')}, not ${quoteClient(headers['content-type'] || 'of no type')}.`;
  const data = { taken: types, received: headers['content-type'] };
  return new Fault(415, {
    message,
    kind: 'media-type',
    data,
    headers: { connection: 'close', Accept: types.join(', ') },
  });
}

/** Returns the refusal of a body of another type than JSON; undefined for JSON, without a body, and if a parser has read it to its end. */
export function otherType(req: IncomingMessage): Fault | undefined {
  const type = req.headers['content-type'];
  if (type === undefined || !hasBody(req) || req.readableEnded || JSON_TYPES.some((json) => json.test(type)))
    return undefined;
  return unsupported(req, ['application/json']);
}

/** Reports whether a request has a body, which is JSON. Throws a `Fault` 415 for another type, and for a compressed body. */
export function hasJsonBody(req: IncomingMessage): boolean {
  const exchange = exchangeOf(req);
  const isPresent = bodyLengthOf(exchange) !== 0;
  const { fieldKinds: kinds } = exchange;
  if (isPresent && (kinds & FIELD.CONTENT_CODING) !== 0) refuseEncoding(req);
  const type = kinds < 0 ? req.headers['content-type'] : exchange.typeField;
  if (type === undefined || type === 'application/json' || JSON_TYPES.some((json) => json.test(type))) return isPresent;
  if (isPresent || !isMediaType(type)) throw unsupported(req, ['application/json']);
  return false;
}

/** Reports whether a text is a media type, perhaps with parameters (RFC 9110 §8.3.1). */
const isMediaType = (text: string): boolean => MEDIA_TYPE.test(text);

/** Reports whether a request says a type that is none, such as an empty one. */
function isOddType(type: string | undefined): boolean {
  return type !== undefined && !isMediaType(type);
}

/** Lets Fastify ask a parser for a body whose type is none: it refuses such a request itself, but not one without a type. */
export const hideOddType: onRequestHookHandler = (request, _reply, done) => {
  if (isOddType(request.headers['content-type'])) request.headers = { 'content-type': undefined };
  done();
};

const MEDIA_TYPE = /^\s*[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** By RFC 2046 §5.1.1; parsers of forms fail for longer ones. */
const LONGEST_BOUNDARY = 70;

/**
 * Watches the end of a multipart body, and returns a function that reports whether the body has been read and lacks its end mark
 * (RFC 2046 §5.1.1). Returns undefined for other bodies, and a `Fault` 400 for one that no parser can read, without a boundary or with one that is too long.
 */
export function watchMultipart(req: IncomingMessage): (() => boolean) | Fault | undefined {
  const { 'content-type': type = '', 'content-length': length, 'transfer-encoding': coding } = req.headers;
  if (!/^multipart\//i.test(type) || !WITH_BODY.has(req.method ?? '') || (length ?? coding) === undefined)
    return undefined;
  const [, quoted, boundary = quoted] = /;[ \t]*boundary=(?:"([^";\s][^"]*)|([^";\s]+))/i.exec(type) ?? [];
  if (boundary === undefined || boundary.length > LONGEST_BOUNDARY) {
    const message =
      boundary === undefined
        ? 'The Content-Type of the body has no boundary.'
        : `The boundary of the body is longer than ${LONGEST_BOUNDARY} characters.`;
    return new Fault(400, { message, headers: { connection: 'close' } });
  }
  const mark = Buffer.from(`--${boundary}--`, 'latin1');
  let tail = Buffer.alloc(0);
  let isWhole = false;
  const methods = req as { emit: (event: string, ...args: unknown[]) => boolean };
  const { emit } = methods;
  // Each read of a stream emits its data; a listener would make it flow.
  methods.emit = (event, ...args) => {
    if (event === 'data' && !isWhole) {
      const chunk = typeof args[0] === 'string' ? Buffer.from(args[0]) : (args[0] as Buffer);
      const between = Buffer.concat([tail, chunk.subarray(0, mark.length - 1)]);
      isWhole = chunk.includes(mark) || between.includes(mark);
      tail = Buffer.concat([tail, chunk.subarray(1 - mark.length)]).subarray(1 - mark.length);
    }
    return Reflect.apply(emit, req, [event, ...args]);
  };
  return () => req.readableEnded && tail.length > 0 && !isWhole;
}

/** By these fields only (RFC 9112 §6.3). */
function hasBody(req: IncomingMessage): boolean {
  const length = bodyLengthOf(exchangeOf(req));
  return length > 0 || length === -1;
}

/** Throws a `Fault` 415 for a compressed body. */
export function refuseEncoding(req: IncomingMessage): void {
  if (!hasBody(req) || !isEncoded(req)) return;
  throw new Fault(415, {
    message: 'Bodies with a Content-Encoding are not accepted.',
    headers: { 'Accept-Encoding': 'identity' },
  });
}

/** Called with the value and its size in bytes, or with an error. */
export type BodyDone = (error: Error | null, body: unknown, size: number) => void;

/**
 * Reads a body: 413 if it exceeds `limit` bytes, before reading if the length is declared; 400 if it is incomplete, or not JSON;
 * `PORTICO_BODY_CONSUMED` if it was read already.
 */
export function readJson(payload: Readable, limit: number, done: BodyDone): void {
  collectBody(payload, limit, (error, bytes) => collected(error, bytes, (whole) => parseJsonBody(null, whole), done));
}

/** Passes on the value of a collected body, or its error. */
export function collected(
  error: Error | null,
  bytes: Buffer | undefined,
  read: (bytes: Buffer) => unknown,
  done: BodyDone,
): void {
  let value: unknown;
  try {
    if (error !== null) parseJsonBody(error);
    value = read(bytes!);
  } catch (refusal) {
    done(refusal as Error, undefined, 0);
    return;
  }
  done(null, value, bytes!.length);
}

/** Returns the fault for a body that ends too early. */
export function incomplete(cause: unknown): Fault {
  return new Fault(400, { message: 'The body is incomplete.', kind: 'body', cause });
}

function isAborted(error: Error): boolean {
  return (error as { code?: unknown }).code === 'PORTICO_REQUEST_ABORTED';
}

/**
 * Parses a collected body; returns undefined for an empty one. Throws its error; a `Fault` 400 if it is incomplete, for bytes that are not
 * UTF-8, text that is not JSON, and keys that would reach a prototype: `__proto__`, and `prototype` below `constructor`.
 */
export function parseJsonBody(error: Error | null, bytes: Buffer = NOTHING): unknown {
  if (error !== null) throw isAborted(error) ? incomplete(error) : error;
  if (bytes.length === 0) return undefined;
  const marked = bytes.toString('utf8');
  // A TextDecoder, even a shared one, takes longer than the parser.
  if (marked.includes(REPLACEMENT) && !isUtf8(bytes))
    throw new Fault(400, { message: 'The body is not UTF-8.', kind: 'body' });
  const text = marked.charCodeAt(0) === BYTE_ORDER_MARK ? marked.slice(1) : marked;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the body, which may hold secrets.
    throw new Fault(400, { message: 'The body is not JSON.', kind: 'body', cause });
  }
  // A key may be written with escapes, `\u005f` for `_`: any such escape requires a closer look. Three searches: one pattern for all takes
  // 0.25 µs for 1 KB, four times as long.
  const mayReach = text.includes('__proto__') || text.includes('constructor') || text.includes('\\u00');
  if (mayReach) refusePrototypeKeys(value);
  return value;
}

const NOTHING = Buffer.alloc(0);

const BYTE_ORDER_MARK = 0xfeff;

/** Replaces bytes that were not UTF-8; or was sent. */
const REPLACEMENT = '\ufffd';

/** Without recursion: the client chooses the depth of a body. */
function refusePrototypeKeys(value: unknown): void {
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if (typeof next !== 'object' || next === null) continue;
    if (Object.hasOwn(next, '__proto__') || hasPrototype(next)) {
      throw new Fault(400, {
        message: 'The body has a key that is not allowed: "__proto__" or "constructor.prototype".',
      });
    }
    for (const item of Array.isArray(next) ? (next as unknown[]) : Object.values(next)) pending.push(item);
  }
}

function hasPrototype(value: object): boolean {
  const inner: unknown = Object.hasOwn(value, 'constructor') ? (value as { constructor: unknown }).constructor : null;
  return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, 'prototype');
}

/** Returns the media type of a body, without parameters. */
export function typeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** A call whose action takes other types than JSON. */
interface TypedCall {
  readonly req: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: { readonly takes: TakenTypes | undefined };
  /** How its body is read. */
  taken: TakenType | undefined;
  abort(reason: Error): void;
}

/**
 * Reads the body of a call whose action takes other types than JSON, and notes its type. `fail` ends the request if a stream exceeds the
 * limit while the action reads it. Throws a `Fault` 415 for a type that is not taken, and for a compressed body that is
 * read as a value.
 */
export function readTyped(
  call: TypedCall,
  payload: Readable,
  { limit, ofAction }: { readonly limit: number; readonly ofAction: number | undefined },
  fail: (req: IncomingMessage, res: ServerResponse, error: unknown) => void,
  done: BodyDone,
): void {
  const { req, response: res } = call;
  const length = bodyLengthOf(exchangeOf(req));
  const taken = takenType(req, call.entry.takes!, length !== 0);
  call.taken = taken;
  if (taken.read === 'stream') {
    // An upload has no limit but the one that is written for it.
    if (ofAction !== undefined && length > ofAction) throw tooLarge(ofAction);
    if (ofAction !== undefined) {
      limitBody(req, ofAction, () => {
        const fault = tooLarge(ofAction);
        call.abort(fault);
        if (!res.headersSent) fail(req, res, fault);
        return fault;
      });
    }
    done(null, payload, 0);
  } else if (length === 0) done(null, taken.checks.length > 0 ? undefined : valueIn(taken, Buffer.alloc(0)), 0);
  else collectBody(payload, limit, (error, bytes) => collected(error, bytes, (whole) => valueIn(taken, whole), done));
}

function takenType(req: IncomingMessage, takes: TakenTypes, isPresent: boolean): TakenType {
  const { 'content-type': type } = req.headers;
  const taken = isOddType(type) ? takes.any : takes.of(typeOf(req));
  if (taken === undefined && (isPresent || type !== undefined)) throw unsupported(req, takes.names);
  // Bytes are the action's, in whatever coding: an object is stored with the one that it has.
  if (isPresent && taken?.read !== 'stream' && taken?.read !== 'bytes') refuseEncoding(req);
  return taken ?? takes.first;
}

function valueIn({ read }: TakenType, bytes: Buffer): unknown {
  if (read === 'bytes') return bytes;
  if (read === 'json') return parseJsonBody(null, bytes);
  if (!isUtf8(bytes)) throw new Fault(400, { message: 'The body is not UTF-8.', kind: 'body' });
  const text = bytes.toString('utf8');
  return read === 'form' ? readFields(text, 'body') : text;
}
