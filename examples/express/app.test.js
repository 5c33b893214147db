import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('Express responds below its mount, with the headers of the filters', async () => {
  const app = await new Loader('api-paste.ini').loadApp('shop');
  const shown = await request(app, 'GET', '/v1/items/7', { headers: { origin: 'https://shop.example' } });
  assert.deepEqual(shown.json(), { id: '7', base: '/v1' });
  assert.equal(shown.headers['access-control-allow-origin'], 'https://shop.example');
  const moved = await request(app, 'GET', '/v1/cup');
  assert.deepEqual([moved.status, moved.headers.location], [302, '/v1/items/cup']);
  const headers = { 'content-type': 'application/json' };
  const added = await request(app, 'POST', '/v1/items', { headers, body: '{"name":"cup"}' });
  assert.deepEqual([added.status, added.json()], [201, { name: 'cup' }]);
});
