/**
 * Files and Unix sockets in directories that other users may reach.
 *
 * They have their mode from the beginning: a mode that is set afterwards leaves a moment in which others may open them, and may be
 * set on another file that was put under the name, through a link as well.
 */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
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
 * Windows has no such users. A user who can write to a directory could choose by a link which file of ours is written.
 */
export function refuseForeignLink(path: string): void {
  const user = process.geteuid?.();
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (user === undefined || link?.isSymbolicLink() !== true || link.uid === user || link.uid === 0) return;
  throw new Error(`${path} is a link, and of another user (${link.uid})`);
}

/**
 * Opens a file to append to, made with `mode` where there is none. Throws for one that another user may have put there: through a
 * link, or as a file of that user in a directory where others than this user and root may write.
 */
export function openToAppend(path: string, mode: number): number {
  refuseForeignLink(path);
  const link = lstatSync(path, { throwIfNoEntry: false });
  // A pipe of another user would not open before that user reads it.
  if (link !== undefined) refuseForeignFile(path, statSync(path));
  // A link that is put there meanwhile is not followed.
  const noFollow = link?.isSymbolicLink() === true ? 0 : constants.O_NOFOLLOW;
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow, mode);
  try {
    refuseForeignFile(path, fstatSync(descriptor));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return descriptor;
}

function refuseForeignFile(path: string, { uid }: Stats): void {
  if (isTrusted(uid)) return;
  const folder = statSync(dirname(resolve(path)));
  if (isTrusted(folder.uid) && (folder.mode & 0o022) === 0) return;
  throw new Error(`${path} is of another user (${uid}), in a directory where others may write`);
}

/** Of this user or of root. Windows has no such users. */
function isTrusted(uid: number): boolean {
  const user = process.geteuid?.();
  return user === undefined || uid === user || uid === 0;
}
