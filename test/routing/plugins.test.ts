/** Tests plugins of Fastify from npm in a router. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createLogger } from 'portico';
import { Fault, type Filter, takeUpgrade } from 'portico/app';
import { type ActionRequest, action, Reply, Router, type RouterPlugin, SENT } from 'portico/routing';
import { Server } from 'portico/server';
import { WebSocket, WebSocketServer } from 'ws';
import { silentLogger } from '#internal/log';
import { closedAfter } from '../fixtures/closed-after.js';
import { type LogLine, memoryLog } from '../server/memory-log.js';
import { portOf } from '../server/raw-client.js';
import { keepingLogger, serveRouter } from './served-router.js';

test('@fastify/cookie: an action reads and sets cookies', async (t) => {
  const router = new Router({ plugins: [[cookie, { secret: 'a secret' }]], log: silentLogger() });
  router.connect('/count', {
    handler: ({ fastify, reply }) => {
      const signed = fastify.unsignCookie(fastify.cookies.count ?? '');
      const count = signed.valid ? Number(signed.value) + 1 : 1;
      void reply.setCookie('count', String(count), { signed: true, path: '/' });
      return { count };
    },
  });
  const send = await serveRouter(t, router);
  const first = await send('GET', '/count');
  const [written = ''] = first.headers['set-cookie'] ?? [];
  assert.match(written, /^count=1\..*; Path=\/;/);
  const second = await send('GET', '/count', { headers: { cookie: written.split(';')[0]! } });
  assert.deepEqual([first.json, second.json], [{ count: 1 }, { count: 2 }]);
});

/** Returns a form with a file of this many bytes. */
function upload(size: number): { headers: Record<string, string>; body: Buffer } {
  const head = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n';
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 'a'), Buffer.from('\r\n--x--\r\n')]);
  return { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body };
}

test('@fastify/multipart: an action that checks a body refuses a form that the plugin has not read', async (t) => {
  const schema = { type: 'object', required: ['n'] } as const;
  const actions = { rename: action({ bodyKey: 'rename' }, () => 'renamed') };
  const router = new Router({ plugins: [multipart], controllers: { actions }, log: silentLogger() });
  router.post('/checked', { body: schema }, () => 'checked').post('/any', () => 'any');
  router.connect('/actions', { controller: 'actions', action: 'action' });
  const send = await serveRouter(t, router);
  for (const path of ['/checked', '/actions']) {
    const { status, headers, text } = await send('POST', path, upload(10));
    assert.deepEqual([status, headers.accept, headers.connection], [415, 'application/json', 'close']);
    assert.match(text, /The body must be application\/json, not multipart\/form-data; boundary=x\./);
    assert.equal(
      (await send('POST', path, { headers: { 'content-type': 'multipart/form-data; boundary=x' } })).status,
      400,
    );
  }
  assert.equal((await send('POST', '/any', upload(10))).text, '"any"');
});

test('@fastify/multipart: a form without a boundary, or with one above 70 characters (SE-1), gets 400, whoever reads it', async (t) => {
  for (const options of [{}, { attachFieldsToBody: true }]) {
    const log = keepingLogger();
    const router = new Router({ plugins: [[multipart, options]], log });
    router.post('/file', async ({ fastify }) => (await fastify.file())?.filename).post('/any', () => 'any');
    const send = await serveRouter(t, router);
    for (const type of [
      'multipart/form-data',
      'Multipart/Form-Data; charset=utf-8',
      'multipart/form-data; boundary=',
    ]) {
      const { status, text } = await send('POST', '/file', { ...upload(10), headers: { 'content-type': type } });
      assert.equal(status, 400, type);
      assert.match(text, /The Content-Type of the body has no boundary\./);
    }
    const long = (length: number) => ({ 'content-type': `multipart/form-data; boundary=${'x'.repeat(length)}` });
    const refused = await send('POST', '/any', { ...upload(10), headers: long(71) });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /The boundary of the body is longer than 70 characters\./);
    const quoted = { 'content-type': 'multipart/form-data; charset=utf-8; Boundary="x"' };
    assert.equal((await send('POST', '/any', { ...upload(10), headers: quoted })).status, 200);
    const errors = log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
  }
  const none = await serveRouter(
    t,
    new Router({ plugins: [async () => undefined], log: silentLogger() }).post('/any', () => 'any'),
  );
  assert.equal(
    (await none('POST', '/any', { ...upload(10), headers: { 'content-type': 'multipart/form-data' } })).status,
    415,
  );
});

test('@fastify/multipart: a form that is cut off gets 400, whoever reads it; other errors stay', async (t) => {
  const { headers, body } = upload(100_000);
  const read = async ({ fastify }: Pick<ActionRequest, 'fastify'>): Promise<unknown> =>
    (await (await fastify.file())?.toBuffer())?.length;
  class Unavailable extends Error {}
  const log = keepingLogger();
  for (const options of [{}, { attachFieldsToBody: true }]) {
    const router = new Router({ plugins: [[multipart, options]], bodyLimit: 200_000, log });
    const isAttached = 'attachFieldsToBody' in options;
    router.post('/file', isAttached ? () => 'read' : read);
    router.post('/bug', async ({ fastify }) => {
      if (!isAttached) await fastify.file().catch(() => undefined);
      throw new Unavailable('of the application');
    });
    router.post('/broken', () => Promise.reject(new Error('of the application')));
    const send = await serveRouter(t, router);
    assert.equal((await send('POST', '/file', { headers, body })).status, 200);
    for (const end of [-7, -20, 50_000, 30, 3]) {
      const { status, text } = await send('POST', '/file', { headers, body: body.subarray(0, end) });
      assert.equal(status, 400, `${end} ${text}`);
      assert.match(text, /The body is incomplete\./);
    }
    const errors = log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
    const cut = { headers, body: body.subarray(0, -20) };
    if (!isAttached) assert.equal((await send('POST', '/bug', cut)).status, 500);
    assert.equal((await send('POST', '/broken', { headers, body })).status, 500);
    assert.equal((await send('POST', '/broken', { headers })).status, 500);
    log.lines.length = 0;
  }
});

