import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, Router } from 'portico/routing';
import { describeRoutes } from '#internal/routing';

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
