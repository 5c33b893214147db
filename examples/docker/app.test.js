import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('the API and its health check respond', async () => {
  const app = await new Loader('api-paste.ini').loadApp('hello');
  assert.equal((await request(app, 'GET', '/')).text(), 'Hello from a container\n');
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
});
