import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';

const config = Config.fromText('[books]\nconnection = sqlite://:memory:');
const app = await new Loader('api-paste.ini', { config }).loadApp('books');

const send = (method: string, path: string, body?: unknown) =>
  request(app, method, path, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

interface Page {
  books: { id: number }[];
  next?: string;
}

test('a book that was added is shown, listed and deleted', async () => {
  const added = await send('POST', '/books', { title: 'Emma', year: 1815 });
  assert.equal(added.status, 201);
  const { id } = added.json() as { id: number };
  assert.deepEqual((await send('GET', `/books/${id}`)).json(), { id, title: 'Emma', year: 1815 });
  assert.deepEqual((await send('GET', '/books?limit=1')).json(), { books: [{ id, title: 'Emma', year: 1815 }] });
  assert.equal((await send('DELETE', `/books/${id}`)).status, 204);
  assert.equal((await send('GET', `/books/${id}`)).status, 404);
});

test('pages have each book once, also if one is deleted meanwhile', async () => {
  for (let year = 1801; year <= 1805; year++) await send('POST', '/books', { title: 'A year', year });
  const first = (await send('GET', '/books?limit=2')).json() as Page;
  const ids = first.books.map(({ id }) => id);
  await send('DELETE', `/books/${ids.at(-1)}`);
  for (let next = first.next; next !== undefined; ) {
    const page = (await send('GET', next)).json() as Page;
    ids.push(...page.books.map(({ id }) => id));
    next = page.next;
  }
  assert.deepEqual(ids, [2, 3, 4, 5, 6]);
  assert.equal((await send('GET', '/books?marker=emma')).status, 400);
});

test('a book without a year is refused by its name', async () => {
  const refused = await send('POST', '/books', { title: 'Emma' });
  assert.equal(refused.status, 400);
  assert.match(refused.text(), /year/);
});

test('two workers have one table', { timeout: 60_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'books-'));
  const env = { ...process.env, PORTICO_API_BOOKS__PORT: '0', PORTICO_DEFAULT__STATE_PATH: folder };
  const service = spawn('sh', ['-c', 'exec api-cli 2>&1'], { env });
  const ended = once(service, 'exit');
  t.after(async () => {
    service.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });
  let log = '';
  for await (const text of service.stdout.iterator({ destroyOnReturn: false })) {
    log += text;
    if (/Ready/.test(log)) break;
  }
  const [address] = /127\.0\.0\.1:\d+/.exec(log) ?? assert.fail(log);
  const url = `http://${address}/books`;
  // Each request has a new connection, which either worker accepts.
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const body = JSON.stringify({ title: 'Emma', year: 1815 });
  for (let id = 1; id <= 8; id++) {
    assert.deepEqual(await (await fetch(url, { method: 'POST', headers, body })).json(), {
      id,
      title: 'Emma',
      year: 1815,
    });
    const { books } = (await (await fetch(url, { headers })).json()) as Page;
    assert.equal(books.length, id);
  }
});