test('a body that a plugin has read, and that is empty, is missing: its type is not refused', async (t) => {
  const form: RouterPlugin = async (fastify) => {
    const type = 'application/x-www-form-urlencoded';
    fastify.addContentTypeParser(type, { parseAs: 'string' }, (_request, text, done) =>
      done(null, text === '' ? undefined : Object.fromEntries(new URLSearchParams(String(text)))),
    );
  };
  const router = new Router({ plugins: [form], log: silentLogger() });
  router.post('/', { body: { type: 'object' } }, ({ body }) => body);
  const send = await serveRouter(t, router);
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'transfer-encoding': 'chunked' };
  const { status, text } = await send('POST', '/', { headers });
  assert.equal(status, 400);
  assert.match(text, /The request needs a body\./);
});

test('@fastify/multipart: an action reads a file; limits of the plugin, of the action and of the router hold', async (t) => {
  const log = keepingLogger();
  const read = async ({ fastify }: Pick<ActionRequest, 'fastify'>): Promise<object> => {
    const file = await fastify.file();
    return { name: file?.filename, bytes: (await file?.toBuffer())?.length };
  };
  const controller = { small: action({}, read), large: action({ bodyLimit: 50_000 }, read) };
  const router = new Router({ plugins: [[multipart, { limits: { fileSize: 20_000 } }]], bodyLimit: 5000, log });
  for (const name of ['small', 'large']) router.connect(`/${name}`, { controller, action: name });
  router.connect('/json', { handler: ({ body }) => ({ body }) });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('POST', '/small', upload(4000))).json, { name: 'a.bin', bytes: 4000 });
  assert.deepEqual((await send('POST', '/large', upload(20_000))).json, { name: 'a.bin', bytes: 20_000 });
  const refused = [
    await send('POST', '/small', upload(6000)),
    await send('POST', '/large', upload(30_000)),
    await send('POST', '/large', upload(60_000)),
  ];
  assert.deepEqual(
    refused.map(({ status, json }) => [status, (json as { error: { code: number } }).error.code]),
    [
      [413, 413],
      [413, 413],
      [413, 413],
    ],
  );
  assert.deepEqual((await send('POST', '/json', { body: '{"a":1}' })).json, { body: { a: 1 } });
  const loud = log.lines.filter(({ level }) => level !== 'debug');
  assert.deepEqual(loud, []);
});

test('@fastify/rate-limit: a limit for all routes, and one of a route’s own; the refusal is a fault', async (t) => {
  const router = new Router({
    plugins: [[rateLimit, { max: 3, timeWindow: 60_000 }]],
    faultStyle: 'openstack',
    log: silentLogger(),
  });
  router.connect('/usual', { handler: () => 1 });
  router.connect('/seldom', { handler: () => 1, config: { rateLimit: { max: 1, timeWindow: 60_000 } } });
  router.connect('/free', { handler: () => 1, config: { rateLimit: false } });
  const send = await serveRouter(t, router);
  const statuses = async (path: string): Promise<number[]> => {
    const got: number[] = [];
    for (let count = 0; count < 4; count++) got.push((await send('GET', path)).status);
    return got;
  };
  assert.deepEqual(await statuses('/usual'), [200, 200, 200, 429]);
  assert.deepEqual(await statuses('/seldom'), [200, 429, 429, 429]);
  assert.deepEqual(await statuses('/free'), [200, 200, 200, 200]);
  const { headers, json } = await send('GET', '/usual');
  assert.equal(headers['x-ratelimit-remaining'], '0');
  assert.ok(Number(headers['retry-after']) > 0);
  assert.equal((Object.values(json as object)[0] as { code: number }).code, 429);
});

test('@fastify/swagger: a document of the actions, with their paths and schemas', async (t) => {
  const body = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const;
  const router = new Router({
    plugins: [[swagger, { openapi: { info: { title: 'things', version: '1' } } }]],
    log: silentLogger(),
  });
  const controller = {
    show: action({ summary: 'one thing', response: { 200: body } }, () => ({ name: 'a' })),
    create: action({ body, status: 201 }, ({ body }) => body),
  };
  router.connect('/things/{id:\\d+}', { controller, action: 'show', conditions: { method: ['GET'] } });
  router.connect('/things', { controller, action: 'create', conditions: { method: ['POST'] } });
  router.connect('/document', { handler: ({ fastify }) => fastify.server.swagger() });
  const send = await serveRouter(t, router);
  // biome-ignore lint/suspicious/noExplicitAny: a document of any shape
  const { paths } = (await send('GET', '/document')).json as any;
  assert.equal(paths['/things/{id}'].get.summary, 'one thing');
  assert.deepEqual(
    paths['/things/{id}'].get.parameters.map(({ name, in: within }: { name: string; in: string }) => [name, within]),
    [['id', 'path']],
  );
  assert.deepEqual(paths['/things'].post.requestBody.content['application/json'].schema, body);
  // The router validates the body and writes the error.
  const refused = await send('POST', '/things', { body: '{"name":1}' });
  assert.deepEqual((refused.json as { error: object }).error, {
    code: 400,
    title: 'Bad Request',
    message: 'Invalid input for name: must be string.',
    issues: [{ where: 'body', path: ['name'], message: 'must be string', keyword: 'type' }],
  });
  assert.equal((await send('GET', '/things/7')).text, '{"name":"a"}');
});

