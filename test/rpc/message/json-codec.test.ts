import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage } from '#internal/rpc';

const LIMIT = 10_000;

function travelled(value: unknown): unknown {
  return decodeMessage(encodeMessage(value, 'args', LIMIT), LIMIT);
}

test('RP-25 RP-26 values arrive as what they were, and are copies', () => {
  for (const value of [
    null,
    true,
    'ä\u2028"',
    7.5,
    [1, [2, null]],
    { a: { b: [] }, 'c d': 1 },
    new Date(1),
    Buffer.from([0, 255]),
    new Map<unknown, unknown>([
      ['a', new Date(2)],
      [{ b: 1 }, new Set([new Map()])],
    ]),
    { $date: 'mine' },
    { $plain: { $date: 'mine' } },
    { $date: 'mine', other: 1 },
    { $unknown: 1 },
  ]) {
    assert.deepEqual(travelled(value), value);
  }
  const list: unknown[] = [];
  assert.notEqual(travelled(list), list);
});

test('RP-25 undefined is absent, -0 is 0', () => {
  assert.deepEqual(travelled({ a: undefined, b: [undefined], c: -0 }), { b: [null], c: 0 });
  assert.equal(travelled(undefined), null);
});

test('RP-25 a simple object that looks like a tagged value once absent members are gone is one no more', () => {
  for (const value of [
    { $date: 'x', not: undefined },
    { $set: 7, not: undefined },
  ]) {
    const { not: _, ...arrives } = value;
    assert.deepEqual(decodeMessage(encodeMessage(value, 'it', 1000), 1000), arrives);
  }
});

test('RP-25 what JSON would lose or change is refused where it is sent, by its path', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const [value, found] of [
    [{ a: Number.NaN }, 'a: NaN'],
    [{ a: [Number.POSITIVE_INFINITY] }, 'a.0: Infinity'],
    [{ a: 2 ** 53 }, 'a: 9007199254740992, a whole number beyond 2^53'],
    [{ a: 1n }, 'a: a bigint'],
    [{ a: () => {} }, 'a: a function'],
    [{ a: Symbol('x') }, 'a: a symbol'],
    [{ a: new Error('x') }, 'a: an instance of Error'],
    [{ a: new Date(Number.NaN) }, 'a: an invalid date'],
    [circle, 'self: a circle'],
  ] as const) {
    assert.throws(() => encodeMessage(value, 'args', LIMIT), {
      code: 'PORTICO_NOT_PLAIN',
      message: `args: it contains other than plain data: ${found}`,
    });
  }
});

test('RP-27 a message has a longest length, at both ends', () => {
  assert.throws(() => encodeMessage('x'.repeat(20), 'images.resize', 10), {
    code: 'PORTICO_NOT_PLAIN',
    message: 'images.resize: 22 bytes, and a message has at most 10',
  });
  assert.throws(() => decodeMessage(Buffer.from('"xxxxxxxxxxxx"'), 10), /14 bytes: 10 are allowed/);
});

test('RP-28 PY-1 every name arrives as an own property, and none changes what an object is', () => {
  const text =
    '{"__proto__":{"isAdmin":true},"a":{"constructor":1,"prototype":2,"toString":3},"l":[{"\\u005f_proto__":[]}]}';
  const value = JSON.parse(text) as Record<string, unknown>;
  for (const [sent, arrives] of [
    [value, text.replace('\\u005f', '_')],
    // One with tags is written and read in another way.
    [{ ...value, since: new Date(0) }, JSON.stringify({ ...value, since: new Date(0) })],
  ] as const) {
    const read = travelled(sent) as typeof value;
    assert.equal(JSON.stringify(read), arrives);
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal((read as { isAdmin?: boolean }).isAdmin, undefined);
  }
  const dated = Buffer.from('{"a":1,"__proto__":{"$date":"1970-01-01T00:00:00.000Z"}}');
  const { __proto__: own } = Object.getOwnPropertyDescriptors(decodeMessage(dated, LIMIT));
  assert.deepEqual(own?.value, new Date(0));
});

test('RP-75 what is no message is refused without a word of its content', () => {
  for (const text of [
    '{"secret',
    '{"$date":"secret"}',
    '{"$date":7}',
    '{"$map":"secret"}',
    '{"$map":["secret"]}',
    '{"$set":{}}',
    '{"$bytes":{}}',
    '{"$plain":null}',
    '['.repeat(20_000),
    `${'['.repeat(40_000)}${']'.repeat(40_000)}`,
  ]) {
    assert.throws(
      () => decodeMessage(Buffer.from(text), 100_000),
      (error: Error) => !error.message.includes('secret') && !(error instanceof RangeError),
      text.slice(0, 30),
    );
  }
  assert.throws(() => decodeMessage(Buffer.from([0x22, 0xff, 0x22]), LIMIT), TypeError);
});
