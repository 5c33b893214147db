/** The ways to add a route to a router, which have one grammar: `connect`, and a method for each method of HTTP. */
import type { Schemas } from './actions/by-version.js';
import type { ControllerSource } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import type { BodyOption } from './actions/taken-types.js';
import type { ConnectOptions, Fitting, Responses } from './connect-options.js';
import { Mapper } from './mapper/mapper.js';
import type { Named, ParamsOf } from './route/param-types.js';
import type { RouteOptions } from './route/route.js';
import { callSite } from './route/route-error.js';
import { connectOptions, type RouteMethod, type RouteOfMethods } from './route-method.js';

/** The router, with the URL of the route if it has a name. */
export type WithName<Self, N extends string, T extends string, Own> = [N] extends [never]
  ? Self
  : Self & Named<N, ParamsOf<T, Own>>;

/** A mapper with routes to functions and controllers. */
// biome-ignore lint/suspicious/noExplicitAny: the types of any router
export abstract class RouterRoutes<Own = any, A extends Auth | undefined = any> extends Mapper {
  /** Adds a route for GET: `get('/books/{id:int}', ({ params }) => …)`, with options before the action if needed. It takes HEAD too. */
  readonly get: RouteMethod<this, Own, A> = this.#shortForm('GET');
  /** Adds a route for POST: `post('/books', { body: schema, status: 201 }, ({ body }) => …)`. */
  readonly post: RouteMethod<this, Own, A> = this.#shortForm('POST');
  /** Adds a route for PUT, as {@link get} does for GET. */
  readonly put: RouteMethod<this, Own, A> = this.#shortForm('PUT');
  /** Adds a route for PATCH, as {@link get} does for GET. */
  readonly patch: RouteMethod<this, Own, A> = this.#shortForm('PATCH');
  /** Adds a route for DELETE, as {@link get} does for GET. An action that returns nothing responds with 204. */
  readonly delete: RouteMethod<this, Own, A> = this.#shortForm('DELETE');
  /** Adds a route for HEAD alone. */
  readonly head: RouteMethod<this, Own, A> = this.#shortForm('HEAD');
  /** Adds a route for OPTIONS. */
  readonly options: RouteMethod<this, Own, A> = this.#shortForm('OPTIONS');
  /** Adds a route for any method, or several, as {@link get} does for GET: `route('REPORT', '/books', { body: schema }, ({ body }) => …)`. */
  readonly route: RouteOfMethods<this, Own, A> = (
    methods: string | readonly string[],
    path: string,
    ...rest: unknown[]
  ) => this.#addMethods([methods].flat(), path, rest[0], rest[1]);

  /**
   * Adds a route: `connect('/servers/{id}', { controller, action })`, optionally with a name first. `build()` reports an error together
   * with all others. The result has the type of `url` with the name added.
   *
   * ```ts
   * router.connect('book', '/books/{id}', { controller: Books, action: 'show', conditions: { method: ['GET'] } });
   * ```
   */
  override connect<
    const T extends string,
    const B extends BodyOption = never,
    const Q extends Schemas = never,
    const P extends Schemas = never,
    const H extends Schemas = never,
    const R extends Responses = never,
    U extends Auth = never,
    C extends string | ControllerSource = string | ControllerSource,
    const M extends string = never,
    const N extends string = never,
  >(
    template: T,
    options?: ConnectOptions<T, Own, A, B, Q, P, H, R, U, C, M, N> & Fitting<C, M, T, Own>,
  ): WithName<this, N, T, Own>;
  override connect<
    const N extends string,
    const T extends string,
    const B extends BodyOption = never,
    const Q extends Schemas = never,
    const P extends Schemas = never,
    const H extends Schemas = never,
    const R extends Responses = never,
    U extends Auth = never,
    C extends string | ControllerSource = string | ControllerSource,
    const M extends string = never,
  >(
    name: N | null,
    template: T,
    options?: ConnectOptions<T, Own, A, B, Q, P, H, R, U, C, M, never> & Fitting<C, M, T, Own>,
  ): string extends N ? this : WithName<this, N, T, Own>;
  override connect(first: string | null, second: string | object = {}, third: object = {}): this {
    if (typeof second === 'string') this.addRoute(first, second, third as RouteOptions);
    else this.addRoute(null, first, second as RouteOptions);
    return this;
  }

  #shortForm(method: string): RouteMethod<this, Own, A> {
    return (path: string, first: unknown, second?: unknown): this => this.#addMethods([method], path, first, second);
  }

  #addMethods(methods: readonly string[], path: string, first: unknown, second: unknown): this {
    let options: RouteOptions | undefined;
    this.guard(null, path, callSite(), () => {
      options = connectOptions(methods, first, second);
    });
    if (options !== undefined) this.addRoute(null, path, options);
    return this;
  }
}
