/**
 * Headers that pass facts of the served request to the next service.
 */
import { hasSubscribers } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { traceparentOf } from './context.js';
import { exchangeOf } from './exchange.js';

/**
 * Headers to send along with a call that is made for this request, by `fetch`, undici or axios: its id, under the name in
 * which the `request_id` filter takes one; the correlation id of `correlation_id`; the seconds that `deadline` leaves, never
 * less than 0.001; `traceparent` and `tracestate` as they came, and where an OpenTelemetry SDK is registered what its
 * propagator says of the active span. The headers of the trace are left out where `instrumentation-undici` adds them to each request itself.
 * A filter that is not there adds nothing.
 */
export function forwardHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  const { environ, trace, forwarded = [] } = exchangeOf(req);
  if (trace === undefined || !hasSubscribers('undici:request:create')) {
    const { tracestate } = req.headers;
    const traceparent = traceparentOf(req);
    if (traceparent !== undefined) {
      headers.traceparent = traceparent;
      if (typeof tracestate === 'string') headers.tracestate = tracestate;
    }
    Object.assign(headers, trace?.headers());
  }
  for (const headerOf of forwarded) {
    const [name, value] = headerOf(environ) ?? [];
    if (name !== undefined && value !== undefined) headers[name] = value;
  }
  return headers;
}
