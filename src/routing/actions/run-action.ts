/**
 * The action of a request: chosen, its input checked, called. What it gave is answered by the router itself where it is
 * JSON, else by Fastify.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault, quoteClient, tooLarge } from '../../app/index.js';
import type { Outcome, Pending } from '../serving/pending.js';
import { methodFor, type RunnableAction } from '../serving/served-route.js';
import { valueFor } from './compiled-action.js';
import type { AnswerTypes } from './negotiate-type.js';
import { type AnswerRules, discardAnswer } from './send-answer.js';

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

/** Runs the action; throws what it, or the check of its input, throws. The value may be a promise. */
export function runAction(
  req: IncomingMessage,
  pending: Pending,
  input: { readonly body: unknown; readonly query: unknown },
  rules: RunRules,
): Outcome {
  const method = pending.method ?? selected(pending, input.body);
  const type = rules.types === null ? null : rules.types.choose(req, pending.format);
  return { method, type, value: callAction(input.body, input.query, pending, method, rules) };
}

/** What a course of an action needs of whoever answers; `T` is what there is for each request. */
export interface Course<T> {
  /** Runs the action. */
  run(turn: T): Outcome;
  /** Answers with what it gave. */
  answer(turn: T, outcome: Outcome): void;
  /** Answers what went wrong in either. Does not throw. */
  refuse(turn: T, error: unknown): void;
}

/** Runs an action and answers, at once where it gave a value, and else when its promise settles. */
export function takeCourse<T>(course: Course<T>, turn: T): void {
  try {
    const outcome = course.run(turn);
    if (isPromise(outcome.value)) void settle(course, turn, outcome, outcome.value);
    else answerWith(course, turn, outcome);
  } catch (error) {
    course.refuse(turn, error);
  }
}

async function settle<T>(course: Course<T>, turn: T, outcome: Outcome, value: PromiseLike<unknown>): Promise<void> {
  try {
    answerWith(course, turn, { ...outcome, value: await value });
  } catch (error) {
    course.refuse(turn, error);
  }
}

function answerWith<T>(course: Course<T>, turn: T, outcome: Outcome): void {
  try {
    course.answer(turn, outcome);
  } catch (error) {
    discardAnswer(outcome.value);
    throw error;
  }
}

/** How an outcome is answered. */
export function answerRules(
  { version }: Pending,
  { method: { compiled, serializers }, type }: Outcome,
  { types }: RunRules,
): AnswerRules {
  return {
    status: compiled.statuses.length === 0 ? undefined : valueFor(compiled.statuses, version),
    compiledFor: compiled.options.response,
    compiledSerializers: serializers,
    type,
    serializer: type === null || types === null ? null : types.serializer(type),
  };
}

/** Whether a value is to be waited for. */
function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function callAction(body: unknown, query: unknown, pending: Pending, method: RunnableAction, rules: RunRules): unknown {
  const { version, request: own, args, target } = pending;
  const { compiled } = method;
  own.query = query;
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

/** The body was read under the largest limit of the actions it could select; now the one's own holds. */
function selected(pending: Pending, body: unknown): RunnableAction {
  const method = methodByKey(pending, body);
  if (method.bodyLimit !== undefined && pending.received > method.bodyLimit) throw tooLarge(method.bodyLimit);
  return method;
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
