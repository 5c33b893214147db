/**
 * Options of `connect` and `resource`, and the errors in them that the compiler refuses.
 */
import type { ActionOptions, BodyOf } from './actions/action.js';
import type { Schemas } from './actions/by-version.js';
import type { ControllerSource } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import type { OperationDocs } from './actions/operation-docs.js';
import type { BodyOption } from './actions/taken-types.js';
import type { ResourceOptions } from './mapper/resource-routes.js';
import type { Conditions } from './route/conditions.js';
import type { ParamsOf, TypedValue } from './route/param-types.js';
import type { MethodOptions, RouteHandler, Suits } from './route-method.js';
import type { UrlBuilder, UrlValues } from './urls/url-builder.js';

/** Options that determine the type of a function's request and of its result, and the controller in its place. */
type Sources = 'body' | 'query' | 'params' | 'headers' | 'response' | 'auth' | 'controller' | 'action' | 'name';

/** The given ones of some options, of which those without a value have the type `never`. */
export type OnlyGiven<O> = { [K in keyof O as [O[K]] extends [never] ? never : K]: O[K] };

/**
 * Options of `connect`: those of every route, with its methods among the conditions, as in Routes, and its function. What determines the
 * types of a request has a type each, so that a function after it in one literal sees it.
 */
export interface ConnectOptions<
  T extends string = string,
  // biome-ignore lint/suspicious/noExplicitAny: the types of any router
  Own = any,
  A = undefined,
  B extends BodyOption = BodyOption,
  Q extends Schemas = Schemas,
  P extends Schemas = Schemas,
  H extends Schemas = Schemas,
  R extends Responses = Responses,
  U extends Auth = Auth,
  C extends string | ControllerSource = string | ControllerSource,
  M extends string = string,
  N extends string = string,
> extends Omit<MethodOptions, 'conditions' | Sources> {
  /** Conditions besides the path: `method`, `subDomain`, `function`. Default: every request. */
  readonly conditions?: Conditions | null | undefined;
  /** Bodies that it takes, as in {@link ActionOptions}. Default: JSON for POST, PUT, PATCH and DELETE. */
  readonly body?: B | undefined;
  /** Schema of the query, also by version. Default: none. */
  readonly query?: Q | undefined;
  /** Schema of the path's variables, also by version. Default: none. */
  readonly params?: P | undefined;
  /** Schema of the header fields, also by version; names are in lower case. Default: none. */
  readonly headers?: H | undefined;
  /** Schemas of responses, by status. */
  readonly response?: R | undefined;
  /** Guard, as in {@link ActionOptions}. Default: that of the router. */
  readonly auth?: U | undefined;
  /** Name for `router.url` and `request.url`. Default: none. */
  readonly name?: N | undefined;
  /** Name of a controller, or the controller itself, in place of a function. Default: the value of the variable `{controller}`. */
  readonly controller?: C | null | undefined;
  /** Method of the controller. Default: the value of the variable `{action}` in the path. */
  readonly action?: M | null | undefined;
  /** Function of a route without a controller. The types of its request follow from path and options. */
  readonly handler?: HandlerOf<T, Own, A, B, Q, P, H, R, U> | undefined;
}

export type HandlerOf<T extends string, Own, A, B, Q, P, H, R, U> = RouteHandler<
  T,
  OnlyGiven<{
    readonly body: B;
    readonly query: Q;
    readonly params: P;
    readonly headers: H;
    readonly response: R;
    readonly auth: U;
  }>,
  Own,
  [B] extends [never] ? unknown : BodyOf<{ readonly body: B }>,
  A
>;

/** Refuses a method of a controller that does not fit the path. */
export type Fitting<C, M, T extends string, Own> = Suits<
  { readonly controller: C; readonly action: M },
  ParamsOf<T, Own>
>;

/** Schemas of responses, by status. */
export type Responses = NonNullable<ActionOptions['response']>;

/** Paths of named routes: `url('server', { id })`, and `url.server({ id })` for names known to the compiler. */
export type RouterUrl = (name: string, values?: UrlValues) => string;

/** Returns the paths of named routes. */
export function routerUrl(urls: UrlBuilder, names: Iterable<string>): RouterUrl {
  const url: RouterUrl = (name, values = {}) => urls.url(name, values, {});
  for (const name of names) {
    Object.defineProperty(url, name, { value: (values: UrlValues = {}) => url(name, values), configurable: true });
  }
  return url;
}

/** Options of a router's redirect: those of a route that apply to one, and its status. */
export interface RouterRedirectOptions
  extends Pick<
    MethodOptions,
    | 'name'
    | 'defaults'
    | 'requirements'
    | 'auth'
    | 'summary'
    | 'tags'
    | 'hidden'
    | '_filter'
    | '_encoding'
    | '_explicit'
    | '_minimize'
  > {
  /** Conditions besides the path: `method`, `subDomain`, `function`. Default: every request. */
  readonly conditions?: Conditions | null | undefined;
  /** Status: 301, 302, 303, 307 or 308, or with its reason in Routes' form: `301 Moved Permanently`. Default 302. */
  readonly _redirectCode?: string | number | undefined;
}

/** Options of a router's resource. */
export interface RouterResourceOptions extends ResourceOptions {
  /** Name of a controller, or the controller itself. Default: the collection name without outer slashes. */
  readonly controller?: string | ControllerSource | undefined;
  /** Actions to keep. */
  readonly only?: readonly string[] | undefined;
  /** Facts of its actions for documents: `{ tags: ['books'] }`. Default: those of the router. */
  readonly docs?: OperationDocs | undefined;
  /** Guard of its actions. Default: the router's. */
  readonly auth?: Auth | undefined;
  /** Actions to omit. */
  readonly except?: readonly string[] | undefined;
  /** False omits the routes with a format. Default true. */
  readonly formatted?: boolean | undefined;
  /**
   * Form of a member's id: a type (`'int'`, `'uuid'`, or a type of the router), whose value the action gets, or a regular expression; as
   * after the colon of `{id:…}`. Default: any segment.
   */
  readonly id?: string | undefined;
}

/** For a resource with a controller object: its methods for a member must accept an id of the resource's type. */
export type SuitsResource<O, Own> = O extends { readonly controller: infer C extends object }
  ? Suits<
      { readonly controller: C; readonly action: 'show' | 'update' | 'delete' | 'edit' | MembersOf<O> },
      { readonly id: O extends { readonly id: infer I } ? TypedValue<I, Own> : string }
    > extends infer Wrong extends { readonly action: unknown }
    ? { readonly controller: Wrong['action'] }
    : unknown
  : unknown;

type MembersOf<O> = O extends { readonly member: infer M } ? keyof M : never;
