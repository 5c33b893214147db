import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { clientFlag, clientPattern } from 'portico/openstack';

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof Fault && error.status === 400 && message.test(error.message);

test('a client says yes or no in the words that oslo reads, and nothing else', () => {
  for (const text of ['1', 't', 'True', 'ON', 'y', 'yes', ' yes ']) assert.equal(clientFlag(text), true, text);
  for (const text of ['0', 'f', 'False', 'OFF', 'n', 'no']) assert.equal(clientFlag(text), false, text);
  for (const text of ['', 'x', '2', 'truee', 'yes no', 'нет']) {
    assert.throws(() => clientFlag(text, { name: 'all_tenants' }), refused(/^Invalid all_tenants filter/), text);
  }
});

test('SC-44 expressions of clients are bounded in length and in time', () => {
  const search = clientPattern('b+');
  assert.deepEqual([search('abbc'), search('ac')], [true, false]);
  assert.throws(() => clientPattern('a'.repeat(256)), refused(/longer than 255/));
  assert.equal(clientPattern('a'.repeat(300), { maxLength: 300 })('b'), false);
  const none = ['(', '[', '*', '(?=a)', '(?<!a)b', String.raw`(a)\1`, String.raw`\p{None}`];
  for (const pattern of none) {
    assert.throws(
      () => clientPattern(pattern, { name: 'name' })('x'),
      refused(/^name is no regular expression/),
      pattern,
    );
  }
  const known: [string, string, boolean][] = [
    ['^web-[0-9]+$', 'web-12', true],
    ['^web-[0-9]+$', 'web-12\n', false],
    ['web|db', 'the db', true],
    [String.raw`\d{4}-\d{2}`, 'of 2013-07', true],
    ['(?i)WEB', 'a web', true],
    ['', 'a', true],
    ['.', '𝒳', true],
  ];
  for (const [pattern, text, found] of known) assert.equal(clientPattern(pattern)(text), found, pattern);
});

test('an expression of a client that tries everything ends, over a long list of names as well', () => {
  for (const pattern of ['(x+x+)+y', '^(a+)+$', '(a|aa)*[bc]$', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
    const names = Array.from({ length: 1000 }, (_, at) => `${'ax'.repeat(127)}${at % 2}`);
    assert.deepEqual(names.filter(clientPattern(pattern)), [], pattern);
  }
});

test('an expression of a client that is large once it is written out is refused', () => {
  for (const pattern of [
    'x{0,1000}'.repeat(28),
    '(x{0,100}){0,10}',
    '(x{31}){31}'.repeat(20),
    'x{1000}y{1000}',
    '((x{9}){9}){9}{9}',
  ]) {
    assert.throws(() => clientPattern(pattern)('x'), refused(/takes too long/), pattern);
  }
  assert.equal(clientPattern('^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$')('a'), false);
});
