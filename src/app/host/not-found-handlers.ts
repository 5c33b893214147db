/** The not-found handlers that plugins set on a Fastify instance. */
import type { FastifyInstance } from 'fastify';

/** The hooks of a handler for unknown paths, as `setNotFoundHandler` takes them. */
export interface NotFoundHooks {
  readonly onRequest?: unknown;
  readonly preHandler?: unknown;
}

/** The handlers that have been set so far. */
export interface NotFoundHandlers {
  /** True if there is one, for all paths or those below a prefix. */
  readonly any: boolean;
  /** True if there is one for all paths: Fastify refuses a second one. */
  readonly forAll: boolean;
  /** The prefixes of the others. */
  readonly prefixes: readonly string[];
}

/** Watches `setNotFoundHandler` of an instance and of its plugins. The hooks of each handler are set as `around` returns them. */
export function watchNotFound(
  instance: FastifyInstance,
  around: (hooks: NotFoundHooks) => NotFoundHooks = (hooks) => hooks,
): NotFoundHandlers {
  const set = instance.setNotFoundHandler as (hooks: NotFoundHooks, handler: unknown) => FastifyInstance;
  const handlers = { any: false, forAll: false, prefixes: [] as string[] };
  const setNotFoundHandler = function (this: FastifyInstance, first: unknown, second: unknown): FastifyInstance {
    handlers.any = true;
    // Below a prefix, a handler is for the paths there.
    if (this.prefix === '' || this.prefix === '/') handlers.forAll = true;
    else handlers.prefixes.push(this.prefix);
    const [hooks, handler] = typeof first === 'function' ? [{}, first] : [first ?? {}, second];
    return set.call(this, around(hooks), handler);
  };
  Object.assign(instance, { setNotFoundHandler });
  return handlers;
}
