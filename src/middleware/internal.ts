/** Exports for other directories of Portico, in addition to the public ones. */
export { corsFilter } from './cors.js';
export { SHIPPED_PLUGINS } from './health/healthcheck-plugins.js';
