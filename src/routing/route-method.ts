/** Short forms of a router's routes: `router.get('/books/{id}', action)`. */
import { type IncomingHttpHeaders, METHODS } from 'node:http';
import { isObject, nearestOrAll, whatItIs } from '../errors/index.js';
import type { BodyKnown, BodyOf, Handler, HeadersOf, ParamsIn, QueryOf, ResponseOf } from './actions/action.js';
import type { ActionRequest } from './actions/action-request.js';
import type { ControllerSource } from './actions/controllers.js';
import type { ContextOf } from './actions/guard.js';
import type { RouteSettings } from './mapper/route-settings.js';
import type { Conditions } from './route/conditions.js';
import type { Named, ParamsOf } from './route/param-types.js';
import type { Requirements, RouteOptions } from './route/route.js';
import { RouteError } from './route/route-error.js';

/** Options of a route, whichever way it is added. Options of its action apply where the action has none. */
export interface MethodOptions
  extends RouteSettings,
    Pick<RouteOptions, '_explicit' | '_minimize' | '_static' | '_absolute' | '_filter' | '_encoding'> {
  /** Name for `router.url` and `request.url`. Default: none. */
  readonly name?: string | undefined;
  /** Name of a controller, or the controller itself, in place of a function. */
  readonly controller?: string | ControllerSource | null | undefined;
  /** Method of the controller. Default: the value of the variable `{action}` in the path. */
  readonly action?: string | null | undefined;
  /** Values that the route has besides those in the path, and in place of variables that are empty: `{ format: 'json' }`. Default: none. */
  readonly defaults?: Readonly<Record<string, string | number | boolean | null | undefined>> | undefined;
  /** Regular expressions of variables, by name. Default: any segment. */
  readonly requirements?: Requirements | undefined;
  /** Conditions besides method and path: `subDomain`, `function`. Default: none. */
  readonly conditions?: Omit<Conditions, 'method'> | undefined;
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

/** Options of a route with a controller in place of a function. */
export type OfController<O, T extends string, Own> = O &
  OnlyOptions<O, MethodOptions> &
  Suits<O, ParamsOf<T, Own>> & { readonly controller: object | string };

/** Adds a route for one method: `router.get('/books/{id}', action)`, optionally with options in between, or with a controller in them. */
export interface RouteMethod<Self, Own, A = undefined> {
  /**
   * Adds a route with its action. A variable is a text, or what its type makes of it; the result is the body of the response.
   *
   * ```ts
   * router.get('/books/{id:int}', ({ params }) => ({ id: params.id, title: 'Emma' }));
   * ```
   */
  <const T extends string, B = unknown>(path: T, action: RouteHandler<T, object, Own, B, A>): Self;
  /**
   * Adds a route with options: schemas of `body`, `query` and `response`, `status`, `versions`, a `name` for `url` and others.
   *
   * ```ts
   * const book = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } };
   * router.post('/books', { body: book, status: 201 }, ({ body }) => store.add(body.title));
   * ```
   */
  <const T extends string, const O extends MethodOptions, B = BodyOf<O>>(
    path: T,
    options: O & OnlyOptions<O, MethodOptions>,
    action: RouteHandler<T, O, Own, B, A>,
  ): WithRoute<Self, T, O, Own>;
  /**
   * Adds a route to a method of a controller: a class, an object, or the name of one of the router's `controllers`.
   *
   * ```ts
   * router.get('/books/{id}', { controller: 'books', action: 'show' });
   * ```
   */
  <const T extends string, const O extends MethodOptions>(
    path: T,
    options: OfController<O, T, Own>,
  ): WithRoute<Self, T, O, Own>;
}

/** Adds a route for any method, or several: `router.route('PROPFIND', '/files/{path:path}', action)`. */
export interface RouteOfMethods<Self, Own, A = undefined> {
  <const T extends string, B = unknown>(
    method: string | readonly string[],
    path: T,
    action: RouteHandler<T, object, Own, B, A>,
  ): Self;
  <const T extends string, const O extends MethodOptions, B = BodyOf<O>>(
    method: string | readonly string[],
    path: T,
    options: O & OnlyOptions<O, MethodOptions>,
    action: RouteHandler<T, O, Own, B, A>,
  ): WithRoute<Self, T, O, Own>;
  <const T extends string, const O extends MethodOptions>(
    method: string | readonly string[],
    path: T,
    options: OfController<O, T, Own>,
  ): WithRoute<Self, T, O, Own>;
}

/**
 * Returns the options of `connect` for a route of some methods. Throws `PORTICO_ROUTE_OPTION` without a function or a controller, and for a
 * method that no request can have.
 */
export function connectOptions(
  methods: readonly string[],
  first: unknown,
  second: unknown,
): RouteOptions & { readonly name?: string | undefined } {
  const isAlone = second === undefined && typeof first !== 'function';
  const [options, handler] = second === undefined && !isAlone ? [{}, first] : [first, second];
  const isGiven = isObject(options) && (isAlone ? (options.controller ?? undefined) !== undefined : true);
  if (!isGiven || (!isAlone && typeof handler !== 'function')) {
    throw new RouteError('PORTICO_ROUTE_OPTION', {
      message: `the action of a route must be a function, not ${whatItIs(isAlone ? first : handler)}`,
      hint: "Write (request) => …, or action({ … }, (request) => …), or options with a controller: { controller: 'books', action: 'show' }.",
    });
  }
  for (const method of methods) refuseUnknownMethod(method);
  const { conditions } = options as { readonly conditions?: Conditions };
  if (conditions?.method !== undefined) {
    throw new RouteError('PORTICO_ROUTE_OPTION', {
      message: `the route is for ${methods.join(', ')}, and its conditions name methods again`,
      hint: 'Leave conditions.method out; connect() takes it.',
    });
  }
  return { ...options, ...(!isAlone && { handler }), conditions: { ...conditions, method: [...methods] } };
}

/** Node's parser refuses requests with other methods. */
function refuseUnknownMethod(method: unknown): void {
  if (typeof method === 'string' && METHODS.includes(method) && method !== 'CONNECT') return;
  throw new RouteError('PORTICO_ROUTE_OPTION', {
    message: `no request has the method ${whatItIs(method)}`,
    hint: nearestOrAll(String(method), METHODS, 'Methods'),
  });
}

/** Refuses a controller whose methods require variables of another type than the path has. */
export type Suits<O, P> = O extends { readonly controller: infer C extends object; readonly action: infer A }
  ? Misfits<C, A, P> extends never
    ? unknown
    : { readonly action: `${A & string} expects another type of the path's variables: ${Misfits<C, A, P> & string}` }
  : unknown;

/** Variables that a method of a controller requires in another type than `P` has. */
export type Misfits<C, A, P> = A extends keyof InstanceOf<C> ? Unfit<WantedBy<InstanceOf<C>[A]>, P> : never;

export type InstanceOf<C> = C extends new () => infer I ? I : C;

export type WantedBy<M> = M extends readonly (infer One)[]
  ? WantedBy<One>
  : M extends (request: ActionRequest<infer P, never, never, IncomingHttpHeaders, never>, ...rest: never) => unknown
    ? P
    : unknown;

export type Unfit<Wanted, P> = {
  [K in keyof Wanted & keyof P]: P[K] extends Wanted[K] ? never : K;
}[keyof Wanted & keyof P];
