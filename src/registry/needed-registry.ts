/**
 * The registry for operators. Its modules are loaded at the first query.
 */
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceRegistry } from '../managers/index.js';
import { registryConnection } from './registry-connection.js';
import { databaseOptions, servicegroupOptions } from './registry-options.js';
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
