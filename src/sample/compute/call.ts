/** Requests as the controllers of the sample see them, and actions as transactions. */
import { type Environ, Fault, type RequestContext } from 'portico/app';
import type { ServiceRegistry } from 'portico/registry';
import {
  type Action,
  type ActionOptions,
  type ActionRequest,
  action,
  collectionPage,
  type MembersSince,
  querySince,
  type View,
} from 'portico/routing';
import type { Cloud } from '../cloud.js';
import type { Settings } from '../settings.js';

declare module 'portico/app' {
  interface Environ {
    /** What all requests of the compute API share. */
    sample?: {
      readonly cloud: Cloud;
      readonly settings: Settings;
      /** Null where the configuration names none; and under which name the API is in it. */
      readonly registry: ServiceRegistry | null;
      readonly service: string;
    };
  }
}

/** One request, in its transaction: with what all requests share, who asks, and when. */
export type Call<B = unknown> = ActionRequest<Readonly<Record<string, string>>, B> &
  NonNullable<Environ['sample']> & { readonly who: Caller; readonly now: number };
type Caller = RequestContext & { readonly userId: string; readonly projectId: string };

interface Options extends Omit<ActionOptions, 'query'> {
  /** Administrators only; the policy's name. */
  readonly admin?: string;
  /** Parameters; others are ignored below `strictFrom` (default 2.75) and refused from there. */
  readonly query?: MembersSince;
  readonly strictFrom?: string;
}

/** An action that only looks. */
export function reads<B = unknown>(options: Options, handler: (call: Call<B>) => unknown): Action {
  return declared<B>(options, (call) => call.cloud.read(() => handler(call)));
}

/** An action that changes something: all of it or, when it throws, nothing. */
export function writes<B = unknown>(options: Options, handler: (call: Call<B>) => unknown): Action {
  return declared<B>(options, (call) => call.cloud.write(() => handler(call)));
}

/** An action. `run` opens its transaction itself. */
export function declared<B>(
  { admin, query, strictFrom = '2.75', ...options }: Options,
  run: (call: Call<B>) => unknown,
) {
  return action({ ...options, ...(query && { query: querySince(query, strictFrom) }) }, (request) => {
    const known = { ...request.environ.sample, who: request.context, now: Date.now() };
    const call = Object.assign(request, known) as unknown as Call<B>;
    if (admin !== undefined) allow(call, admin);
    return run(call);
  });
}

/** Answers with a fault. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** 403 for everybody but administrators. */
export function allow({ who }: Call, policy: string): void {
  if (!who.isAdmin) refuse(403, `Policy doesn't allow os_compute_api:${policy} to be performed.`);
}

/** One page of a list: `{flavors: […], flavors_links: […]}`. */
export function page<R extends object>(
  call: Call,
  name: string,
  all: readonly R[],
  show: View<R, Call>,
  marker?: keyof R & string,
): object {
  const { maxLimit } = call.settings;
  return collectionPage(call, name, all, { show: (item) => show(item, call), marker, maxLimit });
}
