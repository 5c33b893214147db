/**
 * Options of the service registry.
 */
import { hostname } from 'node:os';
import { boolean, defineOptions, duration, float, host, integer, oneOf, uri } from '../config/index.js';

/** `[servicegroup]`. */
export const servicegroupOptions = defineOptions({
  driver: oneOf(['sqlite', 'postgresql', 'memory'], {
    default: 'sqlite',
    help: 'Where service records are stored: sqlite for one machine, postgresql for several, memory for one process.',
  }),
  connection: uri({
    secret: true,
    help: 'The database of the registry: postgresql://user@host/name, sqlite:///relative or sqlite:////absolute. Default: connection of [database]; if that is not set either, no records are stored.',
  }),
  initial_delay_s: float({ default: 5, min: 0, help: 'Seconds from the start of a service to its first heartbeat.' }),
  jitter: float({
    default: 0.1,
    min: 0,
    max: 0.5,
    help: 'Random variation of report_interval between heartbeats, as a fraction.',
  }),
  on_registry_loss: oneOf(['continue', 'drain', 'exit'], {
    default: 'continue',
    help: 'What a service does when the registry has been unavailable for service_down_time and other services see this one as down.',
  }),
  start_wait_s: float({ default: 60, min: 0, help: 'Seconds to wait for an unavailable registry at the start.' }),
  auto_recreate: boolean({
    default: true,
    help: 'Recreate a record that disappears while its service runs, unless an operator deleted it.',
  }),
  enable_new_services: boolean({
    default: true,
    help: 'Enable services that register for the first time, so that they receive work.',
  }),
  takeover: boolean({
    default: false,
    help: 'Start even if another machine runs the service under this host name, for a machine that replaces a dead one.',
  }),
  allow_old: boolean({
    default: false,
    help: 'Start even if all other services of the same binary have a newer version.',
  }),
  register_apis: boolean({ default: true, help: 'Also store records of HTTP services.' }),
  fence_on_forced_down: boolean({
    default: false,
    help: 'Stop accepting work when an operator forces the service down, because another one may take over.',
  }),
  purge_after_days: integer({
    default: 30,
    min: 0,
    parent: true,
    help: 'Days after which api-cli service purge removes deleted records from the database.',
  }),
  stale_read_s: float({
    default: 30,
    min: 0,
    help: 'Seconds for which cached results may be used while the registry is unavailable.',
  }),
});

/** `[DEFAULT]`: the identity of a machine, and the heartbeat interval of its services. */
export const heartbeatOptions = defineOptions({
  host: host({
    default: () => hostname(),
    sampleDefault: 'name of the machine',
    help: 'The name of this machine in service records and remote calls. It must be unique among all machines.',
  }),
  report_interval: integer({
    default: 10,
    min: 0,
    aliases: ['servicegroup.report_interval'],
    help: 'Seconds between two heartbeats of a service. 0 disables heartbeats.',
  }),
  service_down_time: integer({
    default: 60,
    min: 1,
    aliases: ['servicegroup.service_down_time'],
    help: 'Seconds without a heartbeat after which a service counts as down. Must be greater than report_interval.',
  }),
});

/** `[database]`: the database of all parts that have no separate one. */
export const databaseOptions = defineOptions({
  connection: uri({
    secret: true,
    help: 'URL of the database: sqlite:///relative, sqlite:////absolute, or postgresql://user@host/name.',
  }),
  pool_size: integer({
    default: 5,
    min: 1,
    help: 'Maximum number of connections per process. The registry needs at most two.',
  }),
  pool_timeout: duration({ default: 30, help: 'Seconds to wait for a connection. Heartbeats may wait less.' }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before the first retry if the database is unavailable at the start. The wait doubles with each retry.',
  }),
  max_retry_interval: duration({ default: 10, help: 'Maximum number of seconds between two retries.' }),
  statement_timeout: duration({
    default: 30,
    help: 'Timeout of an SQL statement, in seconds. It is shorter for heartbeats.',
  }),
  sqlite_busy_timeout_ms: integer({
    default: 5000,
    min: 0,
    help: 'How long a statement waits while another process writes, in milliseconds.',
  }),
});
