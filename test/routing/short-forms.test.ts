import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActionRequest, action, Router } from 'portico/routing';
import { z } from 'zod';
import { describeRoutes, openApiDocument, RouteTableError } from '#internal/routing';
import { serveRouter, testBoth } from './served-router.js';

const title = { type: 'object', required: ['title'], properties: { title: { type: 'string' } } } as const;
const number = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } as const;

test('a route of each method, in short, stands in the table as connect has it', async (t) => {
  const router = new Router();
  const said = ({ method }: ActionRequest) => method;
  router.get('/a', said).post('/a', said).put('/a', said).patch('/a', said).delete('/a', said).options('/a', said);
  router.head('/b', said);
  const send = await serveRouter(t, router);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    assert.deepEqual((await send(method, '/a')).json, method);
  }
  assert.equal((await send('HEAD', '/b')).status, 200);
  assert.equal((await send('GET', '/b')).status, 405);
  const described = describeRoutes(router);
  assert.deepEqual(
    described.map(({ methods, controller, action: of }) => [methods, controller, of]),
    ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'].map((method) => [[method], null, 'said']),
  );
  assert.match(String(described[0]!.origin?.file), /short-forms\.test\.js$/);
});

test('options between path and function are those of the route and of the action', async (t) => {
  const seen: string[] = [];
  const router = new Router().post(
    '/books/{n:int}',
    {
      name: 'book',
      body: title,
      status: 201,
      conditions: { function: (request) => request?.headers?.host !== undefined },
      filters: [
        (app) => (req, res) => {
          seen.push('filter');
          return app(req, res);
        },
      ],
    },
    ({ params, body, url }) => ({ n: params.n, title: body.title, url: typeof url }),
  );
  assert.equal(router.url.book({ n: 3 }), '/books/3');
  const send = await serveRouter(t, router);
  const created = await send('POST', '/books/3', { body: '{"title": "Kim"}' });
  assert.deepEqual([created.status, created.json], [201, { n: 3, title: 'Kim', url: 'function' }]);
  assert.equal((await send('POST', '/books/3', { body: '{}' })).status, 400);
  assert.deepEqual(seen, ['filter', 'filter']);
});

test('an action has its own options before those of its route', async (t) => {
  const inner = action({ status: 202, body: title }, ({ body }) => body.title);
  const send = await serveRouter(
    t,
    new Router().put('/a', { status: 201, query: number }, inner).patch('/a', { status: 201, query: number }, inner),
  );
  for (const method of ['PUT', 'PATCH']) {
    assert.equal((await send(method, '/a?n=1', { body: '{"title": "Emma"}' })).status, 202);
    assert.equal((await send(method, '/a', { body: '{"title": "Emma"}' })).status, 400);
  }
});

test('params have a schema as bodies and queries have, whose values are the arguments too', async (t) => {
  const router = new Router({ versions: { serviceType: 'book', min: '1.0', max: '1.1' } })
    .get('/json/{n}', { params: number }, ({ params }, { n }) => [params, n])
    .get('/zod/{n}', { params: z.object({ n: z.coerce.number().max(9) }) }, ({ params }, { n }) => [params, n])
    .get(
      '/versions/{n}',
      { params: { '1.0': number, '1.1': z.object({ n: z.string().transform((n) => `${n}!`) }) } },
      ({ params }) => params.n,
    );
  const send = await serveRouter(t, router);
  for (const path of ['/json/5', '/zod/5']) assert.deepEqual((await send('GET', path)).json, [{ n: 5 }, 5], path);
  assert.deepEqual((await send('GET', '/versions/5')).json, 5);
  const newer = await send('GET', '/versions/5', { headers: { 'openstack-api-version': 'book 1.1' } });
  assert.deepEqual(newer.json, '5!');
  for (const path of ['/json/x', '/zod/10']) {
    const refused = await send('GET', path);
    assert.equal(refused.status, 400);
    assert.match(refused.text, /Invalid input for path parameter n/);
  }
});

test('what no request could satisfy, and what is no option, is refused by build()', async () => {
  const router = new Router();
  router.get('/books/{id}', { params: number }, () => 1);
  router.post('/books', { bodi: title } as object, () => 1);
  router.get('/a', 'show' as never);
  const error = await router.build().then(
    () => assert.fail('it was built'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof RouteTableError);
  assert.match(error.message, /the params schema requires "n", which the path does not have/);
  assert.match(error.message, /The path has: id/);
  assert.match(error.message, /a route has no option "bodi"/);
  assert.match(error.message, /the action of a route must be a function, not the text "show"/);
  assert.match(error.message, /short-forms\.test\.js/);
});

test('a document names operations without a controller after the route, the function, or method and path', () => {
  const list = () => [];
  const router = new Router()
    .get('/books', list)
    .post('/books', { name: 'new_book' }, () => 1)
    .get(
      '/books/{id:int}',
      { params: { type: 'object', properties: { id: { type: 'integer', minimum: 1 } } } },
      () => 1,
    );
  const { paths } = openApiDocument(router, { title: 'Books' }) as {
    paths: Record<string, Record<string, { operationId: string; tags?: unknown; parameters: unknown[] }>>;
  };
  const ids = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ operationId, tags }) => [operationId, tags]),
  );
  assert.deepEqual(ids, [
    ['list', undefined],
    ['new_book', undefined],
    ['get_books_id', undefined],
  ]);
  assert.deepEqual(paths['/books/{id}']!.get!.parameters, [
    { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } },
  ]);
});

