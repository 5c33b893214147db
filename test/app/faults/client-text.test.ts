import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteClient, targetMask } from 'portico/app';

test('MW-14 a target for the log has no value of a parameter whose name looks secret, however it is spelt', () => {
  const mask = targetMask(['Pin']);
  for (const name of ['password', 'X-Auth-Token', 'pass%77ord', 'access+token', 'pin', 'PIN']) {
    assert.equal(mask(`/a?b=1&${name}=s3cret=x;c=2`), `/a?b=1&${name}=****;c=2`);
  }
  for (const target of ['/password=1', '/a?token', '/a?', '/a?name=token']) assert.equal(mask(target), target);
});

test('what a client sent is quoted short and printable', () => {
  assert.equal(quoteClient('a\r\nb\u001b[31m'), String.raw`a\u000d\u000ab\u001b[31m`);
  const long = quoteClient('x'.repeat(10_000));
  assert.equal(long.length, 200);
  assert.ok(long.endsWith('x…'));
});
