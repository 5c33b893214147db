import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config, defineOptions, list } from 'portico/config';
import { writtenElsewhere } from '#internal/config';
import { temporaryFolder } from '../fixtures/keeper.js';

test('OP-81 a report names what changed among the options that nobody declared here, where nothing overrides them', async () => {
  const env = { PORTICO_GREET__BY_ENV: 'a' };
  const folder = temporaryFolder('portico-undeclared-');
  const file = join(folder, 'portico.ini');
  const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 });
  write('[greet]\nword = a\nby_env = a\nby_arg = a\n');
  const config = await Config.load({ files: [file], dirs: [], env, argv: ['--set', 'greet.by_arg=a'] });
  write('[greet]\nby_env = b\nby_arg = b\n[other]\nword = a\nword = b\n');
  const { report } = await config.next();
  assert.deepEqual(
    report().map(({ option, where, effect }) => `${option} ${effect} ${where.replace(folder, '')}`),
    ['greet.word applied no longer at /portico.ini:2:8', 'other.word applied /portico.ini:6:8'],
  );
});

test('OP-81 a report says of options without an effect here that they have none', async () => {
  const folder = temporaryFolder('portico-without-effect-');
  const file = join(folder, 'portico.ini');
  const options = writtenElsewhere(defineOptions({ words: list({ help: 'Words.' }) }), {
    removed: { patience: 'it ends after 10 s.' },
    unused: { verbose: 'log_level has it.' },
  });
  writeFileSync(file, '[greet]\npatience = 1\n', { mode: 0o600 });
  const config = await Config.load({ files: [file], dirs: [], env: {}, argv: [] });
  config.group('greet', options);
  config.register('shop:<name>', options);
  writeFileSync(file, '[DEFAULT]\nlock_path = a\nbooks_patience = 1\n[greet]\npatience = 2\nverbose = yes\n', {
    mode: 0o600,
  });
  const { report } = await config.next();
  assert.deepEqual(
    report().map(({ option, effect }) => `${option} ${effect}`),
    [
      'greet.patience no effect',
      'DEFAULT.lock_path no effect',
      'DEFAULT.books_patience no effect',
      'greet.verbose no effect',
    ],
  );
});

test('OP-81 a list that a reload empties is reported as none', async () => {
  const folder = temporaryFolder('portico-emptied-');
  const file = join(folder, 'portico.ini');
  const options = defineOptions('greet', { words: list({ help: 'Words.' }) });
  writeFileSync(file, '[greet]\nwords = a, b\n', { mode: 0o600 });
  const config = await Config.load({ files: [file], dirs: [], env: {}, argv: [] });
  config.group('greet', options);
  writeFileSync(file, '', { mode: 0o600 });
  const { report } = await config.next();
  assert.deepEqual(
    report().map(({ old, new: now }) => [old, now]),
    [['a,b', 'none']],
  );
});

test('CF-73 a report shows switches and small numbers of options that nobody declared here, unless their names look secret', async () => {
  const folder = temporaryFolder('portico-undeclared-');
  const file = join(folder, 'portico.ini');
  const write = (text: string): void => writeFileSync(file, text, { mode: 0o600 });
  write('[notes]\nmost = 5\nopen = no\npin_token = 1234\nword = a\nlimit = 1\nlimit = 2\nold = 1\n');
  const config = await Config.load({ files: [file], dirs: [], env: {}, argv: false });
  write('[notes]\nmost = 10\nopen = yes\npin_token = 4321\nword = b\nlimit = 1\nlimit = 3\nlong = 123456\n');
  assert.deepEqual(
    (await config.next()).report().map((change) => `${change.option} ${change.old} -> ${change.new}`),
    [
      'notes.most 5 -> 10',
      'notes.open no -> yes',
      'notes.pin_token **** -> ****',
      'notes.word **** -> ****',
      'notes.limit 1, 2 -> 1, 3',
      'notes.old 1 -> none',
      'notes.long none -> ****',
    ],
  );
});
