/** What the functions of `portico/sqlite` return keeps the database that it needs, and nothing that is no longer used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Database, openDatabase, recordTable, snapshot, transaction } from 'portico/sqlite';
import { loadDriver } from '../../dist/sqlite/database.js';
import { until } from '../fixtures/until.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Objects that code may keep of a database that it opened in a function. */
const KEPT: readonly (readonly [what: string, use: (database: Database) => () => unknown, open?: () => Database])[] = [
  ['a table of records', useRecords],
  ['a table of records in a database of the driver', useRecords, () => new (loadDriver().DatabaseSync)(':memory:')],
  [
    'a statement',
    (database) => {
      const statement = database.prepare('SELECT 1 AS seq');
      return () => statement.get()?.seq;
    },
  ],
  [
    'a statement of a transaction',
    (database) => {
      const statement = transaction(database, (inside) => inside.prepare('SELECT 1 AS seq'));
      return () => statement.all()[0]?.seq;
    },
  ],
  [
    'a statement of a snapshot',
    (database) => {
      const statement = snapshot(database, (inside) => inside.prepare('SELECT 1 AS seq'));
      return () => statement.get()?.seq;
    },
  ],
];

function useRecords(database: Database): () => unknown {
  const records = recordTable<object>(database, 'x');
  records.insert('a', {});
  return () => {
    records.update('a', {});
    return records.get('a')?.seq;
  };
}

for (const [what, make, opened = () => openDatabase(':memory:')] of KEPT) {
  test(`NI-2 ${what} keeps its database, and lets it go with itself`, async () => {
    const freed: string[] = [];
    const registry = new FinalizationRegistry((name: string) => freed.push(name));
    const open = (): (() => unknown) => {
      const database = opened();
      registry.register(database, what);
      return make(database);
    };
    let use: (() => unknown) | undefined = open();
    for (let round = 0; round < 30; round++) {
      collect();
      // A finalizer of the collector runs in a later turn.
      await new Promise(setImmediate);
      assert.equal(use(), 1);
    }
    assert.deepEqual(freed, []);
    use = undefined;
    await until(
      () => {
        collect();
        return freed;
      },
      ({ length }) => length === 1,
    );
  });
}
