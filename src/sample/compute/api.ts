/** What the controllers of the compute API have in common. */
import { type FactoryContext, Fault, type RequestContext } from 'portico/app';
import type { ServiceRegistry } from 'portico/registry';
import type { ActionRequest } from 'portico/routing';
import type { RPCClient } from 'portico/rpc';
import type { Cloud } from '../cloud.js';
import type { Settings } from '../settings.js';

/** What controllers work with: the same for all requests. */
export interface ComputeApi {
  readonly cloud: Cloud;
  readonly settings: Settings;
  /** Calls the managers of hosts. Null: remote calls stay in the process, and the API simulates the one host there is. */
  readonly hosts: RPCClient | null;
  /** The services of this deployment. Null where the configuration names no registry. */
  readonly registry: ServiceRegistry | null;
  readonly log: FactoryContext['log'];
  /** The name of this API's own service in the registry. */
  readonly service: string;
}

/** Who asks. */
export type Caller = RequestContext & { readonly userId: string; readonly projectId: string };

/** Who asks. The filter `noauth` has put it into the request. */
export function callerOf(request: ActionRequest): Caller {
  return request.context as Caller;
}

/** Answers with a fault. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** 403 for all but administrators. The policy is nova's name of what they want to do. */
export function requireAdmin(request: ActionRequest, policy: string): void {
  if (!callerOf(request).isAdmin) refuse(403, `Policy doesn't allow os_compute_api:${policy} to be performed.`);
}
