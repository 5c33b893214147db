import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ServiceStore } from 'portico/registry';
import { openDatabase } from 'portico/sqlite';
import { MemoryStore, RecordExists, RegistryUnavailable } from '../../dist/extras/registry/internal.js';
import { PostgresqlStore } from '../../dist/extras/registry/postgresql-store.js';
import { isUp } from '../../dist/extras/registry/service-registry.js';
import type { Row } from '../../dist/extras/registry/sql-store.js';
import { SqliteStore } from '../../dist/extras/registry/sqlite-store.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { announcement } from './announcement.js';
import { startPostgresql } from './start-postgresql.js';

const folder = temporaryFolder('registry-');

const NEW = { disabled: false, state: 'starting' } as const;
let files = 0;
const postgresql = await startPostgresql();
after(() => postgresql?.stop());
const stores: [string, (now: () => number) => Promise<ServiceStore>][] = [
  ['memory', async (now) => new MemoryStore({ now })],
  ['sqlite', async (now) => new SqliteStore(join(folder, `store-${++files}.db`), { now })],
];
if (postgresql !== undefined) {
  stores.push([
    'postgresql',
    async (now) => {
      const store = new PostgresqlStore(await postgresql.database(), { now });
      await store.migrate();
      return store;
    },
  ]);
}

