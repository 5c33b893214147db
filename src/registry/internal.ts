/** Exports for other directories of Portico, in addition to the published ones. */
export type { MemberIdentity, MembershipOptions } from './membership.js';
export { type MemberOptions, membership } from './open-registry.js';
export { neededRegistry } from './provided.js';
export {
  checkConnection,
  connectionProblem,
  databaseOptions,
  registryConnection,
  servicegroupOptions,
} from './registry-options.js';
export { StoredRegistry } from './service-registry.js';
export { RecordExists, RegistryUnavailable } from './service-store.js';
export { MemoryStore } from './sqlite-store.js';
