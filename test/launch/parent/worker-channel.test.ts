/** A worker that attacks its parent is ended alone: the parent, its other workers and the other services serve on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { attacks, foreign } from '../../fixtures/hostile.js';
import { get } from '../../fixtures/http-client.js';
import { RunningProgram } from '../../fixtures/running-program.js';

/** So many workers at a time. */
const AT_ONCE = 9;

for (let at = 0; at < attacks.length; at += AT_ONCE) {
  const some = attacks.slice(at, at + AT_ONCE);
  test(`one worker cannot end the parent: ${some.join(', ')}`, async (t) => {
    const { fleet, begin } = await launched(t, some);
    const port = await fleet.port('good');
    const { pid } = (await get<{ pid: number }>(port, '/')).body;
    const from = fleet.lines.length;
    writeFileSync(begin, '');
    for (const [id, attack] of some.entries()) {
      const of = (event: string) => (line: { event?: string; service?: unknown; workerId?: unknown }) =>
        line.event === event && line.service === 'hostile' && line.workerId === id;
      const { fault, pid: attacker } = await fleet.line(of('worker_fault'), from);
      assert.ok(typeof fault === 'string' && fault !== '', attack);
      const gone = await fleet.line((line) => line.event === 'worker_exited' && line.pid === attacker, from);
      assert.equal(gone.signal, 'SIGKILL', attack);
      // Starts are throttled: one in a place of theirs stands for all.
      if (id === 0) assert.notEqual((await fleet.line(of('worker_ready'), from)).pid, attacker);
      assert.equal((await get<{ pid: number }>(port, '/')).body.pid, pid, attack);
    }
    // Each attacker was ended, and nobody else.
    const exited = fleet.lines.filter(({ event }) => event === 'worker_exited');
    assert.equal(exited.length, some.length, fleet.text());
    assert.ok(!fleet.lines.some(({ msg }) => /Unhandled/.test(msg ?? '')), fleet.text());
    fleet.kill('SIGTERM');
    assert.deepEqual(await fleet.ended, { code: 0, signal: null }, fleet.text());
  });
}

test('what others send over the channel ends no worker, and is told once for each', async (t) => {
  const { fleet, begin } = await launched(t, foreign);
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

async function launched(t: TestContext, names: readonly string[]): Promise<{ fleet: RunningProgram; begin: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'portico-hostile-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const begin = join(folder, 'begin');
  const fleet = new RunningProgram('hostile', { attacks: names, begin });
  t.after(() => fleet.cleanUp());
  await fleet.event('launched');
  return { fleet, begin };
}
