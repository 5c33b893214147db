import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from 'portico/routing';
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

test('RT-202 each operation has an id of its own; a path that no request can have is left out', () => {
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
