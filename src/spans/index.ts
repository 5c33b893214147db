/** Spans of OpenTelemetry, where the program has registered an SDK. Not an entry point. */
export { exceptionOf, idsOf, isRegistered, SpanMaker } from './span-maker.js';
