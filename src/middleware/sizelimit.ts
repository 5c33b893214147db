/** sizelimit: limits the size of request bodies. */
import { Fault, filterFactory, type OpenApiAdditions } from '../app/index.js';
import { bodyLengthOf, exchangeOf, FIELD, limitBody, tooLarge } from '../app/internal.js';
import { bytes, defineOptions, dict, type OptionsOf } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';
import { ofLongestPrefix } from './path-prefix-match.js';

const sizelimitOptions = defineOptions({
  max_request_body_size: bytes({
    default: 114_688,
    min: 0,
    help: 'Maximum size of a request body.',
    deprecated: ['DEFAULT.osapi_max_request_body_size', 'DEFAULT.max_request_body_size'],
  }),
  overrides: dict({
    value: bytes({ default: 0, min: 0 }),
    help: 'Limits for paths and all below, such as /v2/images:1GiB. The longest match applies.',
  }),
});
writtenElsewhere(sizelimitOptions, { meant: { max_body_size: "did you mean 'max_request_body_size'?" } });

/**
 * Responds with 413 to a body over the limit: before the body is read if its length is declared, otherwise when the limit is exceeded. Does
 * not buffer the body. Closes the connection after the response.
 */
export const sizelimit = filterFactory(
  'sizelimit',
  sizelimitOptions,
  ({ maxRequestBodySize, overrides }) =>
    (app) =>
    (req, res) => {
      const exchange = exchangeOf(req);
      if ((exchange.fieldKinds & (FIELD.LENGTH | FIELD.CODING)) === 0) return app(req, res);
      const length = bodyLengthOf(exchange);
      if (length === 0) return app(req, res);
      const limit = ofLongestPrefix(req, overrides) ?? maxRequestBodySize;
      // The HTTP parser enforces the declared length.
      if (length > 0 && length <= limit) return app(req, res);
      if (length !== -1) throw refusal(length, limit);
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
  { openapi: openapiOf },
);

type Options = OptionsOf<typeof sizelimitOptions>;

function refusal(length: number, limit: number): Fault {
  return Number.isNaN(length) ? new Fault(400, { message: 'The Content-Length is not a number.' }) : tooLarge(limit);
}

function openapiOf({ maxRequestBodySize: limit }: Options): OpenApiAdditions {
  return { responses: { 413: { description: `The body has more than ${limit} bytes.` } } };
}
