import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase } from 'portico/sqlite';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { makeServer, sampleConfig, startCompute } from './sample-api.js';

test('SC-3 SC-4 a second start finds what the first left, and adds nothing', async (t) => {
  const folder = temporaryFolder();
  const first = await startCompute(t, sampleConfig(folder));
  await first.compute('DELETE /v2.1/flavors/1');
  const id = await makeServer(first, { flavorRef: '2' });
  assert.ok(existsSync(join(folder, 'sample.db')));
  const second = await startCompute(t, sampleConfig(folder));
  const { flavors } = (await second.compute('GET /v2.1/flavors')).json;
  assert.deepEqual(
    flavors.map((flavor: { id: string }) => flavor.id),
    ['2', '3'],
  );
  assert.equal((await second.compute(`GET /v2.1/servers/${id}`)).status, 200);
});

test('SC-5 a transition ends by itself, whoever looks', async (t) => {
  const folder = temporaryFolder();
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1) });
  const config = () => sampleConfig(folder, 'transition_ms = 1000');
  const api = await startCompute(t, config());
  const id = await makeServer(api);
  const state = async (from = api) => {
    const { server } = (await from.compute(`GET /v2.1/servers/${id}`)).json;
    return [server.status, server['OS-EXT-STS:task_state']];
  };
  assert.deepEqual(await state(), ['BUILD', 'scheduling']);
  t.mock.timers.tick(600);
  assert.deepEqual(await state(), ['BUILD', 'spawning']);
  t.mock.timers.tick(400);
  assert.deepEqual(await state(), ['ACTIVE', null]);
  const { server } = (await api.compute(`GET /v2.1/servers/${id}`)).json;
  assert.equal(server['OS-SRV-USG:launched_at'], '2030-01-01T00:00:01.000000');
  assert.deepEqual([server.created, server.updated], ['2030-01-01T00:00:00Z', '2030-01-01T00:00:01Z']);
  await api.compute(`POST /v2.1/servers/${id}/action`, { body: { 'os-stop': null } });
  const other = await startCompute(t, config());
  assert.deepEqual(await state(other), ['ACTIVE', 'powering-off']);
  t.mock.timers.tick(1000);
  assert.deepEqual(await state(other), ['SHUTOFF', null]);
  await api.compute(`DELETE /v2.1/servers/${id}`);
  t.mock.timers.tick(999);
  assert.equal((await other.compute(`GET /v2.1/servers/${id}`)).status, 200);
  t.mock.timers.tick(1);
  assert.equal((await other.compute(`GET /v2.1/servers/${id}`)).status, 404);
});

test('SC-5 SC-67 removed servers do not pile up in the store', async (t) => {
  const folder = temporaryFolder();
  const api = await startCompute(t, sampleConfig(folder));
  for (let round = 0; round < 3; round++) {
    const id = await makeServer(api);
    await api.compute(`DELETE /v2.1/servers/${id}`);
  }
  const id = await makeServer(api);
  const db = closedAfter(t, openDatabase(join(folder, 'sample.db')));
  const keys = db
    .prepare('SELECT key FROM servers')
    .all()
    .map(({ key }) => key);
  assert.deepEqual(keys, [id]);
});
