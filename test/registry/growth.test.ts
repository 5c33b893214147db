/** The cost of the registry for one service does not depend on the number of others. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FakeClock } from 'portico/testing';
import { StoredRegistry } from '../../dist/registry/internal.js';
import { Membership } from '../../dist/registry/membership.js';
import { PostgresqlStore } from '../../dist/registry/postgresql-store.js';
import { isUp } from '../../dist/registry/service-view.js';
import type { Row, Sql } from '../../dist/registry/sql-store.js';
import { SqliteStore } from '../../dist/registry/sqlite-store.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { announcement } from './announcement.js';
import { startPostgresql } from './start-postgresql.js';

const postgresql = await startPostgresql();
after(() => postgresql?.stop());
const skip = postgresql === undefined ? 'there is no PostgreSQL on this machine' : false;

/** A store that counts the rows that it reads, and the statements. */
class Counted extends SqliteStore {
  rows = 0;
  statements = 0;

  constructor() {
    super(':memory:');
  }

  protected override async query(...sql: Sql): Promise<Row[]> {
    const rows = await super.query(...sql);
    this.rows += rows.length;
    this.statements++;
    return rows;
  }
}

/** Returns the numbers of rows and statements of a worker's start beside other services. */
async function startBeside(others: number): Promise<Readonly<Record<'rows' | 'statements', number>>> {
  const store = new Counted();
  for (let other = 0; other < others; other++) {
    await store.insert(announcement({ host: `other-${other}` }), { disabled: false, state: 'running' });
  }
  store.rows = 0;
  store.statements = 0;
  const { startedAt: _, reportInterval: __, downTime: ___, ...identity } = announcement();
  const registry = new StoredRegistry(store, { log: recordedLog().log });
  const member = new Membership(
    registry,
    { ...identity, worker: 0 },
    {
      reportInterval: 10,
      serviceDownTime: 60,
      initialDelay: 5,
      jitter: 0,
      startWait: 60,
      retryInterval: 1,
      maxRetryInterval: 10,
      autoRecreate: true,
      enableNewServices: true,
      onRegistryLoss: 'continue',
      fenceOnForcedDown: false,
      takeover: false,
      allowOld: false,
      inFlight: () => 0,
      onVerdict: () => undefined,
      isAlive: () => true,
      log: recordedLog().log,
      clock: new FakeClock(),
      random: () => 0.5,
    },
  );
  await member.register();
  await member.join();
  const { rows, statements } = store;
  await member.leave();
  await store.close();
  return { rows, statements };
}

test('GR-3 the start of a worker reads as many rows beside a thousand services as beside ten', async () => {
  assert.deepEqual(await startBeside(1000), await startBeside(10));
});

test('GR-3 the lowest version is that of the records of a list, by the same rules', { skip }, async () => {
  const inPostgresql = new PostgresqlStore(await postgresql!.database());
  await inPostgresql.migrate();
  for (const store of [new SqliteStore(':memory:'), inPostgresql]) {
    const hosts = [
      { host: 'down', version: 1, reportInterval: 1, downTime: 0 },
      { host: 'stopped', version: 2 },
      { host: 'forced', version: 3 },
      { host: 'silent', version: 4, reportInterval: 0, downTime: 0 },
      { host: 'up', version: 5 },
      { host: 'deleted', version: 0 },
      { host: 'other', version: 0, binary: 'other', topic: 'other' },
    ];
    for (const each of hosts) {
      const record = await store.insert(announcement({ topic: 'compute', ...each }), {
        disabled: each.host === 'up',
        state: each.host === 'stopped' ? 'stopped' : 'running',
      });
      if (each.host === 'forced') await store.update(record.id, { forcedDown: true });
      if (each.host === 'deleted') await store.remove(record.id, 'me');
    }
    // One with a time to live of 0 is down from the next millisecond on.
    const created = (await store.find('down', 'portico-compute'))!.createdAt;
    while ((await store.now()) <= created);
    const now = await store.now();
    const records = await store.list({ topic: 'compute' });
    const lowest = (all: typeof records) => Math.min(...all.map(({ version }) => version));
    assert.equal(lowest(records.filter((record) => isUp(record, now))), 4);
    assert.equal(await store.lowestVersion({ topic: 'compute' }, { up: true }), 4);
    assert.equal(await store.lowestVersion({ binary: 'portico-compute' }), 1);
    assert.equal(await store.lowestVersion({ binary: 'nothing' }), undefined);
    await store.close();
  }
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
