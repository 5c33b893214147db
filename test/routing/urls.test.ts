import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mapper, type RouteOptions, Router } from 'portico/routing';
import { GenerationError } from '#internal/routing';

test('RT-118 a URL that cannot be made is an error that says what was asked', () => {
  const mapper = new Mapper().connect('item', '/item/{id}', { controller: 'i' });
  assert.throws(
    () => mapper.urls.url('item', { other: 1 }, {}),
    (error: unknown) => error instanceof GenerationError && /"item".*\["other"\]/.test(error.message),
  );
});

test('RT-120 current host, scheme and special words', () => {
  const mapper = new Mapper().connect('item', '/item/{id}', { controller: 'i' });
  const around = { host: 'h.example.com:8774', scheme: 'https', scriptName: '/v2.1' };
  assert.equal(mapper.urls.url('item', { id: 1, qualified: true }, around), 'https://h.example.com:8774/v2.1/item/1');
  assert.equal(mapper.urls.url('item', { id: 1, protocol: 'http' }, around), 'http://h.example.com/v2.1/item/1');
  assert.equal(mapper.urls.url('item', { id: 1, host: 'o', anchor: 'a b' }, around), 'https://o/v2.1/item/1#a%20b');
});

test('RT-109 the best fitting route generates, by Routes’ comparison', () => {
  const options: RouteOptions = { controller: 'a', action: 'v' };
  const mapper = new Mapper()
    .connect('/a/{x}', options)
    .connect('/a/{x}/{y}', options)
    .connect('/a/{x}/{y}/{z}', options);
  assert.equal(mapper.generate({ controller: 'a', action: 'v', x: 1, y: 2, q: 3 }), '/a/1/2?q=3');
});

test('RT-125 nothing a client can send makes generation throw', () => {
  const mapper = new Mapper().connect('item', '/item/{id}', { controller: 'i' });
  assert.equal(mapper.urls.url('item', { id: '\ud800' }, {}), '/item/%EF%BF%BD');
});

test('RT-201 names are functions of router.url', () => {
  const router = new Router()
    .connect('server', '/servers/{id}', { handler: () => 1 })
    .connect('name', '/name', { handler: () => 1 });
  assert.equal(router.url.server({ id: 'a b' }), '/servers/a%20b');
  assert.equal(router.url.server({ id: 1, page: 2 }), '/servers/1?page=2');
  assert.equal(router.url('server', { id: 1 }), '/servers/1');
  assert.throws(() => router.url('server', {}), GenerationError);
});

test('AT-19 a value leads to no other path: dot segments have no form in a URL, slashes stay as in Routes', () => {
  const mapper = new Mapper();
  mapper.connect('book', '/books/{name}', { controller: 'books', action: 'show' });
  mapper.connect('part', '/books/.{name}{rest}/parts', { controller: 'books', action: 'part' });
  mapper.connect('file', '/files/*path', { controller: 'files', action: 'show' });
  const pathOf = (name: string, values: Record<string, unknown>): string =>
    new URL(`http://a${mapper.urls.url(name, values, {})}`).pathname;
  for (const name of ['..', '.', '../admin', '../../admin', 'a/../../../admin', './..', '..//..']) {
    assert.ok(pathOf('book', { name }).startsWith('/books/'), name);
    assert.ok(pathOf('file', { path: name }).startsWith('/files/'), name);
  }
  assert.equal(mapper.urls.url('book', { name: '../admin' }, {}), '/books/%EF%BF%BD/admin');
  assert.equal(mapper.urls.url('part', { name: '.', rest: '' }, {}), '/books/%EF%BF%BD/parts');
  for (const name of ['a.b', '...', '.a', 'a..', 'a/b', '..a/b']) {
    assert.equal(pathOf('book', { name }), `/books/${name}`);
  }
});
