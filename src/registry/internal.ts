/** Exports for other directories of Portico, in addition to the published ones. */
export { checkManager, ManagedService, type ManagerOption, namedManager } from './managed-service.js';
export { connectionProblem, neededRegistry, registryConnection, sqlitePath } from './open-registry.js';
export { databaseOptions, heartbeatOptions, servicegroupOptions } from './registry-options.js';
export { type ServiceJson, serviceJson } from './service-view.js';
