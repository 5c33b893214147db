/**
 * A socket file that only its user may open: where a backdoor and the control server listen.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { connectError, createWithMode } from '../../process/index.js';

/** Why a socket file cannot be listened on. */
export class SocketTaken extends Error {}

/**
 * Listens on `path`, with mode 0600. A file that a dead process left is replaced. Rejects with {@link SocketTaken} for one
 * that is no socket, that another process answers on, or that cannot be made.
 */
export async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await bindPath(server, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw new SocketTaken((error as Error).message, { cause: error });
    }
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false) throw new SocketTaken('it is not a socket');
    if ((await connectError(path)) === undefined) throw new SocketTaken('another process answers on it');
    unlinkSync(path);
    await bindPath(server, path);
  }
}

function bindPath(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const listen = (): unknown =>
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    createWithMode(path, 0o600, listen);
  });
}
