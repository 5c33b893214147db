import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { action, type MatchRequest, Router } from 'portico/routing';
import { GenerationError, RouteTableError } from '#internal/routing';
import { keepingLogger, serveApp, serveRouter } from './served-router.js';

/** A filter that writes its name before and after. */
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

async function mistakes(router: Router): Promise<RouteTableError> {
  try {
    await router.build();
  } catch (error) {
    assert.ok(error instanceof RouteTableError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the table was accepted' });
}

test('RT-28 RT-140 the path is decoded once; what is malformed is text', async (t) => {
  const router = new Router();
  router.connect('/s/{id}', { handler: (request) => request.params.id });
  router.connect('/s/{a}/{b}', { handler: ({ params }) => [params.a, params.b] });
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/s/a%20b')).json, 'a b');
  assert.deepEqual((await send('GET', '/s/a%2Fb')).json, ['a', 'b']);
  assert.equal((await send('GET', '/s/a%2520b')).json, 'a%20b');
  assert.equal((await send('GET', '/s/%zz')).json, '%zz');
  assert.equal((await send('GET', '/s/%ff%C3%A9')).json, '\ufffdé');
  assert.equal((await send('GET', '/s/a+b?id=2')).json, 'a+b');
  assert.deepEqual((await send('GET', '/s/../x')).json, ['..', 'x']);
});

test('RT-140 strict paths refuse encoded slashes, NUL and malformed escapes', async (t) => {
  const router = new Router({ strictPaths: true });
  router.connect('/s/{id:.*}', { handler: () => 'ok' });
  const send = await serveRouter(t, router);
  for (const path of ['/s/a%2Fb', '/s/%00', '/s/%zz', '/s/%'])
    assert.equal((await send('GET', path)).status, 400, path);
  assert.equal((await send('GET', '/s/a%20b')).status, 200);
});

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

test('RT-142 RT-143 RT-144 RT-218 another method is 405 with Allow; HEAD and OPTIONS are answered', async (t) => {
  const router = new Router({ controllers: { c: { get: () => ({ a: 1 }), post: () => null } } });
  router.connect('/x/{id}', { controller: 'c', action: 'get', conditions: { method: ['GET'] } });
  router.connect('/x/{name}', { controller: 'c', action: 'post', conditions: { method: ['POST', 'PURGE'] } });
  router.connect('/own', { handler: () => 'mine', conditions: { method: ['OPTIONS'] } });
  const send = await serveRouter(t, router);
  const refused = await send('DELETE', '/x/1');
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.allow, 'GET, HEAD, OPTIONS, POST, PURGE');
  assert.equal((await send('DELETE', '/y/1')).status, 404);
  const head = await send('HEAD', '/x/1');
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '7']);
  const options = await send('OPTIONS', '/x/1');
  assert.deepEqual([options.status, options.headers.allow, options.text], [204, 'GET, HEAD, OPTIONS, POST, PURGE', '']);
  assert.equal((await send('OPTIONS', '*')).headers.allow, 'GET, HEAD, OPTIONS, POST, PURGE');
  assert.equal((await send('OPTIONS', '/own')).json, 'mine');
  assert.equal((await send('PURGE', '/x/1')).status, 204);
});

test('RT-143 a route for every method does not stand before the GET route that answers HEAD', async (t) => {
  const router = new Router();
  router.connect('/x/{id}', { handler: () => 'x', conditions: { method: ['GET'] } });
  router.connect('/x/{id}', { handler: () => 'own', conditions: { method: ['HEAD'] } });
  router.connect('/y/{id}', { handler: () => 'y', conditions: { method: ['GET'] } });
  router.mount('/', (_req, res) => void res.writeHead(404).end());
  const send = await serveRouter(t, router);
  assert.equal((await send('HEAD', '/y/1')).status, 200);
  assert.equal((await send('HEAD', '/z/1')).status, 404);
  assert.equal((await send('HEAD', '/x/1')).headers['content-length'], '5');
});

test('RT-144 OPTIONS * is about the whole table, also below a prefix', async (t) => {
  const router = new Router({ prefix: '/v2' }).connect('/x', { handler: () => 1, conditions: { method: ['PUT'] } });
  const answer = await (await serveRouter(t, router))('OPTIONS', '*');
  assert.deepEqual([answer.status, answer.headers.allow], [204, 'OPTIONS, PUT']);
});

