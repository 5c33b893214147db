const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Loader } = require('portico/loader');
const { request } = require('portico/testing');

test('squares, and what is too much', async () => {
  const app = await new Loader('api-paste.ini').loadApp('squares');
  assert.deepEqual((await request(app, 'GET', '/squares/12')).json(), { n: 12, square: 144 });
  assert.equal((await request(app, 'GET', '/squares/1001')).status, 400);
  assert.equal((await request(app, 'GET', '/squares/twelve')).status, 404);
  await app.close();
});
