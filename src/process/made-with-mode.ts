/**
 * What is made in the file system with its mode from the beginning: a mode that is set afterwards leaves a moment in which
 * others may open it, and is set on whatever stands under the name by then, through a link as well.
 */
import { chmodSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Runs `make`, which makes `path` before it returns, such that no other process may do more with it than `mode` says. A worker
 * thread cannot do that; there the mode is set afterwards.
 */
export function madeWithMode<T>(path: string, mode: number, make: () => T): T {
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
