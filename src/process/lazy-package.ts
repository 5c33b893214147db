/**
 * Packages that are loaded when they are first needed. By then a process may have no descriptor left: a failure is neither
 * thrown nor kept, and callers do without.
 */
import { performance } from 'node:perf_hooks';

/** After a failure so long passes before the next attempt, in milliseconds: it may go through the whole file system. */
const AGAIN_AFTER_MS = 5000;

/** Packages that were not needed by then are loaded all the same, in milliseconds. */
const SOON_MS = 1000;

/** Loads behind the start, so that it is there when no file can be opened any more. Keeps nothing alive. */
export function loadSoon(load: () => unknown): void {
  setTimeout(load, SOON_MS).unref();
}

/** What `load` gives, once it gave it. Undefined while that fails, which is tried again every five seconds at most. */
export function lazyPackage<T extends object>(load: () => T): () => T | undefined {
  let loaded: T | undefined;
  let next = Number.NEGATIVE_INFINITY;
  return () => {
    if (loaded !== undefined || performance.now() < next) return loaded;
    try {
      loaded = load();
    } catch {
      next = performance.now() + AGAIN_AFTER_MS;
    }
    return loaded;
  };
}
