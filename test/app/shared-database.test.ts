import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type SharingContext, sharedDatabase, sqliteConnection } from 'portico/app';
import { Config, defineOptions } from 'portico/config';
import { openDatabase } from 'portico/sqlite';
import { asTrial, ConfigError } from '#internal/config';
import { temporaryFolder } from '../fixtures/keeper.js';

const options = defineOptions({ connection: sqliteConnection({ default: 'sqlite:///pets.db' }) });
const petsOf = sharedDatabase({ group: 'pets', options, open: openDatabase });

function appOf(config: Config): { readonly ctx: SharingContext; readonly close: () => void } {
  const releases: (() => unknown)[] = [];
  const ctx = { config, onClose: (release: () => unknown) => void releases.push(release) };
  return { ctx, close: () => releases.forEach((release) => void release()) };
}

test('SC-3 a database is below state_path, or where an absolute path says; its folder is made', () => {
  const folder = temporaryFolder();
  const opened = (connection: string) => {
    const config = Config.fromText(`[DEFAULT]\nstate_path = ${folder}\n[pets]\n${connection}\n`);
    const app = appOf(config);
    assert.equal(petsOf(app.ctx), petsOf(app.ctx));
    app.close();
  };
  opened('');
  assert.ok(existsSync(join(folder, 'pets.db')));
  opened('connection = sqlite:///deep/pets.db');
  assert.ok(existsSync(join(folder, 'deep', 'pets.db')));
  assert.equal(statSync(join(folder, 'deep')).mode & 0o777, 0o700);
  opened(`connection = sqlite:///${join(folder, 'absolute.db')}`);
  assert.ok(existsSync(join(folder, 'absolute.db')));
  assert.throws(() => opened('connection = postgresql://db/pets'), ConfigError);
});

test('a directory that cannot be made is refused with its option, and what to do', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  const refusal = (text: string) => {
    try {
      return petsOf(appOf(Config.fromText(text)).ctx);
    } catch (error) {
      return (error as ConfigError).diagnostics[0];
    }
  };
  const below = refusal(`[DEFAULT]\nstate_path = ${folder}/file/var\n`) as ConfigError['diagnostics'][number];
  assert.deepEqual([below.section, below.option, below.location?.origin?.line], ['DEFAULT', 'state_path', 2]);
  assert.match(below.message, /^the database cannot be opened: ENOTDIR: .*\/file\/var/);
  assert.match(below.hint!, /writable for this user, or set another one: \[pets\] connection is relative to it\./);
  const whole = refusal(`[pets]\nconnection = sqlite:///${folder}/file/x.db\n`) as ConfigError['diagnostics'][number];
  assert.deepEqual([whole.section, whole.option], ['pets', 'connection']);
});

test('SC-3 apps of one configuration share one database, closed with the last of them', () => {
  const state = `[DEFAULT]\nstate_path = ${temporaryFolder()}\n`;
  const closed: number[] = [];
  let opened = 0;
  const open = (): { readonly id: number; close(): void } => {
    const id = ++opened;
    return { id, close: () => void closed.push(id) };
  };
  const storeOf = sharedDatabase({ group: 'pets', options, open });
  const config = Config.fromText(state);
  const [first, second, other] = [appOf(config), appOf(config), appOf(Config.fromText(state))];
  assert.deepEqual([storeOf(first.ctx).id, storeOf(second.ctx).id, storeOf(other.ctx).id], [1, 1, 2]);
  first.close();
  assert.deepEqual(closed, []);
  second.close();
  assert.deepEqual(closed, [1]);
  assert.equal(storeOf(appOf(config).ctx).id, 3);
});

