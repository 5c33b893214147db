/** Plugins for bodies of requests and responses: forms, files, compression, views, cache validators. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import caching from '@fastify/caching';
import compress from '@fastify/compress';
import etag from '@fastify/etag';
import formbody from '@fastify/formbody';
import multipartPlugin from '@fastify/multipart';
import statics from '@fastify/static';
import viewPlugin from '@fastify/view';
import bodyParser from 'body-parser';
import compression from 'compression';
import ejs from 'ejs';
import express from 'express';
import multer from 'multer';
import { leave, multipart } from '../client.mjs';
import { root } from '../files.mjs';

const large = { text: 'many words '.repeat(2000) };

async function uploads(fastify) {
  const file = await fastify.file();
  const bytes = await file.toBuffer();
  return { name: file.filename, bytes: bytes.length };
}

const views = [
  [viewPlugin, { engine: { ejs }, root }],
  [etag, {}],
];

export const cases = {
  '@fastify/multipart': {
    router: () => ({
      plugins: [[multipartPlugin, { limits: { fileSize: 10_000 } }]],
      bodyLimit: 100_000,
      routes: (router) => router.post('/files', ({ fastify }) => uploads(fastify)),
    }),
    async fastify(instance) {
      await instance.register(multipartPlugin, { limits: { fileSize: 10_000 } });
      instance.post('/files', (request) => uploads(request));
    },
    async checks({ ask }) {
      const sent = await ask('/files', multipart([['file', 'x'.repeat(9000), 'a.txt']]));
      assert.deepEqual(sent.json(), { name: 'a.txt', bytes: 9000 });
      assert.equal((await ask('/files', multipart([['file', 'x'.repeat(11_000), 'a.txt']]))).status, 413);
      assert.equal((await ask('/files', { json: {} })).status, 406);
    },
  },
  '@fastify/formbody': {
    router: () => ({
      plugins: [[formbody, { bodyLimit: 1000 }]],
      routes: (router) => router.post('/form', ({ body }) => body),
    }),
    async fastify(instance) {
      await instance.register(formbody, { bodyLimit: 1000 });
      instance.post('/form', async ({ body }) => body);
    },
    async checks({ ask }) {
      assert.deepEqual((await ask('/form', { form: { a: '1', b: 'x y' } })).json(), { a: '1', b: 'x y' });
      assert.equal((await ask('/form', { form: { a: 'x'.repeat(2000) } })).status, 413);
    },
  },
  '@fastify/compress': {
    router: () => ({
      plugins: [[compress, { threshold: 0, encodings: ['gzip'] }]],
      routes: (router) => router.get('/large', () => large),
    }),
    async fastify(instance) {
      await instance.register(compress, { threshold: 0, encodings: ['gzip'] });
      instance.get('/large', async () => large);
      instance.post('/echo', async ({ body }) => body);
    },
    async checks({ ask, way }) {
      const answer = await ask('/large', { headers: { 'accept-encoding': 'gzip' } });
      assert.equal(answer.headers['content-encoding'], 'gzip');
      assert.deepEqual(JSON.parse(gunzipSync(answer.bytes)), large);
      assert.deepEqual((await ask('/large')).json(), large);
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
      const packed = { method: 'POST', headers, body: gzipSync(JSON.stringify(large)) };
      // The page about plugins says that a Router refuses compressed bodies.
      if (way !== 'router') assert.deepEqual((await ask('/echo', packed)).json(), large);
    },
  },
  '@fastify/static': {
    router: () => ({
      plugins: [[statics, { root, serve: false }]],
      routes: (router) => router.get('/public/{name}', ({ reply, params }) => reply.sendFile(params.name)),
    }),
    fastify: async (instance) => void (await instance.register(statics, { root, prefix: '/public/' })),
    ini: () => `[app:app]
paste.app_factory = portico/middleware:fastifyPlugin
plugin = ${fileURLToPath(import.meta.resolve('@fastify/static'))}
options = {"root": "${root}", "prefix": "/public/"}`,
    checks: files('/public'),
  },
  '@fastify/view and @fastify/etag': {
    router: () => ({
      plugins: views,
      routes: (router) => router.get('/page/{name}', ({ reply, params }) => reply.view('page.ejs', params)),
    }),
    async fastify(instance) {
      for (const [plugin, options] of views) await instance.register(plugin, options);
      instance.get('/page/:name', ({ params }, reply) => reply.view('page.ejs', params));
    },
    async checks({ ask }) {
      const page = await ask('/page/ann');
      assert.deepEqual([page.text.trim(), page.headers['content-type']], ['<p>ann</p>', 'text/html; charset=utf-8']);
      const again = await ask('/page/ann', { headers: { 'if-none-match': page.headers.etag } });
      assert.equal(again.status, 304);
    },
  },
  '@fastify/caching': {
    router: () => ({
      plugins: [[caching, { privacy: caching.privacy.PRIVATE, expiresIn: 300 }]],
      routes: (router) => router.get('/cached', ({ reply }) => reply.etag('one').send({ cached: true })),
    }),
    async fastify(instance) {
      await instance.register(caching, { privacy: caching.privacy.PRIVATE, expiresIn: 300 });
      instance.get('/cached', (_request, reply) => reply.etag('one').send({ cached: true }));
    },
    async checks({ ask }) {
      const { headers } = await ask('/cached');
      assert.deepEqual([headers['cache-control'], headers.etag], ['private, max-age=300', 'one']);
    },
  },
  'body-parser': {
    connect: () => [bodyParser.json({ limit: 1000 }), bodyParser.urlencoded({ extended: false })],
    inner: (req, res) => void res.end(JSON.stringify(req.body)),
    async checks({ ask }) {
      assert.deepEqual((await ask('/', { json: { a: 1 } })).json(), { a: 1 });
      assert.deepEqual((await ask('/', { form: { a: '1' } })).json(), { a: '1' });
      assert.equal((await ask('/', { json: large })).status, 413);
      const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' };
      assert.equal((await ask('/', broken)).status, 400);
    },
  },
  compression: {
    connect: () => [compression({ threshold: 0 })],
    inner(_req, res) {
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify(large));
    },
    async checks({ ask }) {
      const answer = await ask('/', { headers: { 'accept-encoding': 'gzip' } });
      assert.deepEqual(JSON.parse(gunzipSync(answer.bytes)), large);
      assert.deepEqual((await ask('/')).json(), large);
    },
  },
  multer: {
    connect: () => [multer().single('file')],
    inner: (req, res) => void res.end(JSON.stringify({ name: req.file.originalname, ...req.body })),
    express() {
      const app = express();
      app.post('/', multer().single('file'), ({ file, body }, res) => res.json({ name: file.originalname, ...body }));
      return app;
    },
    async checks({ ask }) {
      const form = multipart([
        ['title', 'one'],
        ['file', 'text', 'a.txt'],
      ]);
      assert.deepEqual((await ask('/', form)).json(), { name: 'a.txt', title: 'one' });
    },
  },
  'express.static': {
    express() {
      const app = express();
      app.use('/public', express.static(root));
      return app;
    },
    async checks(tools) {
      await files('/public')(tools);
      const folder = await tools.ask('/public/docs');
      assert.deepEqual([folder.status, folder.headers.location], [301, `${tools.mount}/public/docs/`]);
    },
  },
};

/** Checks of plugins that send files. */
function files(path) {
  return async ({ ask, url }) => {
    const whole = await ask(`${path}/hello.txt`);
    assert.equal(whole.text, 'hello, files\n');
    const part = await ask(`${path}/hello.txt`, { headers: { range: 'bytes=0-4' } });
    assert.deepEqual([part.status, part.text], [206, 'hello']);
    const same = await ask(`${path}/hello.txt`, { headers: { 'if-none-match': whole.headers.etag } });
    assert.equal(same.status, 304);
    const head = await ask(`${path}/hello.txt`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.text], [200, '13', '']);
    assert.equal((await ask(`${path}/none.txt`)).status, 404);
    for (let client = 0; client < 4; client++) await leave(`${url}${path}/large.txt`);
  };
}
