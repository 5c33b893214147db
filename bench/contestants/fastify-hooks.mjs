// Fastify with the work that Portico does: the seven filters as hooks, as its users would write them without a pipeline, the same schema, and a
// request that all code finds.
import { fastify } from 'fastify';
import { giveIds, logRequests } from './fastify-filters.mjs';
import { listen, options } from './fastify-works.mjs';
import {
  authenticate,
  current,
  failed,
  isTooLarge,
  newRequestId,
  remoteOf,
  tokenHeaders,
  tooLarge,
} from './seven-filters.mjs';

const app = fastify({ ...options, genReqId: newRequestId });
app.decorateRequest('context', undefined);
app.decorateRequest('remote', undefined);

const hooks = (scope) => {
  giveIds(scope);
  scope.addHook('onRequest', (request, _reply, done) => {
    request.remote = remoteOf(request.raw);
    done();
  });
  scope.addHook('onRequest', (request, reply, done) => {
    if (isTooLarge(request.headers)) reply.code(413).send(tooLarge);
    else done();
  });
  scope.addHook('onRequest', (request, reply, done) => {
    const context = authenticate(request.raw, request.id);
    if (context === undefined) {
      reply.code(204).headers(tokenHeaders).send();
      return;
    }
    request.context = context;
    current.run(context, done);
  });
  logRequests(scope);
  scope.setErrorHandler((error, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) reply.code(status).send({ error: { code: status, title: error.name, message: error.message } });
    else reply.code(500).send(failed);
  });
};

await listen(app, hooks, () => {
  if (current.getStore() === undefined) throw new Error('the handler finds no request');
});
