/**
 * Files and Unix sockets in directories that other users can access.
 *
 * They have their mode from their creation. A mode set later would leave a moment in which others can open the file, and could be set on
 * another file put under that name, also through a link.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { connect } from 'node:net';
import { dirname, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * Runs `make`, which creates `path` before it returns, so that other processes never have more access to it than `mode`. A worker thread
 * cannot set the umask; there the mode is set afterwards.
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
 * Throws if `path` is a symbolic link owned by neither this user nor root, because a user who can write to the directory could choose by
 * a link which of our files is written. Windows has no such users: nothing is refused there.
 */
export function refuseForeignLink(path: string): void {
  const user = process.geteuid?.();
  const link = lstatSync(path, { throwIfNoEntry: false });
  if (user === undefined || link?.isSymbolicLink() !== true || link.uid === user || link.uid === 0) return;
  throw new Error(`${path} is a link, and of another user (${link.uid})`);
}

/**
 * Opens a file for appending and returns its descriptor; creates it with `mode` if it does not exist. Throws if another user may have
 * put the file there: through a link, or as its owner in a directory that is writable by users other than this one and root.
 */
export function openToAppend(path: string, mode: number): number {
  refuseForeignLink(path);
  const link = lstatSync(path, { throwIfNoEntry: false });
  // Checks before opening, because another user's pipe would block until that user reads it.
  if (link !== undefined) refuseForeignFile(path, statSync(path));
  // A link created meanwhile is not followed.
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

/** Reports whether the owner is this user or root. Always true on Windows, which has no such users. */
function isTrusted(uid: number): boolean {
  const user = process.geteuid?.();
  return user === undefined || uid === user || uid === 0;
}

// The files of Unix sockets: detects listeners, removes stale files.

/** Returns the code of the error when connecting to a Unix socket, or undefined if a process accepts. Sends no data. */
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

/** Removes a socket file without a listener, left by a killed process. Keeps any other file. */
export async function removeStaleSocket(path: string): Promise<void> {
  // A socket in the abstract namespace has no file.
  if (path.startsWith('\0') || !isSocket(path)) return;
  if ((await connectError(path)) === 'ECONNREFUSED') unlinkSync(path);
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  } catch {
    // The path is not accessible; the caller's bind reports the reason.
    return false;
  }
}
