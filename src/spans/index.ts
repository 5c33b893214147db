/** OpenTelemetry spans, if the program has registered an SDK. Not an entry point. */
export { HeldShutdown } from './held-shutdown.js';
export { exceptionOf, idsOf, isRegistered, SpanMaker } from './span-maker.js';
