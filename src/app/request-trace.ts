/**
 * Traces of requests: their ids, their span, and the header of the caller.
 */
import type { IncomingMessage } from 'node:http';

/** Trace ids, under OpenTelemetry's names for logs ("Trace Context in non-OTLP Log Formats"). */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** The span of a request. Exists if the program has registered an OpenTelemetry SDK: `src/server/spans` creates it. */
export interface RequestTrace {
  readonly ids: TraceIds;
  /** The ids of the currently active span. */
  readonly activeIds: TraceIds;
  /** Returns trace headers for an outgoing call of the calling code. */
  headers(): Record<string, string>;
  /** Called when a Router has found a route with this template, prefixed with the templates of its mounts. */
  routed(template: string): void;
  /** Called when the response is a fault of 500 or above, with that error. */
  failed(error: unknown): void;
}

/** A valid `traceparent` (W3C Trace Context §3.2): only versions after 00 may be longer. Node joins two headers of one request: invalid. */
const TRACEPARENT = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[^,]*)?$/;

/** Returns the `traceparent` of a request; undefined if it is invalid. */
export function traceparentOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/** Returns the caller's trace, without a span id: the span is the caller's, and no line of this process is about it. */
export function callersTrace(req: IncomingMessage): TraceIds | undefined {
  const traceparent = traceparentOf(req);
  return traceparent === undefined ? undefined : { trace_id: traceparent.slice(3, 35) };
}
