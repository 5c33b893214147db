import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from 'portico/testing';
import { Deadlines } from '../../dist/extras/rpc/deadlines.js';

test('many waits have one timer, each ends at its time, and none is left of those that have ended', async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const over: string[] = [];
  const wait = (ms: number, name: string) => deadlines.after(ms, () => over.push(`${name} at ${clock.now()}`));
  const [late, , soon] = [wait(30, 'late'), wait(20, 'later'), wait(10, 'soon')];
  wait(20, 'at the same time');
  assert.equal(clock.pending, 1);
  soon();
  await clock.advance(10);
  assert.deepEqual([over, clock.pending], [[], 1]);
  await clock.advance(10);
  assert.deepEqual(over, ['later at 20', 'at the same time at 20']);
  late();
  late();
  assert.equal(clock.pending, 0);
  // A deadline that cancels another one and adds a third.
  const ended = deadlines.after(6, () => assert.fail('it was ended'));
  deadlines.after(5, () => {
    ended();
    wait(0, 'third');
  });
  deadlines.after(Number.POSITIVE_INFINITY, () => assert.fail('it never ends'))();
  await clock.advance(5);
  assert.deepEqual([over.at(-1), clock.pending], ['third at 25', 0]);
});
