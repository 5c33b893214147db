/**
 * One service, launched in the way its number of workers asks for.
 */
import type { ServiceBase } from '../service/index.js';
import { checkRestartMethod, checkService, checkWorkers } from './launch-arguments.js';
import type { Launcher, LauncherOptions } from './launcher.js';
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
