/**
 * Files and Unix sockets in directories that other users may reach.
 *
 * They have their mode from the beginning: a mode that is set afterwards leaves a moment in which others may open them, and may be
 * set on another file that was put under the name, through a link as well.
 */
import { chmodSync, lstatSync } from 'node:fs';
import { connect } from 'node:net';
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

/**
 * Throws where `path` is a symbolic link that belongs to neither this user nor root.
 * Windows has no such users. Who may write to a directory could choose by a link which file of ours is written.
 */
export function refuseForeignLink(path: string): void {
  const user = process.geteuid?.();
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (user === undefined || link?.isSymbolicLink() !== true || link.uid === user || link.uid === 0) return;
  throw new Error(`${path} is a link, and of another user (${link.uid})`);
}

/** The code of the error with which a Unix socket cannot be connected to; undefined: a process answers. Sends nothing. */
export function connectError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'UNKNOWN'));
  });
}
