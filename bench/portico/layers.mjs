// The same small response through one more layer of Portico each time: `node layers.mjs <layer> <port>`.
import { createServer } from 'node:http';
import { compose } from 'portico/app';
import { action, Router } from 'portico/routing';
import { Server } from 'portico/server';

const [, , layer, port] = process.argv;
const host = '127.0.0.1';

const response = {
  200: {
    type: 'object',
    properties: { server: { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } } },
  },
};

const bare = (_req, res) => {
  const text = '{"server":{"id":"17","name":"web-1"}}';
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
  res.end(text);
};

const show = (_request, { id }) => ({ server: { id, name: 'web-1' } });

function router() {
  const made = new Router({ controllers: { servers: { show: action({ response }, show) } } });
  made.connect('/servers/{id}', { controller: 'servers', action: 'show', conditions: { method: ['GET'] } });
  return made.build();
}

async function fastifyApp() {
  const { fastify } = await import('fastify');
  const app = fastify();
  app.get('/servers/:id', { schema: { response } }, (req) => ({ server: { id: req.params.id, name: 'web-1' } }));
  await app.ready();
  return app.routing;
}

const onNode = (app) => createServer(app).listen(port, host);
const onServer = (app) => new Server('bench', app, { host, port: Number(port) }).start();
/** A filter that only calls the app. */
const pass = (app) => (req, res) => app(req, res);

const LAYERS = {
  node: () => onNode(bare),
  'node-seven': () =>
    onNode(
      compose(
        Array.from({ length: 7 }, () => (app) => pass(app)),
        bare,
      ),
    ),
  server: () => onServer(bare),
  fastify: async () => onNode(await fastifyApp()),
  router: async () => onNode(await router()),
  'server-router': async () => onServer(await router()),
};

await LAYERS[layer]();
