/** `portico/testing`: what the tests of an application need. */
export { type BuildOptions, type Built, buildApp, buildFilter } from './build.js';
export { type CapturedLog, captureLog } from './capture-log.js';
export { FakeClock } from './fake-clock.js';
export { LintError, type LintedApp, type LintOptions, lint } from './lint.js';
export { type RequestInput, rawRequest, request, type TestResponse } from './request.js';
export { tempConfig } from './temp-config.js';
