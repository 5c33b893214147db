/** fault_wrapper: turns the errors of an app that is not a Router into faults. */
import type { OutgoingHttpHeaders } from 'node:http';
import { environ, Fault, filterFactory } from '../app/index.js';
import { answerFault, catching, type OnFailure } from '../app/internal.js';
import { defineOptions } from '../config/index.js';

const faultWrapperOptions = defineOptions({});

/**
 * Responds to an error with its status (`status`, `statusCode` or `code`, 400 to 599), or with 500. Sends the message of the error only if
 * its `safe` is true, and its `headers` as far as HTTP permits. Logs 4xx, and faults without a cause, at info without a stack; other 5xx
 * at error with the stack.
 */
export const faultWrapper = filterFactory('fault_wrapper', faultWrapperOptions, (_options, ctx) => {
  const fail: OnFailure = (error, req, res) => {
    const fault = faultOf(error);
    const { requestId, route } = environ(req);
    const facts = { method: req.method, route: route?.template, request_id: requestId, status: fault.status };
    // A fault without a cause is intentional, and its filter has logged the reason.
    if (fault.status < 500 || (error instanceof Fault && error.cause === undefined))
      ctx.log.info(facts, `responded with a fault: ${fault.message}`);
    else ctx.log.error({ ...facts, err: error }, 'request failed');
    const onFailure = (err: unknown): void =>
      ctx.log.error({ ...facts, err }, 'the error response to a failed request failed');
    answerFault(req, res, fault, { onFailure });
  };

  return (app) => catching(app, fail);
});

/** Converts an error to a fault. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (typeof error !== 'object' || error === null) return new Fault(500, { cause: error });
  const { status, statusCode, code, message, headers, safe } = error as Record<string, unknown>;
  const said = [status, statusCode, code].find((one) => one !== undefined && Number.isInteger(one));
  const isFault = typeof said === 'number' && said >= 400 && said <= 599;
  return new Fault(isFault ? said : 500, {
    message: safe === true && typeof message === 'string' ? message : undefined,
    headers: typeof headers === 'object' && headers !== null ? (headers as OutgoingHttpHeaders) : undefined,
    cause: error,
  });
}
