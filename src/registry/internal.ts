/** Exports for other directories of Portico, in addition to the published ones. */
export type { MemberIdentity, MembershipOptions } from './membership.js';
export { neededRegistry } from './needed-registry.js';
export { type MemberOptions, membership } from './open-registry.js';
export { checkConnection, connectionProblem, registryConnection, sqlitePath } from './registry-connection.js';
export { databaseOptions, servicegroupOptions } from './registry-options.js';
export { StoredRegistry } from './service-registry.js';
export { RecordExists, RegistryUnavailable } from './service-store.js';
export { MemoryStore } from './sqlite-store.js';
