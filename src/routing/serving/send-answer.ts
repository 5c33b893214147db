/**
 * Sends an action's result: headers, media type, and serialised value.
 */

import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type OutgoingHttpHeader, validateHeaderName, validateHeaderValue } from 'node:http';
import { pipeline, Readable, Stream, Transform } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Fault } from '../../app/index.js';
import { isOfHeadListener, joinVary, preferredType, readableOf } from '../../app/internal.js';
import { ignoreErrors, PorticoError } from '../../errors/index.js';
import { Reply, SENT } from '../actions/action-request.js';
import { kindOf } from '../actions/answer-kind.js';
import { responseKey } from '../actions/compiled-action.js';

/** Rules for the response to one request. */
export interface AnswerRules {
  /** Status that the action declares for the version; undefined: 200, or 204 for an empty response. */
  readonly status: number | undefined;
  /** Response schemas by status. */
  readonly response: Readonly<Record<string, unknown>> | undefined;
  /** True if a key of the body selected the action: Fastify has compiled no serialisers for the route that was entered. */
  readonly isKeyed: boolean;
  /** False if the route certainly has no response schemas. */
  readonly mayHaveSchema: boolean;
  /** Negotiated type; null: JSON. */
  readonly type: AnswerType | null;
}

/** Sends the result of an action. */
export function sendAnswer(reply: FastifyReply, value: unknown, rules: AnswerRules): void {
  // A status from `reply.code()` takes precedence over the declared one.
  const { statusCode: said } = reply.raw;
  const status = said === 200 ? rules.status : said;
  if (value === SENT) {
    if (!reply.sent) reply.hijack();
  } else if (value instanceof Reply) {
    setHeaders(reply, Object.entries(value.headers));
    sendBody(reply, value.body, value.status ?? status, rules);
  } else {
    sendBody(reply, value, status, rules);
  }
}

/**
 * Wraps the error of a serialiser, which does not mention the response. Keeps errors with a status or of another class, which a toJSON may
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
  if (kindOf(body) === 'chunks') {
    // Ends an iterator that has not begun; an iterable that creates iterators has nothing to end. Nothing awaits an error at its end.
    const ended = ignoreErrors(() => (body as Partial<AsyncIterator<unknown>>).return?.());
    Promise.resolve(ended).catch(() => undefined);
  } else if (body instanceof ReadableStream) {
    // A locked stream has a reader, which must cancel it.
    if (!body.locked) body.cancel().catch(() => undefined);
  } else if (body instanceof Stream && 'destroy' in body && typeof body.destroy === 'function') {
    body.destroy();
  }
}

/**
 * Sets headers, each replacing one of the same name; `Vary` is joined with the existing value. Throws Node's error for an invalid name or
 * value now, while a 500 can still be sent.
 */
function setHeaders(reply: FastifyReply, headers: Iterable<readonly [string, OutgoingHttpHeader | undefined]>): void {
  for (const [written, value] of headers) {
    if (value === undefined) continue;
    validateHeaderName(written);
    for (const one of Array.isArray(value) ? value : [String(value)]) validateHeaderValue(written, one);
    const name = written.toLowerCase();
    const present = name === 'vary' ? reply.getHeader('vary') : undefined;
    void reply.header(name, present === undefined ? value : joinVary(present, String(value).split(/\s*,\s*/)));
  }
}

function sendBody(reply: FastifyReply, value: unknown, status: number | undefined, rules: AnswerRules): void {
  if (value === undefined || value === null) {
    void reply.code(status ?? 204).send();
    return;
  }
  const code = status ?? 200;
  void reply.code(code);
  if (ArrayBuffer.isView(value)) {
    void reply.send(value);
    return;
  }
  const kind = kindOf(value);
  if (kind === 'stream' || kind === 'chunks') {
    sendStream(reply, value, kind === 'chunks');
    return;
  }
  if (kind === 'response') {
    const { headers, status: own, body } = value as Response;
    setHeaders(reply, headers);
    sendStream(reply.code(own), body);
    return;
  }
  const type = reply.getHeader('content-type');
  if (type === undefined) void reply.header('content-type', rules.type?.name ?? 'application/json');
  else if (typeof value === 'string' && !String(type).includes('json')) {
    void reply.send(value);
    return;
  }
  // With a serialiser set on the reply, Fastify does not change the type: it would add a charset, which JSON does not have.
  const compiled = rules.mayHaveSchema ? schemaSerializer(reply, code, rules) : undefined;
  void reply.serializer(rules.type?.serializer ?? compiled ?? jsonText).send(value);
}

