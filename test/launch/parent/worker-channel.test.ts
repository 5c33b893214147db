/** Messages from other code than Portico harm neither the worker that sends them nor its parent. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { workerEnd } from '../../../dist/launch/parent/worker-end.js';
import { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { howEnded } from '../../../dist/operating/status.js';
import { generation } from '../../fixtures/fake-workers.js';
import { foreign } from '../../fixtures/foreign-messages.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { launchedProgram } from '../../fixtures/running-program.js';

const NOISE =
  "const { writeSync } = require('node:fs'); const write = (bytes) => { try { writeSync(3, bytes); } catch { setTimeout(write, 5, bytes); } };";
/** A worker that runs a script, with the faults for which its parent kills it. */
function running(t: TestContext, script: string, faults: string[]): WorkerHandle {
  const child = spawn(process.execPath, ['-e', `${script} setInterval(() => undefined, 1000);`], {
    stdio: ['ignore', 2, 2, 'ipc', 'pipe'],
    serialization: 'advanced',
  });
  t.after(() => child.kill('SIGKILL'));
  const { settings } = generation(1);
  const assignment = { service: 'api', index: 0, workers: 1, generation: 1 };
  const first = { kind: 'configure', assignment, configuration: {}, settings, addresses: [] } as const;
  const worker = new WorkerHandle(child, first, undefined, { fault: (fault) => faults.push(fault) });
  worker.ready.catch(() => undefined);
  worker.built.catch(() => undefined);
  return worker;
}

const say = (message: object): string => `process.send(${JSON.stringify(message)});`;

for (const [what, script, told] of [
  [
    'bytes that are no message',
    `${NOISE} write(Buffer.from('0000000cjunk of a library', 'latin1').fill(7, 0, 4).fill(0, 0, 3));`,
    /^wrote bytes to its channel that are no message/,
  ],
  [
    'a message without end',
    `${NOISE} write(Buffer.from([127, 255, 255, 255])); setInterval(() => write(Buffer.alloc(65536)), 0);`,
    /^sent a message of more than 64 MiB$/,
  ],
  [
    "an answer of Node's own protocol to no question",
    say({ cmd: 'NODE_HANDLE_ACK' }),
    /^sent a message that cannot be handled/,
  ],
] as const) {
  test(`${what}: the worker ends, never its parent`, async (t) => {
    const faults: string[] = [];
    const worker = running(t, script, faults);
    const exit = await worker.exited;
    assert.equal(exit.signal, 'SIGKILL');
    assert.equal(faults.length, 1);
    assert.match(faults[0]!, told);
    assert.match(howEnded(workerEnd(worker, exit)), /and was killed$/);
  });
}

test('a response of many megabytes arrives: a description of an API, a report, series of metrics', async (t) => {
  const faults: string[] = [];
  const script =
    "process.on('message', ({ kind, id, body }) => { if (kind === 'ask') process.send({ portico: true, kind: 'answer', id, body: 'x'.repeat(body) }); });";
  const worker = running(t, script, faults);
  const size = 20 * 2 ** 20;
  const { body, error } = await worker.ask('any', size, 60_000);
  assert.deepEqual([error, (body as string | undefined)?.length, faults], [undefined, size, []]);
});

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
