// Two of the seven filters as Fastify hooks, for all of its contestants that use them.
import { globalRequestId, ID_HEADER, logRequest, wantsLines } from './seven-filters.mjs';

/** 1 request id. The instance needs `genReqId: newRequestId`. */
export function giveIds(scope) {
  scope.decorateRequest('globalId', undefined);
  scope.addHook('onRequest', (request, reply, done) => {
    request.globalId = globalRequestId(request.headers);
    reply.header(ID_HEADER, request.id);
    done();
  });
}

/** 6 request log. */
export function logRequests(scope) {
  scope.addHook('onResponse', (request, reply, done) => {
    if (!wantsLines()) {
      done();
      return;
    }
    logRequest(request.raw, {
      remote: request.remote,
      target: request.originalUrl,
      status: reply.statusCode,
      bytes: Number(reply.getHeader('content-length')),
      ms: reply.elapsedTime,
      id: request.id,
      globalId: request.globalId,
      route: request.routeOptions.url,
      context: request.context,
    });
    done();
  });
}
