/** Messages from other code than Portico harm neither the worker that sends them nor its parent. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { foreign } from '../../fixtures/foreign-messages.js';
import { RunningProgram } from '../../fixtures/running-program.js';

test('what others send over the channel ends no worker, and is told once for each', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-foreign-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const begin = join(folder, 'begin');
  const fleet = new RunningProgram('foreign-messages', { sent: foreign, begin });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  const from = fleet.lines.length;
  writeFileSync(begin, '');
  const told = (id: number) => (line: { event?: string; workerId?: unknown }) =>
    line.event === 'worker_foreign' && line.workerId === id;
  for (const [id, name] of foreign.entries()) {
    const { level, message } = await fleet.line(told(id), from);
    assert.equal(level, 'warn', name);
    assert.ok(typeof message === 'string' && message !== '', name);
  }
  fleet.kill('SIGTERM');
  assert.deepEqual(await fleet.ended, { code: 0, signal: null }, fleet.text());
  for (const [id, name] of foreign.entries()) assert.equal(fleet.lines.filter(told(id)).length, 1, name);
  assert.ok(!fleet.lines.some(({ event }) => event === 'worker_fault'), fleet.text());
});
