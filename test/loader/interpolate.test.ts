/** Compares interpolation with a second implementation that is as simple as possible. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PasteError } from '../../dist/loader/paste-error.js';
// Private, because a Loader shows only the results.
import { interpolate, interpolatedParts, type Reading } from '../../dist/loader/source.js';

/** Returns a value in line 1, column 1. */
function reading(raw: string, values: ReadonlyMap<string, string>): Reading {
  const origin = { file: 'a.ini', line: 1, column: 1 };
  return {
    raw,
    name: 'x0',
    option: { name: 'x0', origin, value: raw, pieces: [{ start: 0, origin }] },
    file: 'a.ini',
    section: 'app:main',
    lookup: (name) => values.get(name),
    written: () => undefined,
    names: () => [...values.keys()],
    count: () => undefined,
  };
}

/** Replaces references one after the other, as configparser's manual says. Returns undefined for any error. */
function naive(raw: string, values: ReadonlyMap<string, string>, steps = 1): string | undefined {
  let rest = raw;
  let result = '';
  while (rest !== '') {
    const match = /^(?:([^%]+)|%(%)|%\(([^)]+)\)s)/s.exec(rest);
    if (match === null) return undefined;
    rest = rest.slice(match[0].length);
    const [, plain, percent, name] = match;
    if (name === undefined) {
      result += plain ?? percent;
      continue;
    }
    const value = values.get(name);
    if (value === undefined) return undefined;
    if (value.includes('%') && steps === 10) return undefined;
    const inner = value.includes('%') ? naive(value, values, steps + 1) : value;
    if (inner === undefined) return undefined;
    result += inner;
  }
  return result;
}

const token = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('%(a)s', '%(b)s', '%(c)s', '%(d e)s', '%%') },
  { weight: 3, arbitrary: fc.string({ maxLength: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%(', ')s', '%()s', '%(x', '%(a)', '\n', '%(\n)s') },
);
const value = fc.array(token, { maxLength: 5 }).map((parts) => parts.join(''));

test('PD-30 PD-32 PD-33 any value gives what the plain implementation gives, or an error where it has one', () => {
  fc.assert(
    fc.property(value, fc.tuple(value, value, value, value), (raw, [a, b, c, d]) => {
      const values = new Map([
        ['a', a],
        ['b', b.replaceAll('%(a)s', 'x')],
        ['c', c.replace(/%\([abc]\)s/g, '')],
        ['d e', d.replace(/%\(.*?\)s/g, '')],
      ]);
      const expected = naive(raw, values);
      try {
        assert.equal(interpolate(reading(raw, values)), expected);
      } catch (error) {
        if (!(error instanceof PasteError)) throw error;
        assert.equal(expected, undefined, `${error.message} in ${JSON.stringify(raw)}`);
        assert.equal(raw[error.origin!.column - 1], '%', 'the place is the percent sign in the value read first');
      }
    }),
    { numRuns: 2000 },
  );
});

test('PD-32 ten values in a chain may hold references, an eleventh not; the chain is reported', () => {
  const chain = (length: number) =>
    new Map(Array.from({ length }, (_, at) => [`x${at}`, at === length - 1 ? '%%' : `%(x${at + 1})s`]));
  const read = (length: number) => interpolate(reading('%(x1)s', chain(length)));
  assert.equal(read(10), '%');
  assert.throws(
    () => read(11),
    (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.deepEqual([error.code, error.origin?.column], ['PORTICO_PASTE_INTERPOLATION_DEPTH', 1]);
      assert.match(error.message, /in 10 steps: "x0" refers to "x1" .* refers to "x10"/);
      return true;
    },
  );
});

test('PD-150 each part of a value knows where it came from', () => {
  const values = new Map([
    ['a', 'long'],
    ['b', '%(a)s%%'],
  ]);
  const parts = interpolatedParts(reading('x%%%(b)sy', values));
  assert.deepEqual(parts, [
    { start: 0, offset: 0 },
    { start: 1, offset: 1 },
    { start: 2, offset: 3, name: 'b' },
    { start: 7, offset: 8 },
  ]);
});

test('a secret with a sign that is none of a reference is shown in no part, read by itself or by way of another option', () => {
  const values = new Map([
    ['db_password', 'pa%(qqq)sword'],
    ['admin_password', 'pa%qqq'],
    ['known', 'x'],
  ]);
  for (const name of ['url', 'password']) {
    for (const raw of name === 'url'
      ? ['%(db_password)s', '%(admin_password)s']
      : ['hunter%(qqq)sword', 'hunter%qqq']) {
      const told = refusal({ ...reading(raw, values), name });
      assert.doesNotMatch(told, /qqq|hunter/, told);
      assert.match(told, /Write "%%" for a percent sign/);
    }
  }
});

/** Returns the description of the error that interpolation throws. */
function refusal(asked: Reading): string {
  try {
    return interpolate(asked);
  } catch (error) {
    assert.ok(error instanceof PasteError);
    return error.describe();
  }
}
