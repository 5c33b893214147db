/**
 * The action of a request: chosen, its input checked, called, answered.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../app/index.js';
import type { RouterParts } from './build-table.js';
import { valueFor } from './compiled-action.js';
import type { Fail } from './fastify-stage.js';
import { type Pending, pendingOf } from './pending.js';
import { quoteClient } from './quote-client.js';
import { sendAnswer } from './send-answer.js';
import { methodFor, type RunnableAction } from './served-route.js';

/** Fastify's handler for every route of a router. */
export function runAction(request: FastifyRequest, reply: FastifyReply, parts: RouterParts, fail: Fail): void {
  const pending = pendingOf(request.raw);
  try {
    const method = pending.method ?? methodByKey(pending, request.body);
    const result = callAction(request, pending, method, parts);
    if (isPromise(result)) void settle(result, reply, pending, method, fail);
    else answer(reply, result, pending, method);
  } catch (error) {
    refuse(reply, error, fail);
  }
}

async function settle(
  result: PromiseLike<unknown>,
  reply: FastifyReply,
  pending: Pending,
  method: RunnableAction,
  fail: Fail,
): Promise<void> {
  try {
    answer(reply, await result, pending, method);
  } catch (error) {
    refuse(reply, error, fail);
  }
}

function callAction(request: FastifyRequest, pending: Pending, method: RunnableAction, parts: RouterParts): unknown {
  const { version, request: own, args, target } = pending;
  const { compiled } = method;
  own.query = request.query;
  const queryCheck = valueFor(compiled.queryChecks, version);
  queryCheck?.(own.query);
  const bodyCheck = valueFor(compiled.bodyChecks, version);
  if (bodyCheck !== undefined) {
    if (request.body === undefined) throw new Fault(400, { message: 'The request needs a body.' });
    bodyCheck(request.body);
  }
  const schemas = target.resource.schemas ?? parts.options.schemas ?? 'optional';
  if (bodyCheck !== undefined || pending.method === undefined || schemas === 'optional') {
    own.body = request.body;
    if (request.body !== undefined) args.body = request.body;
  }
  return compiled.handler.call(compiled.controller, own, args);
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
  const methods = target.byKey!.get(key);
  if (methods === undefined) throw new Fault(400, { message: `There is no such action: ${quoteClient(key)}.` });
  const method = methodFor(methods, version);
  if (method === undefined) throw new Fault(404, { message: 'The action does not exist in this version of the API.' });
  return method;
}

function answer(reply: FastifyReply, value: unknown, { version }: Pending, method: RunnableAction): void {
  sendAnswer(reply, value, { status: valueFor(method.compiled.statuses, version), serializers: method.serializers });
}

function refuse(reply: FastifyReply, error: unknown, fail: Fail): void {
  const { raw: res, request } = reply;
  if (reply.sent && res.writableEnded) {
    fail(request.raw, res, error);
    return;
  }
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined && !res.headersSent) res.setHeader(name, value);
  }
  reply.hijack();
  fail(request.raw, res, error);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
