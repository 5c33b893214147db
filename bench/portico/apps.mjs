// The apps of Portico's pipelines, with routes and controllers as users write them.
import { currentContext } from 'portico/app';
import { action, Reply, Router } from 'portico/routing';
import { created, newServerSchema, pieces, routes, servers, versions } from '../works/payloads.mjs';

const GET = { method: ['GET'] };

class Servers {
  show(_request, { id }) {
    findRequest();
    return { server: servers.get(id) };
  }

  create = action({ body: newServerSchema, status: 202 }, () => {
    findRequest();
    return created;
  });
}

/** As Fastify's handlers behind its own hooks do. */
function findRequest() {
  if (currentContext() === undefined) throw new Error('the handler finds no request');
}

export function versionsApp() {
  const router = new Router();
  router.connect('/', { handler: () => versions, conditions: GET });
  return router.build();
}

export function serversApp() {
  const router = new Router({ controllers: { servers: Servers } });
  router.resource('server', 'servers', { controller: 'servers', only: ['show', 'create'], formatted: false });
  return router.build();
}

/** Work 2 without a filter. */
export function plainApp() {
  const router = new Router();
  router.connect('/v2.1/servers/{id}', {
    handler: (_request, { id }) => ({ server: servers.get(id) }),
    conditions: GET,
  });
  return router.build();
}

export function table() {
  const router = new Router();
  for (const [method, path] of routes()) {
    router.connect(path, { handler: () => ({}), conditions: { method: [method] } });
  }
  return router.build();
}

export function manyRoutes() {
  const router = new Router();
  for (let route = 0; route < Number(process.env.BENCH_ROUTES); route++) {
    router.connect(`/volumes${route}/{id}`, { handler: () => ({}), conditions: GET });
  }
  return router.build();
}

export function stream() {
  const headers = { 'content-type': 'application/octet-stream' };
  return new Router().connect('/stream', { handler: () => new Reply(pieces(), { headers }), conditions: GET }).build();
}
