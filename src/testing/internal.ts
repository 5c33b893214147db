/** What Portico's own tests use of this directory beside what is published. */
export { LintError } from './lint.js';
export { rawRequest } from './request.js';
