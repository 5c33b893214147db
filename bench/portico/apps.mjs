// The apps of Portico's pipelines, with routes and controllers as users write them.
import { action, Reply, Router } from 'portico/routing';
import { created, newServerSchema, pieces, routes, servers, versions } from '../works/payloads.mjs';

const GET = { method: ['GET'] };

class Servers {
  show(_request, { id }) {
    return { server: servers.get(id) };
  }

  create = action({ body: newServerSchema, status: 202 }, () => created);
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
