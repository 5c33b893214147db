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
