/** The managers of a service: made, started, registered and released with it. */
export { hostOf } from './host-of.js';
export { ManagedService } from './managed-service.js';
export { checkManager } from './manager-place.js';
export { namedManager } from './named-manager.js';
