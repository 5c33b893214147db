import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lchownSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { PorticoError } from 'portico/config';
import { openDatabase, transaction } from 'portico/sqlite';
import { loadDriver } from '../../dist/sqlite/database.js';
import { temporaryFolder } from '../fixtures/keeper.js';

let folder: string;
before(() => {
  folder = temporaryFolder('portico-sqlite-');
});

test('a database keeps rows, waits for writers, logs ahead, and holds foreign keys', () => {
  const database = openDatabase(join(folder, 'a.db'), { busyTimeoutMs: 1234 });
  database.exec('CREATE TABLE services (host TEXT, beats INTEGER)');
  const written = database.prepare('INSERT INTO services VALUES (?, ?)').run('one', 1);
  assert.equal(Number(written.changes), 1);
  assert.equal(database.prepare('SELECT beats FROM services WHERE host = ?').get('one')?.beats, 1);
  assert.equal(database.prepare('SELECT * FROM services WHERE host = ?').get('two'), undefined);
  assert.equal(database.prepare('SELECT * FROM services').all().length, 1);
  assert.equal(database.prepare('PRAGMA busy_timeout').get()?.timeout, 1234);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  assert.equal(database.prepare('PRAGMA foreign_keys').get()?.foreign_keys, 1);
  database.close();
});

test('S3-8 what is written is on the disk with each driver, also in a file that exists, unless the application asks for less', () => {
  const path = join(folder, 'durable.db');
  for (const statement of ['CREATE TABLE t (n INTEGER)', 'INSERT INTO t VALUES (1)']) {
    const database = openDatabase(path);
    database.exec(statement);
    assert.equal(database.prepare('PRAGMA synchronous').get()?.synchronous, 2);
    database.exec('PRAGMA synchronous = NORMAL');
    assert.equal(database.prepare('PRAGMA synchronous').get()?.synchronous, 1);
    database.close();
  }
});

test('S3-8 a row that a full disk does not take is refused, by each way to write it', () => {
  const script = join(folder, 'full.mjs');
  const ways = ['get', 'all', 'run'];
  writeFileSync(
    script,
    `import { openDatabase } from ${JSON.stringify(import.meta.resolve('portico/sqlite'))};
const kept = {};
for (const way of ${JSON.stringify(ways)}) {
  const database = openDatabase(process.argv[2] + way + '.db');
  database.exec('CREATE TABLE t (a TEXT)');
  const insert = database.prepare('INSERT INTO t VALUES (?) RETURNING rowid');
  let taken = 0, refused = 0;
  for (let i = 0; i < 300; i++) {
    try {
      insert[way]('x'.repeat(500));
      taken++;
    } catch {
      refused++;
    }
  }
  kept[way] = { taken, refused, found: database.prepare('SELECT count(*) AS n FROM t').get().n };
}
console.log(JSON.stringify(kept));
`,
  );
  // Larger files are refused as on a full disk; a shell's blocks have 512 or 1024 bytes.
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'trap "" XFSZ; ulimit -f 200; exec "$0" "$@"', process.execPath, script, join(folder, 'full-')],
    { encoding: 'utf8' },
  );
  const kept = JSON.parse(stdout || JSON.stringify(stderr)) as Record<string, Record<string, number>>;
  assert.deepEqual(Object.keys(kept), ways, stderr);
  for (const [way, { taken, refused, found }] of Object.entries(kept)) {
    assert.ok(refused! > 0, `${way}: the disk was never full`);
    assert.equal(found, taken, `${way}: ${taken} were taken`);
  }
});

test('get of a statement that only reads takes one row, whatever words it has', () => {
  const database = openDatabase(':memory:');
  const endless =
    'SELECT * FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS returning_id FROM n)';
  assert.equal(database.prepare(`${endless} WHERE 'returning' <> ''`).get()?.returning_id, 1);
  database.exec('CREATE TABLE t (a)');
  assert.equal(database.prepare("-- One row.\n/* It is new. */ INSERT INTO t VALUES ('x') RETURNING a").get()?.a, 'x');
  database.close();
});

test('a closed database is whole in its file, also while a statement of it is kept', () => {
  const path = join(folder, 'closed.db');
  const database = openDatabase(path);
  database.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  const kept = database.prepare('SELECT a FROM t');
  assert.equal(kept.get()?.a, 1);
  database.close();
  copyFileSync(path, join(folder, 'copy.db'));
  const copy = openDatabase(join(folder, 'copy.db'));
  assert.equal(copy.prepare('SELECT a FROM t').get()?.a, 1);
  copy.close();
  assert.throws(() => database.close(), /not open/);
  assert.throws(() => kept.get());
});

test('a transaction is kept whole or not at all, and is synchronous', () => {
  const database = openDatabase(':memory:');
  database.exec('CREATE TABLE t (n INTEGER)');
  const count = () => database.prepare('SELECT count(*) AS n FROM t').get()?.n;
  assert.equal(
    transaction(database, (inside) => inside.prepare('INSERT INTO t VALUES (?)').run(1).changes),
    1,
  );
  assert.throws(
    () =>
      transaction(database, (inside) => {
        inside.exec('INSERT INTO t VALUES (2)');
        throw new Error('changed my mind');
      }),
    /changed my mind/,
  );
  assert.throws(() => transaction(database, async () => 1), TypeError);
  assert.equal(count(), 1);
  database.close();
});

