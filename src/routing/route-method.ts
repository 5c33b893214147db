/** Short forms of a router's routes: `router.get('/books/{id}', action)`. */
import { refuseUnknownOptions, whatItIs } from '../errors/index.js';
import {
  type ActionOptions,
  action,
  actionOf,
  type BodyKnown,
  type BodyOf,
  type Handler,
  type HeadersOf,
  type ParamsIn,
  type QueryOf,
  type ResponseOf,
} from './actions/action.js';
import type { ContextOf } from './actions/guard.js';
import type { RouteSettings } from './mapper/route-settings.js';
import type { Conditions } from './route/conditions.js';
import type { Named, ParamsOf } from './route/param-types.js';
import type { Requirements, RouteOptions } from './route/route.js';
import { RouteError } from './route/route-error.js';

/** Options of a route besides its method, path and action: those of the route and of the action together. */
export interface MethodOptions
  extends Omit<RouteSettings, 'handler' | 'schema'>,
    Omit<ActionOptions, 'bodyKey' | 'auth' | 'filters' | 'bodyLimit'> {
  /** Name for `router.url` and `request.url`. Default: none. */
  readonly name?: string | undefined;
  /** Regular expressions of variables, by name. Default: any segment. */
  readonly requirements?: Requirements | undefined;
  /** Conditions besides method and path: `subDomain`, `function`. Default: none. */
  readonly conditions?: Omit<Conditions, 'method'> | undefined;
}

/** A whole route. */
export interface RouteDefinition extends MethodOptions {
  readonly method: string;
  readonly path: string;
  readonly action: unknown;
}

/**
 * Action at the path `T` with options `O`: a function, or `action(options, function)`; `Own` and `A`: the types and the `auth` of the
 * router.
 */
export type RouteHandler<T extends string, O, Own, B = BodyOf<O>, A = undefined> = Handler<
  B,
  QueryOf<O>,
  ParamsIn<O, ParamsOf<T, Own>>,
  ResponseOf<O>,
  HeadersOf<O>,
  ContextOf<O, A>
> &
  BodyKnown<O, B>;

/** The router, with the URL of the route if it has a name. */
export type WithRoute<Self, T extends string, O, Own> = O extends { readonly name: infer N extends string }
  ? Self & Named<N, ParamsOf<T, Own>>
  : Self;

/** Refuses names that are not options. */
export type OnlyOptions<O, Known> = { readonly [K in Exclude<keyof O, keyof Known>]: never };

/** Adds a route for one method: `router.get('/books/{id}', action)`, optionally with options in between. */
export interface RouteMethod<Self, Own, A = undefined> {
  <const T extends string, B = unknown>(path: T, action: RouteHandler<T, object, Own, B, A>): Self;
  <const T extends string, const O extends MethodOptions, B = BodyOf<O>>(
    path: T,
    options: O & OnlyOptions<O, MethodOptions>,
    action: RouteHandler<T, O, Own, B, A>,
  ): WithRoute<Self, T, O, Own>;
}

/** The owner of each option. */
const OWNERS: Readonly<Record<keyof RouteDefinition, 'route' | 'action'>> = {
  method: 'route',
  path: 'route',
  name: 'route',
  action: 'route',
  requirements: 'route',
  conditions: 'route',
  auth: 'route',
  filters: 'route',
  bodyLimit: 'route',
  deadline: 'route',
  logLevel: 'route',
  config: 'route',
  versions: 'action',
  body: 'action',
  query: 'action',
  params: 'action',
  headers: 'action',
  status: 'action',
  response: 'action',
  type: 'action',
  summary: 'action',
  description: 'action',
  tags: 'action',
  operationId: 'action',
  deprecated: 'action',
  externalDocs: 'action',
  hidden: 'action',
  request: 'action',
  responses: 'action',
  docs: 'route',
};

/** Options of a route in Fastify, with their counterparts here. */
const OF_FASTIFY: ReadonlyMap<string, string> = new Map([
  ['querystring', 'Write query for querystring.'],
  ['schema', 'Write the members of schema beside each other: body, query, params, headers, response.'],
  ...['onRequest', 'preValidation', 'preHandler'].map(
    (hook) =>
      [hook, 'Write auth for a guard of the route, or filters; hooks for all routes belong in a plugin.'] as const,
  ),
]);

/** Returns the arguments of `connect` for a route in the short form. Throws `PORTICO_ROUTE_OPTION` for unknown options. */
export function longForm(definition: RouteDefinition): RouteOptions {
  refuseUnknownOptions('PORTICO_ROUTE_OPTION', 'a route', definition, Object.keys(OWNERS), OF_FASTIFY);
  const { method, path: _, name: __, action: handler, conditions, ...others } = definition;
  if (typeof handler !== 'function') {
    throw new RouteError('PORTICO_ROUTE_OPTION', {
      message: `the action of a route must be a function, not ${whatItIs(handler)}`,
      hint: 'Write (request) => …, or action({ … }, (request) => …); connect() takes a controller and the name of its action.',
    });
  }
  const given = Object.entries(others).filter(([, value]) => value !== undefined);
  const ownedBy = (owner: 'route' | 'action') =>
    Object.fromEntries(given.filter(([name]) => OWNERS[name as keyof typeof OWNERS] === owner));
  const ofAction = ownedBy('action');
  const own = actionOf(handler)!;
  return {
    ...ownedBy('route'),
    handler: Object.keys(ofAction).length === 0 ? handler : action({ ...ofAction, ...own.options }, own.handler),
    conditions: { ...conditions, method: [method] },
  };
}
