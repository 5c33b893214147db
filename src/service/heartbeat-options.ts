/**
 * The name of this machine, and the interval of the heartbeats of its services: options that every service with a manager has.
 */
import { hostname } from 'node:os';
import { type Config, crossCheck, defineOptions, host, integer } from '../config/index.js';

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
