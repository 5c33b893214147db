/**
 * Handling of a request whose app has failed: the one place that logs it and answers it, for the `Server`, `catch_errors` and
 * Routers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LogFields, Logger } from '../log/index.js';
import { destroyReason } from './after-response.js';
import { answerFault } from './answer-fault.js';
import { exchangeOf } from './exchange.js';
import { asFault, Fault } from './fault.js';
import type { FaultStyle } from './fault-form.js';
import { isUpgraded } from './server-state.js';

/** Renderer and log of failures. */
export interface FailureOptions {
  readonly log: Logger;
  /** Default: as the API of the request has it. */
  readonly style?: FaultStyle | undefined;
  /** The line of the log about an error that is no fault. */
  readonly message: string;
  /** Facts of the request for that line. */
  readonly facts: (req: IncomingMessage, res: ServerResponse) => LogFields;
  /** Default: {@link asFault}. */
  readonly faultOf?: ((error: unknown, req: IncomingMessage) => Fault) | undefined;
  /** Logs the causes of faults of 500 and above too. Default: false. */
  readonly logsCauses?: boolean;
}

/**
 * Answers whatever a request failed with, and never throws. A fault is rendered; any other error is answered with the
 * status that it says, else with 500, and from 500 on logged once, with its stack. When the head is out already it is logged as
 * well, and the connection is destroyed: a truncated answer must not look complete.
 */
export function answerFailure(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  options: FailureOptions,
): void {
  const { log, style, message, facts, faultOf = asFault } = options;
  // As `pipeline` does. A Server tells it when the response has ended.
  if (error instanceof Error && exchangeOf(req).connection !== undefined && destroyReason(res) === error) return;
  const fault = faultOf(error, req);
  const isGone = req.socket.destroyed && !res.writableFinished;
  const isFailure = fault.status >= 500 || res.headersSent;
  if (error instanceof Fault ? hasLoggedCause(error, options) : isFailure) {
    const told = { ...facts(req, res), err: error instanceof Fault ? error.cause : (fault.cause ?? error) };
    if (isGone) log.debug(`${message} after its client disconnected`, told);
    else log.error(message, told);
  }
  if (isUpgraded(req) && !req.socket.destroyed) req.socket.destroy();
  else if (!res.closed && !isGone) {
    const onFailure = (err: unknown): void =>
      log.error('the error response to a failed request failed', { ...facts(req, res), err });
    answerFault(req, res, fault, { style, onFailure, faultOf });
  }
}

function hasLoggedCause({ status, cause }: Fault, { logsCauses }: FailureOptions): boolean {
  return logsCauses === true && status >= 500 && cause !== undefined;
}
