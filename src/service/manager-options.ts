/**
 * Options of services with managers: the name of their machine, the interval of their heartbeats, their periodic tasks and their stop.
 */
import { hostname } from 'node:os';
import { boolean, type Config, crossCheck, defineOptions, duration, host, integer } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';
import type { ManagerOption } from './manager.js';
import type { ManagerPeriodicOptions } from './managers-periodic-tasks.js';

/** `[DEFAULT]`: the identity of a machine, and the heartbeat interval of its services. */
export const heartbeatOptions = defineOptions('DEFAULT', {
  host: host({
    default: () => hostname(),
    sampleDefault: 'name of the machine',
    help: 'Name of this machine in service records and remote calls, unique among all machines.',
  }),
  report_interval: integer({
    default: 10,
    min: 0,
    aliases: ['servicegroup.report_interval'],
    help: 'Seconds between heartbeats. 0 disables them.',
  }),
  service_down_time: integer({
    default: 60,
    min: 1,
    aliases: ['servicegroup.service_down_time'],
    help: 'Seconds without a heartbeat until a service counts as down, more than report_interval.',
  }),
});

/** A service would count as down between two heartbeats. */
crossCheck((config: Config) => {
  const group = 'DEFAULT';
  const isSet = (opt: string): boolean => config.has(group, opt) && config.getLocation(group, opt).kind !== 'default';
  const opt = ['service_down_time', 'report_interval'].find(isSet);
  // The defaults fit, and most configurations have them.
  if (opt === undefined) return [];
  const { reportInterval, serviceDownTime } = config.group(group, heartbeatOptions, { partial: true });
  if (serviceDownTime > reportInterval) return [];
  const message = `service_down_time, ${serviceDownTime} s, is not above report_interval, ${reportInterval} s`;
  const hint = 'services with a record use two and a half times report_interval: set service_down_time above it';
  return [{ group, opt, message, hint, severity: 'warning' }];
});

/** Returns the name of this machine in service records and remote calls: `[DEFAULT] host`. */
export function hostOf(config: Config): string {
  return config.group('DEFAULT', heartbeatOptions, { partial: true }).host;
}

/** The options in `[DEFAULT]` for all services with managers, whatever their protocol. */
export const managerOptions = defineOptions('DEFAULT', {
  periodic_enable: boolean({ default: true, help: 'Run the periodic tasks of managers.' }),
  periodic_fuzzy_delay: integer({
    default: 60,
    min: 0,
    help: 'Maximum random delay in seconds before the first periodic task, so that processes do not start together.',
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

writtenElsewhere(managerOptions, {
  removed: { periodic_interval_max: 'the next task that is due decides when tasks are looked at again.' },
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
