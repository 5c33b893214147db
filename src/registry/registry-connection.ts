/**
 * The registry's database in the configuration.
 */
import { resolve } from 'node:path';
import { type Config, crossCheck } from '../config/index.js';
import { ConfigurationRefused, type Location } from '../errors/index.js';
import { sqliteProblem } from '../modules/index.js';
import { databaseOptions, servicegroupOptions } from './registry-options.js';

type Driver = 'sqlite' | 'postgresql' | 'memory';

/** A problem of a connection, described without the connection: it may have a password. */
interface Problem {
  readonly message: string;
  readonly hint: string;
}

/** A connection, with the group and the place that set it. */
export interface RegistryConnection {
  readonly group: 'servicegroup' | 'database';
  readonly connection: string;
  readonly location: Location;
}

/** Returns the connection; undefined if no database is configured, or none is needed. */
export function registryConnection(config: Config): RegistryConnection | undefined {
  if (chosen<Driver>(config, 'servicegroup', 'driver') === 'memory') return undefined;
  const connection = chosen<string>(config, 'servicegroup', 'connection');
  const group = connection === undefined ? 'database' : 'servicegroup';
  const named = connection ?? chosen<string>(config, 'database', 'connection');
  return named === undefined
    ? undefined
    : { group, connection: named, location: config.getLocation(group, 'connection') };
}

/** Returns the reason why the registry cannot use that connection; undefined if it can. */
export function connectionProblem(driver: Driver, connection: string): Problem | undefined {
  const scheme = connection.split(':', 1)[0];
  if (driver === 'sqlite' && !/^sqlite:\/\/(\/.*)?$|^sqlite:\/?$/s.test(connection)) {
    return {
      message: `this is not an SQLite connection: ${scheme}:…`,
      hint: 'Write sqlite:///relative/path.db or sqlite:////absolute/path.db, or set [servicegroup] driver.',
    };
  }
  if (driver === 'postgresql' && !/^postgres(ql)?:\/\//.test(connection)) {
    return {
      message: `this is not a PostgreSQL connection: ${scheme}:…`,
      hint: 'Write postgresql://user@host:5432/name, or set [servicegroup] driver.',
    };
  }
  return undefined;
}

/** Errors for which services with a record would refuse to start. */
crossCheck((config: Config) => {
  const known = registryConnection(config);
  if (known === undefined) return [];
  const driver = chosen<Driver>(config, 'servicegroup', 'driver');
  const registersApis = chosen<boolean>(config, 'servicegroup', 'register_apis') === true;
  const registers = runs(config, 'service') || (registersApis && runs(config, 'api'));
  const missing = driver === 'sqlite' && registers ? sqliteProblem() : undefined;
  const problem = driver && (connectionProblem(driver, known.connection) ?? missing);
  return problem === undefined ? [] : [{ group: known.group, opt: 'connection', ...problem }];
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

/** Throws `PORTICO_REGISTRY_CONNECTION`, with the place of the option, for a connection that does not fit. */
export function checkConnection(
  driver: 'sqlite' | 'postgresql',
  { group, connection, location: { origin } }: RegistryConnection,
): void {
  const problem = connectionProblem(driver, connection);
  if (problem === undefined) return;
  // The place of an option in a file names the option.
  const message = origin === undefined ? `[${group}] connection: ${problem.message}` : problem.message;
  throw new ConfigurationRefused('PORTICO_REGISTRY_CONNECTION', { ...problem, message, origin });
}

/**
 * Returns the file of an SQLite connection in SQLAlchemy's form: three slashes and a relative path, four and an
 * absolute one.
 */
export function sqlitePath(connection: string): string {
  const path = /^sqlite:\/\/\/(.*)$/s.exec(connection)?.[1];
  return path === undefined || path === '' || path === ':memory:' ? ':memory:' : resolve(decodeURIComponent(path));
}
