/** The not-found handlers that plugins set on a Fastify instance. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** A handler for unknown paths, as `setNotFoundHandler` takes it. */
export type NotFoundHandler = (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) => unknown;

/** The handlers that have been set so far. */
export interface NotFoundHandlers {
  /** True if there is one, for all paths or those below a prefix. */
  readonly any: boolean;
  /** True if there is one for all paths: Fastify refuses a second one. */
  readonly forAll: boolean;
  /** The prefixes of the others. */
  readonly prefixes: readonly string[];
}

/** Watches `setNotFoundHandler` of an instance and of its plugins. Each handler is set as `wrap` returns it. */
export function watchNotFound(
  instance: FastifyInstance,
  wrap: (handler: NotFoundHandler) => NotFoundHandler = (handler) => handler,
): NotFoundHandlers {
  const set = instance.setNotFoundHandler as (...args: unknown[]) => FastifyInstance;
  const handlers = { any: false, forAll: false, prefixes: [] as string[] };
  const setNotFoundHandler = function (this: FastifyInstance, ...args: unknown[]): FastifyInstance {
    handlers.any = true;
    // Below a prefix, a handler is for the paths there.
    if (this.prefix === '' || this.prefix === '/') handlers.forAll = true;
    else handlers.prefixes.push(this.prefix);
    const handler = args.pop();
    const isHandler = typeof handler === 'function';
    return Reflect.apply(set, this, [...args, isHandler ? wrap(handler as NotFoundHandler) : handler]);
  };
  Object.assign(instance, { setNotFoundHandler });
  return handlers;
}
