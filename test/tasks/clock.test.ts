import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from 'portico/testing';
import { pause, systemClock, within } from '#internal/tasks';

test('LC-612 a delay beyond 2^31 - 1 ms is split, not fired after 1 ms', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let fired = 0;
  const delay = 2 ** 31 + 5000;
  const cancelled = systemClock.after(delay, () => assert.fail('was cancelled'));
  systemClock.after(delay, () => fired++);
  const pass = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  pass(2 ** 31 - 1);
  assert.equal(fired, 0);
  cancelled();
  pass(5000);
  assert.equal(fired, 0);
  pass(1);
  assert.equal(fired, 1);
});

test('0 or less is the next turn of the event loop, and can be taken back', async () => {
  const order: string[] = [];
  systemClock.after(0, () => order.push('zero'));
  systemClock.after(-5, () => order.push('negative'));
  systemClock.after(Number.NaN, () => order.push('no number'));
  systemClock.after(0, () => order.push('never'))();
  await Promise.resolve();
  order.push('microtask');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['microtask', 'zero', 'negative', 'no number']);
});

test('pause is true for a whole wait and false for one that was cut short, and leaves nothing behind', async () => {
  const clock = new FakeClock();
  const whole = pause(10, { clock });
  const controller = new AbortController();
  const cut = pause(1e12, { clock, signal: controller.signal });
  await clock.advance(10);
  assert.equal(await whole, true);
  controller.abort();
  assert.equal(await cut, false);
  assert.equal(await pause(10, { signal: AbortSignal.abort() }), false);
  assert.equal(clock.pending, 0);
});

test('what takes longer than it may is undefined, or what is said for that; what came in time leaves no timer', async () => {
  const clock = new FakeClock();
  const never = new Promise<string>(() => undefined);
  const late = within(never, { ms: 10, clock });
  const told = within(never, { ms: 10, clock }, () => 'late');
  const cut = within(never, { ms: Number.POSITIVE_INFINITY, clock, signal: AbortSignal.abort() });
  assert.equal(await cut, undefined);
  await clock.advance(10);
  assert.deepEqual([await late, await told], [undefined, 'late']);
  assert.equal(await within(Promise.resolve('soon'), { ms: 10, clock }), 'soon');
  assert.equal(await within(Promise.resolve('soon'), 10_000), 'soon');
  // An aborted signal ends the wait only for promises that have not settled.
  const raised = { ms: 10, clock, signal: AbortSignal.abort() };
  const unasked = (): never => assert.fail('it came in time');
  assert.equal(await within(Promise.resolve('there'), raised, unasked), 'there');
  await assert.rejects(within(Promise.reject(new Error('failed')), raised, unasked), /^Error: failed$/);
  const tooLate = (): never => {
    throw new Error('too late');
  };
  await assert.rejects(within(never, raised, tooLate), /^Error: too late$/);
  assert.equal(clock.pending, 0);
});

test('a fake clock runs things in order of time and then of definition, and refuses what never pauses', async () => {
  const clock = new FakeClock();
  const order: string[] = [];
  clock.after(20, () => order.push(`c${clock.now()}`));
  clock.after(10, () => {
    order.push(`a${clock.now()}`);
    clock.after(5, () => order.push(`b${clock.now()}`));
  });
  clock.after(20, () => order.push(`d${clock.now()}`));
  await clock.advance(25);
  assert.deepEqual(order, ['a10', 'b15', 'c20', 'd20']);
  assert.equal(clock.now(), 25);
  const again = (): void => void clock.after(0, again);
  again();
  await assert.rejects(clock.advance(1, 100), /never pauses/);
});
