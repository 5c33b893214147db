/**
 * Actions of one API: what all of them have in common is said once.
 */
import { type Action, type ActionOptions, action } from './action.js';
import { ActionRequest } from './action-request.js';
import { type MembersSince, querySince } from './schema-words.js';

/** What an action is declared with. */
export interface MadeActionOptions extends Omit<ActionOptions, 'query'> {
  /** Who may: a name that the API's `allow` knows. Default: everybody. */
  readonly policy?: string;
  /** Parameters by version; others are ignored below `strictFrom` and refused from there. */
  readonly query?: MembersSince;
  /** Default: the API's. */
  readonly strictFrom?: string;
}

/** What an API gives to its actions. */
export interface ActionMakerOptions<C> {
  /**
   * What each request carries besides: the store, who asks, the time. Its members are put on the request, also in place of
   * members of an `ActionRequest` such as `context`.
   */
  readonly extend: (request: ActionRequest) => object;
  /** Throws a `Fault` 403 where the request may not do what the policy names. Asked before the action runs. */
  readonly allow: (call: C, policy: string) => void;
  /** The version from which queries with unknown parameters are refused. */
  readonly strictFrom: string;
}

/** Declares an action; `B` is the type of its body. */
export type ActionMaker<C> = <B = unknown>(
  options: MadeActionOptions,
  handler: (call: C & { readonly body: B }) => unknown,
) => Action;

/**
 * Makes what declares an API's actions. `around` runs each of them: `(call, work) => call.store.transaction(work)` makes
 * one transaction of it. Default: as it is.
 *
 * ```ts
 * const writes = actionMaker<Call>({ extend, allow, strictFrom: '2.75' }, ({ store }, work) => store.write(work));
 * const remove = writes({ policy: 'flavors:delete', status: 204 }, ({ store, params }) => store.flavors.delete(params.id));
 * ```
 */
export function actionMaker<C extends Pick<ActionRequest, 'params'>>(
  { extend, allow, strictFrom: usually }: ActionMakerOptions<C>,
  around: (call: C, work: () => unknown) => unknown = (_call, work) => work(),
): ActionMaker<C> {
  return ({ policy, query, strictFrom = usually, ...options }, handler) =>
    action({ ...options, ...(query && { query: querySince(query, strictFrom) }) }, (request) => {
      const call = extended(request, extend(request)) as unknown as Parameters<typeof handler>[0];
      if (policy !== undefined) allow(call, policy);
      return around(call, () => handler(call));
    });
}

/** Most members are new, and assigned; one that every request has, such as a getter, cannot be. */
function extended(request: ActionRequest, members: object): ActionRequest {
  for (const [name, value] of Object.entries(members)) {
    if (!(name in ActionRequest.prototype)) (request as unknown as Record<string, unknown>)[name] = value;
    else Object.defineProperty(request, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return request;
}
