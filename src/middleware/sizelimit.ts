/**
 * sizelimit: no request body larger than allowed.
 */
import { Fault, filterFactory, limitBody } from '../app/index.js';
import { tooLarge } from '../app/internal.js';
import { bytes, defineOptions, dict } from '../config/index.js';
import { ofLongestPrefix } from './path-prefix-match.js';

export const sizelimitOptions = defineOptions({
  max_request_body_size: bytes({
    default: 114_688,
    min: 0,
    mutable: true,
    help: 'The largest request body accepted.',
    deprecated: ['DEFAULT.osapi_max_request_body_size', 'DEFAULT.max_request_body_size'],
  }),
  overrides: dict({
    value: bytes({ default: 0, min: 0 }),
    mutable: true,
    help: 'Other limits for paths and everything below them: /v2/images:1GiB. The longest path counts.',
  }),
});

/**
 * Answers 413 to a larger body: before reading when its length is declared, else as soon as more has come. It buffers
 * nothing. The connection ends with the answer.
 */
export const sizelimit = filterFactory('sizelimit', sizelimitOptions, (_options, _ctx, live) => (app) => (req, res) => {
  const declared = req.headers['content-length'];
  if (declared === undefined && req.headers['transfer-encoding'] === undefined) return app(req, res);
  const { maxRequestBodySize, overrides } = live();
  const limit = ofLongestPrefix(req, overrides) ?? maxRequestBodySize;
  if (declared !== undefined) {
    if (!/^\d+$/.test(declared)) throw new Fault(400, { message: 'The Content-Length is not a number.' });
    if (Number(declared) > limit) throw tooLarge(limit);
    // The parser holds the client to what it declared.
    return app(req, res);
  }
  return new Promise((resolve, reject) => {
    limitBody(req, limit, () => {
      const fault = tooLarge(limit);
      reject(fault);
      return fault;
    });
    // An app may return before it has read the body, so its return does not end this.
    res.once('close', resolve);
    Promise.resolve(app(req, res)).catch(reject);
  });
});
