/** sizelimit: limits the size of request bodies. */
import type { IncomingMessage } from 'node:http';
import { type Description, Fault, filterFactory } from '../app/index.js';
import { bodyLengthOf, limitBody, tooLarge } from '../app/internal.js';
import { bytes, defineOptions, dict, type OptionsOf } from '../config/index.js';
import { ofLongestPrefix } from './path-prefix-match.js';
import { refusing } from './refusing.js';

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
    help: 'Limits for paths and all below, such as /v2/images:1GiB. The longest match applies.',
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
    const length = bodyLengthOf(req);
    if (length === 0) return app(req, res);
    const limit = limitOf(live(), req);
    if (length !== -1) {
      const fault = refusal(length, limit);
      if (fault !== undefined) throw fault;
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

type Options = OptionsOf<typeof sizelimitOptions>;

const limitOf = ({ maxRequestBodySize, overrides }: Options, req: IncomingMessage): number =>
  ofLongestPrefix(req, overrides) ?? maxRequestBodySize;

function refusal(length: number, limit: number): Fault | undefined {
  if (Number.isNaN(length)) return new Fault(400, { message: 'The Content-Length is not a number.' });
  return length > limit ? tooLarge(limit) : undefined;
}

function describe(options: Options, req?: IncomingMessage): Description {
  const limit = req === undefined ? options.maxRequestBodySize : limitOf(options, req);
  const fault = req === undefined ? undefined : refusal(bodyLengthOf(req), limit);
  if (fault !== undefined) return refusing(fault);
  return {
    does: `answers 413 to a body of more than ${limit} bytes`,
    openapi: { responses: { 413: { description: `The body has more than ${limit} bytes.` } } },
  };
}
