/** Which workers are asked for the files that they have loaded, and what is other code. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ProgramCode } from '../../../dist/launch/parent/program-code.js';
import { deferred } from '../../../dist/tasks/internal.js';

/** A program of two files that was written before its workers start. */
function program(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'portico-code-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write('app.js', 'one');
  write('word.js', 'one');
  const code = new ProgramCode(folder);
  const loaded = (hash = 'one') => [[join(folder, 'app.js'), 'one'] as const, [join(folder, 'word.js'), hash] as const];
  /** A worker that starts after everything that was written so far. */
  const worker = (service = 'hello') => {
    const exited = deferred();
    const told: string[] = [];
    const tell = (kind: string): void => void told.push(kind);
    return {
      assignment: { service },
      startedAt: performance.now() + 1000,
      exited: exited.promise,
      tell,
      told,
      end: exited.resolve,
    };
  };
  return { folder, write, code, loaded, worker };
}

test('the first worker of each service lists its files, a later one if a file has changed since', async (t) => {
  const { write, code, loaded, worker } = program(t);
  const [first, second, third, other] = [worker(), worker(), worker(), worker('other')];
  await code.look(first);
  const waits = code.look(second);
  await code.look(other);
  assert.deepEqual([first.told, second.told, other.told], [['list'], [], ['list']]);
  assert.deepEqual(code.compare(first, loaded()), { files: [], isNew: false });
  await waits;
  assert.deepEqual(second.told, []);

  write('word.js', 'three');
  await code.look(third);
  assert.deepEqual(third.told, ['list']);
  assert.deepEqual(code.compare(third, loaded('three')), { files: ['word.js'], isNew: true });
});

test('every worker lists its files if the first has ended before it did, or if a file changed while it loaded', async (t) => {
  const { folder, code, loaded, worker } = program(t);
  const [first, second] = [worker(), worker()];
  await code.look(first);
  const waits = code.look(second);
  first.end();
  await waits;
  assert.deepEqual(second.told, ['list']);

  const [early, late] = [worker('other'), worker('other')];
  await code.look(early);
  const soon = Date.now() / 1000 + 60;
  utimesSync(join(folder, 'app.js'), soon, soon);
  code.compare(early, loaded());
  await code.look(late);
  assert.deepEqual(late.told, ['list']);
});
