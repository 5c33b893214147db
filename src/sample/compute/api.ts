/** Common parts of the compute API's controllers. */
import { type FactoryContext, Fault } from 'portico/app';
import type { ServiceRegistry } from 'portico/registry';
import type { ActionRequest } from 'portico/routing';
import type { RPCClient } from 'portico/rpc';
import type { Cloud, Settings } from '../cloud.js';

/** Parts that controllers share over all requests. */
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

/** A controller. It holds no state of its own. */
export abstract class Controller {
  protected readonly api: ComputeApi;
  protected readonly cloud: Cloud;
  protected readonly settings: Settings;

  constructor(api: ComputeApi) {
    this.api = api;
    this.cloud = api.cloud;
    this.settings = api.settings;
  }
}

/** The user and project of a request. */
export interface Caller {
  readonly userId: string;
  /** Null: the token is for a domain, for the whole system, or for nothing. It never means all projects. */
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/** The user and project that the filter `context` or `noauth` found. 401 where neither found a user. */
export function callerOf({ context }: ActionRequest): Caller {
  const { userId, projectId = null, isAdmin = false } = context ?? {};
  return { userId: userId ?? refuse(401, 'The request requires authentication.'), projectId, isAdmin };
}

/** The project that the caller acts for. 403 for one without; the policy is nova's name of what it wants to do. */
export function projectOf(request: ActionRequest, policy: string): string {
  return callerOf(request).projectId ?? refuse(403, `${policyRefuses(policy)} The token is for no project.`);
}

/** Answers with a fault. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** 403 for all but administrators. The policy is nova's name of what they want to do. */
export function requireAdmin(request: ActionRequest, policy: string): void {
  if (!callerOf(request).isAdmin) refuse(403, policyRefuses(policy));
}

function policyRefuses(policy: string): string {
  return `Policy doesn't allow os_compute_api:${policy} to be performed.`;
}

/** Whether the caller may see a record of that project: one of its own, or any where it is an administrator. */
export function maySee(request: ActionRequest, policy: string): (record: { readonly project_id: string }) => boolean {
  if (callerOf(request).isAdmin) return () => true;
  const projectId = projectOf(request, policy);
  return ({ project_id }) => project_id === projectId;
}

/** A value that has an order. Null comes before everything. */
type Sortable = string | number | boolean | null;

/** Sort keys of a list, each with the function that reads its value. */
export type SortKeys<R> = Readonly<Record<string, (record: R) => Sortable>>;

/** Sorts by several keys, each `asc` or `desc`; the last direction holds for the keys that have none. */
export function sorted<R>(
  records: readonly R[],
  sortKeys: SortKeys<R>,
  keys: readonly string[],
  directions: readonly string[],
): R[] {
  return records.toSorted((left, right) => {
    for (const [index, key] of keys.entries()) {
      const difference = compare(sortKeys[key]!(left), sortKeys[key]!(right));
      const descending = (directions[index] ?? directions.at(-1)) === 'desc';
      if (difference !== 0) return descending ? -difference : difference;
    }
    return 0;
  });
}

function compare(a: Sortable, b: Sortable): number {
  if (a === b) return 0;
  return a === null || (b !== null && a < b) ? -1 : 1;
}
