/** Slots of requests for which application code runs: a server has `default_pool_size` of them. */
import type { IncomingMessage } from 'node:http';
import type { App } from './app.js';
import { exchangeOf } from './exchange.js';

/** Apps that are called without a slot: an inner app takes it, or none is needed. */
const OWN_SLOTS = new WeakSet<App>();

/** Returns an app that calls `app` when the request has a slot. Each request waits in its own async context. */
export function withSlot(app: App): App {
  if (OWN_SLOTS.has(app)) return app;
  const limited: App = (req, res) => {
    const exchange = exchangeOf(req);
    const turn = exchange.serverState?.slots?.take(exchange.copyOf ?? exchange);
    if (turn === undefined) return app(req, res);
    const waited = (): void => {
      exchange.slotAt = performance.now();
    };
    void turn.then(waited, waited);
    return turn.then((come) => (come ? app(req, res) : undefined));
  };
  return takesOwnSlot(limited);
}

/** Marks an app for {@link withSlot} to leave unchanged: a health check, or a pipeline whose innermost app takes the slot. */
export function takesOwnSlot<T extends App>(app: T): T {
  OWN_SLOTS.add(app);
  return app;
}

/** Records that `copy` is a copy of `original`, which has the slot, and copies the state that filters have set. */
export function noteOriginal(copy: IncomingMessage, original: IncomingMessage): void {
  const exchange = exchangeOf(original);
  const copied = exchangeOf(copy);
  copied.copyOf = exchange.copyOf ?? exchange;
  copied.mountTemplate = exchange.mountTemplate;
  copied.routeFound = exchange.routeFound;
  copied.faultForm = exchange.faultForm;
  copied.routeListeners = exchange.routeListeners?.slice();
  copied.requestTrace = exchange.requestTrace;
  copied.forwardedHeaders = exchange.forwardedHeaders;
}
