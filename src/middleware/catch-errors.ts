/** catch_errors: turns the errors of inner layers into responses. */
import { environ, filterFactory, targetMask } from '../app/index.js';
import { answering, type FailureOptions } from '../app/internal.js';
import { boolean, defineOptions, list } from '../config/index.js';
import { headerMask } from './headers.js';

const catchErrorsOptions = defineOptions({
  mask_headers: list({ default: [], help: 'Additional headers to mask in the log.' }),
  mask_query: list({ default: [], help: 'Additional query parameters to mask in the log.' }),
  log_headers: boolean({ default: false, help: 'Log the headers of failed requests, with secrets masked.' }),
});

/**
 * Responds to requests whose inner layers failed: a `Fault` with its status and headers, other errors with a generic 500 that is logged once,
 * with its stack. If the headers have been sent, the connection is destroyed and the error is logged. Request bodies are never logged.
 */
export const catchErrors = filterFactory('catch_errors', catchErrorsOptions, (options, ctx) => {
  const maskHeaders = headerMask(options.maskHeaders);
  const maskTarget = targetMask(options.maskQuery);

  const failures: FailureOptions = {
    log: ctx.log,
    message: 'request failed',
    logsCauses: true,
    facts: (req, res) => {
      const { originalUrl, requestId, globalRequestId } = environ(req);
      return {
        method: req.method,
        target: maskTarget(originalUrl),
        request_id: requestId,
        global_request_id: globalRequestId,
        ...(options.logHeaders ? { headers: maskHeaders(req.headers) } : {}),
        ...(res.headersSent && !res.writableEnded ? { truncated: true } : {}),
      };
    },
  };

  return (app) => answering(app, failures);
});
