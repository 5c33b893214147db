// Express 5.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { pipeline } from 'node:stream';
import { Ajv } from 'ajv';
import express from 'express';
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
import { connectFilters } from './connect-filters.mjs';
import { host, port, serve, tls } from './place.mjs';
import { failed, PREFIX } from './seven-filters.mjs';

const app = express();
// As Express' page on performance advises. No other contestant computes an ETag.
app.disable('x-powered-by');
app.disable('etag');

function versionsRoute() {
  app.get('/', (_req, res) => res.json(versions));
}

function compute(addRoutes) {
  const router = express.Router();
  for (const filter of connectFilters((req) => req.route?.path)) router.use(filter);
  addRoutes(router);
  app.use(PREFIX, router);
}

serve({
  work1: versionsRoute,
  work2: () =>
    compute((router) => router.get('/servers/:id', (req, res) => res.json({ server: servers.get(req.params.id) }))),
  work3() {
    const isValid = new Ajv().compile(newServerSchema);
    compute((router) =>
      router.post('/servers', express.json(), (req, res) => {
        if (isValid(req.body)) res.status(202).json(created);
        else res.status(400).json(wrong);
      }),
    );
  },
  work4() {
    for (const [method, path] of colonRoutes()) app[method.toLowerCase()](path, (_req, res) => res.json({}));
  },
  work5() {
    app.get('/stream', (_req, res) => {
      res.type('application/octet-stream');
      pipeline(pieces(), res, () => {});
    });
  },
  work6: versionsRoute,
});
app.use((_req, res) => res.status(404).json(missing));
app.use((error, _req, res, _next) => {
  const status = error.status ?? 500;
  res.status(status).json(status < 500 ? wrong : failed);
});
(tls === undefined ? createServer(app) : createSecureServer(tls, app)).listen(port, host);
