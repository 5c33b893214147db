/**
 * Files and sockets that have their mode from the beginning: a mode that is set afterwards leaves a moment in which other
 * users may open them, and may be set on another file that was put under the name, through a link as well.
 */
import { chmodSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Runs `make`, which makes `path` before it returns, such that no other process may do more with it than `mode` says. A worker
 * thread cannot do that; there the mode is set afterwards.
 */
export function createWithMode<T>(path: string, mode: number, make: () => T): T {
  if (!isMainThread) {
    const made = make();
    chmodSync(path, mode);
    return made;
  }
  const before = process.umask(0o777 & ~mode);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}
