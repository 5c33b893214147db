import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';

test('OP-81 a report names what changed among the options that nobody declared here, where nothing overrides them', async (t) => {
  const env = { PORTICO_GREET__BY_ENV: 'a' };
  const folder = mkdtempSync(join(tmpdir(), 'portico-undeclared-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'portico.ini');
  const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 });
  write('[greet]\nword = a\nby_env = a\nby_arg = a\n');
  const config = await Config.load({ files: [file], dirs: [], env, argv: ['--set', 'greet.by_arg=a'] });
  const told = async (method: 'reload' | 'mutate') =>
    (await config.prepareReload({ method }))
      .report()
      .map(({ option, where, effect }) => `${option} ${effect} ${where.replace(folder, '')}`);
  write('[greet]\nby_env = b\nby_arg = b\n[other]\nword = a\nword = b\n');
  const later = 'by workers, if mutable';
  const expected = ['greet.word EFFECT no longer at /portico.ini:2:8', 'other.word EFFECT /portico.ini:6:8'];
  assert.deepEqual(
    await told('reload'),
    expected.map((line) => line.replace('EFFECT', 'by new workers')),
  );
  assert.deepEqual(
    await told('mutate'),
    expected.map((line) => line.replace('EFFECT', later)),
  );
  await config.reload({ method: 'mutate' });
  assert.deepEqual(await told('mutate'), []);
  assert.equal((await told('reload')).length, 2);
});
