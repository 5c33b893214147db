import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { watchFiles } from '#internal/config';

test('CF-89 a file written in place, replaced, or reached through a turned link is noticed', {
  timeout: 20_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-watch-'));
  const file = join(folder, 'portico.ini');
  writeFileSync(file, '1');
  for (const version of ['a', 'b']) mkdirSync(join(folder, version));
  symlinkSync('a', join(folder, '..data'));
  const changes: (() => void)[] = [
    () => writeFileSync(file, '2'),
    () => {
      writeFileSync(join(folder, 'new'), '3');
      renameSync(join(folder, 'new'), file);
    },
    () => {
      symlinkSync('b', join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    },
  ];
  let noticed = (): void => {};
  let calls = 0;
  const stop = watchFiles(
    [file, join(folder, 'no', 'such')],
    () => {
      calls++;
      noticed();
    },
    { quietMs: 20 },
  );
  // The watch keeps no process alive; the test has to.
  const alive = setInterval(() => {}, 1000);
  for (const change of changes) {
    const seen = new Promise<void>((resolve) => {
      noticed = resolve;
    });
    change();
    await seen;
  }
  assert.ok(calls >= changes.length);
  stop();
  clearInterval(alive);
  rmSync(folder, { recursive: true });
});

test('a file that has become a FIFO refuses the reload at once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-fifo-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'portico.ini');
  writeFileSync(file, '[DEFAULT]\nstate_path = /one\n');
  const config = await Config.load({ files: [file], argv: false });
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await assert.rejects(config.reload(), /cannot read config file .*portico\.ini again: it is a FIFO/);
  rmSync(file);
  writeFileSync(file, '[DEFAULT]\nstate_path = /two\n');
  await config.reload();
});