test('a database that cannot be opened is refused with its path', () => {
  const path = join(folder, 'text.db');
  writeFileSync(path, 'this is not a database, and it is longer than a page header would be'.repeat(20));
  for (const bad of [path, join(folder, 'nowhere', 'a.db')]) {
    assert.throws(
      () => openDatabase(bad),
      (error: PorticoError) => error.code === 'PORTICO_SQLITE_OPEN' && error.message.includes(bad),
    );
  }
});

test('eight processes that start together all open a new database and write to it, without a word', async () => {
  const path = join(folder, 'shared.db');
  const door = new URL('../../dist/sqlite/index.js', import.meta.url).href;
  const program = `
    import { openDatabase, transaction } from ${JSON.stringify(door)};
    const database = openDatabase(${JSON.stringify(path)});
    database.exec('CREATE TABLE IF NOT EXISTS t (n INTEGER)');
    for (let n = 0; n < 20; n++) {
      transaction(database, () => {
        const { n } = database.prepare('SELECT count(*) AS n FROM t').get();
        database.prepare('INSERT INTO t VALUES (?)').run(n);
      });
    }
    database.close();
  `;
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'ignore', 'pipe'] }),
  );
  const said = await Promise.all(
    children.map(async (child) => {
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      const [status] = (await once(child, 'close')) as [number];
      return [status, text];
    }),
  );
  assert.deepEqual(said, Array(8).fill([0, '']));
  const database = openDatabase(path);
  // Each transaction saw the previous writes, so no two counted the same number.
  assert.equal(database.prepare('SELECT count(DISTINCT n) AS n FROM t').get()?.n, 160);
  database.close();
});

test('a new database that another process writes to is opened when that has ended: SQLite itself fails it at once', async () => {
  const path = join(folder, 'writing.db');
  const { DatabaseSync } = loadDriver();
  const writer = new DatabaseSync(path);
  writer.exec('BEGIN IMMEDIATE');
  writer.exec('CREATE TABLE t (n INTEGER)');
  const door = new URL('../../dist/sqlite/index.js', import.meta.url).href;
  const program = `
    import { writeSync } from 'node:fs';
    import { openDatabase } from ${JSON.stringify(door)};
    // Called before the next attempt.
    const { wait } = Atomics;
    Atomics.wait = (...given) => {
      writeSync(1, 'locked');
      return wait(...given);
    };
    openDatabase(${JSON.stringify(path)}, { busyTimeoutMs: 60_000 }).exec('INSERT INTO t VALUES (1)');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), ended]);
  writer.exec('COMMIT');
  writer.close();
  assert.deepEqual(await ended, [0, null]);
});

const modesOf = (path: string): string[] =>
  ['', '-wal', '-shm'].map((ending) => (statSync(`${path}${ending}`).mode & 0o777).toString(8));

test('a database is its user’s alone, with its log and its index, whatever the mask', () => {
  const path = join(folder, 'own.db');
  const before = process.umask(0);
  const database = openDatabase(path);
  process.umask(before);
  database.exec('CREATE TABLE t (a INTEGER)');
  assert.deepEqual(modesOf(path), ['600', '600', '600']);
  database.close();
});

test('a database that others may open is tightened, while another process has it open as well', () => {
  const path = join(folder, 'wide.db');
  const first = openDatabase(path);
  first.exec('CREATE TABLE t (a INTEGER)');
  for (const ending of ['', '-wal', '-shm']) chmodSync(`${path}${ending}`, 0o664);
  const second = openDatabase(path);
  assert.deepEqual(modesOf(path), ['600', '600', '600']);
  first.exec('INSERT INTO t VALUES (1)');
  assert.equal(second.prepare('SELECT a FROM t').get()?.a, 1);
  first.close();
  second.close();
});

test('a link of the user’s own is followed, also to what is not there yet; one of another user is refused', (t) => {
  const [own, others] = [join(folder, 'own-link.db'), join(folder, 'others-link.db')];
  symlinkSync(join(folder, 'target.db'), own);
  openDatabase(own).close();
  assert.equal(statSync(join(folder, 'target.db')).mode & 0o777, 0o600);
  if (process.getuid?.() !== 0) return t.skip('needs root');
  symlinkSync(join(folder, 'victim.db'), others);
  lchownSync(others, 12_345, 12_345);
  assert.throws(() => openDatabase(others), { code: 'PORTICO_SQLITE_OPEN', message: /link, and of another user/ });
  assert.equal(existsSync(join(folder, 'victim.db')), false);
});

test('a URI is the file that it names: of the user alone, nothing beside it, and in memory nothing at all', () => {
  const uris: [string, string | undefined][] = [
    [`file:${folder}/plain-uri.db`, 'plain-uri.db'],
    [`file://localhost${folder}/of%20a%20host.db?mode=rwc&cache=private#part`, 'of a host.db'],
    ['file:of-memory?mode=memory&cache=shared', undefined],
    ['file::memory:', undefined],
  ];
  const cwd = process.cwd();
  process.chdir(folder);
  try {
    for (const [uri, name] of uris) {
      const before = readdirSync('.');
      const mask = process.umask(0);
      const database = openDatabase(uri);
      database.exec('CREATE TABLE t (a INTEGER)');
      process.umask(mask);
      if (name !== undefined) assert.deepEqual(modesOf(join(folder, name)), ['600', '600', '600']);
      database.close();
      const made = readdirSync('.').filter((each) => !before.includes(each));
      assert.deepEqual(made, name === undefined ? [] : [name]);
    }
    assert.throws(() => openDatabase(`file:${folder}/none.db?mode=rw`), { code: 'PORTICO_SQLITE_OPEN' });
    assert.equal(existsSync('none.db'), false);
  } finally {
    process.chdir(cwd);
  }
});
