/** Files of Unix sockets: whether a process listens on one. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

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

/** Removes a socket file that nothing listens on, left by a process that was killed. Anything else stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  // In the abstract namespace there is no file.
  if (path.startsWith('\0') || !isSocket(path)) return;
  if ((await connectError(path)) === 'ECONNREFUSED') unlinkSync(path);
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
  } catch {
    // A path that cannot be reached: the caller's bind says why.
    return false;
  }
}
