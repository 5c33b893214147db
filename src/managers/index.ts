/** The managers of a service: made, started, registered and released with it. */
export { checkManager, hostOf, ManagedService } from './managed-service.js';
export { namedManager } from './named-manager.js';
