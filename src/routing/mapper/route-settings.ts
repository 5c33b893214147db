/**
 * What a router keeps for a route besides its place in the table.
 */
import type { App, Filter } from '../../app/index.js';
import type { Handler, RangedOptions } from '../actions/action.js';
import type { ParamType } from '../template/param-types.js';
import type { OptionNames } from './option-mistakes.js';
import type { RouteOptions } from './route.js';

/** Options of a router's routes, besides those of a mapper's. */
export interface RouteSettings {
  /** A function that answers, where a route needs no controller. */
  readonly handler?: Handler | undefined;
  /** Filters around the controller, inside those of `router.use`; the first is the outermost. */
  readonly filters?: readonly Filter[] | undefined;
  /** Largest body, in bytes. Default: the router's. */
  readonly bodyLimit?: number | undefined;
  /** Milliseconds until the route answers 503 and `request.signal` is aborted. Default: none. */
  readonly deadline?: number | undefined;
  /** Body, query and response schemas, as an action has them; where the action has none of its own. */
  readonly schema?: Pick<RangedOptions, 'body' | 'query' | 'response'> | undefined;
  /** For Fastify plugins that look at the level of a route. */
  readonly logLevel?: string | undefined;
  /** For filters and Fastify plugins: `request.routeOptions.config`. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** The settings as they are kept; a mount has an app. */
export interface KeptSettings extends RouteSettings {
  readonly mounted?: App | undefined;
  /** The types of variables, by name. */
  readonly types?: ReadonlyMap<string, ParamType> | undefined;
}

const NAMES: ReadonlySet<string> = new Set<keyof KeptSettings>([
  'handler',
  'filters',
  'bodyLimit',
  'deadline',
  'schema',
  'logLevel',
  'config',
  'mounted',
]);

/** What a router's route may have among its options. */
export const ROUTE_OPTIONS: OptionNames = {
  what: 'a route',
  plain: new Set(
    'action controller bodyLimit deadline logLevel _explicit _minimize _static _absolute _encoding _memberName _collectionName'.split(
      ' ',
    ),
  ),
  other: new Set('conditions handler filters requirements schema config mounted _filter _parentResource'.split(' ')),
};

/** What a router's resource may have among its options. */
export const RESOURCE_OPTIONS: OptionNames = {
  what: 'a resource',
  plain: new Set('controller formatted pathPrefix namePrefix'.split(' ')),
  other: new Set('collection member new only except parentResource requirements _filter'.split(' ')),
};

/** Options of a route, the router's apart from the mapper's. */
export function splitSettings(options: RouteOptions): { settings: KeptSettings; rest: RouteOptions } {
  const entries = Object.entries(options);
  return {
    settings: Object.fromEntries(entries.filter(([name]) => NAMES.has(name))),
    rest: Object.fromEntries(entries.filter(([name]) => !NAMES.has(name))),
  };
}