test('a plugin compiles responses in its own way, and its hooks change their schemas', async (t) => {
  const odd = { fields: ['a'] };
  const compiled: RouterPlugin = async (fastify) =>
    void fastify.setSerializerCompiler(() => (value) => `compiled ${Object.keys(value as object).join()}`);
  const controlled: RouterPlugin = async (fastify) =>
    void fastify.setSchemaController({
      compilersFactory: {
        buildSerializer: () => () => (value: unknown) => `controlled ${Object.keys(value as object).join()}`,
      },
    } as never);
  const added: RouterPlugin = async (fastify) =>
    void fastify.addHook('onRoute', (route) => {
      const response = { 200: { type: 'object', properties: { a: { $ref: 'late#' } } } };
      if (route.url === '/x') route.schema = { response };
      if (fastify.getSchema('late') === undefined) fastify.addSchema({ $id: 'late', type: 'integer' });
    });
  const whole = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } };
  const onlyB = { type: 'object', properties: { b: { type: 'integer' } } };
  /** Gives each route this `response`. */
  const giving =
    (response: object | undefined): RouterPlugin =>
    async (fastify) =>
      void fastify.addHook('onRoute', (route) => {
        route.schema = { ...route.schema, response };
      });
  const typed = (type: string): object => ({ 200: { content: { [type]: { schema: onlyB } } } });
  const rows = [
    [compiled, odd, 'compiled a,b'],
    [controlled, odd, 'controlled a,b'],
    [added, whole, '{"a":1}'],
    [giving({ '2xx': onlyB }), whole, '{"b":2}'],
    [giving({ 200: onlyB }), undefined, '{"b":2}'],
    [giving({ default: onlyB }), undefined, '{"b":2}'],
    [giving(undefined), { type: 'object', properties: {} }, '{"a":1,"b":2}'],
    [giving(typed('application/json')), whole, '{"b":2}'],
    [giving(typed('*/*')), whole, '{"b":2}'],
    [giving(typed('text/csv')), whole, '{"a":1,"b":2}'],
  ] as const;
  for (const [plugin, schema, text] of rows) {
    const router = new Router({ plugins: [plugin], log: silentLogger() });
    router.get('/x', schema === undefined ? {} : { response: { 200: schema } }, () => ({ a: 1, b: 2 }));
    assert.equal((await (await serveRouter(t, router))('GET', '/x')).text, text);
  }
});

test('a response schema that Fastify cannot take is refused with its location, with plugins too', async () => {
  for (const plugins of [[], [async () => undefined]]) {
    for (const [schema, said] of [
      [null, /the response schema of 200 does not compile: it is null, and must be object or boolean/],
      [{ description: 'd', content: { 'application/json': { schema: {} } } }, /200 does not compile: it has "content"/],
    ] as const) {
      const router = new Router({ plugins, log: silentLogger() });
      router.get('/x', { response: { 200: schema as never } }, (() => ({})) as never);
      await assert.rejects(router.build(), { code: 'PORTICO_ROUTE_TABLE', message: said });
    }
  }
});

test('options of Ajv and of the serialisers are the user’s to set', async (t) => {
  const router = new Router({
    log: silentLogger(),
    fastify: {
      ajv: {
        customOptions: { removeAdditional: true, useDefaults: true },
        plugins: [(ajv) => ajv.addFormat('short', /^.{3}$/)],
        onCreate: (ajv) => void ajv.addKeyword('note'),
      },
      schemaController: {
        compilersFactory: { buildSerializer: () => () => (value: unknown) => `serialised ${JSON.stringify(value)}` },
      },
    },
  });
  const body = {
    type: 'object',
    note: 'anything',
    properties: { name: { type: 'string', format: 'short' }, size: { type: 'integer', default: 7 } },
    additionalProperties: false,
  } as const;
  const controller = { make: action({ body, response: { 200: { type: 'object' } } }, (request) => request.body) };
  router.connect('/', { controller, action: 'make' });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/', { body: '{"name":"abc","x":1}' })).text, 'serialised {"name":"abc","size":7}');
  assert.equal((await send('POST', '/', { body: '{"name":"abcd"}' })).status, 400);
  assert.throws(() => new Router({ fastify: { ajvs: {} } as object }), { code: 'PORTICO_ROUTER_OPTION' });
});

test('without plugins, request.fastify and request.reply say what to write', async (t) => {
  const log = keepingLogger();
  const router = new Router({ log });
  router.get('/fastify', ({ fastify }) => fastify.url);
  router.get('/reply', ({ reply }) => reply.code(202));
  const send = await serveRouter(t, router);
  for (const path of ['/fastify', '/reply']) assert.equal((await send('GET', path)).status, 500);
  const errors = log.lines.map(({ fields }) => fields.err as { code: string; hint: string });
  assert.deepEqual(
    errors.map(({ code, hint }) => [code, /plugins: \[plugin\]/.test(hint)]),
    [
      ['PORTICO_ROUTER_NO_PLUGINS', true],
      ['PORTICO_ROUTER_NO_PLUGINS', true],
    ],
  );
});

test('reply.code() before a returned value is its status; a Reply with another comes before it', async (t) => {
  const router = new Router({ log: silentLogger(), plugins: [async () => undefined] });
  const controller = {
    plain: ({ reply }: ActionRequest) => {
      void reply.code(202);
      return { a: 1 };
    },
    declared: action({ status: 201 }, ({ reply }) => {
      void reply.code(203);
      return { a: 1 };
    }),
    nothing: ({ reply }: ActionRequest) => void reply.code(205),
    own: ({ reply }: ActionRequest) => {
      void reply.code(202);
      return new Reply({ a: 1 }, { status: 206 });
    },
  };
  for (const name of Object.keys(controller)) router.connect(`/${name}`, { controller, action: name });
  const send = await serveRouter(t, router);
  const statuses = await Promise.all(
    Object.keys(controller).map(async (name) => (await send('GET', `/${name}`)).status),
  );
  assert.deepEqual(statuses, [202, 203, 205, 206]);
});

