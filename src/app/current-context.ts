/**
 * The context of the request that is being served, for code that has no request at hand.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogFields } from '../log/index.js';
import type { RequestContext } from './context.js';

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `fn` so that everything it starts, now or later, has `context` as its current context. */
export function runInContext<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}

/** The context of the request or call this code runs for; undefined outside of one. */
export function currentContext(): RequestContext | undefined {
  return storage.getStore();
}

/** What a log line says of the current context: `createLogger({ facts: contextFacts })`. */
export function contextFacts(): LogFields {
  const context = storage.getStore();
  if (context === undefined) return {};
  const { requestId, globalRequestId, userId, projectId } = context;
  return { request_id: requestId, global_request_id: globalRequestId, user_id: userId, project_id: projectId };
}
