/**
 * oslo.service's pair of functions for programs with one service: `serve`, then `wait`.
 */
import { PorticoError } from '../errors/index.js';
import type { ServiceBase } from '../service/index.js';
import { type LaunchOptions, launch } from './launch.js';
import type { Launcher } from './launcher.js';

/** The one mutable state of a module here: the pair exists so that a program need not pass a launcher around. */
let served: Promise<Launcher> | undefined;

/**
 * Launches the program's service; on SIGHUP it changes mutable options in place, unless told otherwise. Rejects as
 * `launch` does, and with `PORTICO_ALREADY_SERVING` when called twice.
 */
export async function serve(service: ServiceBase, options: LaunchOptions = {}): Promise<void> {
  if (served !== undefined) {
    throw new PorticoError('PORTICO_ALREADY_SERVING', { message: 'serve() can only be called once' });
  }
  served = launch(service, { restartMethod: 'mutate', ...options });
  // Arguments that were refused had no effect: the program may try again.
  served.catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof RangeError) served = undefined;
  });
  await served;
}

/** Waits for what {@link serve} launched; gives the exit status. Rejects with `PORTICO_NOT_SERVING` before it. */
export async function wait(): Promise<number> {
  if (served === undefined) {
    throw new PorticoError('PORTICO_NOT_SERVING', {
      message: 'nothing is served yet',
      hint: 'Call serve(service) first.',
    });
  }
  return (await served).wait();
}
