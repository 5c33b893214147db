import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router, serveController, tagActions, tagFilters } from 'portico/routing';
import { serveRouter } from './served-router.js';

const json = { 'content-type': 'application/json' };

test('tags are shown, replaced, looked for, added and removed', async (t) => {
  let kept: readonly string[] = ['a'];
  const store = (_: unknown, tags: readonly string[]): void => {
    kept = tags;
  };
  const router = new Router({});
  const controller = tagActions({ maxItems: 3, maxLength: 5, read: () => kept, store });
  serveController(router, '/things/1/tags', controller, 'index updateAll deleteAll show update delete');
  const send = await serveRouter(t, router);
  const put = async (tags: unknown) =>
    (await send('PUT', '/things/1/tags', { headers: json, body: JSON.stringify({ tags }) })).status;
  const status = async (method: string, tag: string) => (await send(method, `/things/1/tags/${tag}`)).status;

  assert.deepEqual((await send('GET', '/things/1/tags')).json, { tags: ['a'] });
  const added = await send('PUT', '/things/1/tags/b%20c');
  assert.equal(added.status, 201);
  assert.match(added.headers.location!, /^http:\/\/.*\/things\/1\/tags\/b%20c$/);
  assert.deepEqual(kept, ['a', 'b c']);
  assert.deepEqual(
    [await status('PUT', 'b%20c'), await status('GET', 'b%20c'), await status('GET', 'd')],
    [204, 204, 404],
  );
  assert.deepEqual([await status('PUT', 'a,b'), await status('PUT', 'toolong')], [400, 400]);
  assert.deepEqual([await status('PUT', 'd'), await status('PUT', 'e')], [201, 400]);
  assert.deepEqual([await status('DELETE', 'a'), await status('DELETE', 'a')], [204, 404]);
  // Five characters, though ten units of UTF-16.
  const faces = encodeURIComponent('😀'.repeat(5));
  assert.deepEqual([await status('PUT', faces), await status('PUT', `${faces}a`)], [201, 400]);
  assert.deepEqual([await put(['x', 'y', 'x']), kept], [200, ['x', 'y']]);
  assert.deepEqual(
    [await put(['a', 'b', 'c', 'd']), await put(['a/b']), await put(['toolong']), await put('a')],
    [400, 400, 400, 400],
  );
  assert.equal((await send('DELETE', '/things/1/tags')).status, 204);
  assert.deepEqual(kept, []);
});

test('lists are filtered by all, any, not all and none of some tags', () => {
  const items = [{ tags: ['a'] }, { tags: ['a', 'b'] }, { tags: [] }];
  const filters = tagFilters((item: { tags: readonly string[] }) => item.tags);
  const found = (name: keyof typeof filters, text: string) =>
    items.flatMap((item, index) => (filters[name](text)(item) ? [index] : []));
  assert.deepEqual(found('tags', 'a,b'), [1]);
  assert.deepEqual(found('tags-any', 'a,b'), [0, 1]);
  assert.deepEqual(found('not-tags', 'a,b'), [0, 2]);
  assert.deepEqual(found('not-tags-any', 'a,b'), [2]);
});
