import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { action, queryFilters, querySince, Router } from 'portico/routing';
import { serveRouter } from './served-router.js';

const items = [
  { name: 'web', ram: 512, locked: true },
  { name: 'db', ram: 2048, locked: false },
];
type Item = (typeof items)[number];

const filters = queryFilters<Item>({
  '2.1': {
    name: (text) => (item) => item.name.includes(text),
    minRam: (text) => {
      if (!/^\d+$/.test(text)) throw new Fault(400, { message: 'minRam is no number' });
      return ({ ram }) => ram >= Number(text);
    },
  },
  '2.73': { locked: (text) => (item) => String(item.locked) === text },
});

test('every parameter that the version knows selects; others are not looked at', async (t) => {
  const query = querySince(filters.members, '2.75');
  const index = action({ query }, (request) => filters.select(request, items).map(({ name }) => name));
  const router = new Router({
    controllers: { items: { index } },
    versions: { serviceType: 'x', min: '2.1', max: '2.79' },
  });
  router.connect('/items', { controller: 'items', action: 'index' });
  const send = await serveRouter(t, router);
  const found = async (text: string, version: string) => {
    const { status, json } = await send('GET', `/items?${text}`, {
      headers: { 'openstack-api-version': `x ${version}` },
    });
    return status === 200 ? json : status;
  };
  assert.deepEqual(await found('', '2.1'), ['web', 'db']);
  assert.deepEqual(await found('name=b&minRam=1000', '2.1'), ['db']);
  assert.deepEqual(await found('locked=true', '2.72'), ['web', 'db']);
  assert.deepEqual(await found('locked=true', '2.73'), ['web']);
  assert.equal(await found('minRam=much', '2.1'), 400);
  assert.equal(await found('other=1', '2.75'), 400);
});
