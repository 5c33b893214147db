// The seven filters as Connect middleware, `(req, res, next)`, for middie, Express and Nest.
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

/** Returns the filters, outermost first. `routeOf(req)` returns the route for the log. */
export function connectFilters(routeOf = () => undefined) {
  return [requestId, requestLog(routeOf), proxyHeaders, sizeLimit, noauth];
}

function requestId(req, res, next) {
  req.requestId = newRequestId();
  req.globalRequestId = globalRequestId(req.headers);
  res.setHeader(ID_HEADER, req.requestId);
  next();
}

function requestLog(routeOf) {
  return (req, res, next) => {
    if (!wantsLines()) {
      next();
      return;
    }
    const begun = process.hrtime.bigint();
    const target = req.originalUrl ?? req.url;
    res.once('finish', () => {
      logRequest(req, {
        target,
        status: res.statusCode,
        bytes: Number(res.getHeader('content-length')),
        ms: Number(process.hrtime.bigint() - begun) / 1e6,
        id: req.requestId,
        globalId: req.globalRequestId,
        route: routeOf(req),
        context: req.context,
      });
    });
    next();
  };
}

function proxyHeaders(req, _res, next) {
  dropForwarding(req.headers);
  next();
}

function sizeLimit(req, res, next) {
  if (!isTooLarge(req.headers)) return next();
  const text = JSON.stringify(tooLarge);
  res.writeHead(413, { 'content-type': 'application/json', 'content-length': text.length });
  res.end(text);
}

function noauth(req, res, next) {
  const context = authenticate(req, req.requestId);
  if (context === undefined) {
    res.writeHead(204, tokenHeaders);
    res.end();
    return;
  }
  req.context = context;
  current.run(context, next);
}
