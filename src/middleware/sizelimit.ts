/** sizelimit: limits the size of request bodies. */
import type { IncomingMessage } from 'node:http';
import { type Description, Fault, filterFactory } from '../app/index.js';
import { limitBody, tooLarge } from '../app/internal.js';
import { bytes, defineOptions, dict, type OptionsOf } from '../config/index.js';
import { ofLongestPrefix } from './path-prefix-match.js';

const sizelimitOptions = defineOptions({
  max_request_body_size: bytes({
    default: 114_688,
    min: 0,
    mutable: true,
    help: 'Maximum size of a request body.',
    deprecated: ['DEFAULT.osapi_max_request_body_size', 'DEFAULT.max_request_body_size'],
  }),
  overrides: dict({
    value: bytes({ default: 0, min: 0 }),
    mutable: true,
    help: 'Limits for paths and everything below them, such as /v2/images:1GiB. The longest matching path applies.',
  }),
});

/**
 * Answers 413 to a body over the limit: before the body is read if its length is declared, otherwise when the limit is exceeded. Does
 * not buffer the body. Closes the connection after the response.
 */
export const sizelimit = filterFactory(
  'sizelimit',
  sizelimitOptions,
  (_options, _ctx, live) => (app) => (req, res) => {
    const declared = req.headers['content-length'];
    if (declared === undefined && req.headers['transfer-encoding'] === undefined) return app(req, res);
    const { maxRequestBodySize, overrides } = live();
    const limit = ofLongestPrefix(req, overrides) ?? maxRequestBodySize;
    if (declared !== undefined) {
      if (!/^\d+$/.test(declared)) throw new Fault(400, { message: 'The Content-Length is not a number.' });
      if (Number(declared) > limit) throw tooLarge(limit);
      // The HTTP parser enforces the declared length.
      return app(req, res);
    }
    return new Promise((resolve, reject) => {
      limitBody(req, limit, () => {
        const fault = tooLarge(limit);
        reject(fault);
        return fault;
      });
      // An app may return before the body has been read, so the promise does not resolve then.
      res.once('close', resolve);
      Promise.resolve(app(req, res)).catch(reject);
    });
  },
  { describe },
);

function describe(options: OptionsOf<typeof sizelimitOptions>, req?: IncomingMessage): Description {
  const limit = (req && ofLongestPrefix(req, options.overrides)) ?? options.maxRequestBodySize;
  const declared = req?.headers['content-length'];
  if (declared !== undefined && !/^\d+$/.test(declared)) {
    return { does: 'answers 400, because the Content-Length is not a number', answers: 400 };
  }
  if (Number(declared) > limit) {
    return { does: `answers 413, because a body of ${declared} bytes exceeds ${limit}`, answers: 413 };
  }
  return {
    does: `answers 413 to a body of more than ${limit} bytes`,
    openapi: { responses: { 413: { description: `The body has more than ${limit} bytes.` } } },
  };
}
