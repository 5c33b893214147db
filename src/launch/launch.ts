/**
 * One service, launched as its number of workers asks for; and oslo.service's pair of functions for such programs: `serve`,
 * then `wait`.
 */

import { PorticoError } from '../errors/index.js';
import type { ServiceBase } from '../service/index.js';
import { checkRestartMethod, checkService, checkWorkers, type Launcher, type LauncherOptions } from './launcher.js';
import type { ProcessLauncherOptions } from './parent/fleet-runner.js';
import { ProcessLauncher } from './process-launcher.js';
import { ServiceLauncher } from './service-launcher.js';

/** What {@link launch} can be told. */
export interface LaunchOptions extends LauncherOptions, Pick<ProcessLauncherOptions, 'entry'> {
  /** Processes. Default 1: in this process, and a service that dies there is not started again. */
  readonly workers?: number | null;
  /** Accepted for the sake of oslo.service's users: one worker never forks here. */
  readonly noFork?: boolean;
}

/**
 * Launches a service and gives the launcher, whose `wait()` the caller then awaits. Checks, in this order and before
 * anything happens: the type of `workers` (`TypeError`), its range, the restart method (`RangeError`), the service's shape
 * (`TypeError`). Rejects as `launchService` does.
 */
export async function launch(service: ServiceBase, options: LaunchOptions = {}): Promise<Launcher> {
  const { workers: asked, noFork, ...rest } = options;
  const workers = checkWorkers(asked);
  checkRestartMethod(options.restartMethod);
  checkService(service);
  if (noFork) options.log?.debug('no_fork is ignored: one worker runs in this process anyway');
  const launcher = workers === 1 ? new ServiceLauncher(rest) : new ProcessLauncher(rest);
  await launcher.launchService(service, { workers });
  return launcher;
}

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
