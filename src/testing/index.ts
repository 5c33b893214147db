/**
 * `portico/testing`: what the tests of an application need. In a process that has loaded it `Config.load()` leaves the command line
 * alone, which is the test runner's.
 */
import './command-line.js';

export { type BuildOptions, type Built, buildApp, buildFilter } from './build.js';
export {
  type ConformanceCase,
  FakeHealthcheck,
  FakeTokenValidator,
  healthcheckConformance,
  type TokenSamples,
  tokenValidatorConformance,
} from './conformance.js';
export { FakeClock } from './fake-clock.js';
export { type CapturedLog, captureLog, type TempConfig, tempConfig } from './fixtures.js';
export { type LintError, type LintedApp, type LintOptions, lint } from './lint.js';
export { type RequestInput, request, type TestResponse } from './request.js';
export { type MakeStore, serviceStoreConformance } from './service-store-conformance.js';
