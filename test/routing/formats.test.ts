/** The suffixes of paths that a resource takes: those of types that it can write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router, type RouterOptions } from 'portico/routing';
import { type Send, serveRouter } from './served-router.js';

const notes = {
  index: () => ['all'],
  show: (_request: unknown, { id }: { id: string }) => ({ id }),
  drafts: () => ['draft'],
};

async function serving(t: Parameters<typeof serveRouter>[0], options: RouterOptions, more: object = {}): Promise<Send> {
  const router = new Router(options);
  router.resource('note', 'notes', {
    controller: notes,
    collection: { drafts: 'GET' },
    only: ['index', 'show', 'drafts'],
    ...more,
  });
  return serveRouter(t, router);
}

const textOf = async (send: Send, path: string): Promise<unknown> => {
  const { status, text } = await send('GET', path);
  return status === 200 ? text : status;
};

/** Suffixes that caches store by. */
const FILES = ['css', 'js', 'png', 'jpg', 'ico', 'svg', 'woff2', 'html', 'txt', 'pdf', 'xml', 'JSON', 'json2', 'jsonx'];

test('AU-4 a resource has no response for a suffix that nobody declared; a member may have a dot in its id', async (t) => {
  for (const options of [{}, { id: '[^/]+' }, { id: 'slug' }]) {
    const send = await serving(t, {}, options);
    // A member of a resource without a type may be called drafts.css.
    for (const path of options.id === 'slug' ? ['/notes', '/notes/drafts'] : ['/notes']) {
      assert.equal((await send('GET', `${path}.json`)).status, 200, path);
      assert.equal(await textOf(send, path), await textOf(send, `${path}.json`));
      for (const suffix of FILES)
        assert.equal((await send('GET', `${path}.${suffix}`)).status, 404, `${path}.${suffix}`);
    }
    assert.equal(await textOf(send, '/notes/1.json'), '{"id":"1"}');
    if (options.id === 'slug') assert.equal(await textOf(send, '/notes/1.js'), 404);
    else for (const id of ['1.js', '1.5', 'a.b.c']) assert.equal(await textOf(send, `/notes/${id}`), `{"id":"${id}"}`);
    assert.equal(await textOf(send, '/notes/a.b.json'), options.id === 'slug' ? 404 : '{"id":"a.b"}');
  }
});

test('AU-4 types of the Router and requirements declare suffixes; with Routes as the model each is taken', async (t) => {
  const serializers = { 'text/csv': () => 'a,b', 'application/vnd.a+b': () => 'v' };
  const send = await serving(t, { serializers });
  assert.equal(await textOf(send, '/notes.csv'), 'a,b');
  assert.equal(await textOf(send, '/notes/1.vnd.a+b'), 'v');
  assert.equal(await textOf(send, '/notes.vndxaab'), 404);
  const chosen = await serving(t, {}, { requirements: { format: 'txt' } });
  assert.equal(await textOf(chosen, '/notes.txt'), '["all"]');
  assert.equal(await textOf(chosen, '/notes/7.txt'), '{"id":"7"}');
  assert.equal(await textOf(chosen, '/notes.json'), 404);
  const routes = await serving(t, { compat: 'routes' });
  assert.equal(await textOf(routes, '/notes.css'), '["all"]');
  const nova = await serving(t, { kind: 'api' });
  assert.equal(await textOf(nova, '/notes.xml'), '["all"]');
  assert.equal(await textOf(nova, '/notes.css'), 404);
});
