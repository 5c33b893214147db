/** Hooks for filters, which run before the Router, to act on a request after it is routed. */
import type { IncomingMessage } from 'node:http';
import type { MatchedRoute } from './environ.js';
import { type Exchange, exchangeOf, type RouteListener } from './exchange.js';

/** Runs `listener` when a Router has found the action of a request, before the action. For requests without a `routeFound` yet. */
export function whenRouted(req: IncomingMessage, listener: RouteListener): void {
  const exchange = exchangeOf(req);
  exchange.routeListeners ??= [];
  exchange.routeListeners.push(listener);
}

/** Calls the listeners of a request one after the other, for Routers. False: the client has left, or was answered. */
export function askRouteListeners(exchange: Exchange, route: MatchedRoute): undefined | Promise<boolean> {
  const { routeListeners: listeners = [] } = exchange;
  exchange.routeFound = route;
  exchange.routeListeners = undefined;
  let before: undefined | Promise<boolean>;
  for (const listener of listeners) {
    before = before === undefined ? listener(route) : before.then((goOn) => (goOn ? (listener(route) ?? true) : false));
  }
  return before;
}
