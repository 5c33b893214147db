// The seven filters as Koa middleware.
import {
  authenticate,
  current,
  dropForwarding,
  failed,
  globalRequestId,
  ID_HEADER,
  isTooLarge,
  logRequest,
  newRequestId,
  tokenHeaders,
  tooLarge,
  wantsLines,
} from './seven-filters.mjs';

/** Returns the filters, outermost first. */
export function koaFilters() {
  return [catchErrors, requestId, requestLog, proxyHeaders, sizeLimit, noauth];
}

async function catchErrors(ctx, next) {
  try {
    await next();
  } catch (error) {
    ctx.status = error.status ?? 500;
    ctx.body = failed;
  }
}

function requestId(ctx, next) {
  ctx.state.requestId = newRequestId();
  ctx.state.globalRequestId = globalRequestId(ctx.headers);
  ctx.set(ID_HEADER, ctx.state.requestId);
  return next();
}

function requestLog(ctx, next) {
  if (!wantsLines()) return next();
  const begun = process.hrtime.bigint();
  ctx.res.once('finish', () => {
    logRequest(ctx.req, {
      target: ctx.originalUrl,
      status: ctx.status,
      bytes: ctx.length,
      ms: Number(process.hrtime.bigint() - begun) / 1e6,
      id: ctx.state.requestId,
      globalId: ctx.state.globalRequestId,
      route: ctx.routerPath,
      context: ctx.state.context,
    });
  });
  return next();
}

function proxyHeaders(ctx, next) {
  dropForwarding(ctx.headers);
  return next();
}

function sizeLimit(ctx, next) {
  if (!isTooLarge(ctx.headers)) return next();
  ctx.status = 413;
  ctx.body = tooLarge;
}

function noauth(ctx, next) {
  const context = authenticate(ctx.req, ctx.state.requestId);
  if (context === undefined) {
    ctx.set(tokenHeaders);
    ctx.status = 204;
    return;
  }
  ctx.state.context = context;
  return current.run(context, next);
}
