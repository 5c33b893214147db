/** Conformance cases for stores of service records. Their fake is `MemoryStore`. */
import assert from 'node:assert/strict';
import type { ServiceAnnouncement, ServiceStore } from 'portico/registry';
import type { ConformanceCase } from 'portico/testing';
import { lifeConformance } from './plugin-conformance.js';

/** Creates an empty store whose clock is `now`, in milliseconds since 1970. */
export type MakeStore = (now: () => number) => ServiceStore | Promise<ServiceStore>;

/** Returns the cases for a store of service records. */
export function serviceStoreConformance(make: MakeStore): ConformanceCase[] {
  const cases: readonly [what: string, run: (store: ServiceStore, pass: (ms: number) => void) => Promise<void>][] = [
    ['a record keeps what its service said, and is found by host and binary, and by id', keepsWhatWasSaid],
    ['a host runs a binary once and serves a topic once; deleted records do not count', isUnique],
    ['a beat counts and is seen; a change is an update and no heartbeat', tellsBeatsFromChanges],
    ['beats at once are all counted', countsAllBeats],
    ['each worker has its own row, by worker and process', keepsWorkers],
    ['a list is sorted by host and binary, and takes what its filter says', listsInOrder],
    ['a deleted record is gone, knows by whom, and is forgotten in time', deletes],
    ['a lease belongs to one owner until it ends', leases],
  ];
  return [
    ...lifeConformance('servicegroup', () => make(Date.now)),
    ...cases.map(([what, run]) => ({
      name: `servicegroup: ${what}`,
      run: async () => {
        let now = 1_000_000;
        const store = await make(() => now);
        try {
          await run(store, (ms) => {
            now += ms;
          });
        } finally {
          await store.close();
        }
      },
    })),
  ];
}

const NEW = { disabled: false, state: 'starting' } as const;
/** The error of an insert whose host and binary, or host and topic, exist already. */
const TAKEN = { code: 'PORTICO_RECORD_EXISTS' };

function announced(changes: Partial<ServiceAnnouncement> = {}): ServiceAnnouncement {
  return {
    host: 'one',
    binary: 'portico-tested',
    topic: null,
    version: 3,
    instanceId: 'machine/1',
    machineId: 'machine',
    pid: 100,
    startedAt: new Date(1000),
    reportInterval: 10,
    downTime: 60,
    configGeneration: 1,
    zone: 'north',
    endpoints: ['http://127.0.0.1:8774'],
    labels: { rack: '7' },
    ...changes,
  };
}

