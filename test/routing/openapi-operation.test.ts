import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reply, Router } from 'portico/routing';
import { openApiDocument } from '#internal/routing';

test('RT-202 templates that differ in the names of variables are one path', () => {
  const router = new Router({ controllers: { c: { show: () => 1, drop: () => 1 } } });
  router.connect('/x/{a}', { controller: 'c', action: 'show', conditions: { method: ['GET'] } });
  router.connect('/x/{b}', { controller: 'c', action: 'drop', conditions: { method: ['DELETE'] } });
  const { paths } = openApiDocument(router, { title: 'c' }) as {
    paths: Record<string, Record<string, { parameters: { name: string }[] }>>;
  };
  assert.deepEqual(Object.keys(paths), ['/x/{a}']);
  assert.deepEqual(Object.keys(paths['/x/{a}']!), ['get', 'delete']);
  assert.equal(paths['/x/{a}']!.delete!.parameters[0]!.name, 'a');
});

test('RT-202 each operation has a different id; a path that no request can have is left out', () => {
  const router = new Router({ controllers: { c: { show: () => 1 } } });
  const route = { controller: 'c', action: 'show', conditions: { method: ['GET', 'PUT'] } };
  router.connect('__proto__', route).connect('/a', route).connect('/b', route);
  const { paths } = openApiDocument(router, { title: 'c' }) as {
    paths: Record<string, Record<string, { operationId: string }>>;
  };
  assert.deepEqual(Object.keys(paths), ['/a', '/b']);
  const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
  assert.deepEqual(ids, ['c.show', 'c.show.2', 'c.show.3', 'c.show.4']);
  assert.equal(Object.hasOwn(Object.prototype, 'get'), false);
});

test('PL-3 a document has the names of a query that patterns and branches describe', () => {
  const tags = { type: 'array', items: { type: 'string' } };
  const router = new Router().get(
    '/a',
    {
      query: {
        type: 'object',
        required: ['n'],
        allOf: [{ required: ['m'], properties: { m: { type: 'string' } } }, { $ref: '#/definitions/more' }],
        properties: { n: { type: 'integer' } },
        patternProperties: { '^tag': tags },
        definitions: { more: { properties: { k: { type: 'boolean' } } } },
      },
    },
    () => 1,
  );
  const { paths } = openApiDocument(router, { title: 'x' }) as unknown as {
    paths: Record<string, { get: { parameters: unknown } }>;
  };
  assert.deepEqual(paths['/a']!.get.parameters, [
    { name: 'n', in: 'query', required: true, schema: { type: 'integer' } },
    { name: 'm', in: 'query', required: true, schema: { type: 'string' } },
    { name: 'k', in: 'query', required: false, schema: { type: 'boolean' } },
    {
      name: 'fields',
      in: 'query',
      required: false,
      style: 'form',
      explode: true,
      schema: { type: 'object', patternProperties: { '^tag': tags } },
    },
  ]);
});

test('a document has the statuses that are declared, whatever the text of a function is', () => {
  const router = new Router()
    .put('/reply', () => new Reply({}, { status: 201 }))
    .put('/nothing', () => {})
    .put('/comment', () => {
      // There is nothing to return.
    })
    .put('/status', { status: 201 }, () => new Reply({}, { status: 201 }))
    .put('/responses', { responses: { 200: 'It was there.', 201: 'It is new.' } }, () => new Reply({}, { status: 201 }))
    .put('/response', { status: 202, response: { 202: { type: 'object' } } }, () => new Reply({}, { status: 202 }));
  const { paths } = openApiDocument(router, { title: 'x' }) as unknown as {
    paths: Record<string, { put: { responses: object } }>;
  };
  const codes = Object.entries(paths).map(([path, { put }]) => [path, Object.keys(put.responses).join()]);
  assert.deepEqual(codes, [
    ['/comment', '200,default'],
    ['/nothing', '200,default'],
    ['/reply', '200,default'],
    ['/response', '202,default'],
    ['/responses', '200,201,default'],
    ['/status', '201,default'],
  ]);
});

test('PL-3 an operation behind a guard needs credentials, whether or not the guard says which', () => {
  const bySession = Object.assign(() => undefined, {
    security: { session: { type: 'apiKey', in: 'cookie', name: 'sid' } },
  });
  const router = new Router()
    .get('/open', () => 1)
    .get('/plain', { auth: function onlyMembers() {} }, () => 1)
    .get('/said', { auth: bySession }, () => 1)
    .get('/maybe', { auth: Object.assign(() => undefined, { optional: true }) }, () => 1);
  const { paths, components } = openApiDocument(router, { title: 'x' }) as unknown as {
    paths: Record<string, { get: { security?: unknown } }>;
    components: { securitySchemes: Record<string, { name: string; description?: string }> };
  };
  assert.deepEqual(
    Object.entries(paths).map(([path, { get }]) => [path, get.security]),
    [
      ['/maybe', undefined],
      ['/open', undefined],
      ['/plain', [{ onlyMembers: [] }]],
      ['/said', [{ session: [] }]],
    ],
  );
  const { onlyMembers, session } = components.securitySchemes;
  assert.deepEqual([session!.name, onlyMembers!.name], ['sid', 'Authorization']);
  assert.match(onlyMembers!.description!, /^Checked by onlyMembers/);
});
