/** Exports for Portico's own tests, in addition to the published ones. */
export { LintError } from './lint.js';
export { rawRequest } from './request.js';