test('a client that leaves a stream which the action has handed to Fastify is no error', async (t) => {
  const log = keepingLogger();
  const router = new Router({ log, plugins: [async () => undefined] });
  const settled: Promise<unknown>[] = [];
  router.connect('/endless', {
    handler: ({ reply, res }) => {
      settled.push(once(res, 'close'));
      return reply.send(Readable.from(endless(), { objectMode: false }));
    },
  });
  const { port } = await serveRouter(t, router);
  const client = connect(port, '127.0.0.1', () => client.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n'));
  await once(client, 'data');
  client.destroy();
  await settled[0];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(log.lines, []);
});

function* endless(): Generator<string> {
  for (;;) yield 'x'.repeat(10_000);
}

/** A plugin like those on npm, with a page, a validated body and preflights. */
async function pages(fastify: FastifyInstance): Promise<void> {
  fastify.get('/pages/:name', async ({ params }) => params);
  const body = { type: 'object', required: ['a'] };
  fastify.post('/pages', { schema: { body } }, async (request) => request.body);
  fastify.options('*', async (_request, reply) => reply.code(204).header('access-control-allow-origin', '*').send());
}

test('routes of a plugin are served after the table, by the rules of Fastify', async (t) => {
  const router = new Router({ plugins: [pages], faultStyle: 'openstack', log: silentLogger() });
  router.connect('/things/{id}', { handler: ({ params }) => params, conditions: { method: ['GET'] } });
  const send = await serveRouter(t, await mounted(router));
  assert.deepEqual((await send('GET', '/mnt/pages/a')).json, { name: 'a' });
  assert.deepEqual((await send('POST', '/mnt/pages', { body: '{"a":1}' })).json, { a: 1 });
  const refused = [
    await send('POST', '/mnt/pages', { body: '{}' }),
    await send('POST', '/mnt/pages', { body: '{' }),
    await send('POST', '/mnt/pages', { headers: { 'content-type': 'image/png' }, body: 'x' }),
    await send('DELETE', '/mnt/pages'),
    await send('DELETE', '/mnt/things/7'),
    await send('GET', '/mnt/things'),
  ];
  assert.deepEqual(
    refused.map(({ status, json }) => [status, Object.keys(json as object)]),
    [
      [400, ['badRequest']],
      [400, ['badRequest']],
      [415, ['badMediaType']],
      [404, ['itemNotFound']],
      [405, ['badMethod']],
      [404, ['itemNotFound']],
    ],
  );
  const asked = { 'access-control-request-method': 'GET' };
  assert.equal(
    (await send('OPTIONS', '/mnt/things/7', { headers: asked })).headers['access-control-allow-origin'],
    '*',
  );
  assert.equal((await send('OPTIONS', '/mnt/things/7')).headers.allow, 'GET, HEAD, OPTIONS');
});

/** Mounts a router at `/mnt` of another. */
async function mounted(inner: Router): Promise<Router> {
  return new Router({ log: silentLogger() }).mount('/mnt', await inner.build());
}

test('a path that only Fastify knows leads to no action', async (t) => {
  const router = new Router({ plugins: [pages], log: silentLogger() });
  for (const method of ['GET', 'GET']) {
    router.connect('/numbers/{id:int}', { handler: ({ params }) => params.id, conditions: { method: [method] } });
  }
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/numbers/7')).text, '7');
  for (const path of ['/numbers/{id}', '/numbers/{id}~2']) assert.equal((await send('GET', path)).status, 404);
});

test('a filter that changes the method of a request leads it to the action that was matched', async (t) => {
  const rename: Filter = (app) => (req, res) => {
    req.method = 'POST';
    return app(req, res);
  };
  const router = new Router({ log: silentLogger(), plugins: [async () => undefined] });
  router.get('/things', { filters: [rename] }, () => 'things');
  assert.equal((await (await serveRouter(t, router))('GET', '/things')).json, 'things');
});

test('a handler of a plugin for what is not found responds to unknown paths, and not other methods', async (t) => {
  const router = new Router({
    log: silentLogger(),
    plugins: [
      async (fastify) => {
        fastify.setNotFoundHandler((request, reply) => reply.code(404).send({ none: request.url }));
      },
    ],
  });
  router.connect('/things', { handler: () => 1, conditions: { method: ['GET'] } });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/else')).json, { none: '/else' });
  const { status, headers } = await send('PUT', '/things');
  assert.deepEqual([status, headers.allow], [405, 'GET, HEAD, OPTIONS']);
});

test('a handler of a plugin for what is not found below its prefix leaves other unknown paths to the API', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.setNotFoundHandler((request, reply) => reply.code(404).send({ none: request.url }));
  };
  const router = new Router({ log: silentLogger(), plugins: [[plugin, { prefix: '/apart' }]] });
  router.get('/things', () => 1);
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/apart/else')).json, { none: '/apart/else' });
  const { status, json } = await send('GET', '/else');
  assert.deepEqual(
    [status, json],
    [404, { error: { code: 404, title: 'Not Found', message: 'The resource could not be found.' } }],
  );
  assert.equal((await send('PUT', '/things')).status, 405);
});

