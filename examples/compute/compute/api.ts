/** Common parts of the controllers of the compute API. */
import { type FactoryContext, Fault } from 'portico/app';
import type { ServiceRegistry } from 'portico/registry';
import type { ActionRequest } from 'portico/routing';
import type { RPCClient } from 'portico/rpc';
import type { Cloud, Settings } from '../cloud.js';

/** Objects that all controllers and requests share. */
export interface ComputeApi {
  readonly cloud: Cloud;
  readonly settings: Settings;
  /** Calls the host managers. Null: remote calls stay in the process, and the API simulates one host. */
  readonly hosts: RPCClient | null;
  /** The services of this deployment. Null if the configuration names no registry. */
  readonly registry: ServiceRegistry | null;
  readonly log: FactoryContext['log'];
  /** The name of this API in the service registry. */
  readonly service: string;
}

/** The base class of controllers. They keep no state between requests. */
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
  /** Null: the token is for a domain, for the whole system, or unscoped. Null never means all projects. */
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/** Returns the user and project that the filter `context` or `noauth` has set. 401 if there is no user. */
export function callerOf({ context }: ActionRequest): Caller {
  const { userId, projectId = null, isAdmin = false } = context ?? {};
  return { userId: userId ?? refuse(401, 'The request requires authentication.'), projectId, isAdmin };
}

/** Returns the caller's project. 403 if there is none. `policy` is nova's name of the operation. */
export function projectOf(request: ActionRequest, policy: string): string {
  return callerOf(request).projectId ?? refuse(403, `${policyRefuses(policy)} The token is for no project.`);
}

/** Throws a fault, which becomes the response. */
export function refuse(status: number, message: string): never {
  throw new Fault(status, { message });
}

/** Throws 403 unless the caller is an administrator. `policy` is nova's name of the operation. */
export function requireAdmin(request: ActionRequest, policy: string): void {
  if (!callerOf(request).isAdmin) refuse(403, policyRefuses(policy));
}

function policyRefuses(policy: string): string {
  return `Policy doesn't allow os_compute_api:${policy} to be performed.`;
}

/**
 * Returns a test whether the caller may see a record: one of the caller's project or, for administrators, any. 403 for other callers
 * without a project.
 */
export function maySee(request: ActionRequest, policy: string): (record: { readonly project_id: string }) => boolean {
  if (callerOf(request).isAdmin) return () => true;
  const projectId = projectOf(request, policy);
  return ({ project_id }) => project_id === projectId;
}

/** A value that can be sorted. Null comes first. */
type Sortable = string | number | boolean | null;

/** The sort keys of a list, with functions that read their values. */
export type SortKeys<R> = Readonly<Record<string, (record: R) => Sortable>>;

/** Sorts by several keys, each `asc` or `desc`. Keys without a direction get the last one. */
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
