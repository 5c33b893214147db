/** Exports for other directories of Portico, in addition to the published ones. */
export type { MemberIdentity, MembershipOptions } from './membership.js';
export { membership } from './open-registry.js';
export { StoredRegistry } from './service-registry.js';
export { RecordExists, RegistryUnavailable } from './service-store.js';
export { MemoryStore } from './sqlite-store.js';