test('RT-103 where the method may be overridden, any method may be', async (t) => {
  const router = new Router({ useMethodOverride: true });
  router.connect('/x', { handler: ({ method }) => method, conditions: { method: ['DELETE'] } });
  const send = await serveRouter(t, router);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH']) {
    assert.equal((await send(method, '/x?_method=delete')).json, method);
  }
});

test('RT-142 conditions other than the method count for 405', async (t) => {
  const router = new Router();
  const onlyXhr = { method: ['GET'], function: (request: MatchRequest | null) => 'x-ajax' in (request?.headers ?? {}) };
  router.connect('/x', { handler: () => 1, conditions: onlyXhr });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/x')).status, 404);
  assert.equal((await send('POST', '/x', { headers: { 'x-ajax': '1' } })).status, 405);
  assert.equal((await send('HEAD', '/x', { headers: { 'x-ajax': '1' } })).status, 200);
});

test('RT-42 RT-43 RT-104 compat "routes" answers 404 as Routes does, and method override is off', async (t) => {
  const table = (compat?: 'routes'): Router =>
    new Router(compat === undefined ? {} : { compat })
      .connect('/x', { handler: () => 'get', conditions: { method: ['GET'] } })
      .connect('/x', { handler: () => 'gone', conditions: { method: ['DELETE'] } });
  const old = await serveRouter(t, table('routes'));
  for (const method of ['POST', 'HEAD', 'OPTIONS']) assert.equal((await old(method, '/x')).status, 404, method);
  const now = await serveRouter(t, table());
  assert.equal((await now('GET', '/x?_method=DELETE')).json, 'get');
  const overriding = new Router({ useMethodOverride: true })
    .connect('/x', { handler: () => 'get', conditions: { method: ['GET'] } })
    .connect('/x', { handler: () => 'gone', conditions: { method: ['DELETE'] } });
  assert.equal((await (await serveRouter(t, overriding))('GET', '/x?_method=delete')).json, 'gone');
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
  const app = await router.build();
  t.after(() => app.close());
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
  assert.deepEqual(names(only), ['GET /as index', 'GET /as/:(id) show']);
  const except = new Router().resource('a', 'as', { except: ['new', 'edit', 'create', 'update', 'delete'] });
  assert.deepEqual(names(except), [
    'GET /as.:(format) index',
    'GET /as index',
    'GET /as/:(id).:(format) show',
    'GET /as/:(id) show',
  ]);
  const error = await mistakes(new Router().resource('a', 'as', { only: ['indx'] }));
  assert.match(error.message, /no action "indx"[\s\S]*Did you mean "index"/);
});

test('RT-123 RT-124 RT-148 all mistakes of a table are reported together, with place and nearest name', async () => {
  const router = new Router({ controllers: { servers: { show: () => null, index: () => null } } });
  router.connect('/a', { controller: 'server', action: 'show' });
  router.connect('/b', { controller: 'servers', action: 'shw' });
  router.connect('/c/{id}', { controller: 'servers', action: 'show', requirements: { id: '(' } });
  router.connect('/d', { action: 'show' });
  router.connect('/e/{a-b}', { controller: 'servers', action: 'show' });
  const { diagnostics: issues, message } = await mistakes(router);
  assert.equal(issues.length, 5);
  assert.match(message, /5 mistakes in the route table/);
  for (const said of [
    /no controller is called "server"[\s\S]*Did you mean "servers"/,
    /no action "shw"[\s\S]*"show"/,
    /the route has no controller/,
    /"a-b" is not a name/,
  ]) {
    assert.match(message, said);
  }
  for (const issue of issues) assert.match(issue.place?.detail ?? '', /router\.test\.js:\d+:\d+/);
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
  assert.match((await mistakes(hidden)).message, /no action "_hidden"/);
});

test('RT-149 a table is immutable once it is built', async (t) => {
  const router = new Router().connect('/x', { handler: () => 1 });
  const app = await router.build();
  t.after(() => app.close());
  assert.throws(() => router.connect('/y', { handler: () => 1 }), { code: 'PORTICO_ROUTE_BUILT' });
});

