/**
 * What an action returned, as an answer.
 */
import type { OutgoingHttpHeader } from 'node:http';
import { Stream } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { setAnswerHeaders } from './answer-headers.js';
import { jsonText } from './json-text.js';
import type { Serializer } from './negotiate-type.js';
import { Reply, SENT } from './reply.js';

/** How one request is answered. */
export interface AnswerRules {
  /** The status the action declares for the version; undefined: 200, or 204 for an empty answer. */
  readonly status: number | undefined;
  /** The statuses Fastify has compiled a serialiser for. */
  readonly compiledFor: Readonly<Record<number, unknown>> | undefined;
  /** Those of them that were used already: they work without Fastify. */
  readonly compiledSerializers: Map<number, Serializer>;
  /** The media type that was negotiated; null: JSON. */
  readonly type: string | null;
  readonly serializer: ((value: unknown) => string) | null;
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

function setHeaders(reply: FastifyReply, headers: Iterable<readonly [string, OutgoingHttpHeader | undefined]>): void {
  const target = {
    get: (name: string) => reply.getHeader(name),
    set: (name: string, value: OutgoingHttpHeader) => void reply.header(name, value),
  };
  setAnswerHeaders(target, headers);
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
  const text =
    rules.compiledFor !== undefined && rules.serializer === null && hasSchema(rules.compiledFor, code)
      ? serialized(reply, value as object, code, rules)
      : (rules.serializer ?? jsonText)(value);
  // With a serialiser of the reply's own, Fastify leaves the type as it is: it would add a charset, which JSON has not.
  void reply.serializer(asItIs).send(text);
}

function serialized(
  reply: FastifyReply,
  value: object,
  code: number,
  { compiledFor, compiledSerializers }: AnswerRules,
): string {
  // Of the route, or, where a key of the body has selected the action, compiled for it.
  const ofRoute: unknown = reply.getSerializationFunction(String(code));
  const compiled =
    typeof ofRoute === 'function'
      ? ofRoute
      : (compiledSerializers.get(code) ?? reply.compileSerializationSchema(schemaOf(compiledFor!, code)));
  compiledSerializers.set(code, compiled as Serializer);
  return (compiled as Serializer)(value);
}

function schemaOf(compiled: Readonly<Record<string, unknown>>, code: number): Record<string, unknown> {
  return (compiled[String(code)] ?? compiled[`${Math.floor(code / 100)}xx`]) as Record<string, unknown>;
}

function asItIs(text: unknown): string {
  return text as string;
}

/** Whether there is a schema for a status. Fastify takes `2xx` for a range of them. */
export function hasSchema(compiled: Readonly<Record<string, unknown>>, status: number): boolean {
  return Object.hasOwn(compiled, String(status)) || Object.hasOwn(compiled, `${Math.floor(status / 100)}xx`);
}

/** By its tag: naming the class would load all of fetch, which few services use. */
export function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]';
}

/** Streams and bytes. */
export function isSentAsIs(value: object): boolean {
  if (value instanceof Uint8Array) return true;
  const { pipe, getReader } = value as { pipe?: unknown; getReader?: unknown };
  return typeof pipe === 'function' || typeof getReader === 'function';
}
