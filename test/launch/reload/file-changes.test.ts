/** Changed bytes in the files of a configuration are reported once, also between reloads. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { FileChanges } from '../../../dist/launch/launcher-core.js';
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
  const files = new FileChanges(
    () => config,
    () => (count += 1),
  );
  t.after(() => files.close());
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

test('CF-89 the option counts anew after each reload', { timeout: 20_000 }, async (t) => {
  const folder = temporaryFolder('portico-file-changes-');
  const main = join(folder, 'portico.ini');
  writeFileSync(main, '[app]\n');
  const config = await Config.load({ files: [main], env: {}, argv: [] });
  let told = (): void => assert.fail('nothing is watched');
  const files = new FileChanges(
    () => config,
    () => told(),
  );
  t.after(() => files.close());
  files.note();
  files.watch(false);
  writeFileSync(main, '[app]\n# 1\n');
  files.note();
  files.watch(true);
  const heard = new Promise<void>((resolve) => (told = resolve));
  writeFileSync(main, '[app]\n# 2\n');
  // Watching does not keep a process alive.
  const alive = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(alive));
  await heard;
});
