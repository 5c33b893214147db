import assert from 'node:assert/strict';
import { test } from 'node:test';
import { list } from 'portico/config';
import { hostMatcher, hostPattern, readHost } from '#internal/config';

function matches(patterns: string, host: string, scheme: 'http' | 'https' = 'http'): boolean {
  return hostMatcher(list({ item: hostPattern() }).parse(patterns))(readHost(host), scheme);
}

test('a host is one of the patterns, whatever its case, its final dot and its port', () => {
  for (const host of [
    'api.example',
    'API.Example',
    'api.example.',
    'api.example:8774',
    'api.example:',
    'api.example.:80',
  ])
    assert.equal(matches('other.example, Api.Example', host), true, host);
  for (const host of [
    '',
    ':80',
    'x.api.example',
    'api.example.evil',
    'evilapi.example',
    'api.example@evil',
    'api.example:80:1',
  ])
    assert.equal(matches('other.example, Api.Example', host), false, host);
});

test('*. is any subdomain, but not the domain; * is any host', () => {
  for (const host of ['a.example', 'a.b.example:80']) assert.equal(matches('*.example', host), true, host);
  for (const host of ['example', '.example', 'aexample', 'a.example.evil'])
    assert.equal(matches('*.example', host), false, host);
  for (const host of ['evil', '10.0.0.1', '']) assert.equal(matches('*', host), true, host);
});

test('a pattern with a port is of that port, which a client does not name if it is the usual one of the scheme', () => {
  assert.equal(matches('a.example:8080', 'a.example:8080'), true);
  assert.equal(matches('*.example:8080', 'a.example:8080'), true);
  for (const host of ['a.example', 'a.example:80', 'a.example:18080'])
    assert.equal(matches('a.example:8080, *.b.example:8080', host), false, host);
  assert.equal(matches('a.example:443', 'a.example', 'https'), true);
  assert.equal(matches('a.example:443', 'a.example', 'http'), false);
  assert.equal(matches('a.example:80', 'a.example', 'http'), true);
});

test('an IPv6 address is the same in each of its spellings, with brackets in a request', () => {
  for (const pattern of ['::1', '[::1]', '[0:0:0:0:0:0:0:1]:3000'])
    assert.equal(matches(pattern, '[0::1]:3000'), true, pattern);
  assert.equal(matches('[::1]:80', '[::1]:3000'), false);
  assert.equal(matches('::1', '::1'), false);
  assert.equal(matches('::1', '[::2]'), false);
});

test('what is no host is refused, and the message says how to write it', () => {
  for (const [written, hint] of [
    ['.example.org', /Write \* before it/],
    ['https://a.example', /without scheme and path/],
    ['a.example/', /without scheme and path/],
    ['a.example:*', /Without a port it has any/],
    ['a.example:70000', undefined],
    ['*a.example', undefined],
    ['*.*.example', undefined],
    ['a..example', undefined],
    ['[a]', undefined],
    ['a b', undefined],
  ] as const) {
    assert.throws(
      () => hostPattern().parse(written),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, /^should be a host such as api\.example\.org/, written);
        assert.equal(hint === undefined ? error.hint === undefined : hint.test(error.hint ?? ''), true, written);
        return true;
      },
    );
  }
});
