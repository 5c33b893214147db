/**
 * Options of the service registry.
 */
import { hostname } from 'node:os';
import {
  boolean,
  type Config,
  crossCheck,
  defineOptions,
  duration,
  float,
  host,
  integer,
  oneOf,
  uri,
} from '../config/index.js';

/** `[servicegroup]`. */
export const servicegroupOptions = defineOptions('servicegroup', {
  driver: oneOf(['sqlite', 'postgresql', 'memory'], {
    default: 'sqlite',
    help: 'Store of service records: sqlite on one machine, postgresql on several, memory in one process.',
  }),
  connection: uri({
    secret: true,
    help: "URL of the registry's database. Default: connection of [database]; without either, no records are stored.",
  }),
  initial_delay_s: float({
    default: 5,
    min: 0,
    help: 'Seconds from the start of a service to its first heartbeat.',
    advanced: true,
  }),
  jitter: float({
    default: 0.1,
    min: 0,
    max: 0.5,
    help: 'Random variation of report_interval, as a fraction.',
    advanced: true,
  }),
  on_registry_loss: oneOf(['continue', 'drain', 'exit'], {
    default: 'continue',
    help: 'Reaction when the registry has been unavailable for service_down_time, so that others see this service as down.',
  }),
  start_wait_s: float({ default: 60, min: 0, help: 'Seconds to wait for the registry at the start.', advanced: true }),
  auto_recreate: boolean({
    default: true,
    help: 'Recreate a record that disappears while its service runs, unless an operator deleted it.',
    advanced: true,
  }),
  enable_new_services: boolean({
    default: true,
    help: 'Give work to services that register for the first time.',
    advanced: true,
  }),
  takeover: boolean({
    default: false,
    help: 'Start even if another machine runs the service under this host name, to replace a dead one.',
    advanced: true,
  }),
  allow_old: boolean({
    default: false,
    help: 'Start even if all other services of the binary are newer.',
    advanced: true,
  }),
  register_apis: boolean({ default: true, help: 'Also store records of HTTP services.', advanced: true }),
  fence_on_forced_down: boolean({
    default: false,
    help: 'Stop accepting work when forced down by an operator, because another may take over.',
    advanced: true,
  }),
  purge_after_days: integer({
    default: 30,
    min: 0,
    help: 'Days until api-cli service purge removes deleted records.',
    advanced: true,
  }),
  stale_read_s: float({
    default: 30,
    min: 0,
    help: 'Seconds for which cached results serve while the registry is unavailable.',
    advanced: true,
  }),
});

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

/** `[database]`: the database of all parts that have no separate one. */
export const databaseOptions = defineOptions('database', {
  connection: uri({
    secret: true,
    help: 'URL of the database: sqlite:///relative, sqlite:////absolute, or postgresql://user@host/name.',
  }),
  pool_size: integer({
    default: 5,
    min: 1,
    help: 'Maximum per process. The registry needs two.',
  }),
  pool_timeout: duration({
    default: 30,
    help: 'Seconds to wait for a connection. Heartbeats may wait less.',
    advanced: true,
  }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before the first retry of an unavailable database at the start. Each further wait doubles.',
    advanced: true,
  }),
  max_retry_interval: duration({ default: 10, help: 'Maximum wait between retries.', advanced: true }),
  statement_timeout: duration({
    default: 30,
    help: 'Timeout of an SQL statement, shorter for heartbeats.',
    advanced: true,
  }),
  sqlite_busy_timeout_ms: integer({
    default: 5000,
    min: 0,
    help: 'Time a statement waits while another process writes.',
    advanced: true,
  }),
});
