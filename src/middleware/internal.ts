/** What other directories of Portico use of this one beside what is published. */
export { tokenValidatorKind } from './auth/validator-drivers.js';
export { healthcheckKind } from './health/healthcheck-plugins.js';
