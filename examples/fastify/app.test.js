import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('the plugin counts visits by a cookie', async () => {
  const app = await new Loader('api-paste.ini').loadApp('visits');
  assert.deepEqual((await request(app, 'GET', '/visits')).json(), { visits: 1 });
  const again = await request(app, 'GET', '/visits', { headers: { cookie: 'visits=4' } });
  assert.deepEqual(again.json(), { visits: 5 });
  await app.close();
});
