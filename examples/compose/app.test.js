import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

test('the pipeline responds behind its filters, the other mount without them', async () => {
  const app = await new Loader('api-paste.ini').loadApp('hello');
  const hello = await request(app, 'GET', '/');
  assert.equal(hello.text(), 'Hello, world\n');
  assert.equal(hello.headers['x-loud'], 'yes');
  const status = await request(app, 'GET', '/status');
  assert.deepEqual(status.json(), { status: 'up' });
  assert.equal(status.headers['x-loud'], undefined);
});