test('options of a route in Fastify are refused with what to write here', async () => {
  const refused = async (options: object): Promise<string> => {
    const router = new Router();
    router.get('/a', options, () => null);
    return router.build().then(String, (error: Error) => error.message);
  };
  assert.match(await refused({ querystring: {} }), /has no option "querystring"\n {2}Write query for querystring\.$/m);
  assert.match(await refused({ schema: { body: {} } }), /Write the members of schema beside each other: body, query/);
  const hooks = await refused({ onRequest: () => {}, preHandler: () => {}, bodi: {} });
  assert.equal(hooks.match(/Write auth for a guard/g)?.length, 1);
  assert.match(hooks, /Did you mean "body" for "bodi"\?/);
});

testBoth('one grammar: each way to add a route takes the same options', async (t, made) => {
  const facts = { body: title, status: 201, summary: 'x', defaults: { page: 2 } } as const;
  const run = (_request: unknown, args: object): object => ({ page: (args as { page?: string }).page });
  const controllers = { books: { create: run } };
  const router = new made({ controllers })
    .post('/post', facts, run)
    .route('POST', '/route', facts, run)
    .post('/controller', { ...facts, controller: 'books', action: 'create' })
    .connect('/connect', { ...facts, handler: run, conditions: { method: ['POST'] } })
    .connect('/named', { ...facts, controller: 'books', action: 'create', conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  for (const { template } of router.routes) {
    const created = await send('POST', template, { body: '{"title": "Emma"}' });
    assert.deepEqual([created.status, created.json], [201, { page: '2' }], template);
    assert.equal((await send('POST', template, { body: '{}' })).status, 400, template);
    assert.equal((await send('GET', template)).status, 405, template);
  }
  const { paths } = openApiDocument(router, { title: 'Books' }) as { paths: Record<string, { post: Shown }> };
  for (const { post } of Object.values(paths)) {
    assert.deepEqual(
      [post.summary, Object.keys(post.responses), post.requestBody.required],
      ['x', ['201', '400', 'default'], true],
    );
  }
});

interface Shown {
  readonly summary: string;
  readonly responses: object;
  readonly requestBody: { readonly required: boolean };
}

testBoth('WD-9 a route has any method, or several', async (t, made) => {
  const router = new made()
    .route('PROPFIND', '/files/{name}', { name: 'props' }, ({ params }) => params)
    .route(['LOCK', 'UNLOCK'], '/files/{name}', ({ method }) => method);
  assert.equal(router.url.props({ name: 'a' }), '/files/a');
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('PROPFIND', '/files/a')).json, { name: 'a' });
  for (const method of ['LOCK', 'UNLOCK']) assert.equal((await send(method, '/files/a')).json, method);
  assert.equal((await send('GET', '/files/a')).headers.allow, 'LOCK, OPTIONS, PROPFIND, UNLOCK');
});

test('a method that no request has, and a route without anything to run, are refused', async () => {
  const refused = async (define: (router: Router) => unknown): Promise<string> => {
    const router = new Router({ controllers: { books: { show: () => 1 } } });
    define(router);
    return router.build().then(String, (error: Error) => error.message);
  };
  const run = (): number => 1;
  assert.match(
    await refused((router) => router.route('PROPFNID', '/a', run)),
    /no request has the method the text "PROPFNID"\n {2}Did you mean "PROPFIND"\?/,
  );
  assert.match(await refused((router) => router.route('get', '/a', run)), /no request has the method the text "get"/);
  assert.match(await refused((router) => router.get('/a', {} as never)), /must be a function, not an object/);
  assert.match(
    await refused((router) => router.get('/a', { conditions: { method: ['POST'] } } as object, run)),
    /the route is for GET, and its conditions name methods again/,
  );
  assert.match(
    await refused((router) => router.connect('a', '/a', { name: 'b', handler: run } as never)),
    /the route has two names, "a" and "b"/,
  );
});

test('a submapper puts its prefix before a name among the options too', () => {
  const router = new Router({ controllers: { books: { show: () => 1 } } });
  router
    .submapper({ pathPrefix: '/v1', namePrefix: 'v1_' })
    .connect('/a', { name: 'a', controller: 'books', action: 'show' });
  assert.equal(router.url('v1_a'), '/v1/a');
});

testBoth('PL-7 Allow has HEAD where GET is, and a router may refuse OPTIONS', async (t, made) => {
  const run = (): number => 1;
  const told = async (answersOptions: boolean) => {
    const router = new made({ answersOptions }).get('/a', run).put('/a', run).post('/b', run);
    const send = await serveRouter(t, router.options('/own', run));
    const answers = await Promise.all(['/a', '/b', '/own', '/none'].map((path) => send('OPTIONS', path)));
    const refused = await send('DELETE', '/a');
    return [...answers.map(({ status, headers }) => [status, headers.allow]), refused.headers.allow];
  };
  assert.deepEqual(await told(true), [
    [204, 'GET, HEAD, OPTIONS, PUT'],
    [204, 'OPTIONS, POST'],
    [200, undefined],
    [404, undefined],
    'GET, HEAD, OPTIONS, PUT',
  ]);
  assert.deepEqual(await told(false), [
    [405, 'GET, HEAD, PUT'],
    [405, 'POST'],
    [200, undefined],
    [404, undefined],
    'GET, HEAD, PUT',
  ]);
});