/**
 * Returns Fastify's compiled serialiser for the status: that of the route, whose schemas a plugin may have changed, or, if a key of the
 * body has selected the action, one compiled now.
 */
function schemaSerializer(
  reply: FastifyReply,
  status: number,
  { response, isKeyed }: AnswerRules,
): Serializer | undefined {
  const key = response === undefined ? undefined : responseKey(status, response);
  const schema = key === undefined ? undefined : response![key];
  // Fastify compiles `true` only within its routes, and cannot write a BigInt by it.
  if (typeof schema === 'boolean') return undefined;
  const compiled =
    routeSerializer(reply, String(status)) ??
    routeSerializer(reply, `${Math.floor(status / 100)}xx`) ??
    routeSerializer(reply, 'default') ??
    (isKeyed && schema !== undefined ? reply.compileSerializationSchema(schema as Record<string, unknown>) : undefined);
  if (compiled === undefined) return undefined;
  return (value) => {
    const text = (compiled as Serializer)(value);
    if (text === '{}') refuseLoss(value);
    return text;
  };
}

/** Returns the serialiser of the entered route for a status: one for all media types, or by media type if a plugin has written so. */
function routeSerializer(reply: FastifyReply, status: string): Serializer | undefined {
  const compiled = reply.getSerializationFunction(status) as
    | Serializer
    | Readonly<Record<string, Serializer>>
    | undefined;
  if (typeof compiled !== 'object') return compiled;
  const [type] = String(reply.getHeader('content-type')).split(';') as [string];
  return compiled[type.trim().toLowerCase()] ?? compiled['*/*'];
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

/** Sends a stream. For HEAD it is not read: it may never end. */
function sendStream(reply: FastifyReply, body: unknown, isIterable = false): void {
  if (reply.request.raw.method === 'HEAD') {
    discardAnswer(body);
    void reply.send();
    return;
  }
  // Fastify hands the chunks of a web stream to the response, which throws at an object without a caller to catch it.
  const stream = isIterable
    ? Readable.from(body as AsyncIterable<unknown>)
    : body instanceof ReadableStream
      ? readableOf(body)
      : body;
  void reply.send(stream instanceof Readable && stream.readableObjectMode ? bytesOf(stream) : stream);
}

/** Serialises a value. */
export type Serializer = (value: unknown) => string;

/** A media type with its serialiser. */
export interface AnswerType {
  readonly name: string;
  readonly serializer: Serializer;
}

/** Types that a router can write; the first one is the default. */
export class AnswerTypes {
  readonly #serializers: ReadonlyMap<string, Serializer>;
  readonly #names: readonly string[];
  readonly #strict: boolean;

  constructor(serializers: Readonly<Record<string, Serializer>> = {}, strict = false) {
    this.#serializers = new Map<string, Serializer>([['application/json', jsonText], ...Object.entries(serializers)]);
    this.#names = [...this.#serializers.keys()];
    this.#strict = strict;
  }

  /** False if there is no choice: JSON, whatever the client accepts. */
  get isChoice(): boolean {
    return this.#serializers.size > 1 || this.#strict;
  }

  /**
   * Returns the type for a request. A format, the suffix of the path, takes precedence over the header. If nothing is acceptable: the first
   * type, or a `Fault` 406.
   */
  choose(req: IncomingMessage, format: string | null): AnswerType {
    const names = this.#names;
    const suffixed = format === null ? undefined : names.find((type) => type.endsWith(`/${format}`));
    const name = suffixed ?? preferredType(req, names) ?? (this.#strict ? undefined : names[0]);
    if (name === undefined) throw new Fault(406, { message: `This API answers with ${names.join(', ')}.` });
    return { name, serializer: this.#serializers.get(name)! };
  }
}

/**
 * Returns the JSON text of a value; `null` for a value without a JSON form. A `BigInt` is written as a decimal number. Throws a `TypeError`
 * for a cyclic value, and for one of which nothing would be left.
 */
function jsonText(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'null';
    if (text === '{}') refuseLoss(value);
    return text;
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return withBigInts(value);
  }
}

/** Values of bytes that Fastify does not send as such, and the value to return instead. */
const BYTES: ReadonlyMap<string, string> = new Map([
  ['ArrayBuffer', 'new Uint8Array(value)'],
  ['Blob', 'value.stream()'],
  ['File', 'value.stream()'],
]);

/** Refuses a value whose members are not properties, such as a Map or a Blob: its text is that of an empty object. */
function refuseLoss(value: unknown): void {
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

/** `JSON.stringify` can write a BigInt only as text; the mark around it, which a client cannot guess, is removed again. */
function withBigInts(value: unknown): string {
  const mark = randomUUID();
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item));
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
