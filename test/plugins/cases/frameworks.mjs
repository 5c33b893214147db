/** Fastify's features, documents, metrics and databases; Express, Koa and Hono as apps. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import autoload from '@fastify/autoload';
import expressPlugin from '@fastify/express';
import FastifyOtelInstrumentation from '@fastify/otel';
import postgres from '@fastify/postgres';
import { fastifyRequestContext, requestContext } from '@fastify/request-context';
import sensible from '@fastify/sensible';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import underPressure from '@fastify/under-pressure';
import KoaRouter from '@koa/router';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import cookieParser from 'cookie-parser';
import express from 'express';
import metrics from 'fastify-metrics';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { streamSSE } from 'hono/streaming';
import Koa from 'koa';
import koaBody from 'koa-bodyparser';
import morgan from 'morgan';
import { fromFetch } from 'portico/app';
import { z } from 'zod';

const loaded = fileURLToPath(new URL('../autoloaded', import.meta.url));
const POSTGRES = process.env.PORTICO_TEST_POSTGRESQL;
const described = { info: { title: 'Things', version: '1.0.0' } };
const item = { type: 'object', properties: { id: { type: 'string' } } };
const pressure = { healthCheck: async () => false, healthCheckInterval: 60_000, retryAfter: 7 };

/** Registers plugins with `instance.register(...each)`. */
const all = async (instance, plugins) => {
  for (const each of plugins) await instance.register(...[each].flat());
};
/** Makes a plugin's additions visible to all scopes. */
const shared = (plugin) => Object.assign(plugin, { [Symbol.for('skip-override')]: true });

