/** echo: an app that returns the request as its pipeline passed it on. For tests of pipelines. */
import { appFactory, environ, remoteOf } from '../app/index.js';
import { knowsTrials } from '../app/internal.js';
import { defineOptions } from '../config/index.js';
import type {} from './auth/identity.js';

/** Responds with the method, path, headers, remote address, ids, identity and context as JSON. */
export const echo = appFactory('echo', defineOptions({}), () =>
  knowsTrials((req, res) => {
    const { scriptName, originalUrl, params, requestId, globalRequestId, identity, context } = environ(req);
    const body = JSON.stringify({
      method: req.method,
      url: req.url,
      script_name: scriptName,
      original_url: originalUrl,
      params,
      headers: req.headers,
      remote: remoteOf(req),
      request_id: requestId,
      global_request_id: globalRequestId,
      identity,
      context: context?.toDict(),
    });
    res.setHeader('content-type', 'application/json');
    res.setHeader('content-length', Buffer.byteLength(body));
    res.end(body);
  }),
);
