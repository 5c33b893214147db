/**
 * The action of a request inside Fastify.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerRules, isPromise, type RunRules, runAction } from '../actions/run-action.js';
import { discardAnswer, sendAnswer } from '../actions/send-answer.js';
import { type Outcome, type Pending, pendingOf } from './pending.js';

/** Fastify's handler for every route of a router. */
export function handleAction(request: FastifyRequest, reply: FastifyReply, rules: RunRules): void {
  const pending = pendingOf(request.raw);
  try {
    const outcome = pending.outcome ?? runAction(request.raw, pending, request, rules);
    if (isPromise(outcome.value)) void settle(outcome, outcome.value, reply, pending, rules);
    else answer(reply, pending, outcome, rules);
  } catch (error) {
    refuse(reply, error, rules);
  }
}

async function settle(
  outcome: Outcome,
  value: PromiseLike<unknown>,
  reply: FastifyReply,
  pending: Pending,
  rules: RunRules,
): Promise<void> {
  try {
    answer(reply, pending, { ...outcome, value: await value }, rules);
  } catch (error) {
    refuse(reply, error, rules);
  }
}

function answer(reply: FastifyReply, pending: Pending, outcome: Outcome, rules: RunRules): void {
  const { request } = pending;
  // Answered already: the deadline passed, or the client is gone.
  if (request.isAborted && (reply.sent || request.res.writableEnded)) discardAnswer(outcome.value);
  else sendAnswer(reply, outcome.value, answerRules(pending, outcome, rules));
}

function refuse(reply: FastifyReply, error: unknown, { fail }: RunRules): void {
  const { raw: res, request } = reply;
  if (!res.headersSent) {
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) res.setHeader(name, value);
  }
  if (!reply.sent) reply.hijack();
  fail(request.raw, res, error);
}
