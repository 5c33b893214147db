/** Spans of OpenTelemetry, where the program has registered an SDK. Not an entry point. */
export { flushSpans, isRegistered, type OpenTelemetry, openTelemetry } from './open-telemetry.js';
export { exceptionOf, idsOf, SpanMaker } from './span-maker.js';