test('handlers of a plugin for errors and unknown paths: with a prefix below it, without one for all but the 405 of the table', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.setErrorHandler((_error, _request, reply) => reply.code(418).send('theirs'));
    fastify.setNotFoundHandler((_request, reply) => reply.code(404).send('none'));
    fastify.get('/own', async () => {
      throw new Error('own');
    });
  };
  const asked = [
    ['GET', '/apart/own'],
    ['POST', '/apart/own'],
    ['GET', '/apart/else'],
    ['PUT', '/apart/table'],
    ['GET', '/own'],
    ['POST', '/own'],
    ['GET', '/fails'],
    ['PUT', '/fails'],
    ['GET', '/else'],
  ] as const;
  const answers = async (plugins: RouterPlugin[]): Promise<string[]> => {
    const router = new Router({ log: silentLogger(), plugins })
      .get('/apart/table', () => 1)
      .get('/fails', () => {
        throw new Fault(409);
      });
    const send = await serveRouter(t, router);
    const all = await Promise.all(asked.map(([method, path]) => send(method, path)));
    return all.map(({ status, text }) => (text === 'theirs' || text === 'none' ? text : String(status)));
  };
  assert.deepEqual(
    await answers([[plugin, { prefix: '/apart' }]]),
    'theirs none none 405 404 404 409 405 404'.split(' '),
  );
  assert.deepEqual(await answers([plugin]), 'none none none 405 theirs none theirs 405 none'.split(' '));
});

test('a plugin is given as Fastify takes it: a module, a promise of one, with its own prefix', async (t) => {
  const plugin = Object.assign(
    async (fastify: FastifyInstance) => {
      fastify.addHook('onSend', async (_request, reply) => void reply.header('x-hook', 'yes'));
      fastify.get('/own', async () => 'own');
    },
    { [Symbol.for('skip-override')]: true },
  );
  const apart = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onSend', async (_request, reply) => void reply.header('x-apart', 'yes'));
    fastify.get('/own', async () => 'apart');
  };
  const plugins = [Promise.resolve({ default: plugin }), [{ default: apart }, { prefix: '/apart' }] as const];
  const router = new Router({ plugins, log: silentLogger() });
  router.connect('/things', { handler: () => 1 });
  const send = await serveRouter(t, router);
  const seen = await Promise.all(['/own', '/apart/own', '/things'].map((path) => send('GET', path)));
  assert.deepEqual(
    seen.map(({ text, headers }) => [text, headers['x-hook'], headers['x-apart']]),
    [
      ['own', 'yes', undefined],
      ['apart', 'yes', 'yes'],
      ['1', 'yes', undefined],
    ],
  );
  const odd = new Router({ plugins: [Promise.resolve({}) as never], log: silentLogger() });
  await assert.rejects(odd.build(), { code: 'PORTICO_ROUTER_OPTION', message: /plugins\[0\] is an object/ });
});

test('a route of a plugin that the table hides is said by build()', async () => {
  const log = keepingLogger();
  const build = async (template: string, onShadow?: 'error'): Promise<void> => {
    const router = new Router({ plugins: [pages], log, ...(onShadow && { onShadow }) });
    await (await router.connect(template, { handler: () => 1 }).build()).close();
  };
  await build('/pages/{name}');
  assert.deepEqual(
    log.lines.map(({ level, message }) => [level, message]),
    [['warn', 'the route GET /pages/:name of a plugin can never match: /pages/{name} of the table matches its path']],
  );
  await assert.rejects(build('/pages/{name}', 'error'), { code: 'PORTICO_ROUTE_TABLE', message: /\/pages\/:name/ });
  await assert.rejects(build('/pages'), { code: 'PORTICO_ROUTE_SHADOWED', message: /POST.*\/pages/ });
});

test('upgrades reach a plugin of a Router that listens to them', async (t) => {
  const router = new Router({
    log: silentLogger(),
    plugins: [
      async (fastify) => {
        const sessions = new WebSocketServer({ noServer: true });
        fastify.get('/echo', (request, reply) => {
          void reply.hijack();
          sessions.handleUpgrade(request.raw, request.raw.socket, Buffer.alloc(0), (session) => session.send('hello'));
        });
        fastify.server.on('upgrade', (req, socket) => {
          const res = new ServerResponse(req);
          res.assignSocket(socket as Socket);
          fastify.routing(req, res);
        });
      },
    ],
  });
  router.connect('/things', { handler: () => 1 });
  const app = closedAfter(t, await router.build());
  const server = new Server('sessions', app);
  await server.start();
  t.after(() => server.stop({ deadlineMs: 0 }));
  const url = `ws://127.0.0.1:${portOf(server)}`;
  const open = new WebSocket(`${url}/echo`);
  assert.equal(String((await once(open, 'message'))[0]), 'hello');
  open.terminate();
  for (const [path, status] of [
    ['/else', 404],
    ['/things', 200],
  ] as const) {
    const refused = new WebSocket(`${url}${path}`);
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(answer.statusCode, status);
    answer.resume();
  }
});

test('one log: of the router, its actions, fastify.log and request.log; a route has its own level', async (t) => {
  const lines: LogLine[] = [];
  const log = memoryLog(lines);
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onListen', async () => fastify.log.info('listens'));
    fastify.addHook('onListen', () => Promise.reject(new Error('no listener')));
    fastify.addHook('preHandler', async (request) => request.log.warn({ a: 1 }, 'in a hook'));
    fastify.get('/own', async (request) => request.log.fatal('in a plugin'));
  };
  const router = new Router({ plugins: [plugin], log });
  router.connect('/loud', { handler: (request) => request.log.info('in an action') });
  const send = await serveRouter(t, router);
  for (const path of ['/loud', '/own']) assert.equal((await send('GET', path)).status < 300, true);
  assert.deepEqual(
    lines.map(({ level, message }) => [level, message]),
    [
      ['info', 'listens'],
      ['error', 'no listener'],
      ['warn', 'in a hook'],
      ['info', 'in an action'],
      ['warn', 'in a hook'],
      ['error', 'in a plugin'],
    ],
  );
  for (const name of ['logger', 'loggerInstance']) {
    const fastify = { [name]: true } as object;
    assert.throws(() => new Router({ fastify }), {
      code: 'PORTICO_ROUTER_OPTION',
      message: new RegExp(`${name}.*same log`),
    });
  }
});

