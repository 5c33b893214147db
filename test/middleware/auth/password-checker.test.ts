import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { PasswordChecker } from '../../../dist/middleware/basic-auth.js';

const hashes = [hashSync('right', 4)] as const;
const wrong = { password: 'wrong', hashes };

test('clients take turns: one that asks once waits for no more than one question of each other', async (t) => {
  const checker = new PasswordChecker(1);
  t.after(() => checker.close());
  const order: string[] = [];
  const ask = (client: string): Promise<unknown> => checker.check(wrong, client).then(() => order.push(client));
  await Promise.all('AAAAAAABC'.split('').map(ask));
  // The first is checked at once, and then A has waited longest.
  assert.equal(order.join(''), 'AABCAAAAA');
});

test('where too many wait the client with the most loses its newest, with 503 and Retry-After', async (t) => {
  const checker = new PasswordChecker(1);
  t.after(() => checker.close());
  const guesses = Promise.allSettled(Array.from({ length: 60 }, () => checker.check(wrong, 'A')));
  const others = 'BCD'.split('').map((client) => checker.check({ password: 'right', hashes }, client));
  assert.deepEqual(await Promise.all(others), [true, true, true]);
  const outcomes = await guesses;
  const places = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
  assert.deepEqual(places, [0, 1, 2, 3, 4, 5]);
  for (const outcome of outcomes.slice(6)) {
    assert.ok(outcome.status === 'rejected');
    assert.deepEqual([outcome.reason.status, outcome.reason.headers['retry-after']], [503, '1']);
  }
});

test('of clients that wait with one question each any is turned away, and not always who comes last', async (t) => {
  const random = [0.5, 0.999];
  const checker = new PasswordChecker(1, () => random.shift()!);
  t.after(() => checker.close());
  const asked = 'ABCDEFGHIJK'.split('').map((client) => checker.check(wrong, client));
  const outcomes = await Promise.allSettled(asked);
  const away = outcomes.flatMap(({ status }, at) => (status === 'rejected' ? ['ABCDEFGHIJK'[at]] : []));
  assert.deepEqual(away, ['F', 'K']);
});

test('of clients that wait with one question each one that was refused before is turned away', async (t) => {
  const checker = new PasswordChecker(1, () => 0);
  t.after(() => checker.close());
  await Promise.all(['C', 'D'].map((client) => checker.check(wrong, client)));
  await checker.check({ password: 'right', hashes }, 'C');
  const asked = 'ABCDEFGHIJ'.split('').map((client) => checker.check(wrong, client));
  const outcomes = await Promise.allSettled(asked);
  assert.deepEqual(outcomes.map(({ status }) => status === 'rejected').indexOf(true), 3);
});

test('a thread that ends takes its own question with it, and the next ones get another', async (t) => {
  const checker = new PasswordChecker(1);
  t.after(() => checker.close());
  const broken = checker.check({ password: 'x', hashes: [`$2b$99$${'.'.repeat(53)}`] }, 'A');
  const next = checker.check({ password: 'right', hashes }, 'A');
  await assert.rejects(broken);
  assert.equal(await next, true);
});
