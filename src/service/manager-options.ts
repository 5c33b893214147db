/**
 * The options of `[DEFAULT]` that services with managers read, whatever their protocol.
 */
import { boolean, type Config, defineOptions, duration, integer } from '../config/index.js';
import type { ManagerHooksOptions } from './manager-hooks.js';

export const managerOptions = defineOptions({
  periodic_enable: boolean({ default: true, mutable: true, help: "Run the periodic tasks of services' managers." }),
  periodic_fuzzy_delay: integer({
    default: 60,
    min: 0,
    help: 'Seconds of which a random part passes before the first periodic task, so that a fleet does not begin in step.',
  }),
  periodic_interval_max: integer({ min: 1, help: 'Seconds between two passes over the periodic tasks, at most.' }),
  run_external_periodic_tasks: boolean({
    default: true,
    help: 'Run periodic tasks that a process of their own might run instead.',
  }),
  manager_shutdown_timeout: duration({
    default: 50,
    mutable: true,
    help: 'Seconds managers get to finish their work in a graceful stop. Below graceful_shutdown_timeout.',
  }),
});

/** What the configuration says to `new ManagerHooks`. */
export function managerSettings(config: Config): Pick<ManagerHooksOptions, 'periodic' | 'managerShutdownMs'> {
  const now = () => config.group('DEFAULT', managerOptions, { partial: true });
  const options = now();
  return {
    // What is mutable is asked for when it counts.
    managerShutdownMs: () => now().managerShutdownTimeout * 1000,
    periodic: {
      enable: () => now().periodicEnable,
      fuzzyDelay: options.periodicFuzzyDelay,
      intervalMax: options.periodicIntervalMax ?? null,
      runExternalPeriodicTasks: options.runExternalPeriodicTasks,
      conf: config,
    },
  };
}
