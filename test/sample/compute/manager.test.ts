import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openDatabase } from 'portico/sqlite';
import { PeriodicTasks } from 'portico/tasks';
import { silentLogger } from '#internal/log';
import { ComputeManager } from '../../../examples/compute/dist/index.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { makeServer, sampleConfig, startCompute } from '../sample-api.js';

/** Returns a function that reads the raw rows of the servers in a store. */
function written(t: TestContext, folder: string): () => { name: string; vm_state: string; task: object | null }[] {
  const db = closedAfter(t, openDatabase(join(folder, 'sample.db')));
  return () =>
    db
      .prepare('SELECT body FROM servers ORDER BY seq')
      .all()
      .map(({ body }) => JSON.parse(String(body)));
}

function manage(t: TestContext, folder: string, workerId = 0, sample = 'transition_ms = 1000') {
  const log = silentLogger();
  const conf = sampleConfig(folder, sample);
  const manager = new ComputeManager({ host: 'here', serviceName: 'compute', conf, log });
  manager.initHost(null);
  t.after(() => manager.cleanupHost());
  return new PeriodicTasks(manager, { workerId, log, random: () => 0 });
}

test('SC-5 MG-8 the manager writes down what has become of servers, which readers saw before', async (t) => {
  const folder = temporaryFolder();
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1) });
  const api = await startCompute(t, sampleConfig(folder, 'transition_ms = 1000'));
  const [rows, tasks] = [written(t, folder), manage(t, folder)];
  const id = await makeServer(api);
  await tasks.runPeriodicTasks();
  assert.equal(rows()[0]!.vm_state, 'building');
  t.mock.timers.tick(1000);
  const seen = await api.compute(`GET /v2.1/servers/${id}`, { version: '2.79' });
  assert.equal(seen.json.server.status, 'ACTIVE');
  assert.equal(rows()[0]!.vm_state, 'building', 'reading leaves no trace');
  t.mock.timers.tick(60_000);
  await manage(t, folder).runPeriodicTasks();
  assert.deepEqual([rows()[0]!.vm_state, rows()[0]!.task], ['active', null]);
  const after = await api.compute(`GET /v2.1/servers/${id}`, { version: '2.79' });
  assert.deepEqual(after.json, seen.json, 'written late, it is what was read before');
});

test('SC-67 the manager forgets servers that are gone, with their history', async (t) => {
  const folder = temporaryFolder();
  const api = await startCompute(t, sampleConfig(folder));
  const [rows, id, kept] = [written(t, folder), await makeServer(api), await makeServer(api)];
  await api.compute(`DELETE /v2.1/servers/${id}`);
  await manage(t, folder).runPeriodicTasks();
  assert.equal(rows().length, 1);
  const db = closedAfter(t, openDatabase(join(folder, 'sample.db')));
  const owners = db.prepare('SELECT DISTINCT owner FROM actions').all();
  assert.deepEqual(
    owners.map(({ owner }) => owner),
    [kept],
  );
});

test('LC-729 one worker of the fleet finishes transitions', async (t) => {
  const folder = temporaryFolder();
  const [first, second] = [manage(t, folder), manage(t, folder, 1)];
  assert.deepEqual([first.empty, second.empty], [false, true]);
});

test('SC-3 in memory the manager has the store of its API', async (t) => {
  const config = sampleConfig(temporaryFolder(), 'connection = sqlite://:memory:\ntransition_ms = 0');
  const api = await startCompute(t, config);
  const manager = new ComputeManager({ host: 'here', serviceName: 'compute', conf: config, log: silentLogger() });
  manager.initHost(null);
  const id = await makeServer(api);
  manager.finishTransitions();
  manager.cleanupHost();
  assert.equal((await api.compute(`GET /v2.1/servers/${id}`)).status, 200);
});
