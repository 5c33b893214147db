import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRoute } from '#internal/extras/rpc';

const route = { exchange: 'portico', topic: 'images' };

test('RP-7 names are such that queues can be called after them', () => {
  for (const right of [route, { ...route, server: 'north.example:1' }, { ...route, fanout: true }]) checkRoute(right);
  const long = 'x'.repeat(100);
  for (const [wrong, message] of [
    [{ ...route, topic: 'a.b' }, /^the topic "a\.b" cannot/],
    [{ ...route, topic: 'dead' }, /^the topic "dead" cannot/],
    [{ ...route, exchange: '' }, /^the exchange ""/],
    [{ ...route, server: 'a b' }, /^the host "a b"/],
    [{ ...route, topic: `${long}x` }, /^the topic/],
    [{ exchange: long, topic: long, server: long }, /302 characters together/],
    [{ ...route, server: 'north', fanout: true }, /to the host north or to all hosts, not both/],
  ] as const) {
    assert.throws(() => checkRoute(wrong), { code: 'PORTICO_RPC_INVALID_TARGET', message });
  }
});
