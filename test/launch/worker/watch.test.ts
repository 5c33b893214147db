/** A process that has nothing to do, and what is noticed of it. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { emptyProject } from '../../fixtures/project.js';

/** A heartbeat, or the end of a rest. */
interface Said {
  readonly nextMs?: number;
  readonly awake?: boolean;
  readonly lagMaxMs?: number;
}

function start(t: TestContext, stderr: 'pipe' | number = 'pipe'): ChildProcess {
  const path = new URL('../../fixtures/resting-process.js', import.meta.url);
  const child = fork(path, { stdio: ['ignore', 'ignore', stderr, 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

/** Starts a process, and waits until it is idle. */
async function resting(t: TestContext): Promise<{ child: ChildProcess; output: Promise<string> }> {
  const child = start(t);
  const output = text(child.stderr!);
  while ((await said(child)).nextMs !== 10_000);
  return { child, output };
}

async function said(child: ChildProcess): Promise<Said> {
  const [message] = (await once(child, 'message')) as [Said];
  return message;
}

test('GR-6 a process without requests rests; the first request ends that before anything else', async (t) => {
  const { child } = await resting(t);
  child.send('request');
  assert.deepEqual(await said(child), { awake: true });
  const { nextMs, lagMaxMs } = await said(child);
  assert.equal(nextMs, 1000);
  // The time in which nothing was measured is no lag.
  assert.ok(lagMaxMs! < 2000, `${lagMaxMs} ms`);
});

test('GR-6 the lag includes what blocks an idle process', async (t) => {
  const { child } = await resting(t);
  child.send('pause');
  const { lagMaxMs } = await said(child);
  assert.ok(lagMaxMs! > 400, `${lagMaxMs} ms`);
});

test('NI-1 a stuck process is ended although the reader of its standard error has stopped', async (t) => {
  const { folder } = emptyProject({});
  const fifo = join(folder, 'stderr');
  execFileSync('mkfifo', [fifo]);
  // Open for reading too, and never read.
  const descriptor = openSync(fifo, 'r+');
  t.after(() => closeSync(descriptor));
  const child = start(t, descriptor);
  await said(child);
  child.send('request, fill, block');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
});

test('GR-6 an idle process that is stuck by its first request is ended, with its stack', async (t) => {
  const { child, output } = await resting(t);
  child.send('request, block');
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  const told = await output;
  assert.match(told, /sent no heartbeat for \d s, killing it; it was stuck in:\n\s+at stuckHere /);
  assert.match(told, /GET \/slow for/);
});
