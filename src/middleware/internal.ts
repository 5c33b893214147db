/** What other directories of Portico use of this one beside what is published. */
export { SHIPPED_PLUGINS } from './health/healthcheck-plugins.js';
