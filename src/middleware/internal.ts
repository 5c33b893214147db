/** Exports for other directories of Portico, beside the published ones. */
export { SHIPPED_PLUGINS } from './health/healthcheck-plugins.js';
