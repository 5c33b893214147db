/**
 * Options of services with managers.
 */
import { boolean, type Config, defineOptions, duration, integer } from '../config/index.js';
import type { ManagerOption } from './manager.js';
import type { ManagerPeriodicOptions } from './managers-periodic-tasks.js';

/** The options in `[DEFAULT]` for all services with managers, whatever their protocol. */
export const managerOptions = defineOptions('DEFAULT', {
  periodic_enable: boolean({ default: true, help: 'Run the periodic tasks of managers.' }),
  periodic_fuzzy_delay: integer({
    default: 60,
    min: 0,
    help: 'Maximum random delay in seconds before the first periodic task, so that processes do not start together.',
    advanced: true,
  }),
  periodic_interval_max: integer({
    min: 1,
    help: 'Maximum number of seconds between checks for due tasks.',
    advanced: true,
  }),
  run_external_periodic_tasks: boolean({
    default: true,
    help: 'Run periodic tasks that a separate process could run.',
    advanced: true,
  }),
  manager_shutdown_timeout: duration({
    default: 50,
    help: 'Seconds for managers to finish in a graceful shutdown, less than graceful_shutdown_timeout.',
  }),
});

/** Settings from {@link managerOptions} for `new ManagerHooks`. */
export interface ManagerSettings {
  readonly periodic: ManagerPeriodicOptions;
  readonly managerShutdownMs: number;
}

/** Reads {@link managerOptions}. */
export function managerSettings(config: Config): ManagerSettings {
  const options = config.group('DEFAULT', managerOptions, { partial: true });
  return {
    managerShutdownMs: options.managerShutdownTimeout * 1000,
    periodic: {
      enable: options.periodicEnable,
      fuzzyDelay: options.periodicFuzzyDelay,
      intervalMax: options.periodicIntervalMax ?? null,
      runExternalPeriodicTasks: options.runExternalPeriodicTasks,
      conf: config,
    },
  };
}

/** Returns the manager that the option names; undefined if it is not set. */
export function namedManager(config: Config, { group, opt }: ManagerOption): string | undefined {
  const { value } = config.resolve(group, opt);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
