/**
 * Responses of a server to failures of its apps.
 */

import type { IncomingMessage } from 'node:http';
import { environ, Fault, type MatchedRoute } from '../../app/index.js';
import { abortReason, asFault, type FailureOptions } from '../../app/internal.js';
import { NotedFailures } from '../../counts/index.js';
import type { Logger } from '../../log/index.js';
import type { Exchange } from '../connections/connection.js';
import { requestFacts } from '../connections/request-facts.js';

/** Handles failures to which no filter has responded; `debug`: with their stacks. */
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

// The errors of an API's failed requests. A request that succeeds does nothing here.

/** Methods with their own name: clients can send any other one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Returns the method of a request; `other` for an unusual one that its route does not name. */
export function countedMethod({ method }: IncomingMessage, route: MatchedRoute | undefined): string {
  return method !== undefined && (METHODS.has(method) || route?.methods?.includes(method)) ? method : 'other';
}

export class RequestFailures extends NotedFailures {
  /** Notes a request whose response has status 500 or above, or was broken off. */
  note({ req, res, firstFailure: failure, outage }: Exchange): void {
    const error = failure?.cause ?? failure ?? abortReason(res);
    // Its client has left, or was too slow.
    if (res.statusCode < 500 && (error === undefined || (error instanceof Fault && error.status < 500))) return;
    const { requestId, route } = environ(req);
    const where = `${countedMethod(req, route)} ${route?.template ?? '-'}`;
    const text = `responded with ${res.statusCode} by the application`;
    const isOutage = res.statusCode === 503 && outage !== undefined;
    this.noteFailure(where, isOutage ? { text: outage } : error === undefined ? { text } : { error }, requestId);
  }
}
