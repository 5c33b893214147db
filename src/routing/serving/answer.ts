/**
 * The response to the result of an action: status, headers, and a body to send.
 */
import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import { pipeline, Readable, Transform } from 'node:stream';
import { Fault } from '../../app/index.js';
import {
  bytesDeclared,
  checkHeader,
  isOfHeadListener,
  joinVary,
  lengthError,
  preferredType,
  readableOf,
} from '../../app/internal.js';
import { ignoreErrors, PorticoError } from '../../errors/index.js';
import { kindOf, Reply } from '../actions/reply.js';
import type { RouterOptions } from '../router-options.js';

/** A response that is not sent yet. */
export interface Answer {
  readonly status: number;
  /** Headers of the action, by name in lower case. They replace those that were set before. */
  readonly headers: OutgoingHttpHeaders;
  /** Text or bytes; with a serializer any value; undefined: no body, or a stream. */
  readonly body: unknown;
  readonly stream: NodeJS.ReadableStream | undefined;
  /** Writes the body as text; undefined: the body is sent as it is. */
  readonly serializer: Serializer | undefined;
}

/** A request that waits for its response. */
export interface Asked {
  /** Status that was set on the response, or that the action declares; undefined: 200, or 204 without a body. */
  readonly status: number | undefined;
  /** Negotiated type; null: JSON. */
  readonly type: AnswerType | null;
  readonly verb: string | undefined;
}

/** Headers that were set before: of Node's response, or Fastify's reply. */
export interface Head {
  getHeader(name: string): OutgoingHttpHeader | undefined;
}

/** Returns the serializer of a response schema, by the status and type of the response. */
export type SerializerOf = (status: number, type: OutgoingHttpHeader) => Serializer | undefined;

/** Returns the response to the result of an action. Throws for a status and a value that cannot be sent; its headers are checked for a stream only. */
export function answerOf(result: unknown, asked: Asked, head: Head, serializerOf?: SerializerOf): Answer {
  const headers: OutgoingHttpHeaders = {};
  let value = result;
  let { status } = asked;
  if (result instanceof Reply) {
    for (const name of Object.keys(result.headers)) setHeader(headers, name, result.headers[name], head);
    value = result.body;
    status = result.status ?? status;
  }
  const kind = kindOf(value);
  if (kind === 'response') {
    const { headers: own, status: ownStatus, body } = value as Response;
    for (const [name, each] of own) setHeader(headers, name, each, head);
    value = body;
    status = ownStatus;
  }
  status ??= value === undefined || value === null ? 204 : 200;
  if (!(status >= 200 && status <= 599)) {
    throw new RangeError(`an action responded with the status ${status}: write one of 200 to 599`);
  }
  if (value === undefined || value === null) return bodyless(status, headers);
  if (status === 205) {
    // RFC 9110 §15.3.6: it has no content.
    discardAnswer(value);
    delete headers['content-type'];
    return bodyless(status, headers);
  }
  if (kind !== undefined) {
    if (asked.verb !== 'HEAD') {
      // First: a stream that is open cannot be released by its action's value.
      checkHeaders(headers);
      return { ...bodyless(status, headers), stream: streamOf(value) };
    }
    // Not read: it may never end.
    discardAnswer(value);
    return bodyless(status, headers);
  }
  if (typeof value === 'function') throw new TypeError('it is a function: call it, and return the result');
  if (typeof value === 'symbol') throw new TypeError('it is a symbol: return a text');
  // The length is known.
  if (headers['transfer-encoding'] !== undefined) delete headers['transfer-encoding'];
  const type = headers['content-type'] ?? head.getHeader('content-type');
  if (ArrayBuffer.isView(value)) {
    if (type === undefined) headers['content-type'] = 'application/octet-stream';
    const { buffer, byteOffset, byteLength } = value;
    const body = value instanceof Uint8Array ? value : new Uint8Array(buffer, byteOffset, byteLength);
    return { status, headers, body, stream: undefined, serializer: undefined };
  }
  if (typeof value === 'string' && type !== undefined && !String(type).includes('json')) {
    return { status, headers, body: value, stream: undefined, serializer: undefined };
  }
  const name = type ?? asked.type?.name ?? 'application/json';
  if (type === undefined) headers['content-type'] = name;
  const serializer = asked.type?.serializer ?? serializerOf?.(status, name) ?? jsonText;
  return { status, headers, body: value, stream: undefined, serializer };
}

