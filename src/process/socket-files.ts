/** The files of Unix sockets: detects listeners, removes stale files. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';

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
