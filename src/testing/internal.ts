/** Exports for Portico's own tests, beside the published ones. */
export { LintError } from './lint.js';
export { rawRequest } from './request.js';
