import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from 'portico/routing';
import { closedAfter } from '../fixtures/closed-after.js';

test('RT-149 a table is immutable once it is built', async (t) => {
  const router = new Router().connect('/x', { handler: () => 1 });
  closedAfter(t, await router.build());
  assert.throws(() => router.connect('/y', { handler: () => 1 }), { code: 'PORTICO_ROUTE_BUILT' });
});

test('RT-204 find is pure: it says which route takes a path', () => {
  const router = new Router().connect('x', '/x/{id}', { handler: () => 1, conditions: { method: ['GET'] } });
  assert.equal(router.find('GET', '/x/1')?.compiled.route.name, 'x');
  assert.deepEqual({ ...router.find('GET', '/x/1')?.captured }, { id: '1' });
  assert.equal(router.find('POST', '/x/1'), null);
});
