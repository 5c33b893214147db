/**
 * Calls an app and answers for it when it fails.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, abortResponse, asFault, environ, type FaultStyle, renderFault } from '../app/index.js';
import type { Logger } from '../log.js';

/**
 * Runs an app for one request. A fault is rendered; any other throw or rejection is logged once and answered with 500.
 * When the head is out already the connection is destroyed: a truncated answer must not look complete.
 */
export function runApp(app: App, req: IncomingMessage, res: ServerResponse, log: Logger, style: FaultStyle): void {
  try {
    const promise = app(req, res);
    if (promise !== undefined && typeof promise.then === 'function') {
      promise.then(undefined, (error: unknown) => answerFailure(error, req, res, log, style));
    }
  } catch (error) {
    answerFailure(error, req, res, log, style);
  }
}

function answerFailure(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  log: Logger,
  style: FaultStyle,
): void {
  const fault = asFault(error);
  const clientLeft = res.closed || req.socket.destroyed;
  if (clientLeft) {
    log.debug('request failed after its client left', { ...requestFacts(req), err: error });
    return;
  }
  if (fault.status >= 500 && fault !== error) log.error('request failed', { ...requestFacts(req), err: error });
  if (res.writableEnded) return;
  if (res.headersSent) abortResponse(res, error);
  else renderFault(req, res, fault, style);
}

/** What a log line says about a request: no query, which may hold secrets. */
export function requestFacts(req: IncomingMessage): { method: string; path: string; request_id?: string } {
  const { originalUrl, requestId } = environ(req);
  const path = originalUrl.split('?', 1)[0] ?? '';
  return { method: req.method ?? '', path, ...(requestId === undefined ? {} : { request_id: requestId }) };
}
