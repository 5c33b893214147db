/**
 * What an action returned, as an answer.
 */
import type { FastifyReply } from 'fastify';
import { jsonText } from './json-text.js';
import { Reply, SENT } from './reply.js';
import { joinVary } from './version-negotiation.js';

/** How one request is answered. */
export interface AnswerRules {
  /** The status the action declares for the version; undefined: 200, or 204 for an empty answer. */
  readonly status: number | undefined;
  /** Serialisers by status, from response schemas. */
  readonly serializers: ReadonlyMap<number, (value: unknown) => string> | null;
}

/** Sends what an action returned. */
export function sendAnswer(reply: FastifyReply, value: unknown, rules: AnswerRules): void {
  if (value === SENT || reply.sent) {
    if (value === SENT && !reply.sent) reply.hijack();
    return;
  }
  if (value instanceof Reply) {
    sendReply(reply, value, rules);
    return;
  }
  sendBody(reply, value, rules.status, rules);
}

function sendReply(reply: FastifyReply, { status, headers, body }: Reply, rules: AnswerRules): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const present = name.toLowerCase() === 'vary' ? reply.getHeader('vary') : undefined;
    void reply.header(name, present === undefined ? value : joinVary(String(present), String(value)));
  }
  sendBody(reply, body, status ?? rules.status, rules);
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
  if (!reply.hasHeader('content-type')) void reply.header('content-type', 'application/json');
  const written = String(reply.getHeader('content-type'));
  if (typeof value === 'string' && !written.includes('json')) {
    void reply.send(value);
    return;
  }
  void reply.serializer(rules.serializers?.get(code) ?? jsonText).send(value);
}

function isSentAsIs(value: object): boolean {
  if (value instanceof Uint8Array || value instanceof Response) return true;
  const { pipe, getReader } = value as { pipe?: unknown; getReader?: unknown };
  return typeof pipe === 'function' || typeof getReader === 'function';
}
