/** The cost of the registry for one service does not depend on the number of others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from 'portico/testing';
import { StoredRegistry } from '../../dist/extras/registry/internal.js';
import { Membership } from '../../dist/extras/registry/membership.js';
import type { Row, Sql } from '../../dist/extras/registry/sql-store.js';
import { SqliteStore } from '../../dist/extras/registry/sqlite-store.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { announcement } from './announcement.js';

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
      mustRegister: false,
      onDisabled: () => {},
      retryInterval: 1,
      maxRetryInterval: 10,
      fenceOnForcedDown: false,
      takeover: false,
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
