/**
 * A router as what describes it sees it, and the routers that were built while a module was loaded.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Filter } from '../app/index.js';
import type { RangedOptions } from './actions/action.js';
import type { Mapper } from './mapper/mapper.js';
import type { Route } from './mapper/route.js';
import type { Found } from './matching/compiled-route.js';
import type { VersionOptions } from './versions/version-negotiation.js';

/** What a route runs. */
export interface OperationSource {
  readonly controller: string;
  readonly action: string;
  /** Options of its methods, the oldest versions first. */
  readonly methods: readonly RangedOptions[];
  readonly filters: readonly Filter[];
}

/** What documents are made of: a `Router`. */
export interface BuiltRouter extends Mapper {
  readonly versions: VersionOptions | undefined;
  find(method: string, path: string): Found | null;
  isMount(route: Route): boolean;
  filterNames(route: Route): string[];
  operationSource(route: Route): OperationSource | null;
}

/** Follows the calls of one `collectRouters`, so that two of them at a time see their own routers. */
const collecting = new AsyncLocalStorage<BuiltRouter[]>();

/** Runs `load`, and gives the routers that were built within it, with its result. */
export async function collectRouters<T>(
  load: () => Promise<T>,
): Promise<{ routers: readonly BuiltRouter[]; result: T }> {
  const routers: BuiltRouter[] = [];
  const result = await collecting.run(routers, load);
  return { routers, result };
}

/** Called by a router that was built. */
export function noteRouter(router: BuiltRouter): void {
  collecting.getStore()?.push(router);
}
