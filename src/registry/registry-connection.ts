/**
 * The registry's database in the configuration.
 */
import { resolve } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { databaseOptions, servicegroupOptions } from './registry-options.js';

/** A problem of a connection, described without the connection: it may have a password. */
interface Problem {
  readonly message: string;
  readonly hint: string;
}

/** Returns the connection, and its group; undefined if no database is configured, or none is needed. */
export function registryConnection(
  config: Config,
): { readonly group: 'servicegroup' | 'database'; readonly connection: string } | undefined {
  const { driver, connection } = config.group('servicegroup', servicegroupOptions, { partial: true });
  if (driver === 'memory') return undefined;
  if (connection !== undefined) return { group: 'servicegroup', connection };
  const { connection: common } = config.group('database', databaseOptions, { partial: true });
  return common === undefined ? undefined : { group: 'database', connection: common };
}

/** Returns the reason why the registry cannot use that connection; undefined if it can. */
export function connectionProblem(driver: 'sqlite' | 'postgresql' | 'memory', connection: string): Problem | undefined {
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

/** Throws `PORTICO_REGISTRY_CONNECTION` for a connection that does not fit. */
export function checkConnection(driver: 'sqlite' | 'postgresql', connection: string): void {
  const problem = connectionProblem(driver, connection);
  if (problem === undefined) return;
  const message = `[servicegroup] connection: ${problem.message}`;
  throw new ConfigurationRefused('PORTICO_REGISTRY_CONNECTION', { ...problem, message });
}

/**
 * Returns the file of an SQLite connection in SQLAlchemy's form: three slashes and a relative path, four and an
 * absolute one.
 */
export function sqlitePath(connection: string): string {
  checkConnection('sqlite', connection);
  const path = /^sqlite:\/\/\/(.*)$/s.exec(connection)?.[1];
  return path === undefined || path === '' || path === ':memory:' ? ':memory:' : resolve(decodeURIComponent(path));
}
