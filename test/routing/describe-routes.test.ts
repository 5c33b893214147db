import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, Router } from 'portico/routing';
import { describeRoutes, explainMatch } from '#internal/routing';

function described(): Router {
  const router = new Router({ controllers: { servers: { index: () => 1, show: () => 1 } } });
  router.use(function requestId(app) {
    return app;
  });
  router.connect('servers', '/servers', { controller: 'servers', action: 'index', conditions: { method: ['GET'] } });
  router.connect('/servers/{id:\\d+}', {
    controller: 'servers',
    action: 'show',
    conditions: { method: ['GET', 'PUT'] },
  });
  return router.redirect('/old', '/servers');
}

test('RT-195 the table as it is tried, with places, filters and requirements', () => {
  const rows = describeRoutes(described());
  assert.deepEqual(
    rows.map(({ methods, template, name, controller, action: named, requirements, filters, redirect }) => [
      methods,
      template,
      name,
      controller,
      named,
      { ...requirements },
      filters,
      redirect,
    ]),
    [
      [['GET'], '/servers', 'servers', 'servers', 'index', {}, ['requestId'], null],
      [['GET', 'PUT'], '/servers/{id:\\d+}', null, 'servers', 'show', { id: '\\d+' }, ['requestId'], null],
      [null, '/old', null, null, null, {}, ['requestId'], '/servers'],
    ],
  );
  assert.match(rows[0]!.origin!.file, /describe-routes\.test\.js$/);
});

const matchIn = (router: Router, method: string, path: string): ReturnType<typeof explainMatch> =>
  explainMatch({ router, found: router.find(method, path), method, path, allowed: [] });

test('RT-195 which route responds, and why not those before it', () => {
  const explained = matchIn(described(), 'PUT', '/servers/17');
  assert.equal(explained.route?.template, '/servers/{id:\\d+}');
  assert.deepEqual({ ...explained.match }, { id: '17', controller: 'servers', action: 'show' });
  const reasons = explained.passedOver.map(({ reason }) => reason);
  assert.deepEqual(reasons, ['the path has a different form']);
  const missed = matchIn(described(), 'DELETE', '/servers/17');
  assert.equal(missed.route, null);
  assert.deepEqual(
    missed.passedOver.map(({ reason }) => reason),
    ['the path has a different form', 'it does not accept DELETE', 'the path does not begin with /old'],
  );
});

test('RT-195 a type, a requirement or a trailing slash that refuses a path is named', async () => {
  const isbn = { regex: '[0-9]+', parse: (text: string) => (text.length === 13 ? text : undefined) };
  const router = new Router({ types: { isbn } })
    .get('/notes', () => 1)
    .get('/notes/{id:int}', () => 1)
    .get('/notes/{id:int}/parts/{part}.{format:json|xml}', () => 1)
    .get('/dirs/', () => 1)
    .get('/books/{id:isbn}', () => 1);
  const against = (path: string, template: string): string | undefined =>
    matchIn(router, 'GET', path).passedOver.find((each) => each.template === template)?.reason;
  const parts = '/notes/{id}/parts/{part}.{format:json|xml}';
  const other = 'the path has a different form';
  assert.equal(against('/notes/x', '/notes/{id}'), 'id = "x" does not match int');
  assert.equal(against('/notes/1/2', '/notes/{id}'), other);
  assert.equal(against('/notes/', '/notes/{id}'), other);
  assert.equal(against('/notes/', '/notes'), 'the path has a trailing slash');
  assert.equal(against('/dirs', '/dirs/'), 'the path has no trailing slash');
  assert.equal(against('/notes/1/parts/a.png', parts), 'format = "png" does not match json|xml');
  assert.equal(against('/notes/x/parts/a.png', parts), 'id = "x" does not match int');
  assert.equal(against('/books/1', '/books/{id}'), 'its types, sub-domain or function refuse this bare request');
});

test('a function without a name is called after its method and path', () => {
  function list(): string {
    return 'x';
  }
  const unnamed = [() => 1][0]!;
  const router = new Router()
    .get('/books', list)
    .get('/books/{id:int}', () => 1)
    .post(
      '/books',
      { status: 201 },
      action({ summary: 'new' }, () => 1),
    )
    .connect('/any', { handler: () => 1 })
    .put('/a', unnamed)
    .put('/b', unnamed)
    .get('/c/{flag:true|false}/{rest:.+}', () => 1);
  router.connect('/books/{id}', { handler: () => 1, conditions: { method: ['PUT', 'PATCH'] } });
  assert.deepEqual(
    describeRoutes(router)
      .map((row) => row.action)
      .sort(),
    [
      'GET /books/{id}',
      'GET /c/{flag}/{rest}',
      'POST /books',
      'PUT /a',
      'PUT /b',
      'PUT,PATCH /books/{id}',
      'any /any',
      'list',
    ],
  );
});
