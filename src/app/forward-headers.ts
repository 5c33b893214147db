/**
 * What one service tells the next one about the request that it serves.
 */
import type { IncomingMessage } from 'node:http';
import { traceparentOf } from './context.js';
import { type Environ, FORWARDED, traceOf } from './environ.js';
import { environ } from './exchange.js';

/** A header for outgoing calls; undefined where the request has nothing to say in it. */
export type Forwarded = (env: Environ) => readonly [name: string, value: string] | undefined;

type Carrier = Environ & { [FORWARDED]?: Forwarded[] };

/** Adds a header to those of {@link forwardHeaders}. What is added last wins where two have one name. */
export function addForwarded(env: Environ, forwarded: Forwarded): void {
  const carrier = env as Carrier;
  carrier[FORWARDED] ??= [];
  carrier[FORWARDED].push(forwarded);
}

/**
 * Headers to send along with a call that is made for this request, by `fetch`, undici or axios: its id, under the name in
 * which the `request_id` filter takes one; the correlation id of `correlation_id`; the seconds that `deadline` leaves, never
 * less than 0.001; `traceparent` and `tracestate` as they came, and where an OpenTelemetry SDK is registered what its
 * propagator says of the active span. A filter that is not there adds nothing.
 */
export function forwardHeaders(req: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  const { tracestate } = req.headers;
  const traceparent = traceparentOf(req);
  if (traceparent !== undefined) {
    headers.traceparent = traceparent;
    if (typeof tracestate === 'string') headers.tracestate = tracestate;
  }
  const env = environ(req);
  Object.assign(headers, traceOf(env)?.headers());
  for (const forwarded of (env as Carrier)[FORWARDED] ?? []) {
    const [name, value] = forwarded(env) ?? [];
    if (name !== undefined && value !== undefined) headers[name] = value;
  }
  return headers;
}
