/**
 * What filters, which stand before the Router, have to say of a request once its route is known.
 */
import type { IncomingMessage } from 'node:http';
import { type Environ, type MatchedRoute, ROUTED } from './environ.js';
import { environ } from './exchange.js';

type Carrier = Environ & { [ROUTED]?: RouteListener[] | MatchedRoute | undefined };

/**
 * What a filter, which stands before the Router, has to say of a request that has been routed. A throw or a rejection is
 * answered in the place of the action; a promise of false ends the matter without an answer, for a client that has left.
 */
export type RouteListener = (route: MatchedRoute) => undefined | Promise<boolean>;

/** The route of the action that a Router has found; undefined before, and where none takes the request. */
export function routedTo(req: IncomingMessage): MatchedRoute | undefined {
  const { [ROUTED]: routed } = environ(req) as Carrier;
  return Array.isArray(routed) ? undefined : routed;
}

/** Runs `listener` when a Router has found the action of a request, before the action: of one that {@link routedTo} has not. */
export function whenRouted(req: IncomingMessage, listener: RouteListener): void {
  const carrier = environ(req) as Carrier;
  const listeners = carrier[ROUTED];
  if (Array.isArray(listeners)) listeners.push(listener);
  else carrier[ROUTED] = [listener];
}

/** Asks the listeners of a request, one after the other; for Routers. False: the client has left, or was answered. */
export function askRouteListeners(env: Environ, route: MatchedRoute): undefined | Promise<boolean> {
  const carrier = env as Carrier;
  const listeners = carrier[ROUTED];
  carrier[ROUTED] = route;
  if (!Array.isArray(listeners)) return undefined;
  let before: undefined | Promise<boolean>;
  for (const listener of listeners) {
    before = before === undefined ? listener(route) : before.then((goOn) => (goOn ? (listener(route) ?? true) : false));
  }
  return before;
}
