/**
 * The options of the service registry.
 */
import { hostname } from 'node:os';
import { boolean, defineOptions, duration, float, host, integer, oneOf, uri } from '../config/index.js';

/** `[servicegroup]`. */
export const servicegroupOptions = defineOptions({
  driver: oneOf(['sqlite', 'postgresql', 'memory'], {
    default: 'sqlite',
    help: 'Where service records are: SQLite for one machine, PostgreSQL for many, memory for one process.',
  }),
  connection: uri({
    secret: true,
    help: 'The database of the registry: sqlite:///relative, sqlite:////absolute. Default: that of [database]; without any, no records are kept.',
  }),
  initial_delay_s: float({ default: 5, min: 0, help: 'Seconds from the start of a service to its first heartbeat.' }),
  jitter: float({ default: 0.1, min: 0, max: 0.5, help: 'The part of report_interval by which heartbeats vary.' }),
  on_registry_loss: oneOf(['continue', 'drain', 'exit'], {
    default: 'continue',
    help: 'What a service does once the registry was away for service_down_time and others see it as down.',
  }),
  start_wait_s: float({ default: 60, min: 0, help: 'Seconds a start waits for a registry that is away.' }),
  auto_recreate: boolean({
    default: true,
    help: 'Make a record anew that vanished while its service runs, unless an operator deleted it.',
  }),
  enable_new_services: boolean({ default: true, help: 'Give work to services that register for the first time.' }),
  takeover: boolean({
    default: false,
    help: 'Start although another machine runs the service under this host name: for a machine in the place of one that is gone.',
  }),
  allow_old: boolean({
    default: false,
    help: 'Start although every other service of its binary has a newer version.',
  }),
  register_apis: boolean({ default: true, help: 'Keep records of HTTP services as well.' }),
  fence_on_forced_down: boolean({
    default: false,
    help: 'Stop taking work when an operator forced the service down: another may be taking over.',
  }),
  purge_after_days: integer({ default: 30, min: 0, help: 'Days after which deleted records are forgotten.' }),
  stale_read_s: float({
    default: 30,
    min: 0,
    help: 'Seconds an answer may be given again while the registry is away.',
  }),
});

/** `[DEFAULT]`: who a machine is, and how often its services say that they live. */
export const heartbeatOptions = defineOptions({
  host: host({
    default: () => hostname(),
    sampleDefault: 'name of the machine',
    help: 'The name of this machine in service records and remote calls. Must differ from that of every other machine.',
  }),
  report_interval: integer({
    default: 10,
    min: 0,
    aliases: ['servicegroup.report_interval'],
    help: 'Seconds between two heartbeats of a service; 0: none.',
  }),
  service_down_time: integer({
    default: 60,
    min: 1,
    aliases: ['servicegroup.service_down_time'],
    help: 'Seconds without a heartbeat after which a service counts as down. More than report_interval.',
  }),
});

/** `[database]`: the database that parts without one of their own use. */
export const databaseOptions = defineOptions({
  connection: uri({ secret: true, help: 'sqlite:///relative, sqlite:////absolute, or postgresql://user@host/name.' }),
  pool_size: integer({
    default: 5,
    min: 1,
    help: 'Connections of one process to a server. The registry needs two at most.',
  }),
  pool_timeout: duration({ default: 30, help: 'Seconds to wait for a connection. Heartbeats wait less.' }),
  retry_interval: duration({
    default: 1,
    help: 'Seconds before a database that is away at the start is tried again; doubled each time.',
  }),
  max_retry_interval: duration({ default: 10, help: 'Seconds between two such tries, at most.' }),
  statement_timeout: duration({
    default: 30,
    help: 'Seconds a statement may take. Those of heartbeats may take less.',
  }),
  sqlite_busy_timeout_ms: integer({
    default: 5000,
    min: 0,
    help: "How long a statement waits for another process's write, in milliseconds.",
  }),
});
