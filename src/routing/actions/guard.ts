/**
 * Guards of actions, which run before the body is read and checked.
 */
import type { ServerResponse } from 'node:http';
import type { Identity, RequestContext } from '../../app/index.js';
import type { Awaitable } from '../../service/index.js';
import type { ActionRequest } from './action-request.js';

/** Result of a guard: nothing, or the caller, whose context is then `request.context`. */
// biome-ignore lint/suspicious/noConfusingVoidType: a guard without a result
export type Accepted = Identity | RequestContext | undefined | void;

/**
 * Accepts a request, or throws a `Fault`, usually with status 401 or 403. A result of undefined accepts it too: `({ context }) => context`
 * lets anyone in, so begin with `if (context === undefined) throw new Fault(401)`. It gets what the action gets, but for the body. Without the
 * type `Guard` a function keeps the type of its result: if that is a caller, `request.context` is defined.
 */
export interface Guard {
  // biome-ignore lint/suspicious/noExplicitAny: the params of any path
  (request: ActionRequest<any>, response: ServerResponse): Awaitable<Accepted>;
  /** Its security schemes for OpenAPI, by name: `{ session: { type: 'apiKey', in: 'cookie', name: 'sid' } }`. */
  readonly security?: Readonly<Record<string, object>> | undefined;
  /** True if it accepts requests without credentials; for documents. Default false. */
  readonly optional?: boolean | undefined;
}

/**
 * Allowed callers of an action: `true`, users whom a filter of the pipeline has identified (`environ(req).identity`); `false`, anyone; or
 * those that a guard accepts.
 */
export type Auth = boolean | Guard;

/** The caller behind `auth: true`: a user whom a filter has identified. */
export type KnownCaller = RequestContext & { readonly userId: string };

/** Type of the context with options `O`, in a router or route whose own `auth` is `A`: `true`, and a guard that returns a caller, give one. */
export type ContextOf<O, A = undefined> = KnownBy<O extends { readonly auth: infer Own } ? Own : A>;

/** A router of any type tells nothing. */
type KnownBy<A> = 0 extends 1 & A
  ? RequestContext | undefined
  : [A] extends [true]
    ? KnownCaller
    : [A] extends [(...given: never) => infer R]
      ? [Awaited<R>] extends [object]
        ? RequestContext
        : RequestContext | undefined
      : RequestContext | undefined;
