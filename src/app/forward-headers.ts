/** Headers that pass facts of a request to the next service. */
import { hasSubscribers } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { exchangeOf } from './exchange.js';
import { traceparentOf } from './request-context.js';

/**
 * Returns headers for a call made for this request, by `fetch`, undici or axios: its id, under the header name that the `request_id`
 * filter reads; the correlation id of `correlation_id`; the seconds that `deadline` leaves, at least 0.001; `traceparent` and
 * `tracestate` as received, replaced by the propagator's for the active span if an OpenTelemetry SDK is registered. Trace headers are
 * omitted if `instrumentation-undici` adds them to each request itself. A missing filter adds nothing.
 */
export function forwardHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  const exchange = exchangeOf(req);
  const { requestTrace: trace, forwardedHeaders: forwards = [] } = exchange;
  if (trace === undefined || !hasSubscribers('undici:request:create')) {
    const { tracestate } = req.headers;
    const traceparent = traceparentOf(req);
    if (traceparent !== undefined) {
      headers.traceparent = traceparent;
      if (typeof tracestate === 'string') headers.tracestate = tracestate;
    }
    Object.assign(headers, trace?.headers());
  }
  for (const headerOf of forwards) {
    const [name, value] = headerOf(exchange) ?? [];
    if (name !== undefined && value !== undefined) headers[name] = value;
  }
  return headers;
}
