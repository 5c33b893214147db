/** What other directories of Portico use of this one beside what is published. */
export { checkManager, namedManager } from './named-manager.js';
export { neededRegistry } from './open-registry.js';
export { connectionProblem, registryConnection, sqlitePath } from './registry-connection.js';
export { databaseOptions, heartbeatOptions, servicegroupOptions } from './registry-options.js';
export { type ServiceJson, serviceJson } from './service-json.js';
