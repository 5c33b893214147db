/**
 * Whether an address could be had now, and which process has it.
 */
import { createServer } from 'node:net';
import { connectError } from '../process/index.js';
import type { ListenAddress } from '../service/index.js';
import { holderOf } from '../service/internal.js';

/** Why an address cannot be had at the moment, with who has it where the system tells; undefined where it can. */
export async function whyTaken(address: ListenAddress): Promise<string | undefined> {
  if ('path' in address) {
    if ((await connectError(address.path)) !== undefined) return undefined;
    return `another process already listens on ${address.path}${heldBy(address)}`;
  }
  // Any free port is always to be had.
  if (address.port === 0) return undefined;
  const error = await bindError(address.host, address.port);
  if (error === undefined) return undefined;
  if (error.code !== 'EADDRINUSE') return `it cannot be bound now: ${error.message}`;
  return `another process already listens on port ${address.port}${heldBy(address)}`;
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
