import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from 'portico/app';
import { clientTime, isoMicros, isoSeconds } from 'portico/openstack';

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
