/** Facts of a launcher's services for operators: their limits, and their apps as planned. */
import type { Config } from '../config/index.js';
import type { ControlledLauncher } from '../operating/internal.js';
import { launcherOptions } from './launcher-options.js';
import { type HostProcess, programName } from './process/host-process.js';
import { servicePlans } from './reload/service-plans.js';
import type { Runner } from './runner.js';

type Asked = Pick<ControlledLauncher, 'config' | 'name' | 'script' | 'env' | 'maxWorkers' | 'planned'>;

/** Returns the facts of a program and its services that the control socket needs. */
export function controlledServices(host: HostProcess, runner: Runner, config: () => Config | undefined): Asked {
  return {
    config,
    name: programName(host),
    script: host.argv[1],
    env: host.env,
    maxWorkers: () => config()?.group('DEFAULT', launcherOptions).maxWorkers ?? Number.POSITIVE_INFINITY,
    planned: () => [...servicePlans(runner.services, config()).plans].map(([name, { app }]) => ({ name, app })),
  };
}
