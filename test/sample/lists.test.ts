import assert from 'node:assert/strict';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { makeServer, type SampleApi, sampleConfig, startCompute } from './sample-api.js';

async function addFlavors(api: SampleApi): Promise<void> {
  for (const [id, ram, isPublic] of [
    ['a', 64, true],
    ['b', 8192, true],
    ['c', 128, false],
  ] as const) {
    const flavor = { id, name: `f-${id}`, ram, vcpus: 1, disk: 1, 'os-flavor-access:is_public': isPublic };
    await api.compute('POST /v2.1/flavors', { body: { flavor } });
  }
}

const ids = (items: { id: string }[]): string[] => items.map(({ id }) => id);

test('SC-40 limit and marker', async (t) => {
  const { compute } = await startCompute(t, sampleConfig(temporaryFolder(), 'max_limit = 2'));
  const flavors = async (query: string) => ids((await compute(`GET /v2.1/flavors${query}`)).json.flavors);
  assert.deepEqual(await flavors('?limit=0'), []);
  assert.deepEqual(await flavors('?limit=1'), ['1']);
  assert.deepEqual(await flavors('?limit=50'), ['1', '2']);
  assert.deepEqual(await flavors(''), ['1', '2']);
  assert.deepEqual(await flavors('?marker=2'), ['3']);
  assert.deepEqual(await flavors('?marker=3'), []);
  for (const query of ['limit=-1', 'limit=x', 'limit=']) {
    assert.equal((await compute(`GET /v2.1/flavors?${query}`)).status, 400, query);
    assert.equal((await compute(`GET /v2.1/images?${query}`)).status, 400, query);
  }
  const lost = await compute('GET /v2.1/flavors?marker=9');
  assert.deepEqual([lost.status, lost.json.badRequest.message], [400, 'marker [9] not found']);
});

test('SC-41 the next page is linked when as many items came as were asked for', async (t) => {
  const api = await startCompute(t);
  const links = async (path: string, version = '2.1') => {
    const { json } = await api.compute(`GET ${path}`, { version });
    const [, found] = Object.entries(json).find(([name]) => name.endsWith('_links')) ?? [];
    return (found as { rel: string; href: string }[] | undefined)?.map(({ rel, href }) => [
      rel,
      href.replace(api.url, ''),
    ]);
  };
  assert.deepEqual(await links('/v2.1/flavors?limit=2'), [['next', '/v2.1/flavors?limit=2&marker=2']]);
  assert.deepEqual(await links('/v2.1/flavors?limit=3'), [['next', '/v2.1/flavors?limit=3&marker=3']]);
  assert.equal(await links('/v2.1/flavors?limit=4'), undefined);
  assert.equal(await links('/v2.1/flavors?limit=0'), undefined);
  assert.equal(await links('/v2.1/flavors'), undefined);
  assert.deepEqual(await links('/v2.1/flavors/detail?sort_key=name&marker=2&limit=1&is_public=None'), [
    ['next', '/v2.1/flavors/detail?is_public=None&limit=1&marker=1&sort_key=name'],
  ]);
  assert.deepEqual(await links('/v2.1/images/detail?limit=1'), [
    ['next', '/v2.1/images/detail?limit=1&marker=3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01'],
  ]);
  const id = await makeServer(api);
  assert.deepEqual(await links('/v2.1/servers?limit=1'), [['next', `/v2.1/servers?limit=1&marker=${id}`]]);
  for (const name of ['a', 'b']) await api.compute('POST /v2.1/os-keypairs', { body: { keypair: { name } } });
  assert.equal(await links('/v2.1/os-keypairs?limit=1', '2.34'), undefined);
  assert.equal((await api.compute('GET /v2.1/os-keypairs?limit=1', { version: '2.34' })).json.keypairs.length, 2);
  assert.deepEqual(await links('/v2.1/os-keypairs?limit=1', '2.35'), [['next', '/v2.1/os-keypairs?limit=1&marker=a']]);
  const { keypairs } = (await api.compute('GET /v2.1/os-keypairs?marker=a', { version: '2.35' })).json;
  assert.deepEqual(
    keypairs.map(({ keypair }: { keypair: { name: string } }) => keypair.name),
    ['b'],
  );
  assert.equal(await links('/v2.1/os-hypervisors?limit=1', '2.32'), undefined);
  assert.deepEqual(await links('/v2.1/os-hypervisors?limit=1', '2.33'), [
    ['next', '/v2.1/os-hypervisors?limit=1&marker=1'],
  ]);
});

