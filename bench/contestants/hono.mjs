// Hono on Node, with its adapter.
import { createServer } from 'node:https';
import { Readable } from 'node:stream';
import { serve as listen } from '@hono/node-server';
import { Ajv } from 'ajv';
import { Hono } from 'hono';
import {
  colonRoutes,
  created,
  missing,
  newServerSchema,
  pieces,
  servers,
  versions,
  wrong,
} from '../works/payloads.mjs';
import { honoFilters } from './hono-filters.mjs';
import { host, port, serve, tls } from './place.mjs';
import { failed, PREFIX } from './seven-filters.mjs';

const app = new Hono();
app.notFound((c) => c.json(missing, 404));
app.onError((_error, c) => c.json(failed, 500));

function versionsRoute() {
  app.get('/', (c) => c.json(versions));
}

function compute(addRoutes) {
  const below = new Hono();
  for (const filter of honoFilters()) below.use(filter);
  addRoutes(below);
  app.route(PREFIX, below);
}

serve({
  work1: versionsRoute,
  work2: () => compute((below) => below.get('/servers/:id', (c) => c.json({ server: servers.get(c.req.param('id')) }))),
  work3() {
    const isValid = new Ajv().compile(newServerSchema);
    compute((below) =>
      below.post('/servers', async (c) => {
        const body = await c.req.json().catch(() => undefined);
        return isValid(body) ? c.json(created, 202) : c.json(wrong, 400);
      }),
    );
  },
  work4() {
    for (const [method, path] of colonRoutes()) app.on(method, path, (c) => c.json({}));
  },
  work5() {
    app.get('/stream', (c) => c.body(Readable.toWeb(pieces()), 200, { 'content-type': 'application/octet-stream' }));
  },
  work6: versionsRoute,
});
const secure = tls === undefined ? {} : { createServer, serverOptions: tls };
listen({ fetch: app.fetch, hostname: host, port: Number(port), ...secure });
