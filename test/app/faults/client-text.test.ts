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

test('a target for the log has no password of a URI in it: of the absolute form, or in its path or query', () => {
  const mask = targetMask([]);
  for (const [target, shown] of [
    ['http://ann:s3cret@api.example/a?b=1&token=s3cret', 'http://ann:****@api.example/a?b=1&token=****'],
    ['HTTP://s3cret@api.example/a', 'HTTP://****@api.example/a'],
    ['/proxy/https://ann:s3cret@api.example/a', '/proxy/https://ann:****@api.example/a'],
    ['/login?next=https://ann:s3cret@api.example/', '/login?next=https://ann:****@api.example/'],
    ['http://api.example:8774/a@b?c=d', 'http://api.example:8774/a@b?c=d'],
  ] as const) {
    assert.equal(mask(target), shown);
  }
});

test('what a client sent is quoted short and printable', () => {
  assert.equal(quoteClient('a\r\nb\u001b[31m'), String.raw`a\u000d\u000ab\u001b[31m`);
  const long = quoteClient('x'.repeat(10_000));
  assert.equal(long.length, 200);
  assert.ok(long.endsWith('x…'));
});
