import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { type Answer, sampleConfig, startCompute } from '../sample-api.js';

const V = {
  id: 'v2.1',
  status: 'CURRENT',
  version: '2.79',
  min_version: '2.1',
  updated: '2013-07-23T11:33:21Z',
};

test('SC-20 SC-25 the root names the one version, without a token and whatever version is asked for', async (t) => {
  const { compute, url } = await startCompute(t);
  for (const version of [undefined, '2.53', '2.999', 'nonsense']) {
    const answer = await compute('GET /', { token: null, ...(version === undefined ? {} : { version }) });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, { versions: [{ ...V, links: [{ rel: 'self', href: `${url}/v2.1/` }] }] });
    assert.equal(answer.headers['openstack-api-version'], undefined);
  }
  const head = await compute('HEAD /', { token: null });
  assert.deepEqual([head.status, head.text], [200, '']);
  const post = await compute('POST /', { token: null, body: {} });
  assert.equal(post.status, 405);
  assert.match(post.headers.allow ?? '', /GET/);
});

const announced = ({ headers }: Answer) => [
  headers['openstack-api-version'],
  headers['x-openstack-nova-api-version'],
  headers.vary,
];

test('SC-12 SC-21 /v2.1 with or without a slash is the version document and needs no token', async (t) => {
  const { compute, url } = await startCompute(t);
  for (const path of ['/v2.1', '/v2.1/']) {
    const answer = await compute(`GET ${path}`, { token: null });
    assert.equal(answer.status, 200, path);
    const links = [
      { rel: 'self', href: `${url}/v2.1/` },
      { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
    ];
    const media = [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }];
    assert.deepEqual(answer.json, { version: { ...V, links, 'media-types': media } });
    assert.deepEqual(announced(answer), ['compute 2.1', '2.1', 'OpenStack-API-Version, X-OpenStack-Nova-API-Version']);
    const later = await compute(`GET ${path}`, { token: null, version: '2.53' });
    assert.deepEqual(announced(later).slice(0, 2), ['compute 2.53', '2.53']);
    assert.equal((await compute(`GET ${path}`, { token: null, version: '2.999' })).status, 406);
  }
  assert.equal((await compute('GET /v2.1/flavors', { token: null })).status, 204);
});

test('SC-22 versions 2.1 to 2.79, and latest', async (t) => {
  const { compute } = await startCompute(t);
  const version = async (asked?: string) => {
    const answer = await compute('GET /v2.1/flavors', asked === undefined ? {} : { version: asked });
    return [answer.status, answer.headers['openstack-api-version'], answer.headers['x-openstack-nova-api-version']];
  };
  assert.deepEqual(await version(), [200, 'compute 2.1', '2.1']);
  assert.deepEqual(await version('2.1'), [200, 'compute 2.1', '2.1']);
  assert.deepEqual(await version('2.10'), [200, 'compute 2.10', '2.10']);
  assert.deepEqual(await version('latest'), [200, 'compute 2.79', '2.79']);
  const legacy = await compute('GET /v2.1/flavors', { headers: { 'X-OpenStack-Nova-API-Version': '2.42' } });
  assert.equal(legacy.headers['openstack-api-version'], 'compute 2.42');
  const other = await compute('GET /v2.1/flavors', { headers: { 'OpenStack-API-Version': 'volume 3.1' } });
  assert.equal(other.headers['openstack-api-version'], 'compute 2.1');

  const high = await compute('GET /v2.1/flavors', { version: '2.999' });
  assert.equal(high.status, 406);
  assert.equal(
    high.json.computeFault.message,
    'Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.79.',
  );
  assert.equal((await compute('GET /v2.1/flavors', { version: '2.80' })).status, 406);
  assert.equal((await compute('GET /v2.1/flavors', { version: '2.01' })).status, 400);
});

test('SC-12 SC-23 unknown paths at the root are not found', async (t) => {
  const { compute } = await startCompute(t);
  for (const path of ['/v9', '/flavors', '/v2', '/v2/flavors'])
    assert.equal((await compute(`GET ${path}`)).status, 404, path);
});

test('SC-24 links start with the scheme and host of the request', async (t) => {
  const named = '[noauth]\nallowed_hosts = compute.example\n';
  const { compute } = await startCompute(t, sampleConfig(temporaryFolder(), 'transition_ms = 0', named));
  const { json } = await compute('GET /v2.1/flavors/1', { headers: { Host: 'compute.example:8774' } });
  assert.deepEqual(json.flavor.links, [
    { rel: 'self', href: 'http://compute.example:8774/v2.1/flavors/1' },
    { rel: 'bookmark', href: 'http://compute.example:8774/flavors/1' },
  ]);
});
