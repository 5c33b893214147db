/**
 * Options of `connect` and `resource`, and the mistakes in them that the compiler refuses.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ActionRequest } from './actions/action-request.js';
import type { ControllerSource } from './actions/controllers.js';
import type { Auth } from './actions/guard.js';
import type { OperationDocs } from './actions/operation-docs.js';
import type { ResourceOptions } from './mapper/resource-routes.js';
import type { RouteSettings } from './mapper/route-settings.js';
import type { ParamsOf, TypedValue } from './route/param-types.js';
import type { RouteOptions } from './route/route.js';
import type { RouteHandler } from './route-method.js';
import type { UrlBuilder, UrlValues } from './urls/url-builder.js';

/** Options of a router's route. Any name that is not listed is a default, as in a mapper. */
// biome-ignore lint/suspicious/noExplicitAny: the types of any router
export interface ConnectOptions<T extends string = string, Own = any>
  extends RouteOptions,
    Omit<RouteSettings, 'handler'> {
  /** Name of a controller, or the controller itself. */
  readonly controller?: string | ControllerSource | null | undefined;
  /** Method of the controller. Default: the value of the variable `{action}` in the path. */
  readonly action?: string | null | undefined;
  /** Handler function of a route without a controller. The type of its params follows from the template. */
  readonly handler?: RouteHandler<T, object, Own, unknown> | undefined;
}

/** The names that {@link ConnectOptions} lists. */
type Listed = keyof { [K in keyof ConnectOptions as string extends K ? never : number extends K ? never : K]: true };

/** Type of literal options: names that are not listed are defaults, which are texts, numbers or booleans. */
export type Spelt<O, T extends string> = string extends keyof O
  ? unknown
  : Suits<O, ParamsOf<T>> & {
      readonly [K in Exclude<keyof O, Listed>]: K extends keyof ParamsOf<T>
        ? unknown
        : K extends 'method' | 'methods'
          ? never
          : string | number | boolean | null | undefined;
    };

/** Refuses a controller whose methods require variables of another type than the path has. */
type Suits<O, P> = O extends { readonly controller: infer C extends object; readonly action: infer A }
  ? Misfits<C, A, P> extends never
    ? unknown
    : { readonly action: `${A & string} expects another type of the path's variables: ${Misfits<C, A, P> & string}` }
  : unknown;

/** Variables that a method of a controller requires in another type than `P` has. */
type Misfits<C, A, P> = A extends keyof InstanceOf<C> ? Unfit<WantedBy<InstanceOf<C>[A]>, P> : never;

type InstanceOf<C> = C extends new () => infer I ? I : C;

type WantedBy<M> = M extends readonly (infer One)[]
  ? WantedBy<One>
  : M extends (request: ActionRequest<infer P, never, never, IncomingHttpHeaders, never>, ...rest: never) => unknown
    ? P
    : unknown;

type Unfit<Wanted, P> = {
  [K in keyof Wanted & keyof P]: P[K] extends Wanted[K] ? never : K;
}[keyof Wanted & keyof P];

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
