/**
 * The concurrency limit: a request for which application code is at work has one of the server's `default_pool_size` slots.
 *
 * A slot is held from the call of the innermost app until that app has settled or begins to send its response, whichever is first, and whatever
 * has become of the client meanwhile. So an open stream holds none. An app has settled (`Exchange.settledBy`):
 *
 * - `return`: when it returns with the response begun, ended or destroyed;
 * - `promise`: when the promise that it has returned settles;
 * - `report`: when it says so by {@link appSettled}: a Router, with the promise of an action;
 * - `response`: an app that returns before it has responded, such as a listener of Express or Fastify: when it begins to send its response,
 *   or tries to after its client has left;
 * - `late`: the same, after another has responded in its place.
 */
import type { IncomingMessage } from 'node:http';
import type { App } from './app.js';
import { type Exchange, exchangeOf } from './exchange.js';

/** Apps that are called without a slot: an inner app takes it, or none is needed. */
const OWN_SLOTS = new WeakSet<App>();

/** Returns an app that calls `app` when the request has a slot. Each request waits in its own async context. */
export function withSlot(app: App): App {
  if (OWN_SLOTS.has(app)) return app;
  const limited: App = (req, res) => {
    const own = exchangeOf(req);
    const exchange = own.copyOf ?? own;
    const slots = exchange.serverState?.slots;
    // An app calls another: the request has one slot.
    if (slots === undefined || WORKING[exchange.poolSlot]) return app(req, res);
    const state = slots.move(exchange, 'call');
    if (state === 'queued') {
      const turn = slots.turn(exchange).finally(() => {
        own.slotAt = performance.now();
      });
      return turn.then((come) => (come ? limited(req, res) : undefined));
    }
    // Not if its response is no longer needed.
    if (state !== 'held') return state === 'none' ? app(req, res) : undefined;
    exchange.settledBy = 'return';
    let returned: unknown;
    try {
      returned = app(req, res);
    } catch (error) {
      slots.move(exchange, 'settle');
      throw error;
    }
    const isPromise = typeof (returned as Promise<void> | undefined)?.then === 'function';
    if (isPromise) whenSettled(exchange, returned as Promise<void>);
    if (exchange.settledBy === 'return') {
      const hasResponded = res.writableEnded || res.headersSent;
      if (hasResponded || (!isPromise && (res.destroyed || req.socket.destroyed))) slots.move(exchange, 'settle');
      else exchange.settledBy = isPromise ? 'promise' : 'response';
    }
    return returned as ReturnType<App>;
  };
  return takesOwnSlot(limited);
}

/** States in which an app has been called and not settled. */
const WORKING: Readonly<Record<string, boolean>> = { held: true, client: true, alone: true };

/** Apart from `withSlot`, in which a closure would take memory for every request. */
function whenSettled(exchange: Exchange, returned: Promise<void>): void {
  const settled = (): void => {
    if (exchange.settledBy === 'promise' || exchange.settledBy === 'return') appSettled(exchange);
  };
  returned.then(settled, settled);
}

/** Returns the exchange that has the slot: of a copy, that of the original. */
export function slotOf(req: IncomingMessage): Exchange {
  const exchange = exchangeOf(req);
  return exchange.copyOf ?? exchange;
}

/** Reports that the app of a request has settled. */
export function appSettled(exchange: Exchange): void {
  exchange.settledBy = 'return';
  exchange.serverState?.slots?.move(exchange, 'settle');
}

/** Reports that the app of a request begins to send its response. Another in its place does not free its slot. */
export function appResponds(exchange: Exchange): void {
  if (exchange.settledBy !== 'late') appSettled(exchange);
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
  copied.cacheControl = exchange.cacheControl;
  copied.routeListeners = exchange.routeListeners?.slice();
  copied.bodyListeners = exchange.bodyListeners?.slice();
  copied.requestTrace = exchange.requestTrace;
  copied.trial = exchange.trial;
  copied.identityStripped = exchange.identityStripped;
  copied.acceptedToken = exchange.acceptedToken;
  copied.forwardedHeaders = exchange.forwardedHeaders;
}
