import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cidr, host, hostport, ip, listen } from 'portico/config';
import { InvalidValue, isLoopback } from '#internal/config';

test('CF-40 addresses and networks, of one version or both', () => {
  for (const text of ['127.0.0.1', '::1', 'fe80::1%eth0']) assert.equal(ip().parse(text), text);
  for (const text of ['256.0.0.1', '1.2.3', '[::1]', '']) assert.throws(() => ip().parse(text), InvalidValue, text);
  assert.throws(() => ip({ version: 4 }).parse('::1'), /IPv4 address/);
  assert.deepEqual(
    ['10.0.0.0/8', 'fd00::/8', '10.1.2.3', '::1'].map((text) => cidr().parse(text)),
    ['10.0.0.0/8', 'fd00::/8', '10.1.2.3/32', '::1/128'],
  );
  for (const text of ['10.0.0.0/33', '10.0.0.0/', '::/129', '10/8', '1.2.3.4/8/9']) {
    assert.throws(() => cidr().parse(text), InvalidValue, text);
  }
  assert.throws(() => cidr({ version: 6 }).parse('10.0.0.0/8'), /IPv6 network/);
});

test('CF-41 host names follow RFC 1123; what looks like an address must be one', () => {
  for (const text of ['localhost', 'a-b.example.org', 'x.', '3com.com', '10.0.0.1', '::1']) {
    assert.equal(host().parse(text), text);
  }
  for (const text of ['-a.org', 'a-.org', 'a..b', 'under_score', '300.1.1.1', 'a b', '', 'a'.repeat(64)]) {
    assert.throws(() => host().parse(text), InvalidValue, text);
  }
});

test('CF-41 host and port, with brackets around IPv6', () => {
  assert.deepEqual(hostport().parse('[::1]:8774'), { host: '::1', port: 8774 });
  assert.deepEqual(hostport().parse('api.example.org:80'), { host: 'api.example.org', port: 80 });
  for (const text of ['host', '[::1]', '::1:80', 'h:65536', 'h:', ':80', '[a]:1', '[::1']) {
    assert.throws(() => hostport().parse(text), InvalidValue, text);
  }
  assert.throws(() => hostport().parse(''), /must not be empty/);
  assert.equal(hostport({ canBeEmpty: true }).parse(' '), undefined);
  assert.equal(hostport().format({ host: '::1', port: 1 }), '[::1]:1');
});

test('CF-41 where to listen: address, socket file, inherited descriptor, systemd socket', () => {
  const written = {
    '127.0.0.1': { kind: 'tcp', host: '127.0.0.1' },
    '::': { kind: 'tcp', host: '::' },
    '[::]:80': { kind: 'tcp', host: '::', port: 80 },
    'localhost:0': { kind: 'tcp', host: 'localhost', port: 0 },
    'unix:/run/a.sock': { kind: 'unix', path: '/run/a.sock' },
    'fd:3': { kind: 'fd', fd: 3 },
    'systemd:compute': { kind: 'systemd', name: 'compute' },
  };
  for (const [text, value] of Object.entries(written)) {
    const parsed = listen().parse(text)!;
    assert.deepEqual(parsed, value, text);
    assert.equal(listen().format(parsed), text);
  }
  for (const text of ['unix:relative', 'unix:/a\nb', `unix:/${'a'.repeat(107)}`, 'fd:x', 'systemd:', '', 'a b']) {
    assert.throws(() => listen().parse(text), InvalidValue, text);
  }
  assert.deepEqual(listen({ default: '127.0.0.1' }).default, { kind: 'tcp', host: '127.0.0.1' });
});

test('an address of this machine alone is distinguished from others, in each of its spellings', () => {
  for (const own of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1', 'localhost']) {
    assert.equal(isLoopback(own), true, own);
  }
  for (const other of ['0.0.0.0', '128.0.0.1', '::', '::2', '127.0.0.1.example', '10.0.0.127']) {
    assert.equal(isLoopback(other), false, other);
  }
});
