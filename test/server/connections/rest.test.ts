/** An idle server: it looks at its connections seldom, and its limits hold. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ServerOptions } from 'portico/server';
import type { Connection } from '../../../dist/server/connections/connection.js';
import { ConnectionTimeouts, type TimeLimit } from '../../../dist/server/connections/connection-limits.js';
import { ConnectionList } from '../../../dist/server/connections/connections.js';
import { limitsOf } from '../../../dist/server/server-options.js';

/** A timer in virtual time. */
interface Timer {
  dueAt: number;
  readonly everyMs: number;
  readonly act: () => void;
}

/** Replaces the clock and the timers of this process. Returns a function that lets seconds pass. */
function virtualTime(t: TestContext): (seconds: number) => void {
  let now = performance.now();
  const timers = new Set<Timer>();
  const start = (act: () => void, ms: number, everyMs: number): NodeJS.Timeout => {
    const timer = { dueAt: now + ms, everyMs, act, unref: () => timer };
    timers.add(timer);
    return timer as unknown as NodeJS.Timeout;
  };
  const clear = (timer: unknown): void => void timers.delete(timer as Timer);
  t.mock.method(performance, 'now', () => now);
  t.mock.method(globalThis, 'setInterval', (act: () => void, ms: number) => start(act, ms, ms));
  t.mock.method(globalThis, 'setTimeout', (act: () => void, ms: number) => start(act, ms, 0));
  t.mock.method(globalThis, 'clearInterval', clear);
  t.mock.method(globalThis, 'clearTimeout', clear);
  return (seconds) => {
    for (const end = now + seconds * 1000; now < end; now += 50) {
      for (const timer of [...timers].filter(({ dueAt }) => dueAt <= now)) {
        if (timer.everyMs === 0) timers.delete(timer);
        timer.dueAt += timer.everyMs;
        timer.act();
      }
    }
  };
}

/** Timeouts of a pretended server in virtual time, with what they have done. */
function pretended(t: TestContext, options: ServerOptions = {}) {
  const pass = virtualTime(t);
  const done = { looks: 0, exceeded: [] as TimeLimit[] };
  const nothing = (): void => undefined;
  const list = new ConnectionList({}, nothing, nothing);
  const timeouts = new ConnectionTimeouts(list, limitsOf(options), {
    exceeded: (connection: Connection, limit) => {
      done.exceeded.push(limit);
      connection.socket.destroy();
    },
    secondPassed: () => {
      done.looks++;
      return false;
    },
  });
  timeouts.start();
  return { done, list, timeouts, pass };
}

/** A pretended socket of a connection that had a request. */
function idleConnection(list: ConnectionList): Connection {
  const connection = list.accept(new Socket());
  connection.requests = 1;
  return connection;
}

test('GR-6 a server without requests looks every ten seconds, and Node checks no headers', (t) => {
  const { done, pass } = pretended(t);
  pass(5);
  done.looks = 0;
  pass(60);
  assert.ok(done.looks <= 6, `${done.looks} looks in a minute`);
});

test('GR-5 the number of idle connections does not add looks, and each is closed after its time', (t) => {
  const { done, list, pass } = pretended(t, { keepAliveTimeout: 30 });
  for (let count = 0; count < 100; count++) idleConnection(list);
  pass(5);
  assert.equal(list.atRest, true);
  done.looks = 0;
  pass(20);
  assert.ok(done.looks <= 2);
  assert.deepEqual(done.exceeded, []);
  pass(8);
  assert.deepEqual(
    done.exceeded,
    Array.from({ length: 100 }, () => 'idle'),
  );
});

test('GR-6 a connection ends the rest, and so do new limits', (t) => {
  const { done, list, timeouts, pass } = pretended(t, { keepAliveTimeout: 600 });
  pass(5);
  const connection = idleConnection(list);
  assert.equal(list.atRest, false);
  pass(5);
  assert.equal(list.atRest, true);
  timeouts.limits = limitsOf({ keepAliveTimeout: 1 });
  pass(3);
  assert.deepEqual(done.exceeded, ['idle']);
  assert.ok(connection.socket.destroyed);
});

test('GR-6 an idle server notices part of the headers, and a body that nobody reads', (t) => {
  const { done, list, pass } = pretended(t, { keepAliveTimeout: 600, lingeringTimeout: 1 });
  const [halfway, unread] = [idleConnection(list), idleConnection(list)];
  pass(5);
  assert.equal(list.atRest, true);
  Object.defineProperty(halfway.socket, 'bytesRead', { value: 5 });
  pass(10);
  assert.equal(list.atRest, false);
  halfway.socket.destroy();
  pass(5);
  assert.equal(list.atRest, true);
  unread.linger();
  pass(15);
  assert.deepEqual(done.exceeded, ['lingering']);
});
