import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, Resource, Router } from 'portico/routing';
import { RouteTableError } from '#internal/routing';
import { serveRouter } from '../served-router.js';
import { checking, message, post } from './checking.js';

test('RT-181 bodies are not coerced, and nothing is removed or defaulted', async (t) => {
  const send = await serveRouter(
    t,
    checking({
      type: 'object',
      properties: { n: { type: 'integer' }, on: { type: 'boolean', default: true }, list: { type: 'array' } },
      additionalProperties: false,
    }),
  );
  assert.deepEqual((await post(send, { n: 1 })).json, { body: { n: 1 } });
  for (const body of [{ n: '1' }, { on: 'true' }, { list: 1 }, { n: 1, x: 1 }, [], null, 'x']) {
    assert.equal((await post(send, body)).status, 400, JSON.stringify(body));
  }
});

test('default of a JSON Schema is applied to query, params and headers', async (t) => {
  const page = { type: 'integer', minimum: 1, default: 20 } as const;
  const router = new Router().get(
    '/{name}',
    {
      query: {
        type: 'object',
        required: ['limit'],
        properties: { limit: page, tags: { type: 'array', items: { type: 'string' }, default: ['a'] } },
      },
      headers: { type: 'object', properties: { 'x-page': page } },
      params: { type: 'object', properties: { name: { type: 'string' }, kind: { type: 'string', default: 'book' } } },
    },
    ({ query, headers, params }) => [query.limit + 1, query.tags.length, headers['x-page'] + 1, params],
  );
  const send = await serveRouter(t, router);
  const params = { name: 'x', kind: 'book' };
  assert.deepEqual((await send('GET', '/x')).json, [21, 1, 21, params]);
  assert.deepEqual((await send('GET', '/x?limit=1&tags=b&tags=c', { headers: { 'x-page': '2' } })).json, [
    2,
    2,
    3,
    params,
  ]);
  assert.equal((await send('GET', '/x?limit=0')).status, 400);
  const within = { anyOf: [{ properties: { limit: page } }] };
  await assert.rejects(new Router().get('/', { query: within }, () => 1).build(), /default is ignored for/);
  const limit = (more: object) => ({
    type: 'object',
    properties: { limit: { type: 'integer', maximum: 100, ...more } },
  });
  const wrong = limit({ default: 500 });
  for (const options of [{ query: wrong }, { headers: wrong }])
    await assert.rejects(
      new Router().get('/', options, () => 1).build(),
      /limit\.default is 500, which its own schema refuses: .*100/,
    );
  await (await new Router().get('/', { query: limit({ default: '50' }) }, () => 1).build()).close();
});

test('RT-181 RT-184 queries are coerced; a repeated key is a list, or its last value', async (t) => {
  const send = await serveRouter(
    t,
    checking({
      type: 'object',
      properties: {
        limit: { type: 'integer' },
        deleted: { type: 'boolean' },
        tag: { type: 'array', items: { type: 'string' } },
        any: {},
      },
      additionalProperties: false,
    }),
  );
  assert.deepEqual((await send('GET', '/?limit=5&deleted=true&tag=a')).json, {
    query: { limit: 5, deleted: true, tag: ['a'] },
    last: '5',
  });
  assert.deepEqual((await send('GET', '/?limit=1&limit=2&tag=a&tag=b&any=1&any=2')).json, {
    query: { limit: 2, tag: ['a', 'b'], any: ['1', '2'] },
    last: '2',
  });
  const refused = await send('GET', '/?limit=x');
  assert.equal(refused.status, 400);
  assert.match(message(refused), /query parameter limit: must be integer\.$/);
  assert.match(message(await send('GET', '/?other=1')), /query parameter other/);
});

test('RT-184 without a schema a repeated key is a list, and its last value for who asks for one', async (t) => {
  const send = await serveRouter(
    t,
    new Router().connect('/', {
      handler: (request) => [request.query, request.queryValue('a'), request.queryValue('toString') ?? null],
    }),
  );
  assert.deepEqual((await send('GET', '/?a=1&a=2&b=')).json, [{ a: ['1', '2'], b: '' }, '2', null]);
});