test('a route’s logLevel holds for request.log of its action and of plugins', async (t) => {
  const written: string[] = [];
  const log = createLogger({
    level: 'info',
    format: 'json',
    destination: { write: (line) => void written.push(line) },
  });
  const router = new Router({
    log,
    plugins: [async (fastify) => void fastify.addHook('preHandler', async (request) => request.log.info('in a hook'))],
  });
  const handler = (request: ActionRequest): void => request.log.info('in an action');
  router.connect('/quiet', { handler, logLevel: 'warn' });
  router.connect('/usual', { handler });
  const send = await serveRouter(t, router);
  await send('GET', '/quiet');
  assert.deepEqual(written, []);
  await send('GET', '/usual');
  assert.equal(written.length, 2);
  const odd = new Router({ log }).connect('/x', { handler, logLevel: 'loud' });
  await assert.rejects(odd.build(), {
    code: 'PORTICO_ROUTE_TABLE',
    message: /the logLevel of a route is the text "loud"/,
  });
});

test('callNotFound for a request of the table gets 404: in an action, in a timer of it, in a hook of a plugin', async (t) => {
  const router = new Router({
    log: silentLogger(),
    plugins: [
      async (fastify) => {
        fastify.addHook('onRequest', async (request, reply) => {
          if (request.query !== null && 'hidden' in (request.query as object)) reply.callNotFound();
        });
      },
    ],
  });
  router.connect('/now', { handler: ({ reply }) => reply.callNotFound() });
  router.connect('/later', {
    handler: ({ reply }) => {
      setImmediate(() => reply.callNotFound());
      return reply;
    },
  });
  router.connect('/here', { handler: () => 1 });
  const send = await serveRouter(t, router);
  for (const path of ['/now', '/later', '/here?hidden=1']) {
    const { status, json } = await send('GET', path);
    assert.deepEqual([path, status, (json as { error: { code: number } }).error.code], [path, 404, 404]);
  }
  assert.equal((await send('GET', '/here')).status, 200);
});

for (const [guarded, auth] of [
  ['', undefined],
  [', behind the guard', () => undefined],
] as const) {
  test(`callNotFound without a return is served by the handler of a plugin${guarded}`, async (t) => {
    const plugin = async (fastify: FastifyInstance): Promise<void> => {
      fastify.setNotFoundHandler((_request, reply) => reply.code(404).send('none'));
    };
    const router = new Router({ log: silentLogger(), plugins: [plugin], auth });
    router.get('/nothing', (request) => {
      request.reply.callNotFound();
    });
    router.get('/sent', (request) => {
      request.reply.callNotFound();
      return SENT;
    });
    const send = await serveRouter(t, router);
    for (const path of ['/nothing', '/sent']) {
      const { status, text } = await send('GET', path);
      assert.deepEqual([path, status, text], [path, 404, 'none']);
    }
  });
}

test('a request that a plugin passes to another Router is one of its table there', async (t) => {
  const inner = closedAfter(
    t,
    await new Router({ log: silentLogger(), plugins: [async () => undefined] })
      .get('/inner', ({ reply }) => reply.callNotFound())
      .build(),
  );
  const passing = async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/inner', (request, reply) => {
      reply.hijack();
      void inner(request.raw, reply.raw);
    });
  };
  const router = new Router({ log: silentLogger(), plugins: [passing] }).post('/inner', () => 1);
  assert.equal((await (await serveRouter(t, router))('GET', '/inner')).status, 404);
});

test('input that a route of a plugin refuses has the status and the issues of the API, and a request has an id', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    const schema = {
      querystring: { type: 'object', properties: { n: { type: 'integer' } } },
      body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
    };
    fastify.post('/page', { schema }, async ({ id }) => id);
  };
  const options = { log: silentLogger(), plugins: [plugin], invalidInputStatus: 422 };
  const send = await serveRouter(t, new Router(options));
  const refused = async (path: string, body: string) => {
    const { status, json } = await send('POST', path, { body, headers: { 'content-type': 'application/json' } });
    return [status, (json as { error: { issues: unknown } }).error.issues];
  };
  const missing = { where: 'body', path: ['name'], message: 'is required', keyword: 'required' };
  assert.deepEqual(await refused('/page', '{}'), [422, [missing]]);
  const typed = { where: 'query', path: ['n'], message: 'must be integer', keyword: 'type' };
  assert.deepEqual(await refused('/page?n=x', '{"name":"a"}'), [422, [typed]]);
  assert.equal((await refused('/page', '{'))[0], 400);
  const named = await send('POST', '/page', { body: '{"name":"a"}', headers: { 'content-type': 'application/json' } });
  assert.match(named.text, /^[0-9a-f-]{36}$/);
});

/** Refuses requests without a name. */
const needsName = async ({ headers }: ActionRequest): Promise<void> => {
  if (headers['x-name'] === undefined) throw new Fault(401, { message: 'Say who you are.' });
};

test('auth of a router is asked for the routes of its plugins, before their handlers; preflights get responses', async (t) => {
  const called: string[] = [];
  const router = new Router({
    log: silentLogger(),
    auth: needsName,
    plugins: [
      async (fastify) => {
        fastify.addHook('onRequest', async (request, reply) => {
          if (request.method === 'OPTIONS') return reply.code(204).send();
          return undefined;
        });
      },
      [
        async (fastify: FastifyInstance) => {
          fastify.get('/pages', {
            onRequest: async () => void called.push('hook'),
            handler: async () => called.push('page'),
          });
        },
        { prefix: '/apart' },
      ],
      async (fastify) => {
        fastify.post('/pages', async () => called.push('page'));
      },
    ],
  });
  router.connect('/open', { handler: () => 1, auth: false });
  const send = await serveRouter(t, router);
  const refused = [await send('GET', '/apart/pages'), await send('POST', '/pages', { body: '{' })];
  assert.deepEqual([refused.map(({ status }) => status), called], [[401, 401], []]);
  assert.match(refused[0]!.text, /Say who you are/);
  const headers = { 'x-name': 'ann' };
  assert.equal((await send('GET', '/apart/pages', { headers })).status, 200);
  assert.deepEqual(called, ['hook', 'page']);
  assert.equal((await send('GET', '/else')).status, 404);
  assert.equal((await send('GET', '/open')).status, 200);
  const preflight = { 'access-control-request-method': 'GET', origin: 'http://a' };
  assert.equal((await send('OPTIONS', '/apart/pages', { headers: preflight })).status, 204);
});

