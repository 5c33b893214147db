/**
 * How many requests of a server have application code at work at once.
 *
 * A slot is taken where the innermost app is called, so that filters which wait for another server hold none. The server
 * counts; an app finds it by its request, and without a server nothing is counted.
 */
import type { IncomingMessage } from 'node:http';
import type { App } from './app.js';

/** Counts the slots of one server: `RequestPool` of `src/server`, set by its `Front`. */
export interface ConcurrencyLimit {
  /**
   * Takes a slot for a request, once however many apps are tried for it. Undefined when the app may be called at once;
   * else a promise, which settles when the request's turn has come: false when its answer is no longer waited for.
   */
  enter(req: IncomingMessage): Promise<boolean> | undefined;
}

const LIMIT: unique symbol = Symbol('portico.concurrencyLimit');
const ORIGINAL: unique symbol = Symbol('portico.originalRequest');

type Counting = { readonly server?: { [LIMIT]?: ConcurrencyLimit } } | null | undefined;
type Copy = IncomingMessage & { [ORIGINAL]?: IncomingMessage };

/** Apps that are called without a slot: they take one further in, or want none. */
const OWN_SLOTS = new WeakSet<App>();

/** Lets a Node server count the requests that its apps work at. */
export function limitConcurrency(server: object, limit: ConcurrencyLimit): void {
  (server as { [LIMIT]?: ConcurrencyLimit })[LIMIT] = limit;
}

/** The app, called for a request once there is a slot for it. Each request waits in its own async context. */
export function withSlot(app: App): App {
  if (OWN_SLOTS.has(app)) return app;
  const limited: App = (req, res) => {
    const turn = (req.socket as Counting)?.server?.[LIMIT]?.enter((req as Copy)[ORIGINAL] ?? req);
    if (turn === undefined) return app(req, res);
    return turn.then((come) => (come ? app(req, res) : undefined));
  };
  return takesOwnSlot(limited);
}

/** Marks an app that {@link withSlot} is to leave alone: a health check, or a pipeline whose innermost app has it already. */
export function takesOwnSlot<T extends App>(app: T): T {
  OWN_SLOTS.add(app);
  return app;
}

/** Tells that `copy` stands for `original`, which has the slot. */
export function noteOriginal(copy: IncomingMessage, original: IncomingMessage): void {
  (copy as Copy)[ORIGINAL] = (original as Copy)[ORIGINAL] ?? original;
}