for (const [kind, open] of stores) {
  const opened = async (): Promise<{ store: ServiceStore; pass: (ms: number) => void }> => {
    let now = 1_000_000;
    const store = await open(() => now);
    // A driver can be closed twice.
    after(async () => store.close().then(() => store.close()));
    return {
      store,
      pass: (ms) => {
        now += ms;
      },
    };
  };

  test(`SG-1..12 SG-45 ${kind}: a record keeps what its service said`, async () => {
    const { store } = await opened();
    const record = await store.insert(announcement({ topic: 'compute', zone: 'north' }), {
      disabled: true,
      state: 'starting',
    });
    assert.match(record.uuid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(record, {
      ...announcement({ topic: 'compute', zone: 'north' }),
      id: 1,
      uuid: record.uuid,
      reportCount: 0,
      lastSeenUp: null,
      disabled: true,
      disabledReason: null,
      forcedDown: false,
      state: 'starting',
      createdAt: new Date(1_000_000),
      updatedAt: null,
      deletedAt: null,
    });
    assert.deepEqual(await store.find('one', 'portico-compute'), record);
    assert.deepEqual(await store.get(record.uuid), record);
    assert.equal(await store.find('two', 'portico-compute'), null);
    assert.deepEqual(await store.now(), new Date(1_000_000));
  });

  test(`SG-13 SG-34 ${kind}: a host runs a binary once, and serves a topic once; a deleted record is in nobody's way`, async () => {
    const { store } = await opened();
    const record = await store.insert(announcement({ topic: 'compute' }), NEW);
    await assert.rejects(store.insert(announcement(), NEW), RecordExists);
    await assert.rejects(store.insert(announcement({ binary: 'other', topic: 'compute' }), NEW), RecordExists);
    await store.insert(announcement({ binary: 'a', topic: null }), NEW);
    await store.insert(announcement({ binary: 'b', topic: null }), NEW);
    await store.insert(announcement({ host: 'two', topic: 'compute' }), NEW);
    assert.equal(await store.remove(record.id, 'admin'), true);
    assert.equal(await store.remove(record.id, 'admin'), false);
    assert.equal(await store.deletedBy(record.id), 'admin');
    const again = await store.insert(announcement({ topic: 'compute' }), NEW);
    assert.equal(await store.deletedBy(again.id), undefined);
    assert.equal(await store.get(record.uuid), null);
  });

  test(`SG-17 SG-18 ${kind}: a beat counts and is seen; an edit is an update and no heartbeat`, async () => {
    const { store, pass } = await opened();
    const { id } = await store.insert(announcement(), NEW);
    pass(5000);
    const beat = { serviceId: id, worker: 0, pid: 100, instanceId: 'instance-1', inFlight: 2 };
    assert.deepEqual(await store.beat(beat), {
      reportCount: 1,
      disabled: false,
      forcedDown: false,
      instanceId: 'instance-1',
    });
    pass(1000);
    const edited = await store.update(id, { disabled: true, disabledReason: 'disk', forcedDown: true });
    assert.deepEqual(edited!.lastSeenUp, new Date(1_005_000));
    assert.deepEqual(edited!.updatedAt, new Date(1_006_000));
    assert.deepEqual(await store.beat(beat), {
      reportCount: 2,
      disabled: true,
      forcedDown: true,
      instanceId: 'instance-1',
    });
    const record = (await store.find('one', 'portico-compute'))!;
    assert.deepEqual(record.updatedAt, new Date(1_006_000));
    assert.equal(record.disabledReason, 'disk');
    await store.remove(id, 'admin');
    assert.equal(await store.beat(beat), null);
    assert.equal(await store.update(id, { disabled: false }), null);
  });

  test(`SG-14 SG-16 ${kind}: each worker has a separate row`, async () => {
    const { store, pass } = await opened();
    const { id } = await store.insert(announcement(), NEW);
    const instanceId = 'instance-1';
    await store.putWorker(id, { worker: 1, pid: 11, instanceId, inFlight: 0, draining: false });
    await store.beat({ serviceId: id, worker: 0, pid: 10, instanceId, inFlight: 3 });
    pass(1000);
    await store.putWorker(id, { worker: 1, pid: 11, instanceId, inFlight: 1, draining: true });
    await store.beat({ serviceId: id, worker: 1, pid: 11, instanceId, inFlight: 4 });
    assert.deepEqual(await store.workers(id), [
      { serviceId: id, worker: 0, pid: 10, instanceId, lastSeenUp: new Date(1_000_000), inFlight: 3, draining: false },
      { serviceId: id, worker: 1, pid: 11, instanceId, lastSeenUp: new Date(1_001_000), inFlight: 4, draining: true },
    ]);
    await store.dropWorker(id, 1, 99);
    await store.dropWorker(id, 0, 10);
    assert.equal((await store.workers(id)).length, 1);
    const other = await store.insert(announcement({ host: 'two' }), NEW);
    await store.beat({ serviceId: other.id, worker: 0, pid: 20, instanceId, inFlight: 0 });
    const both = (await store.workers(other.id, id)).map(({ serviceId, pid }) => [serviceId, pid]);
    assert.deepEqual(both, [
      [id, 11],
      [other.id, 20],
    ]);
    assert.deepEqual(await store.workers(), []);
  });

  test(`${kind}: lists are filtered and sorted by host and binary`, async () => {
    const { store } = await opened();
    for (const [host, binary, topic] of [
      ['b', 'x', 't'],
      ['a', 'y', null],
      ['a', 'x', 't'],
    ] as const) {
      await store.insert(announcement({ host, binary, topic }), NEW);
    }
    const names = async (filter = {}): Promise<string[]> =>
      (await store.list(filter)).map(({ host, binary }) => host + binary);
    assert.deepEqual(await names(), ['ax', 'ay', 'bx']);
    assert.deepEqual(await names({ host: 'a' }), ['ax', 'ay']);
    assert.deepEqual(await names({ topic: 't', binary: 'x' }), ['ax', 'bx']);
    assert.deepEqual(await names({ host: "' OR 1=1 --" }), []);
  });

  test(`${kind}: purge forgets what was deleted long ago, and only that`, async () => {
    const { store, pass } = await opened();
    const old = await store.insert(announcement(), NEW);
    await store.remove(old.id, 'admin');
    pass(10_000);
    const recent = await store.insert(announcement(), NEW);
    await store.remove(recent.id, 'admin');
    const alive = await store.insert(announcement(), NEW);
    await store.putWorker(alive.id, { worker: 0, pid: 1, instanceId: 'i', inFlight: 0, draining: false });
    assert.equal(await store.purge(5), 1);
    assert.equal(await store.purge(0), 1);
    assert.equal((await store.workers(alive.id)).length, 1);
    pass(86_400_000);
    await store.purge(0);
    assert.equal((await store.workers(alive.id)).length, 0);
    assert.equal(await store.deletedBy(old.id), undefined);
    assert.equal((await store.list()).length, 1);
  });

  test(`${kind}: a check that it can be written leaves nothing`, async () => {
    const { store } = await opened();
    await store.checkWrite!();
    const { query } = store as unknown as { query(sql: string): Promise<readonly object[]> };
    assert.deepEqual(await query.call(store, 'SELECT * FROM service_leases'), []);
  });

  test(`GR-3 ${kind}: the lowest version is that of the records of a list, by the same rules`, async () => {
    const { store, pass } = await opened();
    for (const each of [
      { host: 'down', version: 1, reportInterval: 1, downTime: 0 },
      { host: 'stopped', version: 2 },
      { host: 'forced', version: 3 },
      { host: 'silent', version: 4, reportInterval: 0, downTime: 0 },
      { host: 'up', version: 5 },
      { host: 'deleted', version: 0 },
      { host: 'other', version: 0, binary: 'other', topic: 'other' },
    ]) {
      const record = await store.insert(announcement({ topic: 'compute', ...each }), {
        disabled: each.host === 'up',
        state: each.host === 'stopped' ? 'stopped' : 'running',
      });
      if (each.host === 'forced') await store.update(record.id, { forcedDown: true });
      if (each.host === 'deleted') await store.remove(record.id, 'me');
    }
    // One with a time to live of 0 is down from the next millisecond on.
    pass(1);
    const now = await store.now();
    const up = (await store.list({ topic: 'compute' })).filter((record) => isUp(record, now));
    assert.equal(Math.min(...up.map(({ version }) => version)), 4);
    assert.equal(await store.lowestVersion({ topic: 'compute' }, { up: true }), 4);
    assert.equal(await store.lowestVersion({ binary: 'portico-compute' }), 1);
    assert.equal(await store.lowestVersion({ binary: 'nothing' }), undefined);
  });

  test(`MG-25 ${kind}: a lease is one owner's until it ends`, async () => {
    const { store, pass } = await opened();
    assert.equal(await store.lease('clean', 'a', 10), true);
    assert.equal(await store.lease('clean', 'b', 10), false);
    assert.equal(await store.lease('other', 'b', 10), true);
    pass(9000);
    assert.equal(await store.lease('clean', 'a', 10), true);
    pass(9000);
    assert.equal(await store.lease('clean', 'b', 10), false);
    pass(1000);
    assert.equal(await store.lease('clean', 'b', 10), true);
    assert.equal(await store.lease('clean', 'a', 10), false);
    // Given back.
    assert.equal(await store.lease('clean', 'b', 0), true);
    assert.equal(await store.lease('clean', 'a', 10), true);
  });
}

/** Tables, the statement that removes or replaces each, and whether the migrations have been applied before. */
const LOST = [
  ['service_leases', 'DROP TABLE service_leases', true],
  ['service_workers', 'DROP TABLE service_workers', true],
  ['services', 'CREATE TABLE services (id integer)', false],
] as const;

const refusalOf = (table: string, taken: boolean) => ({
  code: 'PORTICO_REGISTRY_TABLES',
  message: taken
    ? `the database lacks tables of the service registry, which registry_migrations says it has: ${table}`
    : `the database has tables that are not of the service registry: ${table}`,
});

test('SG-30 sqlite: a database that is away says so, and is used again when it is back', async () => {
  const [home, away] = [join(folder, 'home'), join(folder, 'away')];
  // Its directory, and its files alone: nobody makes an empty one in their place.
  for (const names of [[''], ['services.db', 'services.db-wal', 'services.db-shm']]) {
    mkdirSync(home);
    const store = new SqliteStore(join(home, 'services.db'));
    const record = await store.insert(announcement(), NEW);
    const move = (from: string, to: string): void => {
      for (const name of names) if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
    };
    if (names.length > 1) mkdirSync(away);
    move(home, away);
    await assert.rejects(store.get(record.uuid), RegistryUnavailable);
    await assert.rejects(store.get(record.uuid), RegistryUnavailable);
    assert.equal(existsSync(join(home, 'services.db')), false);
    move(away, home);
    assert.equal((await store.get(record.uuid))!.host, 'one');
    await store.close();
    for (const each of [home, away]) rmSync(each, { recursive: true, force: true });
  }
  await assert.rejects(new SqliteStore(join(folder, 'no', 'such', 'folder.db')).list(), RegistryUnavailable);
});

test('SG-30 sqlite: a database that another process has locked is away, not broken', async () => {
  const path = join(folder, 'locked.db');
  const store = new SqliteStore(path, { busyTimeoutMs: 1 });
  await store.insert(announcement(), NEW);
  const other = openDatabase(path);
  other.exec('BEGIN EXCLUSIVE');
  await assert.rejects(store.update(1, { disabled: true }), RegistryUnavailable);
  other.exec('COMMIT');
  other.close();
  assert.equal((await store.update(1, { disabled: true }))!.disabled, true);
  await store.close();
});

test('SG-39 sqlite: a database that has lost tables, or has those of another application, is refused', async () => {
  for (const [name, sql, taken] of LOST) {
    const path = join(folder, `lost-${name}.db`);
    if (taken) {
      const store = new SqliteStore(path);
      await store.list();
      await store.close();
    }
    const database = openDatabase(path);
    database.exec(sql);
    database.close();
    const store = new SqliteStore(path);
    await assert.rejects(store.list(), refusalOf(name, taken));
    await store.close();
  }
});

test('SG-38 sqlite: a statement waits for another process’s write, and the event loop goes on meanwhile', async () => {
  const path = join(folder, 'waiting.db');
  const store = new SqliteStore(path);
  await store.insert(announcement(), NEW);
  const other = openDatabase(path);
  other.exec('BEGIN IMMEDIATE');
  const updating = store.update(1, { disabled: true });
  // A wait that blocked the event loop would never see the commit, which this process makes.
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  other.exec('COMMIT');
  other.close();
  assert.equal((await updating)!.disabled, true);
  await store.close();
});

test('SG-15 sqlite: topic, binary and last_seen_up are found by indexes', async () => {
  const path = join(folder, 'indexes.db');
  const store = new SqliteStore(path);
  await store.list();
  await store.close();
  const database = openDatabase(path);
  for (const column of ['topic', 'binary', 'last_seen_up']) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM services WHERE ${column} = 1`).all();
    assert.match(String(plan[0]!.detail), new RegExp(`USING INDEX services_${column} \\(${column}=\\?\\)`));
  }
  database.close();
});

test('SG-19 SG-38 sqlite: tables are made once, and a second opening finds the records', async () => {
  const path = join(folder, 'again.db');
  const first = new SqliteStore(path);
  const second = new SqliteStore(path);
  await first.insert(announcement(), NEW);
  assert.equal((await second.list()).length, 1);
  await first.close();
  await second.close();
  const database = openDatabase(path);
  assert.equal(database.prepare('PRAGMA journal_mode').get()!.journal_mode, 'wal');
  assert.equal(database.prepare('SELECT count(*) AS steps FROM registry_migrations').get()!.steps, 2);
  database.close();
});

const skip = postgresql === undefined ? 'there is no PostgreSQL on this machine' : false;

test('SG-19 postgresql: tables are made when that is asked for, once, by one at a time; a service does not make them', {
  skip,
}, async () => {
  const connection = await postgresql!.database();
  const stores = [1, 2, 3].map(() => new PostgresqlStore(connection));
  await assert.rejects(stores[0]!.list(), { code: 'PORTICO_REGISTRY_NOT_MIGRATED', hint: 'Run: api-cli db sync' });
  const steps = await Promise.all(stores.map((store) => store.migrate()));
  assert.deepEqual(steps.sort(), [0, 0, 2]);
  assert.deepEqual(await stores[0]!.list(), []);
  await Promise.all(stores.map((store) => store.close()));
});

test('SG-39 postgresql: db sync refuses a database that has lost tables, or has those of another application', {
  skip,
}, async () => {
  for (const [name, sql, taken] of LOST) {
    const connection = await postgresql!.database();
    const store = new PostgresqlStore(connection);
    if (taken) await store.migrate();
    await postgresql!.run(connection, sql);
    await assert.rejects(store.migrate(), refusalOf(name, taken));
    await store.close();
  }
});

test('SG-5 SG-26 postgresql: times are those of the server, to the millisecond', { skip }, async () => {
  const store = new PostgresqlStore(await postgresql!.database());
  await store.migrate();
  const before = await store.now();
  const { id } = await store.insert(announcement(), NEW);
  await store.beat({ serviceId: id, worker: 0, pid: 1, instanceId: 'i', inFlight: 0 });
  const after = await store.now();
  const { lastSeenUp } = (await store.find('one', 'portico-compute'))!;
  assert.ok(lastSeenUp! >= before && lastSeenUp! <= after);
  await store.close();
});

test('SG-30 SG-39 postgresql: a server that is away says so, and a broken connection is replaced', {
  skip,
}, async () => {
  const store = new PostgresqlStore(await postgresql!.database());
  await store.migrate();
  await store.insert(announcement(), NEW);
  await postgresql!.breakConnections();
  assert.equal((await store.list()).length, 1);
  await store.close();
  await assert.rejects(new PostgresqlStore('postgresql://nobody@127.0.0.1:1/none').list(), RegistryUnavailable);
});

test('SG-30 postgresql: a server that refuses the connection, or a write as a standby, is away', { skip }, async () => {
  const connection = await postgresql!.database();
  const missing = Object.assign(new URL(connection), { pathname: '/missing' });
  const unowned = Object.assign(new URL(connection), { username: 'stranger' });
  for (const refused of [missing, unowned]) {
    const store = new PostgresqlStore(String(refused));
    await assert.rejects(store.list(), RegistryUnavailable);
    await store.close();
  }
  const store = new PostgresqlStore(connection);
  await store.migrate();
  const name = new URL(connection).pathname.slice(1);
  const other = await postgresql!.database();
  // A server that has become a standby can be read, and not written.
  for (const value of ['on', 'off']) {
    await postgresql!.run(other, `ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`);
    await postgresql!.breakConnections();
    assert.deepEqual(await store.list(), []);
    const write = store.insert(announcement(), NEW);
    if (value === 'on') await assert.rejects(write, RegistryUnavailable);
    else await write;
  }
  await postgresql!.run(other, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await postgresql!.breakConnections();
  await assert.rejects(store.list(), RegistryUnavailable);
  await store.close();
});

test('SG-17 postgresql: beats of several workers at once are all counted', { skip }, async () => {
  const connection = await postgresql!.database();
  const stores = [0, 1, 2, 3].map(() => new PostgresqlStore(connection));
  await stores[0]!.migrate();
  const { id } = await stores[0]!.insert(announcement(), NEW);
  const beats = stores.map(async (store, worker) => {
    for (let n = 0; n < 25; n++) await store.beat({ serviceId: id, worker, pid: worker, instanceId: 'i', inFlight: n });
  });
  await Promise.all(beats);
  assert.equal((await stores[0]!.find('one', 'portico-compute'))!.reportCount, 100);
  await Promise.all(stores.map((store) => store.close()));
});

/** A store with one connection whose statements a test may run. */
class Opened extends PostgresqlStore {
  run(sql: string): Promise<Row[]> {
    return this.query(sql);
  }
}

test('GR-4 postgresql: a heartbeat is planned once a connection; a pooler that loses the plan costs one attempt', {
  skip,
}, async () => {
  const store = new Opened(await postgresql!.database(), { connections: 1 });
  await store.migrate();
  const { id } = await store.insert(announcement(), { disabled: false, state: 'running' });
  const beat = async () => (await store.beat({ serviceId: id, worker: 0, pid: 1, instanceId: 'i', inFlight: 0 }))!;
  for (let count = 1; count < 8; count++) assert.equal((await beat()).reportCount, count);
  const plans = 'SELECT name, generic_plans + custom_plans AS runs FROM pg_prepared_statements';
  assert.deepEqual(
    (await store.run(plans)).map(({ name, runs }) => [name, Number(runs)]),
    [['portico_heartbeat', 7]],
  );
  await store.run('DEALLOCATE ALL');
  assert.equal((await beat()).reportCount, 8);
  assert.equal((await beat()).reportCount, 9);
  assert.deepEqual(await store.run(plans), []);
  await store.close();
});

test('SG-39 postgresql: a statement whose connection the server ends is done again', { skip }, async () => {
  const url = await postgresql!.database();
  const store = new Opened(url);
  const holder = new Opened(url, { connections: 1 });
  const lock = 'SELECT pg_advisory_lock(1)';
  await holder.run(lock);
  const asked = store.run(lock);
  const waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
  await until(
    () => holder.run(waiting),
    (rows) => rows.length === 1,
  );
  // The lock ends with the connection that holds it, and the statement that waits with its own.
  await postgresql!.breakConnections();
  assert.equal((await asked).length, 1);
  await Promise.all([store.close(), holder.close()]);
});
