/** A log file that somebody deletes while its process runs. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createLogger } from 'portico';
import { temporaryFolder } from '../fixtures/keeper.js';

function logging(t: TestContext) {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const folder = join(temporaryFolder('portico-log-'), 'log');
  mkdirSync(folder);
  const file = join(folder, 'service.log');
  const log = createLogger({ file, format: 'text' });
  const write = (text: string): void => {
    now += 6000;
    log.info(text);
  };
  return { log, folder, file, write };
}

test('DR-13 a log file that was deleted is made again, and says so', (t) => {
  const { file, write } = logging(t);
  write('before');
  rmSync(file);
  write('after');
  const [made, after] = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.match(made!, /^WARN: The log file was deleted and is made again: lines of up to a second are missing$/);
  assert.match(after!, /after/);
});

test('DR-13 lines that a deleted file in a deleted folder cannot take are counted as lost', (t) => {
  const { log, folder, file, write } = logging(t);
  write('before');
  rmSync(folder, { recursive: true });
  write('lost');
  write('lost');
  assert.equal(log.lost?.(), 2);
  mkdirSync(folder);
  write('after');
  assert.match(
    readFileSync(file, 'utf8'),
    /made again.*\n\nWARN: 2 lines of this log could not be written \(ENOENT\)\n.*after\n$/,
  );
});

test('a log file that was renamed is left alone until SIGHUP', (t) => {
  const { file, write } = logging(t);
  renameSync(file, `${file}.1`);
  write('after');
  assert.equal(existsSync(file), false);
  assert.match(readFileSync(`${file}.1`, 'utf8'), /after/);
});
