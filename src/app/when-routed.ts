/**
 * What a filter has to say of a request once its route is known: filters stand before the Router that finds it.
 */
import type { IncomingMessage } from 'node:http';
import { environ, type MatchedRoute, ROUTED } from './environ.js';

/**
 * Looks at a request that has been routed. A throw or a rejection is answered in the place of the action; a promise of false
 * ends the matter without an answer, for a client that has left.
 */
export type RouteJudge = (route: MatchedRoute) => undefined | Promise<boolean>;

type Carrier = { [ROUTED]?: RouteJudge[] | MatchedRoute };

/** The route of the action that a Router has found; undefined before, and where none takes the request. */
export function routedTo(req: IncomingMessage): MatchedRoute | undefined {
  const routed = (environ(req) as Carrier)[ROUTED];
  return Array.isArray(routed) ? undefined : routed;
}

/** Runs `judge` when a Router has found the action of a request, before the action: of one that {@link routedTo} has not. */
export function whenRouted(req: IncomingMessage, judge: RouteJudge): void {
  const carrier = environ(req) as Carrier;
  const judges = carrier[ROUTED];
  if (Array.isArray(judges)) judges.push(judge);
  else carrier[ROUTED] = [judge];
}

/** Runs the judges of a request, one after the other; for Routers. False: the client has left, or was answered. */
export function tellRouted(req: IncomingMessage, route: MatchedRoute): undefined | Promise<boolean> {
  const carrier = environ(req) as Carrier;
  const judges = carrier[ROUTED];
  carrier[ROUTED] = route;
  if (!Array.isArray(judges)) return undefined;
  let before: undefined | Promise<boolean>;
  for (const judge of judges) {
    before = before === undefined ? judge(route) : before.then((goOn) => (goOn ? (judge(route) ?? true) : false));
  }
  return before;
}
