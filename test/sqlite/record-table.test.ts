import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDatabase, recordTable, snapshot, transaction } from 'portico/sqlite';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';

test('SC-3 records have a key, an owner and a number that is never used twice', (t) => {
  const db = closedAfter(t, openDatabase(':memory:'));
  const pets = recordTable<{ name: string }>(db, 'pets');
  assert.deepEqual(pets.insert('a', { name: 'Ann' }, 'me'), { name: 'Ann', seq: 1 });
  pets.insert('b', { name: 'Bob' });
  assert.deepEqual(pets.listOf('me'), [{ name: 'Ann', seq: 1 }]);
  assert.deepEqual(pets.listOf(''), [{ name: 'Bob', seq: 2 }]);
  pets.update('b', { name: 'Bert' });
  assert.deepEqual(pets.get('b'), { name: 'Bert', seq: 2 });
  assert.throws(() => pets.insert('a', { name: 'again' }));
  pets.delete('b');
  assert.equal(pets.get('b'), undefined);
  assert.equal(pets.insert('c', { name: 'Cy' }).seq, 3);
  assert.deepEqual(pets.list(), [
    { name: 'Ann', seq: 1 },
    { name: 'Cy', seq: 3 },
  ]);
  pets.deleteOf('me');
  assert.deepEqual(pets.list(), [{ name: 'Cy', seq: 3 }]);
  assert.throws(() => recordTable(db, 'pets; drop table pets'), TypeError);
});

test('SC-3 an owner that is unknown is never taken for all of them', (t) => {
  const db = closedAfter(t, openDatabase(':memory:'));
  const pets = recordTable<{ name: string }>(db, 'pets');
  pets.insert('a', { name: 'Ann' }, 'me');
  // @ts-expect-error the type says so too
  assert.throws(() => pets.listOf(undefined), /listOf\(\) needs an owner/);
  // @ts-expect-error as it was called before
  assert.throws(() => pets.list(undefined), /listOf\(\)/);
});

test('SC-3 a snapshot does not see what another connection writes meanwhile, and nobody waits', (t) => {
  const folder = temporaryFolder('portico-records-');
  const [one, two] = [openDatabase(join(folder, 'db')), openDatabase(join(folder, 'db'))];
  t.after(() => {
    one.close();
    two.close();
  });
  const pets = recordTable<{ name: string }>(one, 'pets');
  const seen = snapshot(one, () => {
    const before = pets.list().length;
    transaction(two, () => recordTable<{ name: string }>(two, 'pets').insert('a', { name: 'Ann' }));
    return [before, pets.list().length];
  });
  assert.deepEqual(seen, [0, 0]);
  assert.equal(pets.list().length, 1);
});