/** All hooks that can change a response. */
const HOOKS = [
  'onRequest',
  'preParsing',
  'preValidation',
  'preHandler',
  'preSerialization',
  'onSend',
  'onError',
] as const;

test('SE-4 auth of a router is asked before every hook, error handler and not-found handler of a plugin', async (t) => {
  const ran: string[] = [];
  // biome-ignore lint/suspicious/noExplicitAny: hooks of all kinds
  const hooks = (where: string): any => ({
    ...Object.fromEntries(HOOKS.map((name) => [name, async () => void ran.push(`${where} ${name}`)])),
    errorHandler: async () => void ran.push(`${where} errorHandler`),
  });
  const handler = async (): Promise<string> => {
    ran.push('handler');
    return 'open';
  };
  const whole = async (fastify: FastifyInstance): Promise<void> => {
    fastify.setNotFoundHandler(hooks('unknown'), handler);
    fastify.get('/page', { ...hooks('route'), handler });
    fastify.setErrorHandler(async () => void ran.push('errors'));
  };
  const apart = async (fastify: FastifyInstance): Promise<void> => {
    // biome-ignore lint/suspicious/noExplicitAny: hooks of all kinds
    for (const name of HOOKS) (fastify as any).addHook(name, hooks('apart')[name]);
    await whole(fastify);
  };
  const plugins = [whole, [apart, { prefix: '/apart' }] as const];
  const router = new Router({ log: silentLogger(), auth: needsName, plugins: plugins as never });
  router.post('/things', { auth: false }, () => 1);
  router.get('/leaves', { auth: false }, ({ reply }) => reply.callNotFound());
  const send = await serveRouter(t, router);
  for (const path of ['/page', '/else', '/apart/page', '/apart/else', '/leaves']) {
    const { status, text } = await send('GET', path);
    assert.deepEqual([path, status, ran], [path, 401, []]);
    assert.match(text, /Say who you are/);
  }
  const posted = await send('POST', '/apart/page', { body: '{' });
  assert.deepEqual([posted.status, ran], [401, []]);
  // The table's own response.
  assert.deepEqual([(await send('GET', '/things')).status, ran], [405, []]);
  const headers = { 'x-name': 'ann' };
  assert.deepEqual([(await send('GET', '/things', { headers })).status, ran], [405, []]);
  for (const path of ['/page', '/else', '/apart/page', '/apart/else', '/leaves']) {
    ran.length = 0;
    assert.equal((await send('GET', path, { headers })).text, 'open');
    assert.ok(ran.includes('handler') && ran.length > 1, path);
  }
});

test('auth of a router leaves the 405 of its table below the prefix of a plugin, before every hook', async (t) => {
  const ran: string[] = [];
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async () => void ran.push('hook'));
    fastify.get('/own', async () => 'own');
    fastify.setNotFoundHandler(async () => 'none');
  };
  const router = new Router({ log: silentLogger(), auth: needsName, plugins: [[plugin, { prefix: '/apart' }]] });
  router.post('/apart/table', () => 1).post('/apart/own', () => 1);
  const send = await serveRouter(t, router);
  const { status, headers } = await send('GET', '/apart/table');
  assert.deepEqual([status, headers.allow, ran], [405, 'OPTIONS, POST', []]);
  assert.deepEqual([(await send('GET', '/apart/own')).status, ran], [401, []]);
  assert.equal((await send('GET', '/apart/own', { headers: { 'x-name': 'ann' } })).text, 'own');
});

test('auth of a router asks its guard once for a request of a plugin', async (t) => {
  let asked = 0;
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/page', async (_request, reply) => reply.callNotFound());
    fastify.setNotFoundHandler(async () => 'none');
  };
  const auth = (): void => void asked++;
  const send = await serveRouter(
    t,
    new Router({ log: silentLogger(), auth, plugins: [[plugin, { prefix: '/apart' }]] }),
  );
  assert.deepEqual([(await send('GET', '/apart/page')).text, asked], ['none', 1]);
});

test('auth of a router does not refuse preflights that a plugin with a prefix serves', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async (request, reply) =>
      request.method === 'OPTIONS' ? reply.code(204).send() : undefined,
    );
    fastify.get('/page', async () => 'open');
    fastify.options('*', async () => 'never');
  };
  const options = { log: silentLogger(), auth: needsName, plugins: [[plugin, { prefix: '/apart' }] as const] };
  const send = await serveRouter(t, new Router(options));
  const preflight = { 'access-control-request-method': 'GET', origin: 'http://a' };
  assert.equal((await send('OPTIONS', '/apart/page', { headers: preflight })).status, 204);
  assert.equal((await send('OPTIONS', '/apart/page')).status, 401);
});

/** Serves a router, and returns a function that opens a WebSocket and returns the response to the refused handshake. */
async function upgradesOf(
  t: Parameters<typeof serveRouter>[0],
  router: Router,
): Promise<(path: string, headers?: Record<string, string>) => Promise<{ status: number; text: string }>> {
  const app = closedAfter(t, await router.build());
  const server = new Server('sessions', app);
  await server.start();
  t.after(() => server.stop({ deadlineMs: 0 }));
  return async (path, headers = {}) => {
    const refused = new WebSocket(`ws://127.0.0.1:${portOf(server)}${path}`, { headers });
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    const text = Buffer.concat(await answer.toArray()).toString();
    return { status: answer.statusCode!, text };
  };
}

