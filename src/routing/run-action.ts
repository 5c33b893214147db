/**
 * The action of a request: chosen, its input checked, called, answered.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault, quoteClient } from '../app/index.js';
import { valueFor } from './compiled-action.js';
import type { Fail } from './fastify-stage.js';
import type { AnswerTypes } from './negotiate-type.js';
import { type Pending, pendingOf } from './pending.js';
import { discardAnswer, sendAnswer } from './send-answer.js';
import { methodFor, type RunnableAction } from './served-route.js';

/** What actions of one router have in common. */
export interface RunRules {
  /** Whether a body that an action does not declare is passed to it. */
  readonly schemas: 'required' | 'optional';
  /** Null: all answers are JSON. */
  readonly types: AnswerTypes | null;
  readonly fail: Fail;
}

/** Fastify's handler for every route of a router. */
export function runAction(request: FastifyRequest, reply: FastifyReply, rules: RunRules): void {
  const pending = pendingOf(request.raw);
  try {
    const method = pending.method ?? methodByKey(pending, request.body);
    const type = rules.types === null ? null : rules.types.choose(request.raw, pending.format);
    const result = callAction(request, pending, method, rules);
    if (isPromise(result)) void settle(result, reply, pending, method, type, rules);
    else answer(reply, result, pending, method, type, rules);
  } catch (error) {
    refuse(reply, error, rules.fail);
  }
}

async function settle(
  result: PromiseLike<unknown>,
  reply: FastifyReply,
  pending: Pending,
  method: RunnableAction,
  type: string | null,
  rules: RunRules,
): Promise<void> {
  try {
    answer(reply, await result, pending, method, type, rules);
  } catch (error) {
    refuse(reply, error, rules.fail);
  }
}

function callAction(request: FastifyRequest, pending: Pending, method: RunnableAction, rules: RunRules): unknown {
  const { version, request: own, args, target } = pending;
  const { compiled } = method;
  const { body } = request;
  own.query = request.query;
  if (compiled.queryChecks.length > 0) valueFor(compiled.queryChecks, version)?.(own.query);
  const check = compiled.bodyChecks.length === 0 ? undefined : valueFor(compiled.bodyChecks, version);
  if (check !== undefined) {
    if (body === undefined) throw new Fault(400, { message: 'The request needs a body.' });
    check(body);
  }
  const optional = (target.resource.schemas ?? rules.schemas) === 'optional';
  const passed = body !== undefined && (optional || check !== undefined || pending.method === undefined);
  if (!passed) return compiled.handler.call(compiled.controller, own, args);
  own.body = body;
  return compiled.handler.call(compiled.controller, own, { ...args, body });
}

/** The method that the only key of the body selects. */
function methodByKey({ target, version }: Pending, body: unknown): RunnableAction {
  if (body === undefined) throw new Fault(400, { message: 'The request needs a body.' });
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Fault(400, { message: 'The body must be an object with one key: the name of an action.' });
  }
  const keys = Object.keys(body);
  if (keys.length !== 1) {
    throw new Fault(400, { message: `The body must have exactly one key, the name of an action, not ${keys.length}.` });
  }
  const key = keys[0]!;
  const methods = target.byKey!.methods.get(key);
  if (methods === undefined) throw new Fault(400, { message: `There is no such action: ${quoteClient(key)}.` });
  const method = methodFor(methods, version);
  if (method === undefined) throw new Fault(404, { message: 'The action does not exist in this version of the API.' });
  return method;
}

function answer(
  reply: FastifyReply,
  value: unknown,
  { version, request }: Pending,
  { compiled }: RunnableAction,
  type: string | null,
  { types }: RunRules,
): void {
  // Answered already: the deadline passed, or the client is gone.
  if (request.isAborted && (reply.sent || request.res.writableEnded)) {
    discardAnswer(value);
    return;
  }
  sendAnswer(reply, value, {
    status: compiled.statuses.length === 0 ? undefined : valueFor(compiled.statuses, version),
    compiledFor: compiled.options.response,
    type,
    serializer: type === null || types === null ? null : types.serializer(type),
  });
}

function refuse(reply: FastifyReply, error: unknown, fail: Fail): void {
  const { raw: res, request } = reply;
  if (!res.headersSent) {
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) res.setHeader(name, value);
  }
  if (!reply.sent) reply.hijack();
  fail(request.raw, res, error);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
