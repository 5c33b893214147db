/**
 * Options of the service registry.
 */
import { boolean, defineOptions, duration, float, integer, oneOf, uri } from '../config/index.js';

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
