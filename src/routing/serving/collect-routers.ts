/**
 * The routers behind an app: those that are built while it is loaded.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Router } from '../router.js';

/** Follows the calls of one `collectRouters`, so that two of them at a time see their own routers. */
const collecting = new AsyncLocalStorage<Router[]>();

/** Runs `load`, and gives the routers that were built within it, with its result. */
export async function collectRouters<T>(load: () => Promise<T>): Promise<{ routers: readonly Router[]; result: T }> {
  const routers: Router[] = [];
  const result = await collecting.run(routers, load);
  return { routers, result };
}

/** Called by a router that was built. */
export function noteRouter(router: Router): void {
  collecting.getStore()?.push(router);
}