test('AD-7 a trial has a copy of the file, whose migrations do not run again, and changes nothing in it', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'pets.db');
  const config = Config.fromText(`[DEFAULT]\nstate_path = ${folder}\n[pets]\nconnection = sqlite:///pets.db\n`);
  const served = openDatabase(file);
  served.exec(`PRAGMA user_version = 3; CREATE TABLE steps (name TEXT); INSERT INTO steps VALUES ('first');
    CREATE TABLE "a b" (id INTEGER PRIMARY KEY, n AS (id * 2)); CREATE VIEW first AS SELECT name FROM steps;
    CREATE TRIGGER twice AFTER INSERT ON steps BEGIN UPDATE steps SET name = 'changed'; END`);
  const app = appOf(config);
  const copy = asTrial(() => petsOf(app.ctx));
  const names = copy
    .prepare('SELECT name FROM first')
    .all()
    .map(({ name }) => name);
  assert.deepEqual(names, ['first']);
  assert.equal(copy.prepare('PRAGMA user_version').get()?.user_version, 3);
  copy.exec(`ALTER TABLE "a b" ADD COLUMN c; INSERT INTO steps VALUES ('second')`);
  assert.equal(served.prepare('SELECT count(*) AS n FROM steps').get()?.n, 1);
  const { file: path } = copy.prepare('PRAGMA database_list').get() as { readonly file: string };
  assert.ok(existsSync(path));
  app.close();
  assert.ok(!existsSync(path));
  served.close();
  writeFileSync(file, 'no database, but longer than the header of one would have to be, so that it is read as one');
  const refused = { code: 'PORTICO_SQLITE_OPEN', message: new RegExp(`cannot open the database ${file}`) };
  assert.throws(() => asTrial(() => petsOf(appOf(config).ctx)), refused);
});

test('AD-7 a trial has a database in memory if there is no file, for all its apps, and makes no file', () => {
  const folder = temporaryFolder();
  const config = Config.fromText(`[DEFAULT]\nstate_path = ${folder}\n[pets]\nconnection = sqlite:///pets.db\n`);
  const [first, second, serving] = [appOf(config), appOf(config), appOf(config)];
  const database = asTrial(() => petsOf(first.ctx));
  database.exec('CREATE TABLE pets (name TEXT)');
  assert.equal(
    asTrial(() => petsOf(second.ctx)),
    database,
  );
  assert.ok(!existsSync(join(folder, 'pets.db')));
  assert.throws(() => petsOf(serving.ctx).prepare('SELECT * FROM pets'), /no such table/);
  assert.ok(existsSync(join(folder, 'pets.db')));
  first.close();
  second.close();
  assert.throws(() => database.exec('SELECT 1'));
  serving.close();
});

test('SC-3 a database in memory outlives its apps, and is refused in a worker that is not alone', (t) => {
  const config = Config.fromText('[pets]\nconnection = sqlite://:memory:\n');
  const first = appOf(config);
  petsOf(first.ctx).exec('CREATE TABLE pets (name TEXT)');
  first.close();
  assert.deepEqual(petsOf(appOf(config).ctx).prepare('SELECT * FROM pets').all(), []);
  const owner = process as unknown as Record<symbol, unknown>;
  const worker = Symbol.for('portico.worker');
  owner[worker] = { assignment: { service: 'pets', index: 0, workers: 2, generation: 0 } };
  t.after(() => {
    delete owner[worker];
  });
  const other = Config.fromText('[pets]\nconnection = sqlite://:memory:\n');
  assert.throws(() => petsOf(appOf(other).ctx), /\[pets\].*works only with a single process/s);
});

test('RW-9 a database in memory has its data after a reload, whose configuration is another one', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'portico.ini');
  writeFileSync(file, '[pets]\nconnection = sqlite://:memory:\n');
  const config = await Config.load({ files: [file], env: {}, argv: [] });
  const first = appOf(config);
  petsOf(first.ctx).exec('CREATE TABLE pets (name TEXT)');
  const next = await config.readAgain();
  const second = appOf(next);
  petsOf(second.ctx).exec("INSERT INTO pets VALUES ('cat')");
  first.close();
  const { length } = petsOf(appOf(await next.readAgain()).ctx)
    .prepare('SELECT * FROM pets')
    .all();
  assert.equal(length, 1);
  second.close();
});
