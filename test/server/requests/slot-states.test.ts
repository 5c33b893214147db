/** The table of a slot's states, which the first comment of `request-pool.ts` shows. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RequestPool } from '../../../dist/server/requests/request-pool.js';

const EVENTS = ['call', 'grant', 'refuse', 'settle', 'wait', 'resume', 'close', 'expire'] as const;

/** The state after each event, in the order of `EVENTS`; empty: the same. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  none: ['held', '', '', '', '', '', 'left', ''],
  queued: ['', 'granted', 'none', '', '', '', 'left', ''],
  granted: ['held', '', '', '', '', '', 'left', ''],
  held: ['', '', '', 'returned', 'client', '', 'alone', ''],
  client: ['', '', '', 'returned', '', 'held', 'left', ''],
  returned: ['held', '', '', '', '', '', '', ''],
  alone: ['', '', '', 'left', '', '', '', 'left'],
  left: ['', '', '', '', '', '', '', ''],
};

/** A way to each state. */
const WAYS: Readonly<Record<string, readonly (typeof EVENTS)[number][]>> = {
  none: [],
  granted: ['grant'],
  held: ['call'],
  client: ['call', 'wait'],
  returned: ['call', 'settle'],
  alone: ['call', 'close'],
  left: ['close'],
};

const COUNTED = new Set(['granted', 'held', 'alone']);

function made(defaultPoolSize: number, clientSocketTimeout = 0) {
  const limits = { defaultPoolSize, maxQueue: 0, queueTimeout: 0, clientSocketTimeout };
  const lines: unknown[] = [];
  const pool = new RequestPool(
    limits,
    [],
    { note: () => undefined },
    { error: (...line: unknown[]) => void lines.push(line) },
  );
  const fresh = () => {
    const exchange = {
      poolSlot: 'none',
      settledBy: 'return',
      ofConnection: {} as object,
      req: { headers: {} },
      res: {},
    };
    exchange.ofConnection = { exchange, upgraded: false };
    return exchange;
  };
  const move = (exchange: object, event: string): string => pool.move(exchange as never, event as never);
  return { pool, fresh, move, lines };
}

/** Brings an exchange to a state. */
function at(state: string) {
  const { pool, fresh, move } = made(1);
  const exchange = fresh();
  if (state === 'queued' || state === 'granted') {
    const first = fresh();
    move(first, 'call');
    assert.equal(move(exchange, 'call'), 'queued');
    move(first, 'settle');
    if (state === 'granted') move(exchange, 'grant');
  } else for (const event of WAYS[state]!) move(exchange, event);
  assert.equal(exchange.poolSlot, state);
  return { pool, exchange, move };
}

test('AT-2 RV-4 each event leads from each state of a slot to the state of the table, and no other is counted as in use', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const [index, event] of EVENTS.entries()) {
      const { pool, exchange, move } = at(state);
      assert.equal(pool.taken, COUNTED.has(state) ? 1 : 0, state);
      const expected = row[index] || state;
      assert.equal(move(exchange, event), expected, `${state} at ${event}`);
      assert.equal(exchange.poolSlot, expected);
      assert.equal(pool.taken, COUNTED.has(expected) ? 1 : 0, `${state} at ${event}`);
    }
  }
});

test('AT-2 the table in the first comment of the pool is the one that is tested', () => {
  const text = readFileSync('src/server/requests/request-pool.ts', 'utf8');
  const rows = [...text.matchAll(/^ \* \| `(\w+)` \| ([^|]+) \|(.*)\|$/gm)];
  const shown = Object.fromEntries(
    rows.map(([, state, , cells]) => [state, cells!.split('|').map((cell) => /`(\w+)`/.exec(cell)?.[1] ?? '')]),
  );
  const tested = Object.entries(TABLE).map(([state, row]) => [state, row]);
  assert.deepEqual(shown, Object.fromEntries(tested));
});

test('AT-2 a call waits while all slots are in use, and an app whose response has closed is not called', () => {
  const { fresh, move, pool } = made(1);
  const [first, second, third] = [fresh(), fresh(), fresh()];
  assert.equal(move(first, 'call'), 'held');
  assert.equal(move(second, 'call'), 'queued');
  assert.equal(pool.taken, 1);
  move(first, 'close');
  assert.deepEqual([first.poolSlot, pool.taken], ['alone', 1]);
  third.ofConnection = { exchange: undefined };
  assert.equal(move(third, 'call'), 'left');
});

for (const [settledBy, seconds, told] of [
  ['response', 10, 0],
  ['late', 10, 0],
  ['return', 900, 1],
  ['report', 900, 1],
] as const) {
  test(`AT-2 an app that never settles loses the slot of a closed response: ${settledBy}, after ${seconds} s`, (t) => {
    let now = 1000;
    t.mock.method(performance, 'now', () => now);
    const { fresh, pool, lines } = made(1, 900);
    const exchange = Object.assign(fresh(), { settledBy, originalUrl: '/x' });
    pool.move(exchange as never, 'call');
    pool.leave(exchange as never);
    now += seconds * 1000 - 1;
    pool.secondPassed();
    assert.deepEqual([exchange.poolSlot, pool.taken, pool.alone.length], ['alone', 1, 1]);
    now += 1;
    pool.secondPassed();
    assert.deepEqual([exchange.poolSlot, pool.taken, pool.alone.length, lines.length], ['left', 0, 0, told]);
  });
}
