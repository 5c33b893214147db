import assert from 'node:assert/strict';
import { environ } from 'portico/app';
import type { MatchRequest, Router } from 'portico/routing';
import { RouteTableError } from '#internal/routing';
import { closedAfter } from '../fixtures/closed-after.js';
import { serveApp, serveRouter, testBoth as test } from './served-router.js';

async function issues(router: Router): Promise<RouteTableError> {
  try {
    await router.build();
  } catch (error) {
    assert.ok(error instanceof RouteTableError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'the table was accepted' });
}

test('RT-28 RT-140 the path is decoded once; what is malformed is text', async (t, Router) => {
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

test('RT-140 strict paths refuse encoded slashes, NUL and malformed escapes', async (t, Router) => {
  const router = new Router({ strictPaths: true });
  router.connect('/s/{id:.*}', { handler: () => 'ok' });
  const send = await serveRouter(t, router);
  for (const path of ['/s/a%2Fb', '/s/%00', '/s/%zz', '/s/%'])
    assert.equal((await send('GET', path)).status, 400, path);
  assert.equal((await send('GET', '/s/a%20b')).status, 200);
});

test('RT-142 RT-143 RT-144 RT-218 another method gets 405 with Allow; HEAD and OPTIONS get responses', async (t, Router) => {
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

test('RT-143 a route for every method does not stand before the GET route that serves HEAD', async (t, Router) => {
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

test('RT-144 OPTIONS * is about the whole table, also below a prefix', async (t, Router) => {
  const router = new Router({ prefix: '/v2' }).connect('/x', { handler: () => 1, conditions: { method: ['PUT'] } });
  const answer = await (await serveRouter(t, router))('OPTIONS', '*');
  assert.deepEqual([answer.status, answer.headers.allow], [204, 'OPTIONS, PUT']);
});

test('RT-103 where the method may be overridden, any method may be', async (t, Router) => {
  const router = new Router({ useMethodOverride: true });
  router.connect('/x', { handler: ({ method }) => method, conditions: { method: ['DELETE'] } });
  const send = await serveRouter(t, router);
  for (const method of ['GET', 'POST', 'PUT', 'PATCH']) {
    assert.equal((await send(method, '/x?_method=delete')).json, method);
  }
});

test('RT-142 conditions other than the method count for 405', async (t, Router) => {
  const router = new Router();
  const onlyXhr = { method: ['GET'], function: (request: MatchRequest | null) => 'x-ajax' in (request?.headers ?? {}) };
  router.connect('/x', { handler: () => 1, conditions: onlyXhr });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/x')).status, 404);
  assert.equal((await send('POST', '/x', { headers: { 'x-ajax': '1' } })).status, 405);
  assert.equal((await send('HEAD', '/x', { headers: { 'x-ajax': '1' } })).status, 200);
});

test('RT-42 RT-43 RT-103 RT-104 compat "routes" responds with 404 as Routes does, and method override is off', async (t, Router) => {
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
  const send = await serveRouter(t, overriding);
  assert.equal((await send('GET', '/x?_method=delete')).json, 'gone');
  // The name of this field begins with a question mark.
  assert.equal((await send('GET', '/x??_method=delete')).json, 'get');
});

test('RT-90 RT-91 RT-95 redirects go where the match says, with a status that is one', async (t, Router) => {
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
});

test('RT-95 a redirect that is refused is one error, and its path is validated beside it', async (_t, Router) => {
  const status = await issues(new Router().redirect('/a', '/b', { _redirectCode: 999 }));
  const codes = status.diagnostics.map(({ code }) => code);
  assert.deepEqual(codes, ['PORTICO_ROUTE_REDIRECT']);
  assert.match(status.message, /the route "\/b": "999" is not a redirect status/);
  const target = await issues(new Router().redirect('/a', '/b/{x:(}').redirect('/c/{y:(}', '/d'));
  assert.deepEqual(
    target.diagnostics.map(({ code }) => code),
    ['PORTICO_ROUTE_REGEX', 'PORTICO_ROUTE_REGEX'],
  );
});

test('RT-91 a misspelt status of a redirect is refused, a default is not', async (t, Router) => {
  for (const name of ['redirectCode', '_redirectcode', '_redirect_code', 'redirect_code']) {
    const error = await issues(new Router().redirect('/a', '/b', { [name]: 301 }));
    assert.match(
      error.message,
      new RegExp(`a redirect has no option "${name}"\\n {2}Did you mean "_redirectCode"\\?$`),
    );
  }
  const router = new Router()
    .redirect('/a', '/b/{id}', { defaults: { id: 7, page: 2 } })
    .redirect('/c/{redirect_code}', '/d', { defaults: { protocol: 'https' } })
    .redirect('/e', '/f/{redirect_code}', { defaults: { redirect_code: 5 } });
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/a?x=1')).headers.location, '/b/7?page=2');
  assert.match((await send('GET', '/c/9')).headers.location ?? '', /^https:.*\/d\?redirect_code=9$/);
  assert.equal((await send('GET', '/e')).headers.location, '/f/5');
  const old = await serveRouter(
    t,
    new Router({ compat: 'routes' }).redirect('/a', '/b', { redirectCode: 301 } as object),
  );
  assert.equal((await old('GET', '/a')).headers.location, '/b?redirectCode=301');
});

test('RT-94 an empty path can redirect to the slash', async (t, Router) => {
  const router = new Router().redirect('', '/').connect('/', { handler: () => 'root' });
  const app = closedAfter(t, await router.build());
  const send = await serveApp(t, (req, res) => {
    environ(req).scriptName = '/v2.1';
    req.url = req.url!.slice('/v2.1'.length);
    return app(req, res);
  });
  assert.equal((await send('GET', '/v2.1')).headers.location, '/v2.1/');
  assert.equal((await send('GET', '/v2.1/')).json, 'root');
});
