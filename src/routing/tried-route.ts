/** Trials of requests in a Router: the steps that it notes, and the ends at code of an application. */
import { type App, compose } from '../app/index.js';
import { canTry, type Exchange, endTrial, exchangeOf, type Trial } from '../app/internal.js';
import type { BuiltRouter, PluginAnswer } from './built-router.js';
import type { Found } from './matching/compiled-route.js';
import type { ActionCall } from './serving/action-call.js';
import type { ServedMethod, ServedMount } from './serving/served-route.js';

/** Facts of a Router about a step of a trial. */
export interface RouteFacts {
  readonly router: BuiltRouter;
  /** The route that matches; null if there is none. */
  readonly found: Found | null;
  readonly method: string;
  /** Path to match; null if it does not begin with the router's prefix. */
  readonly path: string | null;
  /** Methods that have a route, if none was found. */
  readonly allowed: readonly string[];
  /** Answer of a plugin, if no route of the table was found. */
  readonly plugin?: PluginAnswer;
}

/** Notes the step of a route; without one, of the router's own response or that of a plugin. */
export function noteRoute(trial: Trial, exchange: Exchange, facts: Omit<RouteFacts, 'method'>): void {
  const { found, plugin } = facts;
  const node =
    found === null
      ? ({ what: plugin === undefined ? 'response' : 'route', name: '' } as const)
      : ({ what: 'route', name: found.compiled.route.template } as const);
  trial.enter(node, exchange, { ...facts, method: exchange.req.method ?? '' });
}

/** Notes that a request has passed the filters of an action, before its input is read. */
export function noteAction(call: ActionCall, exchange: Exchange): void {
  const method = 'place' in call.entry ? (call.entry as ServedMethod) : undefined;
  exchange.trial!.enter({ what: 'action', name: call.nameOf(method) }, exchange);
}

/** Returns the app of a mount for a trial: an app that may call code of the application is not called, only its guards. */
export function triedMount({ app, mounted, around, place }: ServedMount): App {
  return canTry(mounted) ? app : compose(around, endAs('app', place));
}

/** Returns an app that ends a trial where code of an application would be called. */
export function endAs(what: 'app' | 'plugin', name: string): App {
  return (req, res) => {
    const exchange = exchangeOf(req);
    const { trial } = exchange;
    trial!.enter({ what: 'app', name }, exchange);
    endTrial(trial!, res, { what, name });
  };
}
