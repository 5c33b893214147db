/**
 * The trace a request belongs to (W3C Trace Context), and what the server's span of the request is told from within. There
 * is a span where the program has registered an OpenTelemetry SDK: `src/server/spans` makes it.
 */
import type { IncomingMessage } from 'node:http';

/** Under the names that OpenTelemetry gives them in logs ("Trace Context in non-OTLP Log Formats"). */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id?: string;
  readonly trace_flags?: string;
}

/** The span of a request. */
export interface RequestTrace {
  readonly ids: TraceIds;
  /** Of the span that is active in the code that asks. */
  readonly activeIds: TraceIds;
  /** For a call that is made by the code that asks. */
  headers(): Record<string, string>;
  /** A Router below the mounts that have taken `mountPath` off the target has found a route with this template. */
  routed(mountPath: string, template: string): void;
  /** The route was a mount; `mountPath` is what has been taken off the target now. */
  mounted(mountPath: string): void;
  /** The answer is a fault of 500 or above for this. */
  failed(error: unknown): void;
}

/** W3C Trace Context §3.2, where only versions after 00 may be longer; two of them in one request, which Node joins, are none. */
const TRACEPARENT = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[^,]*)?$/;

/** The `traceparent` of a request; undefined for one that is not valid. */
export function traceparentOf({ headers: { traceparent } }: IncomingMessage): string | undefined {
  return typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}

/** What a caller says of its trace. The span is the caller's, and no line of this process is about it. */
export function callersTrace(req: IncomingMessage): TraceIds | undefined {
  const traceparent = traceparentOf(req);
  return traceparent === undefined ? undefined : { trace_id: traceparent.slice(3, 35) };
}
