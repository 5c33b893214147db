/** Requests as the controllers of the sample see them, and actions as transactions. */
import { type Environ, Fault, type RequestContext } from 'portico/app';
import { collectionPage } from 'portico/openstack';
import type { ServiceRegistry } from 'portico/registry';
import { type ActionRequest, actionMaker, type View } from 'portico/routing';
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
export type Call<B = unknown> = ActionRequest<Readonly<Record<string, string>>> &
  NonNullable<Environ['sample']> & { readonly body: B; readonly who: Caller; readonly now: number };
type Caller = RequestContext & { readonly userId: string; readonly projectId: string };

const api = {
  extend: ({ environ, context }: ActionRequest) => Object.assign({ who: context, now: Date.now() }, environ.sample),
  allow,
  strictFrom: '2.75',
};

/** An action that opens its transaction itself. */
export const declared = actionMaker<Call>(api);
/** An action that only looks. */
export const reads = actionMaker<Call>(api, ({ cloud }, work) => cloud.read(work));
/** An action that changes something: all of it or, when it throws, nothing. */
export const writes = actionMaker<Call>(api, ({ cloud }, work) => cloud.write(work));

/** Answers with a fault. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** 403 for everybody but administrators. */
export function allow({ who }: Pick<Call, 'who'>, policy: string): void {
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
