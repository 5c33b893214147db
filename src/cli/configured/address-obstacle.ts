/**
 * Obstacles to binding an address: the process that holds it, or an error of the system.
 */
import { accessSync, constants, lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { ignoreErrors } from '../../errors/index.js';
import { connectError } from '../../process/index.js';
import type { ListenAddress } from '../../service/index.js';
import { BindError, holderOf } from '../../service/internal.js';

/** Reason why an address cannot be bound at present. */
export interface AddressObstacle {
  readonly code: 'PORTICO_ADDRESS_TAKEN' | 'PORTICO_START_FAILED';
  readonly message: string;
  readonly hint: string;
}

/** Returns the obstacle to binding an address, with its holder if the system knows it; undefined if there is none. */
export async function addressObstacle(address: ListenAddress): Promise<AddressObstacle | undefined> {
  if ('path' in address) {
    const error = await connectError(address.path);
    // A listener with a full queue accepts no connection.
    if (error === undefined || error === 'EAGAIN') return taken(address, address.path);
    return address.path.startsWith('\0') ? undefined : fileObstacle(address.path, error);
  }
  // A free port is always available.
  if (address.port === 0) return undefined;
  const error = await bindError(address.host, address.port);
  if (error === undefined) return undefined;
  if (error.code === 'EADDRINUSE') return taken(address, `port ${address.port}`);
  const { hint = 'Correct the address.' } = new BindError(error.code ?? '', address, { cause: error });
  return unbindable(error.message, hint);
}

/**
 * Returns the obstacle for a unix socket whose connection failed with this code. Does not create the file: a start may run as another user,
 * with a folder that its service manager creates.
 */
function fileObstacle(path: string, code: string): AddressObstacle | undefined {
  const folder = dirname(path);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error as NodeJS.ErrnoException;
    if (reason.code === 'ENOENT')
      return unbindable(`the folder ${folder} does not exist`, `Create it, or ${ELSEWHERE}`);
    return unbindable(reason.message, `Give this user the right to create files in it, or ${ELSEWHERE}`);
  }
  const isSocket = ignoreErrors(() => lstatSync(path).isSocket());
  if (isSocket === false) return unbindable(`${path} is there, and is no socket`, `Remove it, or ${ELSEWHERE}`);
  // A start replaces a socket without a listener.
  if (isSocket === undefined || code === 'ECONNREFUSED') return undefined;
  return unbindable(`${path} is there, and cannot be connected to (${code})`, `Remove it, or ${ELSEWHERE}`);
}

const ELSEWHERE = 'choose another path.';

function taken(address: ListenAddress, place: string): AddressObstacle {
  const message = `another process already listens on ${place}${heldBy(address)}`;
  const hint = 'This is fine if it is the service that you want to reload. A second start fails with status 1.';
  return { code: 'PORTICO_ADDRESS_TAKEN', message, hint };
}

function unbindable(why: string, remedy: string): AddressObstacle {
  const hint = `${remedy} As it is now, a start fails with status 1.`;
  return { code: 'PORTICO_START_FAILED', message: `it cannot be bound now: ${why}`, hint };
}

function bindError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function heldBy(address: ListenAddress): string {
  const holder = holderOf(address);
  return holder === undefined ? '' : `: ${holder}`;
}