async function keepsWhatWasSaid(store: ServiceStore): Promise<void> {
  const said = announced({ topic: 'tested' });
  const record = await store.insert(said, { disabled: true, state: 'running' });
  for (const [name, value] of Object.entries(said)) assert.deepEqual(record[name as keyof typeof said], value, name);
  assert.deepEqual([record.disabled, record.state, record.reportCount, record.lastSeenUp], [true, 'running', 0, null]);
  assert.match(record.uuid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.deepEqual(await store.find('one', 'portico-tested'), record);
  assert.deepEqual(await store.get(record.uuid), record);
  assert.equal(await store.find('two', 'portico-tested'), null);
}

async function isUnique(store: ServiceStore): Promise<void> {
  const { id } = await store.insert(announced({ topic: 'tested' }), NEW);
  await assert.rejects(store.insert(announced(), NEW), TAKEN);
  await assert.rejects(store.insert(announced({ binary: 'other', topic: 'tested' }), NEW), TAKEN);
  await store.insert(announced({ binary: 'other' }), NEW);
  await store.insert(announced({ host: 'two', topic: 'tested' }), NEW);
  await store.remove(id, 'operator');
  await store.insert(announced({ topic: 'tested' }), NEW);
}

async function tellsBeatsFromChanges(store: ServiceStore, pass: (ms: number) => void): Promise<void> {
  const { id } = await store.insert(announced(), NEW);
  pass(5000);
  const answer = await store.beat({ serviceId: id, worker: 0, pid: 100, instanceId: 'machine/1', inFlight: 2 });
  assert.deepEqual(answer, { reportCount: 1, disabled: false, forcedDown: false, instanceId: 'machine/1' });
  const seen = await store.now();
  pass(1000);
  const changed = await store.update(id, { disabled: true, disabledReason: 'disk' });
  assert.deepEqual([changed!.lastSeenUp, changed!.reportCount, changed!.disabledReason], [seen, 1, 'disk']);
  assert.ok(changed!.updatedAt!.getTime() > seen.getTime());
}

async function countsAllBeats(store: ServiceStore): Promise<void> {
  const { id } = await store.insert(announced(), NEW);
  const beats = Array.from({ length: 20 }, (_, worker) =>
    store.beat({ serviceId: id, worker, pid: 100 + worker, instanceId: 'machine/1', inFlight: 0 }),
  );
  await Promise.all(beats);
  assert.equal((await store.find('one', 'portico-tested'))!.reportCount, 20);
  assert.equal((await store.workers(id)).length, 20);
}

async function keepsWorkers(store: ServiceStore): Promise<void> {
  const { id } = await store.insert(announced(), NEW);
  const row = { instanceId: 'machine/1', inFlight: 0, draining: false };
  for (const [worker, pid] of [
    [1, 101],
    [0, 100],
    [0, 102],
  ] as const) {
    await store.putWorker(id, { ...row, worker, pid });
  }
  await store.putWorker(id, { ...row, worker: 0, pid: 100, draining: true });
  await store.dropWorker(id, 0, 102);
  await store.dropWorker(id, 1, 999);
  const rows = await store.workers(id);
  assert.deepEqual(
    rows.map(({ worker, pid, draining }) => [worker, pid, draining]),
    [
      [0, 100, true],
      [1, 101, false],
    ],
  );
  const other = await store.insert(announced({ host: 'two' }), NEW);
  await store.putWorker(other.id, { ...row, worker: 0, pid: 200 });
  assert.deepEqual(
    (await store.workers(other.id, id)).map(({ serviceId, pid }) => [serviceId, pid]),
    [
      [id, 100],
      [id, 101],
      [other.id, 200],
    ],
  );
}

async function listsInOrder(store: ServiceStore): Promise<void> {
  for (const [host, binary] of [
    ['two', 'a'],
    ['one', 'b'],
    ['one', 'a'],
  ] as const) {
    await store.insert(announced({ host, binary, topic: binary }), NEW);
  }
  const names = async (filter = {}): Promise<string[]> =>
    (await store.list(filter)).map(({ host, binary }) => `${host}/${binary}`);
  assert.deepEqual(await names(), ['one/a', 'one/b', 'two/a']);
  assert.deepEqual(await names({ binary: 'a' }), ['one/a', 'two/a']);
  assert.deepEqual(await names({ host: 'one', topic: 'b' }), ['one/b']);
  assert.deepEqual(await names({ host: "' OR 1=1 --" }), []);
}

async function deletes(store: ServiceStore, pass: (ms: number) => void): Promise<void> {
  const { id, uuid } = await store.insert(announced(), NEW);
  assert.equal(await store.deletedBy(id), undefined);
  assert.equal(await store.remove(id, 'operator'), true);
  assert.equal(await store.remove(id, 'operator'), false);
  assert.equal(await store.deletedBy(id), 'operator');
  assert.deepEqual([await store.get(uuid), await store.list()], [null, []]);
  assert.equal(await store.update(id, { disabled: true }), null);
  assert.equal(await store.beat({ serviceId: id, worker: 0, pid: 1, instanceId: 'machine/1', inFlight: 0 }), null);
  assert.equal(await store.purge(60), 0);
  pass(61_000);
  assert.equal(await store.purge(60), 1);
}

async function leases(store: ServiceStore, pass: (ms: number) => void): Promise<void> {
  assert.equal(await store.lease('clean', 'one', 10), true);
  assert.equal(await store.lease('clean', 'two', 10), false);
  assert.equal(await store.lease('audit', 'two', 10), true);
  pass(5000);
  assert.equal(await store.lease('clean', 'one', 10), true);
  pass(9000);
  assert.equal(await store.lease('clean', 'two', 10), false);
  pass(2000);
  assert.equal(await store.lease('clean', 'two', 10), true);
}
