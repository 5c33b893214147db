import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { action, Router } from 'portico/routing';
import { RouteTableError } from '#internal/routing';
import { closedAfter } from '../fixtures/closed-after.js';
import { keepingLogger, serveApp, serveRouter } from './served-router.js';

/** Returns a filter that records its name for each request. */
const named =
  (name: string, seen: string[]): Filter =>
  (app) =>
  (req, res) => {
    seen.push(name);
    return app(req, res);
  };

const echo: App = (req, res) => {
  res.end(JSON.stringify({ url: req.url, scriptName: environ(req).scriptName }));
};

async function tableIssues(router: Router): Promise<RouteTableError> {
  try {
    await router.build();
  } catch (error) {
    assert.ok(error instanceof RouteTableError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the table was accepted' });
}

test('RT-141 the environ has params without prototype, and the route by its template', async (t) => {
  const seen: unknown[] = [];
  const router = new Router({ controllers: { servers: { show: () => null } } });
  router.use((app) => (req, res) => {
    const { params, route } = environ(req);
    seen.push(Object.getPrototypeOf(params), { ...params }, route);
    return app(req, res);
  });
  router.connect('server', '/servers/{id}', { controller: 'servers', action: 'show' });
  const send = await serveRouter(t, router);
  await send('GET', '/servers/17');
  const route = { name: 'server', template: '/servers/{id}', controller: 'servers', action: 'show' };
  assert.deepEqual(seen, [null, { id: '17' }, route]);
});

test('RT-96 RT-145 a mounted app gets what is left of the path, on segment borders', async (t) => {
  const router = new Router().mount('/v2/{tenant}', echo).mount('/', echo);
  const send = await serveRouter(t, router);
  const cases: [path: string, url: string, scriptName: string][] = [
    ['/v2/t1', '/', '/v2/t1'],
    ['/v2/t1/', '/', '/v2/t1'],
    ['/v2/t1/a%20b/c?x=1', '/a%20b/c?x=1', '/v2/t1'],
    ['/v2/t%20x/a%2Fb', '/a%2Fb', '/v2/t%20x'],
    ['/v2', '/v2', ''],
    ['/', '/', ''],
  ];
  for (const [path, url, scriptName] of cases)
    assert.deepEqual((await send('GET', path)).json, { url, scriptName }, path);
});

test('RT-145 the line is moved back when a mounted app fails', async (t) => {
  const router = new Router({ log: keepingLogger() }).mount('/a', () => {
    throw new Error('no');
  });
  const app = closedAfter(t, await router.build());
  let after: unknown;
  const send = await serveApp(t, async (req, res) => {
    await app(req, res);
    after = { url: req.url, scriptName: environ(req).scriptName };
  });
  assert.equal((await send('GET', '/a/b?c')).status, 500);
  assert.deepEqual(after, { url: '/a/b?c', scriptName: '' });
});

test('RT-146 filters wrap controllers after matching, the first one outermost', async (t) => {
  const seen: string[] = [];
  const router = new Router().use(named('first', seen)).use(named('second', seen));
  router.connect('/x', { handler: () => 'x', filters: [named('route', seen)] });
  const send = await serveRouter(t, router);
  await send('GET', '/nowhere');
  assert.deepEqual(seen, []);
  assert.equal((await send('GET', '/x')).json, 'x');
  assert.deepEqual(seen, ['first', 'second', 'route']);
});

test('RT-147 a resource keeps only, or leaves out, the actions that are named', async () => {
  const names = (router: Router): string[] =>
    router.routes.map(({ template, conditions, defaults }) =>
      [conditions?.method, template, defaults.get('action')].flat().join(' '),
    );
  const only = new Router().resource('a', 'as', { only: ['index', 'show'], formatted: false });
  assert.deepEqual(names(only), ['GET /as index', 'GET /as/{id} show']);
  const except = new Router().resource('a', 'as', { except: ['new', 'edit', 'create', 'update', 'delete'] });
  assert.deepEqual(names(except), [
    'GET /as.{format} index',
    'GET /as index',
    'GET /as/{id}.{format} show',
    'GET /as/{id} show',
  ]);
  const error = await tableIssues(new Router().resource('a', 'as', { only: ['indx'] }));
  assert.match(error.message, /no action "indx"[\s\S]*Did you mean "index"/);
});

test('RT-123 RT-124 RT-148 all errors of a table are reported together, with place and nearest name', async () => {
  const router = new Router({ controllers: { servers: { show: () => null, index: () => null } } });
  router.connect('/a', { controller: 'server', action: 'show' });
  router.connect('/b', { controller: 'servers', action: 'shw' });
  router.connect('/c/{id}', { controller: 'servers', action: 'show', requirements: { id: '(' } });
  router.connect('/d', { action: 'show' });
  router.connect('/e/{a-b}', { controller: 'servers', action: 'show' });
  const { diagnostics: issues, message } = await tableIssues(router);
  assert.equal(issues.length, 5);
  assert.match(message, /5 errors in the route table/);
  for (const said of [
    /no controller is called "server"[\s\S]*Did you mean "servers"/,
    /no action "shw"[\s\S]*"show"/,
    /the route has no controller/,
    /"a-b" is not a name/,
  ]) {
    assert.match(message, said);
  }
  for (const issue of issues) assert.match(issue.location?.detail ?? '', /router\.test\.js:\d+:\d+/);
});

test('RT-148 RT-164 a controller is a name, an object or a class, constructed once', async (t) => {
  let made = 0;
  class Counted {
    readonly #number = ++made;
    show(): number {
      return this.#number;
    }
    _hidden(): void {}
  }
  const router = new Router({ controllers: { named: Counted } });
  router.connect('/named', { controller: 'named', action: 'show' });
  router.connect('/again', { controller: 'named', action: 'show' });
  router.connect('/class', { controller: Counted, action: 'show' });
  router.connect('/object', { controller: { show: () => 'object' }, action: 'show' });
  const send = await serveRouter(t, router);
  assert.deepEqual(
    await Promise.all(['/named', '/again', '/class', '/object'].map(async (path) => (await send('GET', path)).json)),
    [1, 1, 1, 'object'],
  );
  const hidden = new Router({ controllers: { named: Counted } }).connect('/x', {
    controller: 'named',
    action: '_hidden',
  });
  assert.match((await tableIssues(hidden)).message, /no action "_hidden"/);
});

test('RT-150 controller and action may come from the path; what is no action gets 404', async (t) => {
  const router = new Router({
    controllers: { a: { index: () => 'a.index', _own: () => 'no' }, b: { index: () => 'b.index' } },
  });
  router.connect('/{controller}/{action}', {});
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/a/index')).json, 'a.index');
  assert.equal((await send('GET', '/b/index')).json, 'b.index');
  for (const path of ['/a/_own', '/a/toString', '/a/constructor', '/a/none', '/c/index']) {
    assert.equal((await send('GET', path)).status, 404, path);
  }
});

test('RT-150 RT-170 an action that the path names has its versions, limit and response schema', async (t) => {
  const response = { 200: { type: 'object', properties: { shown: { type: 'string' } } } } as const;
  const servers = {
    show: [
      action({ versions: ['2.1', '2.9'] }, () => 'old'),
      action({ versions: ['2.10'], bodyLimit: 4, response }, () => ({ shown: 'new', hidden: 1 })),
    ],
  };
  const versions = { serviceType: 'compute', min: '2.1', max: '2.79' };
  const send = await serveRouter(
    t,
    new Router({ versions, controllers: { servers } }).connect('/s/{id}/{action}', { controller: 'servers' }),
  );
  const headers = { 'openstack-api-version': 'compute 2.10' };
  assert.equal((await send('GET', '/s/1/show')).json, 'old');
  assert.deepEqual((await send('GET', '/s/1/show', { headers })).json, { shown: 'new' });
  assert.equal((await send('POST', '/s/1/show', { headers, body: '[1, 2]' })).status, 413);
});

test('RT-148 RT-180 an error in an action that only a path names is found by build', async () => {
  const servers = { show: action({ body: { type: 'nonsense' } }, () => 1) };
  const router = new Router({ controllers: { servers } }).connect('/{controller}/{action}', {});
  assert.match((await tableIssues(router)).message, /servers\.show: the body schema does not compile/);
});

test('RT-203 config and limits of a route reach the parts below', async (t) => {
  const seen: unknown[] = [];
  const router = new Router({
    plugins: [
      (fastify, _options, done) => {
        fastify.addHook('onRequest', (request, _reply, next) => {
          seen.push(request.url, (request.routeOptions.config as { quota?: number }).quota);
          next();
        });
        done();
      },
    ],
  });
  router.connect('/x/{id}', { handler: () => 1, config: { quota: 3 }, bodyLimit: 4 });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/x/a%20b?q=1', { body: '"12345"' })).status, 413);
  assert.deepEqual(seen, ['/x/a%20b?q=1', 3]);
});

test('RT-217 plugins and hooks of Fastify work beneath the router, and see the client’s URL', async (t) => {
  const router = new Router({
    plugins: [
      async (fastify) => {
        fastify.addHook('onSend', async (request, reply, payload) => {
          void reply.header('x-url', request.url);
          return payload;
        });
        fastify.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, text, done) =>
          done(null, String(text).split(',')),
        );
      },
    ],
  });
  router.connect('/x', { handler: ({ body }) => ({ body }) });
  const send = await serveRouter(t, router);
  const answer = await send('POST', '/x?a=1', { body: 'a,b', headers: { 'content-type': 'text/csv' } });
  assert.deepEqual(answer.json, { body: ['a', 'b'] });
  assert.equal(answer.headers['x-url'], '/x?a=1');
});
