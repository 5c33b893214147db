// The seven filters as Hono middleware.
import {
  authenticate,
  current,
  dropForwarding,
  globalRequestId,
  ID_HEADER,
  isTooLarge,
  logRequest,
  newRequestId,
  tokenHeaders,
  tooLarge,
  wantsLines,
} from './seven-filters.mjs';

/** Returns the filters, outermost first. The app's `onError` handles errors. */
export function honoFilters() {
  return [requestId, requestLog, proxyHeaders, sizeLimit, noauth];
}

async function requestId(c, next) {
  const id = newRequestId();
  c.set('requestId', id);
  c.set('globalRequestId', globalRequestId(c.env.incoming.headers));
  c.header(ID_HEADER, id);
  await next();
}

async function requestLog(c, next) {
  if (!wantsLines()) return next();
  const begun = process.hrtime.bigint();
  const { incoming, outgoing } = c.env;
  outgoing.once('finish', () => {
    logRequest(incoming, {
      target: incoming.url,
      status: outgoing.statusCode,
      bytes: Number(outgoing.getHeader('content-length')),
      ms: Number(process.hrtime.bigint() - begun) / 1e6,
      id: c.get('requestId'),
      globalId: c.get('globalRequestId'),
      route: undefined,
      context: c.get('context'),
    });
  });
  await next();
}

async function proxyHeaders(c, next) {
  dropForwarding(c.env.incoming.headers);
  await next();
}

async function sizeLimit(c, next) {
  if (isTooLarge(c.env.incoming.headers)) return c.json(tooLarge, 413);
  await next();
}

async function noauth(c, next) {
  const context = authenticate(c.env.incoming, c.get('requestId'));
  if (context === undefined) return c.body(null, 204, tokenHeaders);
  c.set('context', context);
  await current.run(context, next);
}