/**
 * Returns the serializer of a response with a declared length, which throws for a text of another length; undefined as before for text and bytes,
 * which are compared now.
 */
export function measured(
  { body, stream, serializer }: Answer,
  declared: OutgoingHttpHeader | undefined,
): Serializer | undefined {
  if (declared === undefined || stream !== undefined || body === undefined) return serializer;
  const compared = (data: string): string => {
    const length = Buffer.byteLength(data);
    if (bytesDeclared(declared) !== length) throw lengthError(declared, length);
    return data;
  };
  if (serializer !== undefined) return (value) => compared(serializer(value));
  compared(body as string);
  return undefined;
}

function bodyless(status: number, headers: OutgoingHttpHeaders): Answer {
  return { status, headers, body: undefined, stream: undefined, serializer: undefined };
}

/**
 * Wraps the error of a serializer, which does not mention the response. Keeps errors with a status or of another class, which a toJSON may
 * throw.
 */
export function unsendable(error: unknown): unknown {
  const { constructor: made, status, statusCode } = Object(error) as Readonly<Record<string, unknown>>;
  const isOther = (made !== Error && made !== TypeError) || (status ?? statusCode) !== undefined;
  if (isOther || isOfHeadListener(error)) return error;
  return new PorticoError('PORTICO_ANSWER_VALUE', {
    message: 'the value that the action returned cannot be sent',
    hint: 'Compare it with the response schema of the action, if it has one.',
    cause: error,
  });
}

/** Releases a response that is no longer sent: a stream may hold a file or a connection open. */
export function discardAnswer(value: unknown): void {
  const body: unknown = value instanceof Reply || kindOf(value) === 'response' ? (value as Response).body : value;
  const kind = kindOf(body);
  if (kind === 'chunks') {
    // Ends an iterator that has not begun; an iterable that creates iterators has nothing to end. Nothing awaits an error at its end.
    const ended = ignoreErrors(() => (body as Partial<AsyncIterator<unknown>>).return?.());
    Promise.resolve(ended).catch(() => undefined);
  } else if (kind === 'stream') {
    discardStream(body as object);
  }
}

function discardStream(stream: object): void {
  if (isWeb(stream)) {
    // A locked stream has a reader, which must cancel it.
    if (!stream.locked) stream.cancel().catch(() => undefined);
    return;
  }
  const { on, destroy, close, abort } = stream as Readonly<Record<string, ((...args: unknown[]) => void) | undefined>>;
  // Its error concerns no response, and would end the process without a listener.
  on?.call(stream, 'error', () => undefined);
  (destroy ?? close ?? abort)?.call(stream);
}

/** Also a web stream of a package. */
function isWeb(stream: object): stream is ReadableStream {
  return typeof (stream as Partial<ReadableStream>).getReader === 'function';
}

/** Throws Node's error for the first header that it would refuse. */
export function checkHeaders(headers: OutgoingHttpHeaders): void {
  for (const name of Object.keys(headers)) checkHeader(name, headers[name]);
}

/** Sets a header, which replaces one of the same name; `Vary` is joined with the existing value. */
function setHeader(
  headers: OutgoingHttpHeaders,
  written: string,
  value: OutgoingHttpHeader | undefined,
  head: Head,
): void {
  if (value === undefined) return;
  const name = written.toLowerCase();
  const present = name === 'vary' ? (headers.vary ?? head.getHeader(name)) : undefined;
  if (present !== undefined) headers[name] = joinVary(present, String(value).split(/\s*,\s*/));
  else if (name === 'set-cookie' && headers[name] !== undefined)
    headers[name] = [headers[name], value].flat() as string[];
  else headers[name] = value;
}

function streamOf(written: unknown): NodeJS.ReadableStream {
  const stream =
    kindOf(written) === 'chunks'
      ? Readable.from(written as AsyncIterable<unknown>)
      : isWeb(written as object)
        ? readableOf(written as ReadableStream)
        : (written as NodeJS.ReadableStream);
  return stream instanceof Readable && stream.readableObjectMode ? bytesOf(stream) : stream;
}

