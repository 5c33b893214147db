/** Options of the service registry, and the database that they name. */
import { boolean, type Config, crossCheck, defineOptions, duration, integer, oneOf, uri } from 'portico/config';
import { ConfigurationRefused, type Location, sqliteProblem } from 'portico/extension';

/** `[servicegroup]`. */
export const servicegroupOptions = defineOptions('servicegroup', {
  driver: oneOf(['sqlite', 'postgresql', 'memory'], {
    default: 'sqlite',
    help: 'Store of service records: sqlite on one machine, postgresql on several, memory in one process.',
  }),
  connection: uri({
    secret: true,
    help: "URL of the registry's database. Default: connection of [database], if it is of the driver that is set, or of SQLite; without either, no records are stored.",
  }),
  takeover: boolean({
    default: false,
    deprecated: ['allow_old'],
    help: 'Start even if another machine runs the service under this host name, to replace a dead one, or if all other services of the binary are newer.',
    advanced: true,
  }),
  fence_on_forced_down: boolean({
    default: false,
    help: 'Accept no work when forced down by an operator, because another may take over; nor at a start before the registry is known.',
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
  statement_timeout: duration({
    default: 30,
    help: 'Timeout of an SQL statement, shorter for heartbeats.',
    advanced: true,
  }),
});

type Driver = 'sqlite' | 'postgresql' | 'memory';

/** A problem of a connection, described without the connection: it may have a password. */
interface Problem {
  readonly message: string;
  readonly hint: string;
}

/** A connection, with the group and the location that set it. */
export interface RegistryConnection {
  readonly group: 'servicegroup' | 'database';
  readonly connection: string;
  readonly location: Location;
}

/** Returns the connection; undefined if no database is configured, or none is needed. */
export function registryConnection(config: Config): RegistryConnection | undefined {
  return isUnclaimed(config) ? undefined : writtenConnection(config);
}

function writtenConnection(config: Config): RegistryConnection | undefined {
  if (chosen<Driver>(config, 'servicegroup', 'driver') === 'memory') return undefined;
  const connection = chosen<string>(config, 'servicegroup', 'connection');
  const group = connection === undefined ? 'database' : 'servicegroup';
  const named = connection ?? chosen<string>(config, 'database', 'connection');
  if (named === undefined) return undefined;
  return { group, connection: withoutDriver(named), location: config.getLocation(group, 'connection') };
}

/** Returns a connection without the Python driver that SQLAlchemy has in it: `postgresql+psycopg2://`. */
function withoutDriver(connection: string): string {
  return connection.replace(/^(postgres(?:ql)?|sqlite)\+\w+:/, '$1:');
}

/** Reports whether `[database]` has a connection to another database, which a registry that nobody has configured does not use. */
function isUnclaimed(config: Config): boolean {
  const written = writtenConnection(config);
  if (written === undefined || written.group === 'servicegroup') return false;
  chosen(config, 'servicegroup', 'driver');
  const isDriverSet = config.getLocation('servicegroup', 'driver').kind !== 'default';
  return !isDriverSet && connectionProblem('sqlite', written.connection) !== undefined;
}

/** Returns the reason why the registry cannot use that connection; undefined if it can. */
export function connectionProblem(driver: Driver, connection: string): Problem | undefined {
  const scheme = connection.split(':', 1)[0];
  if (driver === 'sqlite' && !/^sqlite:\/\/(\/.*)?$|^sqlite:\/?$/s.test(connection)) {
    return {
      message: `this is not an SQLite connection: ${scheme}:…`,
      hint: 'Write sqlite:///relative/path.db or sqlite:////absolute/path.db as [servicegroup] connection, or set its driver.',
    };
  }
  if (driver === 'postgresql' && !/^postgres(ql)?:\/\//.test(connection)) {
    return {
      message: `this is not a PostgreSQL connection: ${scheme}:…`,
      hint: 'Write postgresql://user@host:5432/name as [servicegroup] connection, or set its driver.',
    };
  }
  return undefined;
}

/** Errors for which services with a record would refuse to start. */
crossCheck((config: Config) => {
  const known = writtenConnection(config);
  if (known === undefined) return [];
  const at = { group: known.group, opt: 'connection' };
  if (isUnclaimed(config)) {
    const message = 'no service records are stored in this database: [servicegroup] driver is not set';
    const isPostgresql = connectionProblem('postgresql', known.connection) === undefined;
    const there = isPostgresql
      ? 'For records there, set [servicegroup] driver = postgresql; for others, '
      : 'For records, set ';
    const hint = `${there}[servicegroup] connection.`;
    return [{ ...at, severity: 'warning', message, hint }];
  }
  const driver = chosen<Driver>(config, 'servicegroup', 'driver');
  const registers = runs(config, 'service') || runs(config, 'api');
  const missing = driver === 'sqlite' && registers ? sqliteProblem() : undefined;
  const problem = driver && (connectionProblem(driver, known.connection) ?? missing);
  return problem === undefined ? [] : [{ ...at, ...problem }];
});

/** Returns the value of one option, whatever errors its group has. */
function chosen<T>(config: Config, group: string, opt: string): T | undefined {
  if (!config.has(group, opt)) config.register(group, group === 'database' ? databaseOptions : servicegroupOptions);
  return config.resolve(group, opt).value as T | undefined;
}

/** Reports whether a configuration enables services of a kind: by a list, or without any list by a section. */
function runs(config: Config, kind: 'api' | 'service'): boolean {
  const listed = (opt: string): boolean => {
    const names = config.has('DEFAULT', opt) ? config.resolve('DEFAULT', opt).value : [];
    return Array.isArray(names) && names.length > 0;
  };
  if (listed('enabled_apis') || listed('enabled_services'))
    return listed(kind === 'api' ? 'enabled_apis' : 'enabled_services');
  return config.listAllSections().some((section) => section.startsWith(`${kind}:`));
}

/** Throws `PORTICO_REGISTRY_CONNECTION`, with the location of the option, for a connection that does not fit. */
export function checkConnection(
  driver: 'sqlite' | 'postgresql',
  { group, connection, location: { origin } }: RegistryConnection,
): void {
  const problem = connectionProblem(driver, connection);
  if (problem === undefined) return;
  // The location of an option in a file names the option.
  const message = origin === undefined ? `[${group}] connection: ${problem.message}` : problem.message;
  throw new ConfigurationRefused('PORTICO_REGISTRY_CONNECTION', { ...problem, message, origin });
}
