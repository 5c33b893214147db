/**
 * The slot that a request has while application code works at it: a server has as many as `default_pool_size` says.
 */
import type { IncomingMessage } from 'node:http';
import type { App } from './app.js';
import { exchangeOf } from './exchange.js';

/** Apps that are called without a slot: they take one further in, or want none. */
const OWN_SLOTS = new WeakSet<App>();

/** The app, called for a request once there is a slot for it. Each request waits in its own async context. */
export function withSlot(app: App): App {
  if (OWN_SLOTS.has(app)) return app;
  const limited: App = (req, res) => {
    const exchange = exchangeOf(req);
    const turn = exchange.server?.slots?.take(exchange.original ?? exchange);
    if (turn === undefined) return app(req, res);
    const waited = (): void => {
      exchange.slotAt = performance.now();
    };
    void turn.then(waited, waited);
    return turn.then((come) => (come ? app(req, res) : undefined));
  };
  return takesOwnSlot(limited);
}

/** Marks an app that {@link withSlot} is to leave alone: a health check, or a pipeline whose innermost app has it already. */
export function takesOwnSlot<T extends App>(app: T): T {
  OWN_SLOTS.add(app);
  return app;
}

/** Tells that `copy` stands for `original`, which has the slot, and what filters have noted of that. */
export function noteOriginal(copy: IncomingMessage, original: IncomingMessage): void {
  const exchange = exchangeOf(original);
  const copied = exchangeOf(copy);
  copied.original = exchange.original ?? exchange;
  copied.mount = exchange.mount;
  copied.routed = exchange.routed;
  copied.faultForm = exchange.faultForm;
  copied.routeListeners = exchange.routeListeners?.slice();
  copied.trace = exchange.trace;
  copied.forwarded = exchange.forwarded;
}
