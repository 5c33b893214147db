// Koa, with its router.
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Router } from '@koa/router';
import { Ajv } from 'ajv';
import Koa from 'koa';
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
import { koaFilters } from './koa-filters.mjs';
import { host, port, serve, tls } from './place.mjs';
import { PREFIX } from './seven-filters.mjs';

const app = new Koa();
const router = new Router();

app.use(async (ctx, next) => {
  await next();
  if (ctx.status !== 404 || ctx.body !== undefined) return;
  ctx.status = 404;
  ctx.body = missing;
});

/** Koa does not read bodies; the usual body parser does this and a little more. */
async function readJson(ctx) {
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function versionsRoute() {
  router.get('/', (ctx) => {
    ctx.body = versions;
  });
}

function compute(addRoutes) {
  const below = new Router({ prefix: PREFIX });
  below.use(...koaFilters());
  addRoutes(below);
  app.use(below.routes());
}

serve({
  work1: versionsRoute,
  work2: () =>
    compute((below) =>
      below.get('/servers/:id', (ctx) => {
        ctx.body = { server: servers.get(ctx.params.id) };
      }),
    ),
  work3() {
    const isValid = new Ajv().compile(newServerSchema);
    compute((below) =>
      below.post('/servers', async (ctx) => {
        const valid = isValid(await readJson(ctx));
        ctx.status = valid ? 202 : 400;
        ctx.body = valid ? created : wrong;
      }),
    );
  },
  work4() {
    for (const [method, path] of colonRoutes()) {
      router[method.toLowerCase()](path, (ctx) => {
        ctx.body = {};
      });
    }
  },
  work5() {
    router.get('/stream', (ctx) => {
      ctx.type = 'application/octet-stream';
      ctx.body = pieces();
    });
  },
  work6: versionsRoute,
});
app.use(router.routes());
const listener = app.callback();
(tls === undefined ? createServer(listener) : createSecureServer(tls, listener)).listen(port, host);
