/** The registry for the core, which imports it by the group `servicegroup` (`importOwner`). Its parts are loaded when they are used. */
import { workerAssignment } from '../config/index.js';
import type { RegistryProvider } from '../managers/index.js';
import { neededRegistry } from './needed-registry.js';
import { servicegroupOptions } from './registry-options.js';

export const provided: RegistryProvider = {
  open: async (config, options) => {
    const { membership, openRegistry } = await import('./open-registry.js');
    const registry = openRegistry(config, options);
    if (registry === null) return null;
    const { driver, registerApis } = config.group('servicegroup', servicegroupOptions);
    return {
      registry,
      membership: ({ isApi, ...member }) => {
        if (isApi && !registerApis) return null;
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
};
