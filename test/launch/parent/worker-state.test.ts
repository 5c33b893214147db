/** The states of a worker in its parent: the whole table, and a handle that moves along it. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import {
  after,
  holdsSlot,
  isStarting,
  type WorkerEvent,
  type WorkerState,
} from '../../../dist/launch/parent/worker-state.js';
import { FakeWorker, generation } from '../../fixtures/fake-workers.js';

/** By state: what each event leads to; the last columns tell whether it holds its slot, starts, serves, or is about to end. */
const TABLE = `
           built    serve     ready    tell     kill     exit   | slot starts serves stopping
starting   waiting  -         serving  leaving  killed   died   | yes  yes    no     no
waiting    -        starting  serving  leaving  killed   died   | yes  yes    no     no
serving    -        -         -        leaving  killed   died   | yes  no     yes    no
killed     -        -         -        leaving  -        died   | yes  no     no     yes
leaving    -        -         -        -        -        ended  | no   no     no     yes
died       -        -         -        -        -        -      | yes  no     no     yes
ended      -        -         -        -        -        -      | no   no     no     yes
`;

const [head = '', ...lines] = TABLE.trim().split('\n');
const events = head.trim().split(/\s+/).slice(0, 6) as WorkerEvent[];
const rows = lines.map((line) => {
  const [state, ...cells] = line.replace('|', '').split(/\s+/) as [WorkerState, ...string[]];
  const next = events.map((event, at) => [event, cells[at] === '-' ? state : (cells[at] as WorkerState)] as const);
  return { state, next, facts: cells.slice(6).map((cell) => cell === 'yes') };
});

/** Events that lead to each state. */
const WAY: Readonly<Record<WorkerState, readonly WorkerEvent[]>> = {
  starting: [],
  waiting: ['built'],
  serving: ['ready'],
  killed: ['ready', 'kill'],
  leaving: ['ready', 'tell'],
  died: ['ready', 'exit'],
  ended: ['tell', 'exit'],
};

/** A handle of a process that does only what the test says. */
function starting(): { readonly handle: WorkerHandle; readonly happens: Record<WorkerEvent, () => unknown> } {
  const told = { index: 0, workers: 1, generation: 2 };
  const fake = new FakeWorker(1, told, () => true);
  // SIGKILL takes effect when the test lets the process exit.
  fake.kill = () => undefined;
  const { settings } = generation(2);
  const assignment = { service: 'api', ...told };
  const first = { kind: 'configure', assignment, configuration: {}, settings, addresses: [], holds: true } as const;
  const handle = new WorkerHandle(fake as unknown as ChildProcess, first);
  for (const promise of [handle.ready, handle.built]) promise.catch(() => undefined);
  return {
    handle,
    happens: {
      built: () => fake.say({ kind: 'built', diagnostics: [] }),
      serve: () => handle.tell('serve'),
      ready: () => fake.say({ kind: 'ready' }),
      tell: () => handle.drain('replaced', 1000),
      kill: () => handle.kill('deadline'),
      exit: () => {
        fake.end(0);
        return handle.exited;
      },
    },
  };
}

test('LC-325 each event leads a worker from each state to one other, or changes nothing', async () => {
  assert.deepEqual(rows.map(({ state }) => state).toSorted(), Object.keys(WAY).toSorted());
  for (const { state, next, facts } of rows) {
    for (const [event, wanted] of next) {
      assert.equal(after(state, event), wanted, `${state} ${event}`);
      const { handle, happens } = starting();
      for (const before of WAY[state]) await happens[before]();
      assert.equal(handle.state, state);
      const seen = [holdsSlot(handle.state), isStarting(handle.state), handle.serving, handle.stopping];
      assert.deepEqual(seen, facts, state);
      await happens[event]();
      assert.equal(handle.state, wanted, `a handle that is ${state}, after ${event}`);
    }
  }
});

test('LC-531 a worker keeps what was known when it served, and the first reason for which it was killed', async () => {
  const { handle, happens } = starting();
  handle.dismiss();
  assert.equal(handle.dismissed, true);
  happens.tell();
  happens.ready();
  assert.equal(handle.dismissed, false);
  assert.equal(handle.state, 'leaving');
  handle.kill({ reason: 'stuck', what: 'sent no heartbeat for 1 s' });
  handle.kill('needless');
  await happens.exit();
  assert.deepEqual(handle.killedFor, { reason: 'stuck', what: 'sent no heartbeat for 1 s' });
  assert.notEqual(handle.served, undefined);
});
