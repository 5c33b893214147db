/**
 * The deadline of a route: an answer in time, also when the action has none.
 */
import { Fault } from '../../app/index.js';
import type { ActionRequest } from '../actions/action-request.js';
import type { Fail } from '../actions/run-action.js';

/** After `ms` milliseconds the request's signal is aborted and, unless an answer has begun, it is answered with 503. */
export function startDeadline(request: ActionRequest, ms: number, fail: Fail): void {
  const { req, res } = request;
  const timer = setTimeout(() => {
    const fault = new Fault(503, { message: 'The request took too long.' });
    request.abort(fault);
    if (!res.headersSent) fail(req, res, fault);
  }, ms);
  res.once('close', () => clearTimeout(timer));
}
