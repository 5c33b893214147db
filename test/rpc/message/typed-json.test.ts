import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Read, readJson, writeJson } from '../../../dist/extras/rpc/message/typed-json.js';

function travelled(value: unknown): unknown {
  return (readJson(writeJson({ value }, 'args')) as Read).value;
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
    new Date(253_402_300_800_000),
    7n,
    [-(2n ** 70n), 2n ** 60n],
    { length: 7, types: 'date', _portico: { v: 7, types: { value: 'date' } } },
    [new Date(4), { 0: 1n }, [new Date(5)]],
  ]) {
    assert.deepEqual(travelled(value), value);
  }
  const list: unknown[] = [];
  assert.notEqual(travelled(list), list);
  assert.deepEqual(travelled({ a: undefined, b: [undefined], c: -0 }), { b: [null], c: 0 }, 'undefined is absent');
});

test('RP-25 a date is text for Python, and its type is in the extras', () => {
  const value = { at: new Date('2026-01-02T03:04:05.678Z'), of: [1n] };
  assert.equal(
    writeJson({ value, _portico: { v: 1, sent: 1 } }, 'it'),
    '{"value":{"at":"2026-01-02T03:04:05.678000","of":[1]},' +
      '"_portico":{"v":1,"sent":1,"types":{"value":{"at":"date","of":{"0":"bigint"}}}}}',
  );
});

test('RP-25 what would be lost or changed is refused where it is sent, by its path', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  let deep: unknown = null;
  for (let level = 0; level < 50_000; level++) deep = [deep];
  for (const [value, found] of [
    [{ a: 2 ** 53 }, /: value.a: 9007199254740992, a whole number beyond 2\^53: give a bigint/],
    [[() => {}], /: value.0: a function/],
    [{ a: Symbol('x') }, /: value.a: a symbol/],
    [{ a: new Error('x') }, /: value.a: an instance of Error/],
    [{ a: new Date(Number.NaN) }, /: value.a: an invalid date/],
    [{ a: [Number.NaN] }, /: value.a.0: NaN, which Python would not read as it is/],
    [{ a: new Map() }, /: value.a: a Map, which/],
    [circle, /: value.self: a circle/],
    [deep, /nested too deeply/],
  ] as const) {
    assert.throws(() => writeJson({ value }, 'args'), { code: 'PORTICO_NOT_PLAIN', message: found });
  }
});

test('a long message of many levels and types arrives', () => {
  let value: object = { when: new Date(0) };
  for (let level = 0; level < 200; level++) value = { in: value, of: [level, new Date(level)] };
  const long = { value, rows: Array.from({ length: 50_000 }, (_, id) => ({ id, at: new Date(id), 'name ': '"\\' })) };
  assert.deepEqual(travelled(long), long);
});

test('RP-28 PY-1 SE-8 every name arrives as an own property, and none changes what an object is', () => {
  const text =
    '{"__proto__":{"isAdmin":true},"a":{"constructor":1,"prototype":2,"toString":3},"l":[{"\\u005f_proto__":[]}]}';
  const value = JSON.parse(text) as Record<string, unknown>;
  Object.defineProperty(value.a, '__proto__', { value: new Date(7), enumerable: true });
  // One with types is written and read in another way.
  for (const sent of [JSON.parse(text) as typeof value, { ...value, since: new Date(0) }]) {
    const read = travelled(sent) as typeof value;
    assert.equal(JSON.stringify(read), JSON.stringify(sent));
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.equal((read as { isAdmin?: boolean }).isAdmin, undefined);
  }
});

test('numbers of Python keep their value: whole ones beyond 2^53, those in texts, NaN', () => {
  const read = readJson(`{"a": 9007199254740993, "b": -12345678901234567890, "c": NaN, "d": [-Infinity],
    "e": "NaN 9007199254740993 \\" 1", "f": 0.10000000000000001, "g": 1e30}`);
  assert.deepEqual(read, {
    a: 9007199254740993n,
    b: -12345678901234567890n,
    c: Number.NaN,
    d: [Number.NEGATIVE_INFINITY],
    e: 'NaN 9007199254740993 " 1',
    f: 0.1,
    g: 1e30,
  });
  const text = '\n"\\'.repeat(1_500_000);
  assert.deepEqual(readJson(`{"text": ${JSON.stringify(text)}, "number": 9007199254740993}`), {
    text,
    number: 9007199254740993n,
  });
  // Python would not read more digits, and Node would read them slowly.
  assert.deepEqual(readJson(`[${'7'.repeat(4300)}]`), [BigInt('7'.repeat(4300))]);
  assert.throws(() => readJson(`[${'7'.repeat(4301)}]`), SyntaxError);
});

test('RP-75 what is no message, and types that do not fit, are refused without a word of the content', () => {
  const typed = (value: unknown, types: unknown, v = 1): string =>
    JSON.stringify({ value, list: ['secret'], _portico: { v, types } });
  const deep = `${'["set",'.repeat(20_000)}"date"${']'.repeat(20_000)}`;
  for (const text of [
    '{"secret',
    '['.repeat(20_000),
    typed('secret', { value: 'date' }),
    typed(7, { value: 'date' }),
    typed(7, { value: 'bytes' }),
    typed('secret', { value: 'bigint' }),
    typed('secret', { value: 'set' }),
    typed(['secret'], { value: 'map' }),
    typed('secret', { value: 'constructor' }),
    typed('secret', { value: 'secret' }),
    typed('secret', { value: { 0: 'date' } }),
    typed({}, { value: { secret: 'date' } }),
    typed({}, { value: { constructor: 'date' } }),
    typed({}, 'set'),
    typed({}, { list: { length: 'bigint' } }),
    typed([], { value: 'deep' }).replace('"deep"', deep),
    typed({}, {}, 2),
  ]) {
    assert.throws(
      () => readJson(text),
      (error: Error) => !error.message.includes('secret') && !(error instanceof RangeError),
      text.slice(0, 90),
    );
  }
});
