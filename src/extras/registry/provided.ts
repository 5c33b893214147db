/**
 * The registry for others: for the core, which finds it by its extension, and for operators. Its parts are
 * loaded when they are used.
 */
import { type Config, workerAssignment } from 'portico/config';
import { type Logger, PorticoError, type RegistryProvider, type ServiceRegistry } from 'portico/extension';
import { databaseOptions, registryConnection, servicegroupOptions } from './registry-options.js';
import type { ServiceRegistryOptions } from './service-registry.js';

/**
 * Returns the registry for operators. `outside`: the services run in other processes. Rejects as `openRegistry`, and with
 * `PORTICO_NO_REGISTRY` if there is no registry to query.
 */
export async function neededRegistry(
  config: Config,
  { outside, ...options }: ServiceRegistryOptions & { readonly log: Logger; readonly outside: boolean },
): Promise<ServiceRegistry> {
  const inMemory = config.group('servicegroup', servicegroupOptions).driver === 'memory';
  // Reports errors in its options before a missing connection.
  config.group('database', databaseOptions);
  if (!inMemory && registryConnection(config) === undefined) {
    throw new PorticoError('PORTICO_NO_REGISTRY', {
      message: 'no service registry is configured',
      hint: 'Set [servicegroup] connection, or [database] connection: sqlite:////var/lib/portico/portico.db.',
    });
  }
  if (outside && inMemory) {
    throw new PorticoError('PORTICO_NO_REGISTRY', {
      message: 'the service registry is in memory: each process has a separate one',
      hint: 'Set [servicegroup] driver to sqlite or postgresql.',
    });
  }
  const { openRegistry } = await import('./open-registry.js');
  return openRegistry(config, options)!;
}

export const provided: RegistryProvider = {
  open: async (config, options) => {
    const { membership, openRegistry } = await import('./open-registry.js');
    const registry = openRegistry(config, options);
    if (registry === null) return null;
    const { driver } = config.group('servicegroup', servicegroupOptions);
    return {
      registry,
      membership: (member) => {
        if (driver === 'memory' && workerAssignment()?.index === 0) {
          member.log.warn(
            'the service registry is in memory: each worker has a separate one, and none has all services',
          );
        }
        return membership(registry, config, member);
      },
    };
  },
  forOperators: neededRegistry,
  file: (config) => {
    const known = registryConnection(config);
    if (known?.connection.startsWith('sqlite:') !== true) return undefined;
    return { group: known.group, opt: 'connection' };
  },
};
