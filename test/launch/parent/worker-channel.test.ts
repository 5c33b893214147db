/** Messages from other code than Portico harm neither the worker that sends them nor its parent. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { foreign } from '../../fixtures/foreign-messages.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { launchedProgram } from '../../fixtures/running-program.js';

test('what others send over the channel ends no worker, and is reported once for each', async (t) => {
  const folder = temporaryFolder('portico-foreign-');
  const begin = join(folder, 'begin');
  const fleet = await launchedProgram(t, 'foreign-messages', { sent: foreign, begin });
  const from = fleet.lines.length;
  writeFileSync(begin, '');
  const told = (id: number) => (line: { event?: string; workerId?: unknown }) =>
    line.event === 'worker_foreign' && line.workerId === id;
  for (const [id, name] of foreign.entries()) {
    const { level } = await fleet.line(told(id), from);
    assert.equal(level, 'warn', name);
  }
  await fleet.stop();
  for (const [id, name] of foreign.entries()) assert.equal(fleet.lines.filter(told(id)).length, 1, name);
  assert.ok(!fleet.lines.some(({ event }) => event === 'worker_fault'), fleet.text());
});