test('auth of a router is asked before a listener for upgrades is given the connection', async (t) => {
  let given = 0;
  const router = new Router({
    log: silentLogger(),
    auth: needsName,
    plugins: [
      async (fastify) => {
        fastify.server.on('upgrade', (_req, socket) => {
          given += 1;
          socket.end('HTTP/1.1 418 Teapot\r\nConnection: close\r\n\r\n');
        });
      },
    ],
  });
  const ask = await upgradesOf(t, router);
  assert.deepEqual([(await ask('/sessions')).status, given], [401, 0]);
  assert.deepEqual([(await ask('/sessions', { 'x-name': 'ann' })).status, given], [418, 1]);
});

test('auth of a router asks its guard once for an upgrade that cannot be taken', async (t) => {
  let asked = 0;
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.server.on('upgrade', (_req, socket) => socket.destroy());
    fastify.post('/page', async () => 'page');
  };
  const auth = (): void => void asked++;
  const send = await serveRouter(t, new Router({ log: silentLogger(), auth, plugins: [plugin] }));
  const headers = { connection: 'upgrade', upgrade: 'chat', 'content-type': 'application/json' };
  assert.deepEqual([(await send('POST', '/page', { headers, body: '{}' })).text, asked], ['page', 1]);
});

test('the connection closes if an action fails after it has taken the upgrade', async (t) => {
  const log = keepingLogger();
  const router = new Router({ log, plugins: [async () => undefined] });
  router.get('/now', ({ req }) => {
    takeUpgrade(req);
    throw new Error('no rooms');
  });
  router.get('/later', async ({ req }) => {
    takeUpgrade(req);
    await turn();
    throw new Error('no rooms');
  });
  const app = closedAfter(t, await router.build());
  const server = new Server('sessions', app);
  await server.start();
  t.after(() => server.stop({ deadlineMs: 0 }));
  for (const path of ['/now', '/later']) {
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n`);
    assert.equal(String(Buffer.concat(await socket.toArray())), '', path);
  }
  const messages = log.lines.map(({ message }) => message);
  assert.deepEqual(messages, ['an action failed', 'an action failed']);
});

class Closed extends Error {}

test('what fails before an upgrade is mapped, written and logged as other failures are', async (t) => {
  const log = keepingLogger();
  const router = new Router({
    log,
    faults: [[Closed, 409]],
    faultStyle: ({ status, message }) => ({ body: { own: status, message } }),
    plugins: [
      async (fastify) => {
        const failing = (error: Error) => ({ preHandler: () => Promise.reject(error), handler: async () => 1 });
        fastify.get('/mapped', failing(new Closed('The room is closed.')));
        fastify.get('/failed', failing(new Error('no rooms')));
        fastify.server.on('upgrade', (req, socket) => {
          const res = new ServerResponse(req);
          res.assignSocket(socket as Socket);
          fastify.routing(req, res);
        });
      },
    ],
  });
  const ask = await upgradesOf(t, router);
  assert.deepEqual(await ask('/mapped'), { status: 409, text: '{"own":409,"message":"The room is closed."}' });
  assert.deepEqual((await ask('/failed')).status, 500);
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(
    errors.map(({ message, fields }) => [message, (fields.err as Error).message]),
    [['an action failed', 'no rooms']],
  );
});

test('a route of a plugin of which the table takes some methods is said with those', async () => {
  const said = async (method: 'GET' | 'POST' | 'PUT'): Promise<readonly string[]> => {
    const log = keepingLogger();
    const plugin = async (fastify: FastifyInstance): Promise<void> => {
      fastify.route({ method: ['GET', 'HEAD', 'POST'], url: '/pages/:name', handler: async () => 1 });
    };
    const router = new Router({ plugins: [plugin], log });
    router.connect('/pages/{name}', { handler: () => 1, conditions: { method: [method] } });
    await (await router.build()).close();
    return log.lines.map(({ message }) => message);
  };
  const some = (methods: string): string =>
    `the route GET, HEAD, POST /pages/:name of a plugin never matches ${methods}: /pages/{name} of the table matches its path`;
  assert.deepEqual(await said('POST'), [some('POST')]);
  assert.deepEqual(await said('GET'), [some('GET, HEAD')]);
  assert.deepEqual(await said('PUT'), []);
});

test('an action that responds by reply.send() and returns nothing responds with that, also behind asynchronous hooks', async (t) => {
  const log = keepingLogger();
  const router = new Router({
    log,
    plugins: [
      async (fastify) => {
        fastify.addHook('preSerialization', async (_request, _reply, payload) => ({ data: payload }));
        fastify.addHook('onSend', async (_request, reply, payload) => {
          reply.header('x-send', 'yes');
          return payload;
        });
      },
    ],
  });
  router.get('/plain', ({ reply }) => {
    void reply.code(202).send({ a: 1 });
  });
  router.get('/async', async ({ reply }) => {
    void reply.code(202).send({ a: 1 });
  });
  router.get('/text', ({ reply }) => {
    void reply.code(202).type('text/plain').send('a');
  });
  router.get('/nothing', () => undefined);
  const send = await serveRouter(t, router);
  for (const path of ['/plain', '/async']) {
    const { status, json } = await send('GET', path);
    assert.deepEqual([status, json], [202, { data: { a: 1 } }], path);
  }
  const { status, text } = await send('GET', '/text');
  assert.deepEqual([status, text], [202, 'a']);
  assert.equal((await send('GET', '/nothing')).status, 204);
  assert.deepEqual(log.lines, []);
});
