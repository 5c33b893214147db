import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceRegistryOptions } from 'portico/registry';
import { FakeClock } from 'portico/testing';
import { MemoryStore, StoredRegistry } from '#internal/extras/registry';
import { serviceJson } from '../../dist/managers/index.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { announcement } from './announcement.js';

const NEW = { disabled: false, state: 'running' } as const;

async function registry(options: ServiceRegistryOptions = {}) {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: () => clock.now() });
  const log = recordedLog();
  const made = new StoredRegistry(store, { log: log.log, ...options });
  const record = await store.insert(announcement({ topic: 'compute' }), NEW);
  return { clock, store, log, registry: made, record };
}

test('SG-43 members of a topic are the hosts that are up', async () => {
  const { clock, store, registry: made, record } = await registry();
  await store.insert(announcement({ host: 'two', topic: 'compute' }), NEW);
  assert.deepEqual(await made.members('compute'), ['one', 'two']);
  await clock.advance(61_000);
  await store.beat({ serviceId: record.id, worker: 0, pid: 1, instanceId: 'i', inFlight: 0 });
  assert.deepEqual(await made.members('compute'), ['one']);
  assert.deepEqual(await made.updatedTime(record), new Date(61_000));
});

test('SG-50 a view has state and status apart, both times under their names, and the workers', async () => {
  const { clock, store, registry: made, record } = await registry();
  await clock.advance(2000);
  await store.beat({ serviceId: record.id, worker: 0, pid: 100, instanceId: 'i', inFlight: 4 });
  await clock.advance(1000);
  await made.update(record.uuid, { status: 'disabled', disabledReason: 'disk' });
  assert.deepEqual(serviceJson(await made.show(record.uuid)), {
    id: record.uuid,
    host: 'one',
    binary: 'portico-compute',
    topic: 'compute',
    zone: null,
    version: 3,
    status: 'disabled',
    disabled_reason: 'disk',
    state: 'up',
    lifecycle: 'running',
    forced_down: false,
    last_seen_up: '1970-01-01T00:00:02.000Z',
    updated_at: '1970-01-01T00:00:03.000Z',
    report_count: 1,
    workers: [{ worker: 0, pid: 100, state: 'up', last_seen_up: '1970-01-01T00:00:02.000Z', in_flight: 4 }],
  });
  assert.equal((await made.list({ status: 'enabled' })).length, 0);
  assert.equal((await made.list({ status: 'disabled', state: 'up', host: 'one' })).length, 1);
  assert.equal((await made.list({ state: 'down' })).length, 0);
});

test('DR-10 a killed process is no worker of the service that another one serves on', async () => {
  const { clock, store, registry: made, record } = await registry();
  const beat = (worker: number, pid: number, instanceId: string): Promise<unknown> =>
    store.beat({ serviceId: record.id, worker, pid, instanceId, inFlight: 0 });
  const workers = async (): Promise<unknown[]> =>
    (await made.show(record.uuid)).workers.map(({ worker, pid, up }) => [worker, pid, up]);
  await beat(0, 100, 'killed');
  await beat(1, 101, 'killed');
  await clock.advance(61_000);
  // Nothing serves on: they are what is known of it.
  assert.deepEqual(await workers(), [
    [0, 100, false],
    [1, 101, false],
  ]);
  await beat(0, 200, 'other');
  assert.deepEqual(await workers(), [[0, 200, true]]);
  await beat(1, 201, 'other');
  await clock.advance(61_000);
  await beat(0, 200, 'other');
  // A worker of the same process has failed.
  assert.deepEqual(await workers(), [
    [0, 200, true],
    [1, 201, false],
  ]);
});

test('SG-50 a list asks the database as often for many services as for one', async () => {
  const { store, registry: made, record } = await registry();
  await store.beat({ serviceId: record.id, worker: 0, pid: 1, instanceId: 'i', inFlight: 0 });
  let asked = 0;
  const counted = new Proxy(store, {
    get: (target, name) => {
      const method = target[name as 'list'] as unknown;
      if (typeof method !== 'function') return method;
      return (...values: readonly unknown[]) => {
        asked++;
        return method.apply(target, values) as unknown;
      };
    },
  });
  const questions = async (): Promise<number> => {
    asked = 0;
    const views = await new StoredRegistry(counted).list();
    assert.deepEqual(
      views.map(({ workers }) => workers.length),
      views.map(({ record: { host } }) => (host === 'one' ? 1 : 0)),
    );
    return asked;
  };
  const forOne = await questions();
  for (let host = 0; host < 20; host++) await store.insert(announcement({ host: `host${host}` }), NEW);
  assert.equal(await questions(), forOne);
  await made.close();
});

test('SG-51 what an operator changes is checked', async () => {
  const { registry: made, record } = await registry();
  for (const changes of [{}, { status: 'enabled', disabledReason: 'x' }, { disabledReason: 'x' }] as const) {
    await assert.rejects(made.update(record.uuid, changes), { code: 'PORTICO_INVALID_CHANGE' });
  }
  await assert.rejects(made.update('no-such', { forcedDown: true }), { code: 'PORTICO_RECORD_NOT_FOUND' });
  await made.update(record.uuid, { status: 'disabled', disabledReason: 'first' });
  assert.equal((await made.update(record.uuid, { disabledReason: 'second' })).record.disabledReason, 'second');
  const enabled = (await made.update(record.uuid, { status: 'enabled' })).record;
  assert.deepEqual([enabled.disabled, enabled.disabledReason], [false, null]);
});

test('SG-52 SG-53 a record that is up is deleted by force only; the application may refuse', async () => {
  let refuse = true;
  const veto = (): void => {
    if (refuse) throw new Error('it still has instances');
  };
  const { registry: made, record, store } = await registry({ beforeDelete: veto, beforeForceUp: veto });
  await assert.rejects(made.delete(record.uuid), { code: 'PORTICO_SERVICE_UP' });
  await made.update(record.uuid, { forcedDown: true });
  await assert.rejects(made.delete(record.uuid), { code: 'PORTICO_CHANGE_REFUSED', message: 'it still has instances' });
  await assert.rejects(made.update(record.uuid, { forcedDown: false }), { code: 'PORTICO_CHANGE_REFUSED' });
  refuse = false;
  await made.update(record.uuid, { forcedDown: false });
  await made.delete(record.uuid, { force: true, by: 'admin' });
  assert.equal(await store.deletedBy(record.id), 'admin');
  await assert.rejects(made.delete(record.uuid), { code: 'PORTICO_RECORD_NOT_FOUND' });
});

test('SG-56 changes are events, heartbeats are not', async () => {
  const events: string[] = [];
  const {
    registry: made,
    record,
    store,
  } = await registry({
    onEvent: ({ kind, changes }) => void events.push(`${kind} ${Object.keys(changes ?? {}).join()}`),
  });
  await store.beat({ serviceId: record.id, worker: 0, pid: 1, instanceId: 'i', inFlight: 0 });
  await made.update(record.uuid, { forcedDown: true });
  await made.delete(record.uuid);
  assert.deepEqual(events, ['update forcedDown', 'delete ']);
});
