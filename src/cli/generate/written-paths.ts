/**
 * Paths that a configuration makes the application write to: a sandbox has to allow them.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { configOptions, programLogOptions, variableName } from '../../config/internal.js';
import type { RegistryProvider } from '../../managers/index.js';
import { sqlitePath } from '../../modules/index.js';
import { controlOptions, reportOptions } from '../../operating/internal.js';
import type { ListenAddress } from '../../service/index.js';

/** An option that names a path to write to. */
export interface WrittenPath {
  readonly group: string;
  readonly opt: string;
  /** Sockets keep their path: others look for them there. */
  readonly kind: 'directory' | 'file' | 'database' | 'socket';
  /** Value as written. */
  readonly value: string;
  /** True for logs and reports; everything else is state. */
  readonly isLog: boolean;
  /** True if the environment can set another value, which it cannot if the command line sets it. */
  readonly canMove: boolean;
}

/** Returns all written paths, `state_path` first. */
export function writtenPaths(
  given: Config,
  listening: readonly { readonly name: string; readonly address: ListenAddress }[],
  statePath: string | undefined,
  provider: RegistryProvider | undefined,
): WrittenPath[] {
  const config = given.copy();
  if (statePath !== undefined) config.setOverride('DEFAULT', 'state_path', statePath);
  config.group('DEFAULT', configOptions, { partial: true });
  config.group('DEFAULT', programLogOptions, { partial: true });
  config.group('oslo_reports', reportOptions, { partial: true });
  config.group('control', controlOptions, { partial: true });
  const registry = provider?.file(config);
  const named: readonly (readonly [string, string, WrittenPath['kind']])[] = [
    ['DEFAULT', 'state_path', 'directory'],
    ['DEFAULT', 'lock_path', 'directory'],
    ['DEFAULT', 'temp_dir', 'directory'],
    ['DEFAULT', 'log_file', 'file'],
    ['oslo_reports', 'log_dir', 'directory'],
    ['control', 'socket', 'socket'],
    ...(registry === undefined ? [] : [[registry.group, registry.opt, 'database'] as const]),
  ];
  const options = named.flatMap(([group, opt, kind]): WrittenPath[] => {
    const { value, location } = config.resolve(group, opt);
    if (typeof value !== 'string' || value === '') return [];
    if (kind === 'database' && sqlitePath(value) === ':memory:') return [];
    const isLog = opt === 'log_file' || opt === 'log_dir';
    return [{ group, opt, kind, value, isLog, canMove: kind !== 'socket' && location.kind !== 'command_line' }];
  });
  const sockets = listening.flatMap(({ name, address }): WrittenPath[] =>
    'path' in address
      ? [{ group: `api:${name}`, opt: 'listen', kind: 'socket', value: address.path, isLog: false, canMove: false }]
      : [],
  );
  return [...options, ...sockets];
}

/** Returns the directory that must be writable: an SQLite database has files beside it. */
export function directoryOf({ kind }: WrittenPath, value: string): string {
  if (kind === 'directory') return resolve(value);
  return dirname(kind === 'database' ? sqlitePath(value) : resolve(value));
}

/** Reports whether a path depends on the working directory. */
export function isRelative({ kind, value }: WrittenPath): boolean {
  return kind === 'database' ? !value.startsWith('sqlite:////') : !isAbsolute(value);
}

/** Returns the value with the same name in another directory. */
export function valueIn({ kind, value }: WrittenPath, directory: string): string {
  if (kind === 'directory') return directory;
  const file = join(directory, value.slice(value.lastIndexOf('/') + 1));
  return kind === 'database' ? `sqlite:///${file}` : file;
}

/** Returns the environment variable that sets an option. */
export const variableOf = ({ group, opt }: Pick<WrittenPath, 'group' | 'opt'>): string =>
  variableName('PORTICO', group, opt);
