import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifecycle, type StopOptions } from 'portico/service';
import { FakeClock } from 'portico/testing';

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
  fail(error: Error): void;
}

function gate(): Gate {
  let open!: () => void;
  let fail!: (error: Error) => void;
  const opened = new Promise<void>((yes, no) => {
    open = yes;
    fail = no;
  });
  return { opened, open, fail };
}

test('LC-4 concurrent callers of start and of stop share one completion', async () => {
  const calls: string[] = [];
  const life = new Lifecycle('a', { start: () => void calls.push('start'), stop: () => void calls.push('stop') });
  await Promise.all([life.start(), life.start()]);
  await life.start();
  assert.equal(life.state, 'running');
  await Promise.all([life.stop(), life.stop()]);
  await life.stop();
  await life.wait();
  assert.equal(life.state, 'stopped');
  assert.deepEqual(calls, ['start', 'stop']);
});

test('LC-102 stop before start is harmless, and the service can be started afterwards', async () => {
  const calls: string[] = [];
  const life = new Lifecycle('a', { start: () => void calls.push('start'), stop: () => void calls.push('stop') });
  await life.stop();
  await life.wait();
  await life.start();
  await life.stop();
  await life.start();
  assert.deepEqual(calls, ['start', 'stop', 'start']);
  assert.equal(life.state, 'running');
});

test('LC-1337 a stop during the start lets it settle, then releases; the start says it was stopped', async () => {
  const start = gate();
  const calls: string[] = [];
  const life = new Lifecycle('metadata', {
    start: async (signal) => {
      await start.opened;
      calls.push(`start, called off: ${signal.aborted}`);
    },
    stop: () => void calls.push('stop'),
  });
  const starting = life.start();
  const stopping = life.stop();
  start.open();
  await assert.rejects(starting, { code: 'PORTICO_SERVICE_STOPPED' });
  await stopping;
  assert.deepEqual(calls, ['start, called off: true', 'stop']);
  assert.equal(life.state, 'stopped');
});

test('a start that failed leaves nothing to stop, and wait tells why', async () => {
  const calls: string[] = [];
  const life = new Lifecycle('a', {
    start: () => Promise.reject(new Error('no port')),
    stop: () => void calls.push('stop'),
  });
  await assert.rejects(life.start(), /no port/);
  await life.stop();
  await assert.rejects(life.wait(), /no port/);
  assert.deepEqual(calls, []);
  assert.equal(life.state, 'failed');
});

test('LC-101 a start behind a stop under way begins when that one is over; a further stop calls it off', async () => {
  const stop = gate();
  const calls: string[] = [];
  const life = new Lifecycle('a', {
    start: () => void calls.push('start'),
    stop: async () => {
      await stop.opened;
      calls.push('stop');
    },
  });
  await life.start();
  const stopping = life.stop();
  const restarted = life.start();
  stop.open();
  await Promise.all([stopping, restarted]);
  assert.deepEqual(calls, ['start', 'stop', 'start']);
  const again = life.stop();
  const calledOff = life.start();
  const last = life.stop();
  await assert.rejects(calledOff, { code: 'PORTICO_SERVICE_STOPPED' });
  await Promise.all([again, last]);
  assert.deepEqual(calls, ['start', 'stop', 'start', 'stop']);
  assert.equal(life.state, 'stopped');
});

test('LC-122 a graceful stop is cut short by the deadline, by a signal and by a stop that is not graceful', async () => {
  const cases: ((life: Lifecycle, options: StopOptions) => Promise<void>)[] = [
    (life) => life.stop({ graceful: true, deadlineMs: 1 }),
    (life) => {
      const caller = new AbortController();
      const stopping = life.stop({ graceful: true, signal: caller.signal });
      caller.abort();
      return stopping;
    },
    async (life) => {
      const stopping = life.stop({ graceful: true });
      await life.stop();
      return stopping;
    },
  ];
  for (const shorten of cases) {
    let cut = false;
    const life = new Lifecycle('a', {
      start: () => {},
      stop: ({ signal }) =>
        new Promise<void>((resolve) => {
          const end = (): void => {
            cut = true;
            resolve();
          };
          if (signal.aborted) end();
          else signal.addEventListener('abort', end);
        }),
    });
    await life.start();
    await shorten(life, {});
    assert.equal(cut, true);
  }
});

test('a service that dies by itself fails its wait and is still released by stop', async () => {
  let stopped = 0;
  const life = new Lifecycle('a', { start: () => {}, stop: () => void stopped++ });
  await life.start();
  life.fail(new Error('lost the socket'));
  await assert.rejects(life.wait(), /lost the socket/);
  await life.stop();
  assert.equal(stopped, 1);
});

test('RP-15 a verb that is called out of order says after 30 s what it waits for; in order nothing is said', async () => {
  const clock = new FakeClock();
  const said: string[] = [];
  const ends: (() => void)[] = [];
  const held = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  const life = new Lifecycle('images', { start: held, stop: held }, clock, (text) => said.push(text));
  const waited = life.wait();
  await clock.advance(29_999);
  assert.deepEqual(said, []);
  await clock.advance(1);
  const started = life.start();
  const stopped = life.stop();
  const called = assert.rejects(started, { code: 'PORTICO_SERVICE_STOPPED' });
  await clock.advance(30_000);
  ends.shift()!();
  await called;
  const again = life.start();
  await clock.advance(30_000);
  ends.shift()!();
  await Promise.all([stopped, waited]);
  await clock.advance(0);
  ends.shift()!();
  await again;
  await life.start();
  assert.deepEqual(said, [
    'images: wait() waits for a start that has not ended for 30 s',
    'images: stop() waits for a start that has not ended for 30 s',
    'images: start() waits for a stop that has not ended for 30 s',
  ]);
  const last = life.wait();
  const end = life.stop();
  await clock.advance(60_000);
  ends.shift()!();
  await Promise.all([end, last]);
  assert.deepEqual([said.length, clock.pending], [3, 0]);
});
