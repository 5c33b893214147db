/** The time spent in each filter and in the application behind them. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { shareState } from '../../../dist/app/server-state.js';
import { withSlot } from '../../../dist/app/slot.js';
import { pipelineProbes } from '../../../dist/server/spans/filter-times.js';
import { deferred } from '../../../dist/tasks/deferred.js';

test('the time of an application does not include the wait for a slot', async (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const server = {};
  const turn = deferred<boolean>();
  shareState(server, { slots: { take: () => turn.promise } });
  const req = new IncomingMessage(Object.assign(new Socket(), { server }));
  const called = deferred<void>();
  const done = deferred<void>();
  const app = withSlot(() => {
    called.resolve();
    return done.promise;
  });
  const times: number[] = [];
  const none = { observe: () => undefined };
  const probes = pipelineProbes({
    filter: () => ({ in: none, out: none }),
    application: () => ({ observe: (seconds) => times.push(seconds) }),
  });
  const [probe] = probes('hello', []);
  const settled = probe!(app)(req, new ServerResponse(req));
  now += 5000;
  turn.resolve(true);
  await called.promise;
  now += 250;
  done.resolve();
  await settled;
  assert.deepEqual(times, [0.25]);
});
