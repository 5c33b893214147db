/**
 * `portico/testing`: tools for the tests of an application. In a process that loads it, `Config.load()` ignores the command line, which
 * belongs to the test runner.
 */

export { withOverrides } from '../config/internal.js';
export { type BuildOptions, type Built, buildApp, buildFilter } from './build-app.js';
export { type ClientOptions, openClient, type StreamedResponse, type TestClient, type TestEvent } from './client.js';
export {
  type ConformanceCase,
  FakeTokenValidator,
  type TokenSamples,
  tokenValidatorConformance,
} from './conformance.js';
export { FakeClock } from './fake-clock.js';
export { type CapturedLog, captureLog, type TempConfig, tempConfig } from './fixtures.js';
export { type LintError, type LintedApp, type LintOptions, lint } from './lint.js';
export { type RequestInput, request, type TestResponse } from './request.js';

/** Marks the command line of this process as a test runner's, for `Config.load`. */
Object.defineProperty(process, Symbol.for('portico.testing'), { value: true, configurable: true });
