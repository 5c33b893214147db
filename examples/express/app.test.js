import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('Express answers below its mount, with the headers of the filters', async () => {
  const app = await new Loader('api-paste.ini').loadApp('shop');
  const shown = await request(app, 'GET', '/v1/items/7', { headers: { origin: 'https://shop.example' } });
  assert.equal(shown.json().id, '7');
  assert.equal(shown.headers['access-control-allow-origin'], 'https://shop.example');
  const headers = { 'content-type': 'application/json' };
  const added = await request(app, 'POST', '/v1/items', { headers, body: '{"name":"cup"}' });
  assert.deepEqual([added.status, added.json()], [201, { name: 'cup' }]);
});
