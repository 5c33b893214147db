/** Paths that a configuration makes the application write to. */
import type { Config } from '../../config/index.js';
import { configOptions, programLogOptions } from '../../config/internal.js';
import type { RegistryProvider } from '../../managers/index.js';
import { sqlitePath } from '../../modules/index.js';
import { controlOptions, reportOptions } from '../../operating/internal.js';
import type { ApiFacts, WrittenPath } from '../../service/index.js';

/** Returns all written paths, `state_path` first; with another `statePath`, to which options may refer. */
export function writtenPaths(
  given: Config,
  apis: readonly ApiFacts[],
  statePath: string | undefined,
  provider: RegistryProvider | undefined,
): readonly WrittenPath[] {
  const config = given.copy();
  if (statePath !== undefined) config.setOverride('DEFAULT', 'state_path', statePath);
  config.group('DEFAULT', configOptions, { partial: true });
  config.group('DEFAULT', programLogOptions, { partial: true });
  config.group('oslo_reports', reportOptions, { partial: true });
  config.group('control', controlOptions, { partial: true });
  const registry = provider?.file(config);
  const named: readonly (readonly [string, string, WrittenPath['kind']])[] = [
    ['DEFAULT', 'state_path', 'directory'],
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
  const sockets = apis.flatMap(({ name, address }): WrittenPath[] =>
    'path' in address
      ? [{ group: `api:${name}`, opt: 'listen', kind: 'socket', value: address.path, isLog: false, canMove: false }]
      : [],
  );
  return [...options, ...sockets];
}
