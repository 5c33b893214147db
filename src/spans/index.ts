/** Spans of calls, if the application has registered an OpenTelemetry SDK. */
export { type ActiveTrace, CallSpans, type SendKind, type TraceHeaders } from './call-spans.js';
export { isRegistered } from './registered-provider.js';
