import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { clientFlag, clientPattern, clientTime, isoMicros, isoSeconds } from 'portico/openstack';

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
      refused(/^name is not a regular expression/),
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

test('times are written to the second or to the microsecond, and read with or without a zone', () => {
  const time = Date.UTC(2013, 6, 23, 11, 33, 21, 45);
  assert.equal(isoSeconds(time), '2013-07-23T11:33:21Z');
  assert.equal(isoMicros(time), '2013-07-23T11:33:21.045000');
  assert.equal(clientTime('2013-07-23T11:33:21.045'), time);
  assert.equal(clientTime('2013-07-23T11:33:21.045Z'), time);
  assert.equal(clientTime('2013-07-23T13:33:21.045+02:00'), time);
  assert.throws(() => clientTime('yesterday'), refused(/Invalid time: yesterday/));
});

test('times of clients are ISO 8601, and nothing that only looks like a time', () => {
  const day = Date.UTC(2013, 6, 23);
  const time = Date.UTC(2013, 6, 23, 11, 33, 21);
  for (const text of ['2013-07-23', '20130723', '2013-07-23T00Z', '2013-07-23 00:00', '2013-07-23T02:00+02']) {
    assert.equal(clientTime(text), day, text);
  }
  for (const text of [
    '20130723T113321Z',
    '2013-07-23 11:33:21',
    '2013-07-23T06:33:21-0500',
    '2013-07-23T11:33:21,000001',
  ]) {
    assert.equal(clientTime(text), time, text);
  }
  assert.equal(clientTime('2013-07'), Date.UTC(2013, 6, 1));
  assert.equal(clientTime('2012-02-29'), Date.UTC(2012, 1, 29));
  const none = [
    '',
    'hello 5',
    '12',
    '5',
    '2013-02-30',
    '2013-02-29',
    '2013-13-01',
    '2013-00-01',
    '2013-07-23T24:00:00',
  ];
  const odd = [
    '2013-07-23T11:60',
    '2013-07-23T11:33:61',
    '2013-07-23T11:33:21+25:00',
    '2013-07-23Z',
    ' 2013-07-23',
    '201307',
  ];
  for (const text of [...none, ...odd]) assert.throws(() => clientTime(text), refused(/Invalid time/), text);
});
