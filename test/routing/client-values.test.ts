import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { clientPattern, clientTime, isoMicros, isoSeconds } from 'portico/routing';

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof Fault && error.status === 400 && message.test(error.message);

test('times are written to the second or to the microsecond, and read with or without a zone', () => {
  const time = Date.UTC(2013, 6, 23, 11, 33, 21, 45);
  assert.equal(isoSeconds(time), '2013-07-23T11:33:21Z');
  assert.equal(isoMicros(time), '2013-07-23T11:33:21.045000');
  assert.equal(clientTime('2013-07-23T11:33:21.045'), time);
  assert.equal(clientTime('2013-07-23T11:33:21.045Z'), time);
  assert.equal(clientTime('2013-07-23T13:33:21.045+02:00'), time);
  assert.throws(() => clientTime('yesterday'), refused(/Invalid time: yesterday/));
});

test('SC-44 expressions of clients are bounded in length and in time', () => {
  const search = clientPattern('b+');
  assert.deepEqual([search('abbc'), search('ac')], [true, false]);
  assert.throws(() => clientPattern('a'.repeat(256)), refused(/longer than 255/));
  assert.equal(clientPattern('a'.repeat(300), { maxLength: 300 })('b'), false);
  assert.throws(() => clientPattern('(', { name: 'name' })('x'), refused(/^name is no regular expression/));
  const endless = clientPattern('^(a+)+$', { timeoutMs: 20 });
  assert.throws(() => endless(`${'a'.repeat(40)}b`), refused(/takes too long/));
});
