/**
 * Requests that are still at work when nobody wants to wait any longer: what is said about them.
 */
import { PorticoError } from '../../errors.js';
import type { LogFields } from '../../log.js';
import { requestFacts } from '../requests/run-app.js';
import type { Exchange } from './connections.js';

/** Requests a log line names; the others are counted. */
const NAMED = 20;

/** `GET /servers for 3.2 s`. */
export function describeExchange({ req, since }: Exchange): string {
  const { method, path } = requestFacts(req);
  return `${method} ${path} for ${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** The facts of the log line. */
export function cutOffFacts(exchanges: readonly Exchange[]): LogFields {
  const requests = exchanges.slice(0, NAMED).map(({ req, since }) => ({
    ...requestFacts(req),
    seconds: Math.round(performance.now() - since) / 1000,
  }));
  return { count: exchanges.length, requests };
}

/** The error of a stop that had to cut requests off. */
export function cutOffError(name: string, exchanges: readonly Exchange[]): PorticoError {
  return new PorticoError('PORTICO_STOP_DEADLINE', {
    message: `${name}: ${exchanges.length} request(s) were still at work at the deadline and were cut off.`,
    hint: 'The log names them. [DEFAULT] graceful_shutdown_timeout is the time they get.',
  });
}
