/**
 * The connection that the registry of a configuration has, and whether it fits the driver.
 */
import { resolve } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { databaseOptions, servicegroupOptions } from './registry-options.js';

/** What is wrong with a connection, in words without the connection: it may have a password. */
interface Problem {
  readonly message: string;
  readonly hint: string;
}

/** The connection, and the group that has it; undefined where no database is configured, or none is needed. */
export function registryConnection(
  config: Config,
): { readonly group: 'servicegroup' | 'database'; readonly connection: string } | undefined {
  const { driver, connection } = config.group('servicegroup', servicegroupOptions, { partial: true });
  if (driver === 'memory') return undefined;
  if (connection !== undefined) return { group: 'servicegroup', connection };
  const { connection: common } = config.group('database', databaseOptions, { partial: true });
  return common === undefined ? undefined : { group: 'database', connection: common };
}

/** Why the registry cannot have that connection; undefined where it can. */
export function connectionProblem(driver: 'sqlite' | 'postgresql' | 'memory', connection: string): Problem | undefined {
  const scheme = connection.split(':', 1)[0];
  if (driver === 'sqlite' && !/^sqlite:\/\/(\/.*)?$|^sqlite:\/?$/s.test(connection)) {
    return {
      message: `this is no SQLite connection: ${scheme}:…`,
      hint: 'Write sqlite:///relative/path.db or sqlite:////absolute/path.db, or set [servicegroup] driver.',
    };
  }
  if (driver === 'postgresql' && !/^postgres(ql)?:\/\//.test(connection)) {
    return {
      message: `this is no PostgreSQL connection: ${scheme}:…`,
      hint: 'Write postgresql://user@host:5432/name, or set [servicegroup] driver.',
    };
  }
  return undefined;
}

/** Throws `PORTICO_REGISTRY_CONNECTION` for one that does not fit. */
export function checkConnection(driver: 'sqlite' | 'postgresql', connection: string): void {
  const problem = connectionProblem(driver, connection);
  if (problem === undefined) return;
  const message = `[servicegroup] connection: ${problem.message}`;
  throw new ConfigurationRefused('PORTICO_REGISTRY_CONNECTION', { ...problem, message });
}

/** The file an SQLite connection names, as SQLAlchemy writes it: three slashes and a relative path, four and an absolute one. */
export function sqlitePath(connection: string): string {
  checkConnection('sqlite', connection);
  const path = /^sqlite:\/\/\/(.*)$/s.exec(connection)?.[1];
  return path === undefined || path === '' || path === ':memory:' ? ':memory:' : resolve(decodeURIComponent(path));
}
