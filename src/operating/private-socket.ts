/**
 * A socket file that only its user may open, for backdoors and control servers.
 */
import { once } from 'node:events';
import { lstatSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { ignoreErrors, PorticoError } from '../errors/index.js';
import { connectError, createWithMode, removeStaleSocket } from '../process/index.js';

/** Owner of the socket, and the remedy if it cannot be created. */
interface Listener {
  /** Code of the error. */
  readonly code: string;
  readonly who: string;
  readonly hint: string;
}

/**
 * Listens on `path`, with mode 0600. Replaces a file that a dead process left. Rejects with the code for a file that is
 * not a socket, on which another process listens, that this user may not connect to, or that cannot be created.
 */
export async function listenOnPath(server: Server, path: string, { code, who, hint }: Listener): Promise<void> {
  const refused = (why: string, cause?: unknown, how: string | undefined = hint): PorticoError =>
    new PorticoError(code, { message: `${who} cannot listen on ${path}: ${why}`, hint: how, cause });
  await removeStaleSocket(path);
  try {
    await once(
      createWithMode(path, 0o600, () => server.listen(path)),
      'listening',
    );
  } catch (error) {
    const folder = dirname(path);
    // The system reports EACCES then.
    if (isMissing(folder))
      throw refused(`the folder ${folder} does not exist`, error, 'Create it, or choose another path.');
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw refused((error as Error).message, error);
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) throw refused('it is not a socket');
    // A socket of another user, perhaps left from a dead process.
    if ((await connectError(path)) === 'EACCES') throw refused('permission denied (EACCES)');
    throw refused('another process responds on it');
  }
}

function isMissing(folder: string): boolean {
  return ignoreErrors(() => statSync(folder, { throwIfNoEntry: false }) === undefined) === true;
}
