import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Config, createLogger } from 'portico';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

// The app as it is served: with its filters, and the options that the two files give them.
const config = await Config.load({ files: ['portico.ini'] });
const app = await new Loader('api-paste.ini', { config, log: createLogger({ level: 'error' }) }).loadApp('books');
after(() => app.close());

test('a book that was created can be read', async () => {
  const created = await request(app, 'POST', '/books', { json: { title: 'Kim', year: 1901 } });
  assert.equal(created.status, 201);
  assert.deepEqual(created.json(), { book: { id: '2', title: 'Kim', year: 1901 } });
  assert.deepEqual((await request(app, 'GET', '/books/2')).json(), created.json());
});

test('a book without a title is refused', async () => {
  const { status, text } = await request(app, 'POST', '/books', { json: { year: 1901 } });
  assert.equal(status, 400);
  assert.match(text(), /title/);
});

test('a book that is not there gets 404', async () => {
  assert.equal((await request(app, 'GET', '/books/0')).status, 404);
});

test('responses may be cached for as long as the option max_age says', async () => {
  const { headers } = await request(app, 'GET', '/books');
  assert.equal(headers['cache-control'], 'private, max-age=60');
});
