/** Changed bytes in the files of a configuration are reported once, also between reloads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { FileChanges } from '../../../dist/launch/reload/file-changes.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

interface Watched {
  readonly config: Config;
  readonly files: FileChanges;
  readonly paste: string;
  readonly main: string;
  /** The number of reported changes. */
  news(): number;
}

async function watched(t: TestContext): Promise<Watched> {
  const folder = temporaryFolder('portico-file-changes-');
  const [main, paste] = [join(folder, 'portico.ini'), join(folder, 'paste.ini')];
  writeFileSync(main, '[app]\n');
  writeFileSync(paste, 'first');
  const config = await Config.load({ files: [main], env: {}, argv: [] });
  let count = 0;
  const files = closedAfter(
    t,
    new FileChanges(
      () => config,
      () => (count += 1),
    ),
  );
  files.note();
  files.watch(true);
  return { config, files, paste, main, news: () => count };
}

test('CF-89 what is written while a reload is under way is news once it was accepted', async (t) => {
  const { files, main, news } = await watched(t);
  files.note();
  writeFileSync(main, '[app]\n# written after the reload has read it\n');
  files.watch(true);
  assert.equal(news(), 1);
  files.watch(true);
  assert.equal(news(), 1);
});

test('CF-89 what the reload itself has read is none', async (t) => {
  const { files, main, news } = await watched(t);
  writeFileSync(main, '[app]\n# read by the reload\n');
  files.note();
  files.watch(true);
  assert.equal(news(), 0);
});

test('CF-89 a file that is named since the last reload is watched, from the bytes that were accepted on', async (t) => {
  const { config, files, paste, news } = await watched(t);
  files.note();
  config.readFile(paste);
  writeFileSync(paste, 'second');
  files.watch(true);
  assert.equal(news(), 1);
});

test('CF-89 the option counts anew after each reload', async (t) => {
  const folder = temporaryFolder('portico-file-changes-');
  const main = join(folder, 'portico.ini');
  writeFileSync(main, '[app]\n');
  const config = await Config.load({ files: [main], env: {}, argv: [] });
  // Watching does not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  let told: (() => void) | undefined;
  const files = closedAfter(
    t,
    new FileChanges(
      () => config,
      () => (told === undefined ? assert.fail('it is not to watch') : told()),
    ),
  );
  files.note();
  files.watch(false);
  // Another one that watches hears of a change when this one would.
  const heardByOther = new Promise<void>((resolve) => {
    const other = closedAfter(t, new FileChanges(() => config, resolve));
    other.note();
    other.watch(true);
  });
  writeFileSync(main, '[app]\n# 1\n');
  await heardByOther;
  files.note();
  files.watch(true);
  const heard = new Promise<void>((resolve) => (told = resolve));
  writeFileSync(main, '[app]\n# 2\n');
  await heard;
});

/** Publishes files as a kubelet does: in a new folder, to which the link `..data` then leads; links of lost files go last. */
function publish(volume: string, folder: string, names: readonly string[], lost: readonly string[] = []): void {
  mkdirSync(join(volume, folder), { recursive: true });
  for (const name of names) writeFileSync(join(volume, folder, name), `[app]\n# ${folder}\n`);
  symlinkSync(folder, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
  for (const name of names) {
    rmSync(join(volume, name), { force: true });
    symlinkSync(join('..data', name), join(volume, name));
  }
  for (const name of lost) rmSync(join(volume, name));
}

async function volume(t: TestContext) {
  const folder = temporaryFolder('portico-volume-');
  publish(folder, '..1', ['a.conf', 'b.conf']);
  const config = await Config.load({ files: [], dirs: [folder], env: {}, argv: [] });
  let count = 0;
  const gone: string[] = [];
  const files = closedAfter(
    t,
    new FileChanges(
      () => config,
      () => (count += 1),
      undefined,
      (path) => gone.push(path),
    ),
  );
  files.note();
  files.watch(true);
  return { folder, config, files, gone, news: () => count };
}

test('CF-89 a file more or less in a folder of --config-dir is news, in a volume of Kubernetes too', async (t) => {
  const { folder, files, gone, news } = await volume(t);
  publish(folder, '..2', ['a.conf', 'b.conf', 'c.conf']);
  files.watch(true);
  assert.equal(news(), 1);
  // The content of the others is the same.
  const before = readlinkSync(join(folder, '..data'));
  rmSync(join(folder, 'c.conf'));
  files.watch(true);
  assert.deepEqual([readlinkSync(join(folder, '..data')), news()], [before, 2]);
  writeFileSync(join(folder, 'notes.txt'), 'no *.conf');
  files.watch(true);
  assert.equal(news(), 2);
  assert.deepEqual(gone, []);
});

test('CF-89 the first file in a folder of --config-dir is news', async (t) => {
  const folder = temporaryFolder('portico-volume-');
  const config = await Config.load({ files: [], dirs: [folder], env: {}, argv: [] });
  const heard = new Promise<void>((resolve) => {
    const files = closedAfter(t, new FileChanges(() => config, resolve));
    files.note();
    files.watch(true);
  });
  writeFileSync(join(folder, 'a.conf'), '[app]\n');
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  await heard;
});

test('CF-89 a file that can no longer be read is reported once, and is news when it can be read again', async (t) => {
  const { config, files, main, paste, news } = await watched(t);
  config.readFile(paste);
  const gone: string[] = [];
  const others = closedAfter(
    t,
    new FileChanges(
      () => config,
      () => assert.fail('a file that is gone is no reload'),
      undefined,
      (path) => gone.push(path),
    ),
  );
  others.note();
  rmSync(paste);
  others.watch(true);
  others.watch(true);
  assert.deepEqual(gone, [paste]);
  // It has a reader: looking at its content would take it away.
  execFileSync('mkfifo', [paste]);
  others.watch(true);
  assert.deepEqual(gone, [paste]);
  rmSync(paste);
  others.close();
  files.watch(true);
  writeFileSync(paste, 'second');
  files.watch(true);
  assert.equal(news(), 1);
  assert.notEqual(main, paste);
});