test('RT-183 the formats there are, and none else', async (t) => {
  const formats: Record<string, [good: string, bad: string]> = {
    'date-time': ['2013-07-23T11:33:21Z', 'yesterday'],
    uuid: ['6f70656e-7374-6163-6b20-342065766572', '17'],
    uri: ['http://a/b', 'not a uri'],
    email: ['a@b.example', 'a'],
    ipv4: ['192.0.2.1', '192.0.2.256'],
    ipv6: ['2001:db8::1', '2001:zz::'],
    cidr: ['192.0.2.0/24', '192.0.2.0/33'],
    base64: ['aGk=', 'aGk'],
  };
  for (const [format, [good, bad]] of Object.entries(formats)) {
    const send = await serveRouter(t, checking({ type: 'string', format }));
    assert.equal((await post(send, good)).status, 200, `${format} ${good}`);
    assert.equal((await post(send, bad)).status, 400, `${format} ${bad}`);
  }
  const send = await serveRouter(t, checking({ type: 'string', format: 'cidr' }));
  assert.deepEqual(
    await Promise.all(
      ['2001:db8::/32', '::/129', '10.0.0.0', '1.2.3.4/', 'a/8'].map(async (text) => (await post(send, text)).status),
    ),
    [200, 400, 400, 400, 400],
  );
});

test('RT-180 RT-183 a schema that does not compile is an error of the table', async () => {
  for (const schema of [
    { type: 'strin' },
    { type: 'string', format: 'color' },
    { properties: { a: { pattern: '(' } } },
    { properties: { a: { minimun: 1 } } },
    { type: 'object', properties: { ab: {} }, patternProperties: { '^a': { type: 'string' } } },
    { $ref: '#/nowhere' },
  ]) {
    await assert.rejects(checking(schema).build(), (error: unknown) => {
      assert.ok(error instanceof RouteTableError);
      assert.equal(error.diagnostics[0]?.code, 'PORTICO_ROUTE_SCHEMA');
      assert.match(error.message, /controller\.(?:body|query): the (?:body|query) schema does not compile/);
      return true;
    });
  }
});

test('RT-180 2020-12 where it is asked for', async (t) => {
  const controller = { x: action({ body: { prefixItems: [{ type: 'string' }], items: false } }, () => 'ok') };
  const router = new Router({ schemaDraft: '2020-12' }).connect('/', { controller, action: 'x' });
  const send = await serveRouter(t, router);
  assert.equal((await post(send, ['a'])).status, 200);
  assert.equal((await post(send, ['a', 'b'])).status, 400);
});

test('RT-185 a body that is not declared is passed only where schemas are optional', async (t) => {
  const controller = { x: ({ body }: { body: unknown }) => ({ has: body !== undefined }) };
  const router = new Router({ schemas: 'required', controllers: { strict: controller } });
  router.connect('/strict', { controller: 'strict', action: 'x' });
  router.connect('/lax', { controller: new Resource(controller, { schemas: 'optional' }), action: 'x' });
  router.connect('/route', { controller: 'strict', action: 'x', body: { type: 'object' } });
  const send = await serveRouter(t, router);
  const has = async (path: string): Promise<unknown> => (await send('POST', path, { body: '{}' })).json;
  assert.deepEqual(await has('/strict'), { has: false });
  assert.deepEqual(await has('/lax'), { has: true });
  assert.deepEqual(await has('/route'), { has: true });
  assert.equal((await send('POST', '/route', { body: '7' })).status, 400);
});

test('RT-180 an action that declares a body needs one', async (t) => {
  const send = await serveRouter(t, checking({ type: 'object' }));
  assert.match(message(await send('POST', '/')), /needs a body/);
});

test('SC-35 a schema may take numbers as digits: bodies are checked as they are written', async (t) => {
  const digits = { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^[0-9]+$' }] };
  const send = await serveRouter(t, checking({ type: 'object', properties: { ram: digits } }));
  assert.deepEqual((await post(send, { ram: '512' })).json, { body: { ram: '512' } });
  assert.equal((await post(send, { ram: 'x' })).status, 400);
});