test('SC-42 flavors are sorted and filtered', async (t) => {
  const api = await startCompute(t);
  await addFlavors(api);
  const flavors = async (query: string, token = 'admin') =>
    ids((await api.compute(`GET /v2.1/flavors?${query}`, { token })).json.flavors).join(' ');
  assert.equal(await flavors(''), '1 2 3 a b');
  assert.equal(await flavors('sort_key=memory_mb'), 'a 1 2 3 b');
  assert.equal(await flavors('sort_key=memory_mb&sort_dir=desc'), 'b 3 2 1 a');
  assert.equal(await flavors('sort_key=root_gb&sort_dir=asc&limit=2'), '1 a');
  assert.equal(await flavors('minRam=1000'), '2 3 b');
  assert.equal(await flavors('minRam=1000&minDisk=30'), '3');
  assert.equal(await flavors('is_public=False'), 'c');
  assert.equal(await flavors('is_public=None'), '1 2 3 a b c');
  assert.equal(await flavors('is_public=None', 'demo'), '1 2 3 a b');
  for (const query of ['minRam=x', 'minDisk=x', 'is_public=perhaps', 'sort_key=colour', 'sort_dir=up']) {
    assert.equal((await api.compute(`GET /v2.1/flavors?${query}`)).status, 400, query);
  }
});

test('SC-43 servers are sorted and filtered', async (t) => {
  const api = await startCompute(t);
  const web1 = await makeServer(api, { name: 'web-1' });
  const db = await makeServer(api, { name: 'db', flavorRef: '2' });
  const web2 = await makeServer(api, { name: 'web-2', tags: ['blue', 'green'], networks: 'none' }, { version: '2.52' });
  const other = await makeServer(api, { name: 'other' }, { token: 'alice:one' });
  await api.compute(`POST /v2.1/servers/${db}/action`, { body: { 'os-stop': null } });
  const names: Record<string, string> = { [web1]: 'web1', [db]: 'db', [web2]: 'web2', [other]: 'other' };
  const servers = async (query: string, version = '2.1', token = 'admin') => {
    const { json } = await api.compute(`GET /v2.1/servers?${query}`, { version, token });
    return ids(json.servers)
      .map((id) => names[id])
      .join(' ');
  };
  assert.equal(await servers(''), 'web2 db web1');
  assert.equal(await servers('sort_key=display_name&sort_dir=asc'), 'db web1 web2');
  assert.equal(await servers('sort_key=vm_state&sort_dir=desc&sort_key=display_name&sort_dir=asc'), 'db web1 web2');
  // Null sorts first. The last direction also applies to the keys that have none.
  assert.equal(await servers('sort_key=display_description&sort_dir=asc'), 'web2 db web1');
  assert.equal(await servers('sort_key=display_description&sort_key=uuid&sort_dir=desc'), 'web1 db web2');
  assert.equal(await servers('name=web'), 'web2 web1');
  assert.equal(await servers('name=-1$'), 'web1');
  assert.equal(await servers('status=shutoff'), 'db');
  assert.equal(await servers('status=NOTHING'), '');
  assert.equal(await servers('flavor=2'), 'db');
  assert.equal(await servers('flavor=9'), '');
  assert.equal(await servers('image=3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01&limit=1'), 'web2');
  assert.equal(await servers('host=host1'), 'web2 db web1');
  assert.equal(await servers('host=host2'), '');
  assert.equal(await servers('all_tenants=1'), 'other web2 db web1');
  assert.equal(await servers('all_projects=True'), 'other web2 db web1');
  assert.equal(await servers('all_tenants=0'), 'web2 db web1');
  assert.equal(await servers('all_tenants='), 'other web2 db web1');
  assert.equal(await servers('all_tenants=off'), 'web2 db web1');
  assert.equal(await servers('changes-since=2001-01-01T00:00:00Z'), 'web2 db web1');
  assert.equal(await servers('changes-since=2999-01-01T00:00:00'), '');
  assert.equal(await servers('tags=blue', '2.25'), 'web2 db web1');
  assert.equal(await servers('tags=blue,green', '2.26'), 'web2');
  assert.equal(await servers('tags=blue,red', '2.26'), '');
  assert.equal(await servers('tags-any=blue,red', '2.26'), 'web2');
  assert.equal(await servers('not-tags=blue,red', '2.26'), 'web2 db web1');
  assert.equal(await servers('not-tags-any=blue,red', '2.26'), 'db web1');
  assert.equal(await servers('colour=red', '2.74'), 'web2 db web1');
  assert.equal(await servers('ip=10.'), '');
  assert.equal(await servers('deleted=True'), '');
  assert.equal(await servers('deleted=False'), 'web2 db web1');
  assert.equal(await servers('locked=False', '2.73'), 'web2 db web1');
  assert.equal(await servers('locked=True', '2.73'), '');
  assert.equal(await servers('all_tenants=1&user_id=nobody'), '');
  assert.equal(await servers('tenant_id=admin'), 'web2 db web1');
  for (const query of ['sort_key=colour', 'name=(', 'changes-since=yesterday', 'limit=x', 'marker=nobody']) {
    assert.equal((await api.compute(`GET /v2.1/servers?${query}`)).status, 400, query);
  }
  for (const query of ['all_tenants=x', 'all_projects=2']) {
    for (const token of ['admin', 'demo']) {
      for (const path of ['servers', 'servers/detail']) {
        const refused = await api.compute(`GET /v2.1/${path}?${query}`, { token });
        assert.deepEqual([refused.status, Object.keys(refused.json)], [400, ['badRequest']], query);
      }
    }
  }
});
