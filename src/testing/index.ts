/** `portico/testing`: what the tests of an application need. */
export { FakeClock } from './fake-clock.js';
export { LintError, type LintedApp, type LintOptions, lint } from './lint.js';
export { type RequestInput, rawRequest, request, type TestResponse } from './request.js';
