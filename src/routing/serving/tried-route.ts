/** Trials of requests in a Router: the steps that it notes, and the ends at code of an application. */
import type { App, Filter, MatchedRoute } from '../../app/index.js';
import { canTry, type Exchange, endTrial, entering, exchangeOf, type Trial } from '../../app/internal.js';
import { isTrial } from '../../config/internal.js';
import type { AnyHandler } from '../actions/action-request.js';
import { HANDLER_ACTION } from '../actions/controllers.js';
import { SENT } from '../actions/reply.js';
import { EVERY_VERSION } from '../api-version.js';
import type { BuiltRouter, PluginAnswer } from '../built-router.js';
import type { Redirect } from '../mapper/mapper.js';
import type { Found } from '../matching/compiled-route.js';
import { type ActionCall, callOf } from './action-call.js';
import type { ActionTarget, ServedMethod, ServedRoute } from './served-route.js';

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
  /** Response of a plugin, if no route of the table was found. */
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

/** Returns the filters, in a build that finds errors each with one before it that notes for a trial that the request enters it. */
export function probed(filters: readonly Filter[]): readonly Filter[] {
  if (!isTrial()) return filters;
  return filters.flatMap((filter) => [entering({ what: 'filter', name: filterName(filter) }), filter]);
}

/** Returns the name of a filter in code. */
export function filterName({ name }: Filter): string {
  return name || 'a filter without a name';
}

/** Returns the innermost filter of an action in a build that finds errors: notes the action before its input is read. */
export function notedAction(): readonly Filter[] {
  if (!isTrial()) return [];
  return [
    entering((req) => {
      const { route, entry } = callOf(req)!;
      return { what: 'action', name: nameOf(route, (entry as Partial<ServedMethod>).place) };
    }),
  ];
}

/** Returns the innermost filter of a redirect in a build that finds errors. */
export function notedRedirect({ target }: Redirect): readonly Filter[] {
  if (!isTrial()) return [];
  return [entering({ what: 'response', name: '' }, `redirects to ${target.template}`)];
}

/** Returns the app for a mount, in a build that finds errors an end in place of one that may call code of the application. */
export function mountedApp(app: App, place: string): App {
  return isTrial() && !canTry(app) ? endAs('app', place) : app;
}

/** Returns the handling of a route for a trial: an action ends it in place of its call, and does not check unknown parts. */
export function asTried(served: ServedRoute, trial: Trial): ServedRoute {
  if (served.kind !== 'action') return served;
  const tried = (target: ActionTarget): ActionTarget => triedTarget(target, served.matched, trial);
  const named = new Map([...served.named].map(([key, target]) => [key, tried(target)]));
  return { ...served, target: served.target && tried(served.target), named };
}

function triedTarget(target: ActionTarget, route: MatchedRoute, trial: Trial): ActionTarget {
  const { methods, byKey } = target;
  const tried = (method: ServedMethod): ServedMethod => triedMethod(method, route, trial);
  if (byKey === null) return { ...target, methods: methods.map(tried) };
  const actions = new Map([...byKey.actions].map(([key, each]) => [key, each.map(tried)]));
  if (!trial.isUnknown('body')) return { ...target, byKey: { ...byKey, actions } };
  // The key that selects the action is unknown.
  const [[any] = []] = actions.values();
  const checks = { params: [], headers: [], query: [], body: [] };
  const unknown: ServedMethod = { ...any!, ...byKey, place: nameOf(route), range: EVERY_VERSION, checks, statuses: [] };
  return {
    ...target,
    methods: [{ ...unknown, takes: undefined, handler: ended(trial, unknown.place, true) }],
    byKey: null,
  };
}

function triedMethod(method: ServedMethod, route: MatchedRoute, trial: Trial): ServedMethod {
  const { place, takes, checks } = method;
  const [noHeaders, noBody] = [trial.isUnknown('headers'), trial.isUnknown('body')];
  return {
    ...method,
    takes: noBody ? undefined : takes,
    checks: { ...checks, ...(noHeaders && { headers: [] }), ...(noBody && { body: [] }) },
    rules: null,
    handler: ended(trial, nameOf(route, place), noBody && checks.body.length > 0),
  };
}

/** Returns what ends a trial in place of an action. */
function ended(trial: Trial, name: string, assumesBody: boolean): AnyHandler {
  return (call) => {
    const { response: res, status } = call as ActionCall;
    if (assumesBody) trial.assumed.add('body');
    endTrial(trial, res, { what: 'action', name, status: res.statusCode === 200 ? status : res.statusCode });
    return SENT;
  };
}

/** Returns the name of an action: of its function, or of the controller and its method. */
function nameOf({ controller, action }: MatchedRoute, place = `${controller}.${action}`): string {
  return action === HANDLER_ACTION ? controller : place;
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
