import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environ } from 'portico/app';
import { type CollectionPageOptions, collectionPage, pageRequest } from 'portico/openstack';
import { type ActionRequest, Reply, Router } from 'portico/routing';
import { closedAfter } from '../fixtures/closed-after.js';
import { serveApp, serveRouter } from '../routing/served-router.js';

const items = ['a', 'b', 'c', 'd'].map((id) => ({ id }));

function paged(options: CollectionPageOptions<{ id: string }> = {}, linkPrefix?: string): Router {
  const index = (request: ActionRequest): unknown =>
    collectionPage(request, 'things', items, { show: ({ id }) => id, ...options });
  const create = (request: ActionRequest): Reply =>
    new Reply(null, { status: 201, headers: { location: request.url('thing', { id: 'x y' }) } });
  return new Router({ controllers: { things: { index, create } }, linkPrefix })
    .connect('things', '/{project_id}/things', {
      controller: 'things',
      action: 'index',
      conditions: { method: ['GET'] },
    })
    .connect('/{project_id}/things', { controller: 'things', action: 'create', conditions: { method: ['POST'] } })
    .connect('thing', '/things/{id}', { handler: () => 1 });
}

test('RT-186 RT-187 limit and marker; a link when the page is full', async (t) => {
  const send = await serveRouter(t, paged({ maxLimit: 3 }));
  const ids = async (query: string): Promise<unknown> => {
    const { things, things_links } = (await send('GET', `/p/things${query}`)).json as Record<string, unknown>;
    return [things, things_links !== undefined];
  };
  assert.deepEqual(await ids(''), [['a', 'b', 'c'], true]);
  assert.deepEqual(await ids('?limit=2'), [['a', 'b'], true]);
  assert.deepEqual(await ids('?limit=2&marker=b'), [['c', 'd'], true]);
  assert.deepEqual(await ids('?limit=3&marker=b'), [['c', 'd'], false]);
  assert.deepEqual(await ids('?limit=0'), [[], false]);
  assert.deepEqual(await ids('?limit=900'), [['a', 'b', 'c'], true]);
  assert.deepEqual(await ids('?limit=1&limit=2'), [['a', 'b'], true]);
  for (const query of ['?limit=x', '?limit=-1', '?limit=', '?limit=1.5', '?marker=nobody']) {
    assert.equal((await send('GET', `/p/things${query}`)).status, 400, query);
  }
  assert.match((await send('GET', '/p/things?marker=nobody')).text, /marker \[nobody\] not found/);
});

test('RT-186 offset and page_size where they are enabled', async (t) => {
  const send = await serveRouter(t, paged({ offset: true, pageSize: true }));
  const things = async (query: string): Promise<unknown> =>
    ((await send('GET', `/p/things${query}`)).json as { things: unknown }).things;
  assert.deepEqual(await things('?page_size=2&offset=1'), ['b', 'c']);
  assert.equal((await send('GET', '/p/things?offset=-1')).status, 400);
  const plain = await serveRouter(t, paged());
  assert.equal((await plain('GET', '/p/things?offset=-1&page_size=x')).status, 200);
});

test('RT-187 a page that a store has cut is returned as it is, with a link when it is full', async (t) => {
  const index = (request: ActionRequest): unknown => {
    const { limit, marker } = pageRequest(request, { maxLimit: 3 });
    const found = items.filter(({ id }) => marker === null || id > marker).slice(0, limit);
    return collectionPage(request, 'things', found, { maxLimit: 3, isCut: true });
  };
  const router = new Router({ controllers: { things: { index } } });
  const send = await serveRouter(t, router.connect('/things', { controller: 'things', action: 'index' }));
  const page = async (query: string): Promise<unknown> => (await send('GET', `/things${query}`)).json;
  const { things, things_links } = (await page('?marker=a')) as { things: unknown; things_links: { href: string }[] };
  assert.deepEqual(things, [{ id: 'b' }, { id: 'c' }, { id: 'd' }]);
  assert.match(things_links[0]!.href, /\/things\?marker=d$/);
  assert.deepEqual(await page('?marker=b'), { things: [{ id: 'c' }, { id: 'd' }] });
});

test('RT-188 RT-189 RT-190 the next page is the request’s own URL, parameters sorted, marker in place', async (t) => {
  const app = closedAfter(t, await paged().build());
  const send = await serveApp(t, (req, res) => {
    const env = environ(req);
    env.scriptName = '/v2.1';
    env.remote = { address: '::1', port: undefined, scheme: 'https', host: 'api.example.com' };
    req.url = req.url!.slice('/v2.1'.length);
    return app(req, res);
  });
  const href = async (query: string): Promise<unknown> => {
    const { things_links } = (await send('GET', `/v2.1/p%20x/things${query}`)).json as {
      things_links: { href: string }[];
    };
    return things_links[0]?.href;
  };
  const base = 'https://api.example.com/v2.1/p%20x/things';
  assert.equal(await href('?z=1&limit=2&a=%C3%A9'), `${base}?a=%C3%A9&limit=2&z=1&marker=b`);
  assert.equal(await href('?z=1&marker=a&limit=2'), `${base}?limit=2&marker=c&z=1`);
});

test('RT-189 RT-191 a link prefix replaces scheme and host; Location is absolute', async (t) => {
  const send = await serveRouter(t, paged({}, 'https://proxy.example.com/compute/'));
  assert.equal((await send('POST', '/p/things')).headers.location, 'https://proxy.example.com/compute/things/x%20y');
  const plain = await serveRouter(t, paged());
  assert.match(
    String((await plain('POST', '/p/things')).headers.location),
    /^http:\/\/127\.0\.0\.1:\d+\/things\/x%20y$/,
  );
});
