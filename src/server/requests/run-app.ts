/**
 * Calls an app and answers for it when it fails.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, environ, Fault, type FaultStyle } from '../../app/index.js';
import {
  abortResponse,
  answerFault,
  asFault,
  catching,
  destroyReason,
  isUpgraded,
  type TraceIds,
  traceIds,
} from '../../app/internal.js';
import type { Logger } from '../../log/index.js';

/** What is done about failures. */
export interface FailureOptions {
  readonly log: Logger;
  readonly style: FaultStyle;
  /** Show the stack of an unexpected error to the client. */
  readonly debug: boolean;
}

/**
 * Runs an app for one request. A fault is rendered; any other throw or rejection is logged once and answered with 500.
 * When the head is out already the connection is destroyed: a truncated answer must not look complete.
 */
export function runApp(app: App, req: IncomingMessage, res: ServerResponse, options: FailureOptions): void {
  void catching(app, req, res, (error) => answerFailure(error, req, res, options));
}

function answerFailure(error: unknown, req: IncomingMessage, res: ServerResponse, options: FailureOptions): void {
  const { log, style, debug } = options;
  // As `pipeline` does. The server tells it when the response has ended.
  if (error instanceof Error && destroyReason(res) === error) return;
  if (isUpgraded(req) && !req.socket.destroyed) {
    log.error('request failed', { ...requestFacts(req), err: error });
    req.socket.destroy();
    return;
  }
  if (res.closed || req.socket.destroyed) {
    log.debug('request failed after its client left', { ...requestFacts(req), err: error });
    return;
  }
  if (!(error instanceof Fault)) log.error('request failed', { ...requestFacts(req), err: error });
  if (res.writableEnded) return;
  if (res.headersSent) abortResponse(res, error);
  else {
    const onFailure = (err: unknown): void =>
      log.error('the answer to a failed request failed', { ...requestFacts(req), err });
    answerFault(req, res, debug ? shown(error) : asFault(error), { style, onFailure });
  }
}

/** An answer that shows the failure with its stack to every client. */
function shown(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Fault(500, { message, cause: error });
}

/** What answers while a service stops. */
export const unavailable: App = () => {
  throw new Fault(503, { message: 'The service is stopping.' });
};

interface RequestFacts extends Partial<TraceIds> {
  readonly method: string;
  readonly path: string;
  readonly request_id?: string;
}

/** What a log line says about a request: no query, which may hold secrets. */
export function requestFacts(req: IncomingMessage): RequestFacts {
  const env = environ(req);
  const path = env.originalUrl.split('?', 1)[0] ?? '';
  const id = env.requestId === undefined ? {} : { request_id: env.requestId };
  return { method: req.method ?? '', path, ...id, ...traceIds(env) };
}
