/**
 * What an action returned, as an answer.
 */
import { type OutgoingHttpHeader, validateHeaderName, validateHeaderValue } from 'node:http';
import { Stream } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { Reply, SENT } from '../actions/reply.js';
import { joinVary } from '../versions/version-negotiation.js';
import { jsonText, type Serializer } from './answer-types.js';

/** How one request is answered. */
export interface AnswerRules {
  /** The status the action declares for the version; undefined: 200, or 204 for an empty answer. */
  readonly status: number | undefined;
  /** Its response schemas by status, from which Fastify has compiled serialisers. */
  readonly response: Readonly<Record<string, unknown>> | undefined;
  /** The media type that was negotiated, with its serialiser; null: JSON. */
  readonly type: string | null;
  readonly serializer: Serializer | null;
}

/** Sends what an action returned. */
export function sendAnswer(reply: FastifyReply, value: unknown, rules: AnswerRules): void {
  if (value === SENT) {
    if (!reply.sent) reply.hijack();
  } else if (value instanceof Reply) {
    setHeaders(reply, Object.entries(value.headers));
    sendBody(reply, value.body, value.status ?? rules.status, rules);
  } else if (isResponse(value)) {
    setHeaders(reply, value.headers);
    void reply.code(value.status).send(value.body);
  } else {
    sendBody(reply, value, rules.status, rules);
  }
}

/** Lets go of an answer that nobody gets any more: a stream may hold a file or a connection open. */
export function discardAnswer(value: unknown): void {
  const body: unknown = value instanceof Reply || isResponse(value) ? value.body : value;
  if (body instanceof ReadableStream) {
    // A stream that somebody reads already is not ours to cancel.
    if (!body.locked) body.cancel().catch(() => undefined);
  } else if (body instanceof Stream && 'destroy' in body && typeof body.destroy === 'function') {
    body.destroy();
  }
}

/**
 * Sets headers, each in place of one of its name; `Vary` is joined with what stands there. Throws what Node throws for a
 * name or a value that HTTP does not allow: now, while a 500 can still be answered instead.
 */
function setHeaders(reply: FastifyReply, headers: Iterable<readonly [string, OutgoingHttpHeader | undefined]>): void {
  for (const [written, value] of headers) {
    if (value === undefined) continue;
    validateHeaderName(written);
    for (const one of Array.isArray(value) ? value : [String(value)]) validateHeaderValue(written, one);
    const name = written.toLowerCase();
    const present = name === 'vary' ? reply.getHeader('vary') : undefined;
    void reply.header(name, present === undefined ? value : joinVary(String(present), String(value)));
  }
}

function sendBody(reply: FastifyReply, value: unknown, status: number | undefined, rules: AnswerRules): void {
  if (value === undefined || value === null) {
    void reply.code(status ?? 204).send();
    return;
  }
  const code = status ?? 200;
  void reply.code(code);
  if (typeof value === 'object' && isSentAsIs(value)) {
    void reply.send(value);
    return;
  }
  const type = reply.getHeader('content-type');
  if (type === undefined) void reply.header('content-type', rules.type ?? 'application/json');
  else if (typeof value === 'string' && !String(type).includes('json')) {
    void reply.send(value);
    return;
  }
  // With a serialiser of the reply's own, Fastify leaves the type as it is: it would add a charset, which JSON has not.
  const serialize = rules.serializer ?? schemaSerializer(reply, code, rules.response) ?? jsonText;
  void reply.serializer(serialize).send(value);
}

/** What Fastify has compiled for the status, of the route or, where a key of the body has selected the action, now. */
function schemaSerializer(
  reply: FastifyReply,
  status: number,
  response: AnswerRules['response'],
): Serializer | undefined {
  // Fastify takes `2xx` for a range of statuses.
  const key = [String(status), `${Math.floor(status / 100)}xx`].find((one) => response && Object.hasOwn(response, one));
  if (key === undefined) return undefined;
  const compiled = reply.getSerializationFunction(key) as Serializer | undefined;
  return compiled ?? (reply.compileSerializationSchema(response![key] as Record<string, unknown>) as Serializer);
}

/** By its tag: naming the class would load all of fetch, which few services use. */
function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]';
}

/** Streams and bytes. */
function isSentAsIs(value: object): boolean {
  if (value instanceof Uint8Array) return true;
  const { pipe, getReader } = value as { pipe?: unknown; getReader?: unknown };
  return typeof pipe === 'function' || typeof getReader === 'function';
}
