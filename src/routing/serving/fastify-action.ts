/**
 * The action of a request inside Fastify.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { usableHeaders } from '../../app/index.js';
import { answerRules, type Course, type RunRules, runAction, takeCourse } from '../actions/run-action.js';
import { discardAnswer, sendAnswer } from '../actions/send-answer.js';
import { type Outcome, type Pending, pendingOf } from './pending.js';

/** Fastify's handler for every route of a router. */
export function handleAction(request: FastifyRequest, reply: FastifyReply, rules: RunRules): void {
  takeCourse(COURSE, { request, reply, pending: pendingOf(request.raw), rules });
}

interface Turn {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly pending: Pending;
  readonly rules: RunRules;
}

const COURSE: Course<Turn> = {
  run: ({ request, pending, rules }) => pending.outcome ?? runAction(request.raw, pending, request, rules),
  answer,
  refuse,
};

function answer({ reply, pending, rules }: Turn, outcome: Outcome): void {
  const { request } = pending;
  // Answered already: the deadline passed, or the client is gone.
  if (request.isAborted && (reply.sent || request.res.writableEnded)) discardAnswer(outcome.value);
  else sendAnswer(reply, outcome.value, answerRules(pending, outcome, rules));
}

function refuse({ reply, rules: { fail } }: Turn, error: unknown): void {
  const { raw: res, request } = reply;
  if (!res.headersSent) {
    for (const [name, value] of usableHeaders(reply.getHeaders())) res.setHeader(name, value);
  }
  if (!reply.sent) reply.hijack();
  fail(request.raw, res, error);
}