export const cases = {
  fastify: {
    router: () => ({
      plugins: [hooks, import('../a-plugin.mjs')],
      routes: (router) =>
        router
          .get('/accepted', ({ reply }) => {
            reply.code(202).header('x-own', 'yes');
            return { accepted: true };
          })
          .get('/busy', () => {
            throw Object.assign(new Error('busy'), { statusCode: 503 });
          })
          .get('/hooks', ({ fastify }) => fastify.server.ran),
    }),
    async fastify(instance) {
      await all(instance, [hooks, import('../a-plugin.mjs')]);
      instance.get('/accepted', async (_request, reply) => {
        reply.code(202).header('x-own', 'yes');
        return { accepted: true };
      });
      instance.get('/busy', async () => {
        throw Object.assign(new Error('busy'), { statusCode: 503 });
      });
      instance.get('/hooks', async () => instance.ran);
    },
    errors: /"busy"/,
    async checks({ ask }) {
      const accepted = await ask('/accepted');
      assert.deepEqual([accepted.status, accepted.headers['x-own'], accepted.json()], [202, 'yes', { accepted: true }]);
      const ran = (await ask('/hooks')).json();
      for (const name of ['onReady', 'onListen', 'onRequest', 'preHandler']) assert.ok(ran.includes(name), name);
      assert.equal((await ask('/busy')).status, 503);
      assert.deepEqual((await ask('/from-module')).json(), { from: 'module' });
    },
  },
  '@fastify/middie': {
    router: () => ({ plugins: [shared(stamp)], routes: (router) => router.get('/', () => ({})) }),
    fastify: async (instance) => {
      stamp(instance);
      instance.get('/', async () => ({}));
    },
    // Bare Fastify needs a plugin for it.
    bare: false,
    checks: async ({ ask }) => assert.equal((await ask('/')).headers['x-stamp'], 'yes'),
  },
  '@fastify/express': {
    options: { middie: false },
    async fastify(instance) {
      await instance.register(expressPlugin);
      instance.use(cookieParser());
      instance.get('/cookies', async ({ raw }) => raw.cookies);
    },
    checks: async ({ ask }) =>
      assert.deepEqual((await ask('/cookies', { headers: { cookie: 'a=1' } })).json(), { a: '1' }),
  },
  '@fastify/sensible': {
    router: () => ({
      plugins: [sensible],
      routes: (router) =>
        router
          .get('/conflict', ({ fastify }) => {
            throw fastify.server.httpErrors.conflict('taken');
          })
          .get('/assert', ({ fastify }) => fastify.server.assert(false, 422, 'odd'))
          .get('/gone', ({ reply }) => reply.gone('gone')),
    }),
    async fastify(instance) {
      await instance.register(sensible);
      instance.get('/conflict', async () => {
        throw instance.httpErrors.conflict('taken');
      });
      instance.get('/assert', async () => instance.assert(false, 422, 'odd'));
      instance.get('/gone', async (_request, reply) => reply.gone('gone'));
    },
    async checks({ ask }) {
      for (const [path, status] of Object.entries({ '/conflict': 409, '/assert': 422, '/gone': 410 })) {
        assert.equal((await ask(path)).status, status);
      }
    },
  },
  '@fastify/under-pressure': {
    router: () => ({ plugins: [[underPressure, pressure]], routes: (router) => router.get('/', () => ({})) }),
    async fastify(instance) {
      await instance.register(underPressure, pressure);
      instance.get('/', async () => ({}));
    },
    errors: /Service Unavailable|external health/,
    async checks({ ask }) {
      const { status, headers } = await ask('/');
      assert.deepEqual([status, headers['retry-after']], [503, '7']);
    },
  },
  '@fastify/autoload': {
    router: () => ({ plugins: [[autoload, { dir: loaded }]] }),
    fastify: (instance) => instance.register(autoload, { dir: loaded }),
    checks: async ({ ask }) => assert.deepEqual((await ask('/things/7')).json(), { thing: '7' }),
  },
  '@fastify/swagger': {
    router: () => ({
      plugins: [[swagger, { openapi: described }]],
      routes: (router) =>
        router
          .get('/items/{id}', { summary: 'One item', response: { 200: item } }, ({ params }) => params)
          .get('/document', ({ fastify }) => fastify.server.swagger()),
    }),
    async fastify(instance) {
      await instance.register(swagger, { openapi: described });
      instance.get(
        '/items/:id',
        { schema: { summary: 'One item', response: { 200: item } } },
        async ({ params }) => params,
      );
      instance.get('/document', async () => instance.swagger());
    },
    async checks({ ask }) {
      const document = (await ask('/document')).json();
      assert.equal(document.paths['/items/{id}'].get.summary, 'One item');
      assert.equal(document.info.title, 'Things');
    },
  },
  '@fastify/swagger-ui': {
    router: () => ({ plugins: [[swagger, { openapi: described }], swaggerUi] }),
    fastify: (instance) => all(instance, [[swagger, { openapi: described }], swaggerUi]),
    async checks({ ask, url }) {
      const page = await ask('/documentation/');
      assert.equal(page.status, 200);
      const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
      assert.ok(assets.length > 3);
      for (const asset of assets) {
        const { pathname } = new URL(asset, `${url}/documentation/`);
        assert.equal((await ask.whole(pathname)).status, 200, pathname);
      }
    },
  },
  '@fastify/postgres': {
    needs: 'postgresql',
    router: () => ({
      plugins: [[postgres, { connectionString: POSTGRES }]],
      routes: (router) => router.get('/sum/{n:int}', ({ fastify, params }) => sum(fastify.server.pg, params.n)),
    }),
    async fastify(instance) {
      await instance.register(postgres, { connectionString: POSTGRES });
      instance.get('/sum/:n', async ({ params }) => sum(instance.pg, params.n));
    },
    async checks({ ask }) {
      const sums = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(`/sum/${n}`)));
      assert.deepEqual(
        sums.map((answer) => answer.json().sum),
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
    },
  },
  '@fastify/otel': {
    router: () => ({
      plugins: [traced()],
      routes: (router) => router.get('/items/{id}', ({ fastify }) => fastify.opentelemetry().span.attributes),
    }),
    async fastify(instance) {
      await instance.register(traced());
      instance.get('/items/:id', async (request) => request.opentelemetry().span.attributes);
    },
    checks: async ({ ask }) => assert.match((await ask('/items/7')).json()['http.route'], /\/items\/(?:\{id\}|:id)$/),
  },
  '@fastify/request-context': {
    router: () => ({
      plugins: [fastifyRequestContext],
      routes: (router) => router.post('/kept', ({ body }) => kept(body.n)),
    }),
    async fastify(instance) {
      await instance.register(fastifyRequestContext);
      instance.post('/kept', async ({ body }) => kept(body.n));
    },
    async checks({ ask }) {
      const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask('/kept', { json: { n } })));
      for (const [n, answer] of answers.entries()) assert.deepEqual(answer.json(), { n });
    },
  },
  'fastify-metrics': {
    router: () => ({
      plugins: [[metrics, { endpoint: '/own-metrics', routeMetrics: { registeredRoutesOnly: false } }]],
      routes: (router) => router.get('/items/{id}', () => ({})),
    }),
    async fastify(instance) {
      await instance.register(metrics, { endpoint: '/own-metrics' });
      instance.get('/items/:id', async () => ({}));
    },
    async checks({ ask }) {
      // Enough requests for each worker to get some.
      for (let time = 0; time < 30; time++) await ask('/items/7');
      assert.match((await ask('/own-metrics')).text, /http_request_duration_seconds_count\{[^}]*route="\/items\//);
    },
    // One registry for each process, so only one mount.
    mounts: [''],
  },
  'fastify-type-provider-zod': {
    async fastify(instance) {
      instance.setValidatorCompiler(validatorCompiler);
      instance.setSerializerCompiler(serializerCompiler);
      await instance.register(swagger, { openapi: described, transform: jsonSchemaTransform });
      const schema = { body: z.object({ n: z.int() }), response: { 200: z.object({ n: z.int() }) } };
      instance.post('/numbers', { schema }, async ({ body }) => ({ ...body, more: true }));
      instance.get('/document', async () => instance.swagger());
    },
    async checks({ ask }) {
      assert.deepEqual((await ask('/numbers', { json: { n: 7 } })).json(), { n: 7 });
      assert.equal((await ask('/numbers', { json: { n: 'x' } })).status, 400);
      assert.ok((await ask('/document')).json().paths['/numbers'].post.requestBody);
    },
  },
  express: {
    express() {
      const app = express();
      app.use(express.json(), cookieParser());
      const router = express.Router();
      router.get('/items/:id', (req, res) =>
        res.json({ id: req.params.id, base: req.baseUrl, whole: req.originalUrl }),
      );
      app.get('/', (req, res) => res.json({ base: req.baseUrl, cookies: req.cookies }));
      app.get('/moved', (req, res) => res.redirect(`${req.baseUrl}/v1/items/7`));
      app.post('/echo', (req, res) => res.status(201).json(req.body));
      app.get('/failing', () => {
        throw new TypeError('oops');
      });
      app.use('/v1', router);
      app.use((error, _req, res, _next) => res.status(error.status ?? 418).json({ error: error.message }));
      return app;
    },
    async checks({ ask, mount }) {
      const shown = await ask('/', { headers: { cookie: 'a=1' } });
      assert.deepEqual(shown.json(), { base: mount, cookies: { a: '1' } });
      const item = await ask('/v1/items/7');
      assert.deepEqual(item.json(), { id: '7', base: `${mount}/v1`, whole: `${mount}/v1/items/7` });
      assert.equal((await ask('/moved')).headers.location, `${mount}/v1/items/7`);
      const echoed = await ask('/echo', { json: { a: 1 } });
      assert.deepEqual([echoed.status, echoed.json()], [201, { a: 1 }]);
      assert.equal((await ask('/failing')).status, 418);
      const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' };
      assert.equal((await ask('/echo', broken)).status, 400);
      assert.equal((await ask('/nowhere')).status, 404);
    },
  },
  morgan: {
    ini: () => `[filter:morgan]
paste.filter_factory = portico/middleware:connect
middleware = ./logged.mjs:logged
call = no

[app:app]
paste.app_factory = portico/middleware:echo`,
    files: {
      'logged.mjs': `import morgan from 'morgan';\nexport const logged = morgan('morgan :method :url :status');`,
    },
    express() {
      const app = express();
      app.use(morgan('morgan :method :url :status'));
      app.get('/items', (_req, res) => res.json({}));
      return app;
    },
    bare: false,
    async checks({ ask, mount, service }) {
      await ask('/items');
      await service.printed(`morgan GET ${mount}/items 200`);
    },
  },
  koa: {
    express() {
      const app = new Koa();
      const router = new KoaRouter();
      router.get('/items/:id', (ctx) => {
        ctx.body = { id: ctx.params.id };
      });
      router.post('/echo', (ctx) => {
        ctx.body = ctx.request.body;
      });
      router.get('/conflict', (ctx) => ctx.throw(409, 'taken'));
      return app.use(koaBody()).use(router.routes()).use(router.allowedMethods()).callback();
    },
    async checks({ ask }) {
      assert.deepEqual((await ask('/items/7')).json(), { id: '7' });
      assert.deepEqual((await ask('/echo', { json: { a: 1 } })).json(), { a: 1 });
      assert.equal((await ask('/conflict')).status, 409);
      assert.equal((await ask('/nowhere')).status, 404);
      assert.equal((await ask('/items/7', { method: 'DELETE' })).status, 405);
    },
  },
  hono: {
    express() {
      const app = new Hono();
      app.get('/items/:id', (c) => c.json({ id: c.req.param('id') }));
      app.post('/echo', bodyLimit({ maxSize: 1000 }), async (c) => c.json(await c.req.json()));
      app.get('/events', (c) =>
        streamSSE(c, async (stream) => {
          for (const data of ['one', 'two']) await stream.writeSSE({ data });
        }),
      );
      return fromFetch((request) => app.fetch(request));
    },
    async checks({ ask }) {
      assert.deepEqual((await ask('/items/7')).json(), { id: '7' });
      assert.deepEqual((await ask('/echo', { json: { a: 1 } })).json(), { a: 1 });
      assert.equal((await ask('/echo', { json: { a: 'x'.repeat(2000) } })).status, 413);
      assert.equal((await ask('/events')).text, 'data: one\n\ndata: two\n\n');
      assert.equal((await ask('/nowhere')).status, 404);
    },
  },
};

const hooks = shared(async (instance) => {
  const ran = [];
  instance.decorate('ran', ran);
  instance.addHook('onReady', async () => void ran.push('onReady'));
  instance.addHook('onListen', async () => void ran.push('onListen'));
  for (const name of ['onRequest', 'preHandler', 'onResponse']) instance.addHook(name, async () => void ran.push(name));
});

function stamp(instance, _options, done) {
  instance.use((_req, res, next) => {
    res.setHeader('x-stamp', 'yes');
    next();
  });
  done?.();
}

async function sum(pg, n) {
  const { rows } = await pg.query('select $1::int + 1 as sum', [n]);
  return rows[0];
}

async function kept(n) {
  requestContext.set('n', n);
  await new Promise((resolve) => setImmediate(resolve));
  return { n: requestContext.get('n') };
}

function traced() {
  const instrumentation = new FastifyOtelInstrumentation();
  instrumentation.setTracerProvider(new NodeTracerProvider());
  return instrumentation.plugin();
}
