/**
 * Responses of a server to failures of its apps.
 */
import { Fault } from '../../app/index.js';
import { asFault, type FailureOptions } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { requestFacts } from '../connections/request-facts.js';

/** Handles failures that no filter has answered; `debug`: with their stacks. */
export function serverFailures(log: Logger, debug: boolean): FailureOptions {
  return {
    log,
    message: 'request failed',
    facts: (req) => ({ ...requestFacts(req) }),
    faultOf: debug ? shown : undefined,
  };
}

/** Returns a response that shows the failure with its stack to every client. */
function shown(error: unknown): Fault {
  const fault = asFault(error);
  if (error instanceof Fault || fault.status < 500) return fault;
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new Fault(fault.status, { message, cause: error });
}
