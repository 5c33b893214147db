/**
 * Facts of a request, for a line of the log or a report.
 */
import type { IncomingMessage } from 'node:http';
import { exchangeOf } from '../../app/internal.js';
import { maskUris } from '../../text/index.js';

/** Facts of a request for a log line: no query, which may hold secrets. */
export function requestFacts(req: IncomingMessage) {
  const env = exchangeOf(req);
  // A target in absolute form may have a password.
  const path = maskUris(env.originalUrl.split('?', 1)[0] ?? '');
  const id = env.requestId === undefined ? {} : { request_id: env.requestId };
  return { method: req.method ?? '', path, ...id, ...env.traceIds };
}
