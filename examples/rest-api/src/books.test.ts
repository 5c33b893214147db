import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

const app = await new Loader('api-paste.ini').loadApp('books');

const send = (method: string, path: string, body?: unknown) =>
  request(app, method, path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

test('a book that was added is shown, listed and deleted', async () => {
  const added = await send('POST', '/books', { title: 'Emma', year: 1815 });
  assert.equal(added.status, 201);
  const { id } = added.json() as { id: string };
  assert.deepEqual((await send('GET', `/books/${id}`)).json(), { id, title: 'Emma', year: 1815 });
  assert.deepEqual((await send('GET', '/books?limit=1')).json(), { books: [{ id, title: 'Emma', year: 1815 }] });
  assert.equal((await send('DELETE', `/books/${id}`)).status, 204);
  assert.equal((await send('GET', `/books/${id}`)).status, 404);
});

test('a book without a year is refused by its name', async () => {
  const refused = await send('POST', '/books', { title: 'Emma' });
  assert.equal(refused.status, 400);
  assert.match(refused.text(), /year/);
});