/**
 * Converts a stream of objects into one of bytes, which fails at an object: within a pipe, a response would throw without a caller to catch
 * it. If the client disconnects, the objects end without an error, as after a `break`.
 */
function bytesOf(objects: Readable): Readable {
  const bytes = new Transform({
    writableObjectMode: true,
    destroy(error, done) {
      objects.destroy();
      done(error);
    },
    transform(chunk: unknown, _encoding, done) {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) done(null, chunk);
      else {
        const what = `an action returned a stream of ${typeof chunk}s`;
        done(new TypeError(`${what}: the chunks of a body must be strings or bytes`));
      }
    },
  });
  // `bytes` has the errors of both; the callback prevents unhandled ones.
  return pipeline(objects, bytes, () => undefined);
}

/** Serialises a value. */
export type Serializer = (value: unknown) => string;

/** A media type with its serialiser. */
export interface AnswerType {
  readonly name: string;
  readonly serializer: Serializer;
}

/** Returns the types of a router; null if there is no choice: JSON, whatever the client accepts. */
export function typesOf({
  serializers = {},
  strictAccept = false,
}: Pick<RouterOptions, 'serializers' | 'strictAccept'>): AnswerTypes | null {
  const isChoice = Object.keys(serializers).some((type) => type !== 'application/json') || strictAccept;
  return isChoice ? new AnswerTypes(serializers, strictAccept) : null;
}

/** The media types in which a router can write values; the first one is the default. */
export class AnswerTypes {
  readonly #serializers: ReadonlyMap<string, Serializer>;
  readonly #names: readonly string[];
  readonly #strict: boolean;

  constructor(serializers: Readonly<Record<string, Serializer>>, strict: boolean) {
    this.#serializers = new Map<string, Serializer>([['application/json', jsonText], ...Object.entries(serializers)]);
    this.#names = [...this.#serializers.keys()];
    this.#strict = strict;
  }

  /**
   * Returns the type for a request. A format, the suffix of the path, takes precedence over the header. If nothing is acceptable: the first
   * type, or a `Fault` 406.
   */
  choose(req: IncomingMessage, format: string | null): AnswerType {
    const names = this.#names;
    const suffixed = format === null ? undefined : names.find((type) => type.endsWith(`/${format}`));
    const name = suffixed ?? preferredType(req, names) ?? (this.#strict ? undefined : names[0]);
    if (name === undefined) throw new Fault(406, { message: `This API responds with ${names.join(', ')}.` });
    return { name, serializer: this.#serializers.get(name)! };
  }
}

// The JSON text of the value of an action.

/**
 * Returns the JSON text of a value; `null` for a value without a JSON form. Throws a `TypeError` for a cyclic value, for a `BigInt`, and for one of
 * which nothing would be left.
 */
function jsonText(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? 'null';
  } catch (error) {
    refuseBigInt(value);
    throw error;
  }
  if (text === '{}') refuseLoss(value);
  return text;
}

/** Throws for a value with a BigInt, and says where it is: as a number, a client may read it as another one. */
function refuseBigInt(value: unknown): void {
  JSON.stringify(value, (key, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    const where = key === '' ? '' : ` at ${JSON.stringify(key)}`;
    throw new TypeError(
      `JSON has no form for the BigInt${where}: return Number(value) or String(value), or declare an integer in the response schema`,
    );
  });
}

/** Values of bytes that are not sent as such, and the value to return instead. */
const BYTES: ReadonlyMap<string, string> = new Map([
  ['ArrayBuffer', 'new Uint8Array(value)'],
  ['Blob', 'value.stream()'],
  ['File', 'value.stream()'],
]);

/** Refuses a value whose members are not properties, such as a Map or a Blob: its text is that of an empty object. */
export function refuseLoss(value: unknown): void {
  // A response schema writes any value as the object that it has.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { toJSON, [Symbol.iterator]: iterate } = value as Readonly<Record<string | symbol, unknown>>;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const bytes = BYTES.get(name);
  if (typeof toJSON === 'function' || (typeof iterate !== 'function' && bytes === undefined)) return;
  throw new TypeError(
    bytes === undefined
      ? `JSON has no form for the members of a value of ${name}: write [...values], or Object.fromEntries(values)`
      : `JSON has no form for the bytes of a value of ${name}: write ${bytes}`,
  );
}
