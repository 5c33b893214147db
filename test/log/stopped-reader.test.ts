/** A reader of standard error that stops for long. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { spawnKept } from '../fixtures/keeper.js';
import { emptyProject } from '../fixtures/project.js';
import { until } from '../fixtures/until.js';

/** Logs more than its standard error takes, and sends the delay of each attempt to write what waits. */
const PROGRAM = `
import { createLogger } from 'portico';

const { setTimeout } = globalThis;
globalThis.setTimeout = (attempt, ms) => {
  process.send(ms);
  return setTimeout(attempt, ms);
};
const log = createLogger();
setInterval(() => log.warn('x'.repeat(50_000)), 20);
`;

test('NI-1 a reader of the log that has stopped is tried ever more rarely, and at once again when it has read', async (t) => {
  const { folder } = emptyProject({ 'program.mjs': PROGRAM });
  const fifo = join(folder, 'stderr');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY);
  const child = spawnKept(process.execPath, ['program.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', writer, 'ipc'],
  });
  t.after(() => {
    child.kill('SIGKILL');
    closeSync(reader);
    closeSync(writer);
  });
  const delays: number[] = [];
  child.on('message', (ms: number) => delays.push(ms));
  const doubled = [5, 10, 20, 40, 80, 160, 250, 250];
  await until(
    () => delays.length,
    (count) => count >= doubled.length,
  );
  assert.deepEqual(delays.slice(0, doubled.length), doubled);
  const bytes = Buffer.alloc(2 ** 16);
  while (readSync(reader, bytes) === bytes.length);
  await until(
    () => delays.lastIndexOf(5),
    (at) => at > 0,
  );
});
