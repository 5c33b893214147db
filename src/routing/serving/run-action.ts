/**
 * The action of a request: chosen, its input checked, called, and answered for.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault, quoteClient } from '../../app/index.js';
import { tooLarge, usableHeaders } from '../../app/internal.js';
import { isObject } from '../../errors/index.js';
import { valueFor } from '../actions/compiled-action.js';
import type { AnswerTypes } from './send-answer.js';
import { discardAnswer, sendAnswer } from './send-answer.js';
import { methodFor, type Pending, pendingOf, type RunnableAction } from './served-route.js';

/** Answers what went wrong. */
export type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

/** What actions of one router have in common. */
export interface RunRules {
  /** Whether a body that an action does not declare is passed to it. */
  readonly schemas: 'required' | 'optional';
  /** Null: all answers are JSON. */
  readonly types: AnswerTypes | null;
  readonly fail: Fail;
}

/** An action that runs. */
interface Turn {
  readonly reply: FastifyReply;
  readonly pending: Pending;
  readonly method: RunnableAction;
  /** The media type that was negotiated; null: JSON. */
  readonly type: string | null;
  readonly rules: RunRules;
}

/** Fastify's handler for each action. Answers at once where it gave a value, and else when its promise settles. */
export function runAction(request: FastifyRequest, reply: FastifyReply, rules: RunRules): void {
  const pending = pendingOf(request.raw);
  try {
    const { body, query } = request;
    const method = pending.method ?? selected(pending, body);
    const type = rules.types === null ? null : rules.types.choose(request.raw, pending.format);
    pending.request.fastify = request;
    pending.request.reply = reply;
    const turn = { reply, pending, method, type, rules };
    const value = callAction(body, query, turn);
    if (isPromise(value)) void settle(turn, value);
    else answer(turn, value);
  } catch (error) {
    failed(reply, pending, error, rules);
  }
}

async function settle(turn: Turn, value: PromiseLike<unknown>): Promise<void> {
  try {
    answer(turn, await value);
  } catch (error) {
    failed(turn.reply, turn.pending, error, turn.rules);
  }
}

function answer({ reply, pending, method: { compiled }, type, rules }: Turn, value: unknown): void {
  // Answered already: the deadline has passed, or the action has done it.
  if (reply.sent) {
    discardAnswer(value);
    return;
  }
  try {
    sendAnswer(reply, value, {
      status: compiled.statuses.length === 0 ? undefined : valueFor(compiled.statuses, pending.version),
      response: compiled.response,
      type,
      serializer: type === null || rules.types === null ? null : rules.types.serializer(type),
    });
  } catch (error) {
    discardAnswer(value);
    throw error;
  }
}

/** Fastify is told of it, for the `onError` hooks of plugins; its error handler calls {@link refuse}. */
function failed(reply: FastifyReply, pending: Pending, error: unknown, rules: RunRules): void {
  pending.failure = error;
  if (reply.sent || !(error instanceof Error)) refuse(reply, error, rules);
  else void reply.send(error);
}

/** Answers what went wrong in Fastify, with the headers that its reply has by then. */
export function refuse(reply: FastifyReply, error: unknown, { fail }: RunRules): void {
  const { raw: res, request } = reply;
  if (!res.headersSent) {
    for (const [name, value] of usableHeaders(reply.getHeaders())) {
      // Those that are there keep their spelling.
      if (res.getHeader(name) !== value) res.setHeader(name, value);
    }
  }
  if (!reply.sent) reply.hijack();
  fail(request.raw, res, error);
}

/** Whether a value is to be waited for. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** The query is checked first, then the body. A check that gives a promise is waited for. */
function callAction(body: unknown, query: unknown, turn: Turn): unknown {
  const { pending, method } = turn;
  const { queryChecks } = method.compiled;
  const check = queryChecks.length === 0 ? undefined : valueFor(queryChecks, pending.version);
  const checked = check === undefined ? query : check(query);
  if (isPromise(checked)) return checked.then((value) => callWithQuery(body, value, turn));
  return callWithQuery(body, checked, turn);
}

function callWithQuery(body: unknown, query: unknown, turn: Turn): unknown {
  const { pending, method, rules } = turn;
  const { bodyChecks } = method.compiled;
  pending.request.query = query;
  const check = bodyChecks.length === 0 ? undefined : valueFor(bodyChecks, pending.version);
  if (check === undefined) {
    const isOptional = (pending.target.resource.schemas ?? rules.schemas) === 'optional';
    return call(turn, isOptional || pending.method === undefined ? body : undefined);
  }
  if (body === undefined) throw new Fault(400, { message: 'The request needs a body.' });
  const checked = check(body);
  return isPromise(checked) ? checked.then((value) => call(turn, value)) : call(turn, checked);
}

function call({ pending, method: { compiled } }: Turn, body: unknown): unknown {
  const { request, args } = pending;
  if (body === undefined) return compiled.handler.call(compiled.controller, request, args);
  request.body = body;
  return compiled.handler.call(compiled.controller, request, { ...args, body });
}

/** The body was read under the largest limit of the actions it could select; now the one's own holds. */
function selected(pending: Pending, body: unknown): RunnableAction {
  const method = methodByKey(pending, body);
  if (method.bodyLimit !== undefined && pending.received > method.bodyLimit) throw tooLarge(method.bodyLimit);
  return method;
}

/** The method that the only key of the body selects. */
function methodByKey({ target, version }: Pending, body: unknown): RunnableAction {
  if (body === undefined) throw new Fault(400, { message: 'The request needs a body.' });
  if (!isObject(body)) {
    throw new Fault(400, { message: 'The body must be an object with one key: the name of an action.' });
  }
  const keys = Object.keys(body);
  if (keys.length !== 1) {
    throw new Fault(400, { message: `The body must have exactly one key, the name of an action, not ${keys.length}.` });
  }
  const key = keys[0]!;
  const methods = target.byKey!.actions.get(key);
  if (methods === undefined) throw new Fault(400, { message: `There is no such action: ${quoteClient(key)}.` });
  const method = methodFor(methods, version);
  if (method === undefined) throw new Fault(404, { message: 'The action does not exist in this version of the API.' });
  return method;
}
