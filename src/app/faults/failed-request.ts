/** Handling of failed requests: the `Server`, `catch_errors` and Routers log and answer them here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LogFields, Logger } from '../../log/index.js';
import { type App, catching } from '../app.js';
import { exchangeOf } from '../exchange.js';
import { asFault, Fault } from '../fault.js';
import type { FaultStyle } from '../fault-form.js';
import { destroyReason } from '../response/after-response.js';
import { isUpgraded } from '../server-state.js';
import { answerFault } from './answer-fault.js';

/** Options of {@link answerFailure}. */
export interface FailureOptions {
  readonly log: Logger;
  /** Default: the style of the request's API. */
  readonly style?: FaultStyle | undefined;
  /** The log message for an error that is not a fault. */
  readonly message: string;
  /** Returns fields of the request for that log line. */
  readonly facts: (req: IncomingMessage, res: ServerResponse) => LogFields;
  /** Default: {@link asFault}. */
  readonly faultOf?: ((error: unknown, req: IncomingMessage) => Fault) | undefined;
  /** Whether causes of faults of 500 and above are logged too. Default: false. */
  readonly logsCauses?: boolean;
}

/** Returns an app that answers the failures of `app`. */
export function answering(app: App, options: FailureOptions): App {
  return catching(app, (error, req, res) => answerFailure(error, req, res, options));
}

/**
 * Responds to a request that failed with any error, and never throws. A fault is rendered. Any other error gets its own status, else
 * 500, and is logged once with its stack if the status is 500 or above. If the head has already been sent, the error is logged too and
 * the connection is destroyed: a truncated response must not look complete.
 */
export function answerFailure(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  options: FailureOptions,
): void {
  const { log, style, message, facts, faultOf = asFault, logsCauses = false } = options;
  // For example `pipeline` destroys the response with its error. The Server logs that error when the response closes.
  if (error instanceof Error && exchangeOf(req).ofConnection !== undefined && destroyReason(res) === error) return;
  const fault = faultOf(error, req);
  // Node sets the socket of a request to null if its body is left early. A `Server` keeps it.
  const socket = req.socket as Socket | null;
  const isGone = (res.destroyed || socket?.destroyed === true) && !res.writableFinished;
  const isLogged =
    error instanceof Fault
      ? logsCauses && error.status >= 500 && error.cause !== undefined
      : fault.status >= 500 || res.headersSent;
  if (isLogged) {
    const told = { ...facts(req, res), err: error instanceof Fault ? error.cause : (fault.cause ?? error) };
    if (isGone) log.debug(told, `${message} after its client disconnected`);
    else log.error(told, message);
  }
  if (isUpgraded(req) && socket?.destroyed === false) socket.destroy();
  else if (!res.closed && !isGone) {
    const onFailure = (err: unknown): void =>
      log.error({ ...facts(req, res), err }, 'the error response to a failed request failed');
    answerFault(req, res, fault, { style, onFailure, faultOf });
  }
}
