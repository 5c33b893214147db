/** debug: logs requests and responses in full. Not for production. */
import { PassThrough } from 'node:stream';
import { beforeHead, environ, filterFactory, targetMask, transformBody } from '../app/index.js';
import { defineOptions } from '../config/index.js';
import { requireDebug } from './debug-only.js';
import { contentTypeOf, headerMask } from './headers.js';

const debugOptions = defineOptions({});

/**
 * Logs requests, response headers and the chunks of text bodies at level debug; of other chunks it logs the size. Secrets in headers and
 * in the query are masked, but not in bodies. Loads only with `[DEFAULT] debug = true`.
 */
export const debug = filterFactory(
  'debug',
  debugOptions,
  (_options, ctx) => {
    const { config, log, section } = ctx;
    requireDebug(config, 'the debug filter logs everything about requests', 'remove the filter', section.origin);
    const maskHeaders = headerMask([]);
    const maskTarget = targetMask([]);

    return (app) => (req, res) => {
      const { originalUrl, scriptName, requestId, context } = environ(req);
      log.debug(
        {
          method: req.method,
          target: maskTarget(originalUrl),
          script_name: scriptName,
          request_id: requestId,
          context: context === undefined ? undefined : { ...context.toDict(), auth_token: undefined },
          headers: maskHeaders(req.headers),
        },
        'request',
      );
      beforeHead(res, () => {
        log.debug({ status: res.statusCode, headers: maskHeaders(res.getHeaders() as typeof req.headers) }, 'response');
      });
      if (log.enabled('debug')) {
        transformBody(res, () => {
          const isText = /^(?:text\/|application\/(?:[\w.-]+\+)?json)/.test(contentTypeOf(res));
          return new PassThrough().on('data', (chunk: Buffer) => {
            log.debug(isText ? { text: chunk.toString() } : { bytes: chunk.length }, 'body');
          });
        });
      }
      return app(req, res);
    };
  },
  { trial: true },
);
