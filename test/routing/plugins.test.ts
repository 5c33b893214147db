/** Plugins of Fastify in a router, as they come from npm. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import { silentLogger } from 'portico';
import { type ActionRequest, action, Reply, Router } from 'portico/routing';
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

/** A form with a file of so many bytes. */
function upload(size: number): { headers: Record<string, string>; body: Buffer } {
  const head = '--x\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n';
  const body = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 'a'), Buffer.from('\r\n--x--\r\n')]);
  return { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body };
}

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
  assert.deepEqual(log.lines, []);
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
  // The router checks bodies, in its own words.
  const refused = await send('POST', '/things', { body: '{"name":1}' });
  assert.deepEqual((refused.json as { error: object }).error, {
    code: 400,
    title: 'Bad Request',
    message: 'Invalid input for name: must be string. Value: 1.',
  });
  assert.equal((await send('GET', '/things/7')).text, '{"name":"a"}');
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

test('reply.code() before a returned value is its status; a Reply with one of its own comes before it', async (t) => {
  const router = new Router({ log: silentLogger() });
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
  const router = new Router({ log });
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