test('RT-90 RT-91 RT-95 redirects go where the match says, with a status that is one', async (t) => {
  const router = new Router();
  router.redirect('/old/{id}', '/new/{id}');
  router.redirect('/moved', '/there', { _redirectCode: '301 Moved Permanently' });
  router.redirect('/broken/{id}', '/{other}');
  router.redirect('/text/{rest:.*}', 'http://example.com/\u0001x');
  const send = await serveRouter(t, router);
  const first = await send('POST', '/old/a%20b?x=1');
  assert.deepEqual([first.status, first.headers.location, first.text], [302, '/new/a%20b', '']);
  assert.equal((await send('GET', '/moved')).status, 301);
  assert.equal((await send('GET', '/broken/1')).status, 500);
  assert.equal((await send('GET', '/text/')).headers.location, 'http://example.com/%01x?rest=');
  const error = await mistakes(new Router().redirect('/a', '/b', { _redirectCode: 200 }));
  assert.match(error.message, /"200" is no status of a redirect/);
});

test('RT-94 an empty path can redirect to the slash', async (t) => {
  const router = new Router().redirect('', '/').connect('/', { handler: () => 'root' });
  const app = await router.build();
  t.after(() => app.close());
  const send = await serveApp(t, (req, res) => {
    environ(req).scriptName = '/v2.1';
    req.url = req.url!.slice('/v2.1'.length);
    return app(req, res);
  });
  assert.equal((await send('GET', '/v2.1')).headers.location, '/v2.1/');
  assert.equal((await send('GET', '/v2.1/')).json, 'root');
});

test('RT-150 controller and action may come from the path; what is no action is 404', async (t) => {
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

test('RT-148 RT-180 a mistake in an action that only a path names is found by build', async () => {
  const servers = { show: action({ body: { type: 'nonsense' } }, () => 1) };
  const router = new Router({ controllers: { servers } }).connect('/{controller}/{action}', {});
  assert.match((await mistakes(router)).message, /servers\.show: the body schema does not compile/);
});

test('RT-204 find is pure: it says which route takes a path', () => {
  const router = new Router().connect('x', '/x/{id}', { handler: () => 1, conditions: { method: ['GET'] } });
  assert.equal(router.find('GET', '/x/1')?.compiled.route.name, 'x');
  assert.deepEqual(router.find('GET', '/x/1')?.captured, ['1']);
  assert.equal(router.find('POST', '/x/1'), null);
});

test('RT-200 typed parameters match, parse and print by their type', async (t) => {
  const router = new Router({
    types: {
      vlan: {
        regex: '\\d+',
        parse: (text) => (Number(text) < 4095 ? Number(text) : undefined),
        print: (value) => `0${value as number}`,
      },
    },
  });
  router.connect('n', '/n/{n:int}', { handler: ({ params }) => ({ n: params.n + 1 }) });
  router.connect('b', '/b/{yes:bool}', { handler: ({ params }) => ({ yes: params.yes }) });
  router.connect('v', '/v/{v:vlan}', { handler: ({ params }) => ({ v: params.v }) });
  router.connect('/u/{id:uuid}', { handler: (_request, args) => args });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/n/-41')).json, { n: -40 });
  assert.equal((await send('GET', '/n/4x')).status, 404);
  assert.deepEqual((await send('GET', '/b/false')).json, { yes: false });
  assert.deepEqual((await send('GET', '/v/7')).json, { v: 7 });
  assert.equal((await send('GET', '/v/5000')).status, 404);
  assert.equal((await send('GET', '/u/17')).status, 404);
  assert.equal(router.url('b', { yes: true }), '/b/true');
  assert.equal(router.url('v', { v: 7 }), '/v/07');
  const old = new Router({ compat: 'routes' }).connect('/n/{n:int}', { handler: () => 1 });
  assert.equal(old.find('GET', '/n/int')?.captured[0], 'int');
});

test('RT-201 names are functions of router.url', () => {
  const router = new Router()
    .connect('server', '/servers/{id}', { handler: () => 1 })
    .connect('name', '/name', { handler: () => 1 });
  assert.equal(router.url.server({ id: 'a b' }), '/servers/a%20b');
  assert.equal(router.url.server({ id: 1, page: 2 }), '/servers/1?page=2');
  assert.equal(router.url('server', { id: 1 }), '/servers/1');
  assert.throws(() => router.url('server', {}), GenerationError);
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
