import assert from 'node:assert/strict';
import { test } from 'node:test';
import { translateRegex } from '../../../dist/routing/template/python-regex.js';

/** Returns the length of the match at the start of the text; -1 without a match, as with Python's `re.match`. */
function taken(pattern: string, text: string): number {
  return new RegExp(translateRegex(pattern).source, 'vy').exec(text)?.[0].length ?? -1;
}

test('RT-19 Python expressions mean in JavaScript what they mean in Python', () => {
  const table: [pattern: string, text: string, length: number][] = [
    ['(?P<n>a)(?P=n)', 'aab', 2],
    ['\\Aab\\Z', 'ab', 2],
    ['\\Aab\\Z', 'ab\n', -1],
    ['ab$', 'ab\n', 2],
    ['.+', 'a\rb\u2028c\nd', 5],
    ['\\d+', '1٣²', 2],
    ['\\w+', 'é_𝒳٣-', 5],
    ['\\W', 'é', -1],
    ['\\s', '\u00a0', 1],
    ['\\s', '\ufeff', -1],
    ['\\s', '\x1c', 1],
    ['[\\W\\d]+', '-1a', 2],
    ['[^\\W\\d]+', 'a1', 1],
    ['[]a]+', ']a', 2],
    ['[^]a]+', 'b]', 1],
    ['[[]', '[', 1],
    ['[a\\-z]+', 'a-b', 2],
    ['[&&]+', '&&', 2],
    ['a{,2}', 'aaa', 2],
    ['x{a}', 'x{a}', 4],
    ['.{2}', '𝒳𝒳', 4],
    ['\\bfoo\\b', 'foo', 3],
    ['éa\\b', 'éaé', -1],
    ['\\x61\\u0062\\U00000063\\101\\0', 'abcA\0', 5],
    ['a(?#nothing)b', 'ab', 2],
    ['a(?#nothing)*b', 'aab', 3],
    ['(?=a)?b', 'b', 1],
    ['(a)(?#nothing)?b', 'b', 1],
    ['(?P<n>a)(b(?P=n)|c\\1)', 'aca', 3],
    ['[^\\/]+(?<!\\\\)', 'a\\', 1],
    ['(a)|b', 'b', 1],
    ['(?:/[^/]+)+', '/x/y', 4],
    ['(?:[^/]+/)*', 'x/y/', 4],
    ['(?:a.)+', 'abac', 4],
    ['(?:a\\D|\\d)+', 'ab1', 3],
    ['(?:a[^\\d]){2}', 'abac', 4],
    ['(?:a[^b])+', 'abab', -1],
  ];
  for (const [pattern, text, length] of table) assert.equal(taken(pattern, text), length, `${pattern} on ${text}`);
});

test('RT-19 an optional group that matches nothing is empty, as in Python, and not left out', () => {
  const group = (pattern: string, text: string) => {
    const { source, names } = translateRegex(pattern);
    return new RegExp(source, 'v').exec(text)?.[names.get('n')!];
  };
  assert.equal(group('^(?:(?P<n>x*))?$', ''), '');
  assert.equal(group('^(?P<n>)?$', ''), '');
  assert.equal(group('^(?P<n>x*)??$', ''), undefined);
  assert.equal(group('^(?P<n>x+)?$', ''), undefined);
  assert.equal(group('^(?P<n>x*)?$', 'xx'), 'xx');
  assert.equal(group('^(a)?(?P<n>x*){,1}$', 'a'), '');
});

test('RT-19 repetitions with the same result in both languages are used', () => {
  const table: [pattern: string, text: string, length: number][] = [
    ['(?P<n>ab)*c', 'ababc', 5],
    ['(?P<n>a(?P<m>b)){2}', 'abab', 4],
    ['(?:(?P<n>a)|b)?', 'b', 1],
    ['(?:a|b)*c', 'abbac', 5],
    ['(?:|a)?', 'a', 0],
    ['(?:|a){,1}', 'a', 0],
    ['(?:|a){0,1}?b', 'ab', 2],
    ['(?:|a){1}', 'a', 0],
  ];
  for (const [pattern, text, length] of table) assert.equal(taken(pattern, text), length, `${pattern} on ${text}`);
});

test('RT-20 what has no counterpart is refused by name', () => {
  const table: [pattern: string, named: RegExp][] = [
    ['(?(1)a|b)', /conditional group/],
    ['a++', /possessive quantifier/],
    ['a{2}+', /possessive quantifier/],
    ['(?>a)', /atomic group/],
    ['(?:(?P<n>a)|b)*', /named group that a repetition may leave unset/],
    ['(?:(?P<n>a)?b)+', /named group that a repetition may leave unset/],
    ['(?:b(?P<n>a)*){2}', /named group that a repetition may leave unset/],
    ['(?P<n>a*)*', /repeated group that may match nothing/],
    ['(?P<n>a?){2}', /repeated group that may match nothing/],
    ['(a*)*b', /repeated group that may match nothing/],
    ['(?=a)*b', /repeated group that may match nothing/],
    ['(?:|a)*?b', /repeated group that may match nothing/],
    ['(a)?\\1', /\\1 refers to a group that is open, unknown or may be unset/],
    ['(?:(a)|b)\\1', /\\1 refers to a group/],
    ['(?P<n>a)|(?P=n)', /\(\?P=n\) refers to a group/],
    ['(a\\1)', /\\1 refers to a group/],
    ['(|a)*', /repeated group that may match nothing/],
    ['(?:a*|b)+', /repeated group that may match nothing/],
    ['(a*?)*', /repeated group that may match nothing/],
    ['(a*b*?)+', /repeated group that may match nothing/],
    ['(?:(?:a??)){1,2}', /repeated group that may match nothing/],
    ['(?i)a', /inline flag/],
    ['(?i:a)', /inline flag/],
    ['(?-i:a)', /inline flag/],
  ];
  for (const [pattern, named] of table) assert.throws(() => translateRegex(pattern), named, pattern);
});

test('RT-21 what Python refuses is refused', () => {
  for (const pattern of [
    '([',
    '(',
    'a)',
    '*',
    'a**',
    'a{3,1}',
    '^*',
    '\\b*',
    '\\q',
    '[z-a]',
    '[a-\\d]',
    '\\1',
    '(?P=n)',
    '(?P<1>a)',
    '(?P<n>a)(?P<n>b)',
    'a\\',
    '[a',
    '[]',
    '[^]',
    'a|[^]a',
    '(?<n>a)',
    '[\\8]',
    '\\400',
  ]) {
    assert.throws(() => translateRegex(pattern), { name: 'Error' }, pattern);
  }
});

test('RT-216 expressions say whether they can span segments', () => {
  for (const pattern of ['[^/]+', '\\d+', '[a-z.]+', 'json|xml', '\\w+', 'a{2}']) {
    assert.equal(translateRegex(pattern).matchesSlash, false, pattern);
  }
  for (const pattern of ['.*', '[^a]', '\\D', 'a/b', '\\x2f', '[.-0]', '\\S+']) {
    assert.equal(translateRegex(pattern).matchesSlash, true, pattern);
  }
});
