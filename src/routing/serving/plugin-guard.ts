/**
 * The guard of an action in a router with plugins: asked after their `onRequest` hooks, before the body is read.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FASTIFY, REPLY } from '../actions/action-request.js';
import { callOf, type Fail } from './action-call.js';
import { refuse } from './fastify-errors.js';
import { askGuard } from './guard-filter.js';

/** Asks the guard, which sees Fastify's request and reply, and answers its refusal. Undefined without a guard; else whether it accepts. */
export function askBehindHooks(request: FastifyRequest, reply: FastifyReply, fail: Fail): Promise<boolean> | undefined {
  const call = callOf(request.raw);
  const guard = call?.entry.guard;
  if (call === undefined || guard === undefined) return undefined;
  call[FASTIFY] = request;
  call[REPLY] = reply;
  const leave = (): void => {
    // Only the action has them from here on: until then, parsers of plugins can fail.
    delete call[FASTIFY];
    delete call[REPLY];
  };
  return (async () => askGuard(guard, call, call.response))().then(
    () => {
      leave();
      return true;
    },
    (error: unknown) => {
      leave();
      refuse(reply, error, fail);
      return false;
    },
  );
}
