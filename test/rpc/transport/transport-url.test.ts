import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTransportUrl } from '#internal/extras/rpc';

test('RP-61 one host, with everything', () => {
  const url = parseTransportUrl('amqps://me:p%40ss@broker.example:5671/prod?heartbeat=30&queue_type=classic');
  assert.deepEqual(
    [url.driver, url.hosts, url.virtualHost, [...url.query]],
    [
      'amqps',
      [{ host: 'broker.example', port: 5671, user: 'me', password: 'p@ss' }],
      'prod',
      [
        ['heartbeat', '30'],
        ['queue_type', 'classic'],
      ],
    ],
  );
});

test('RP-61 several hosts: commas first, then the last @ of each, IPv6 in brackets', () => {
  const { hosts, warnings } = parseTransportUrl('amqp+ssl://a:x:y@one:1,b:p@ss@two,[::1]:3,[fe80::2]');
  assert.deepEqual(
    hosts.map(({ host, port, user, password }) => [host, port, user, password]),
    [
      ['one', 1, 'a', 'x:y'],
      ['two', undefined, 'b', 'p@ss'],
      ['::1', 3, undefined, undefined],
      ['fe80::2', undefined, undefined, undefined],
    ],
  );
  assert.deepEqual(warnings, ['only one, two of the hosts of the transport URL have a user']);
});

test('RP-61 what stands behind the first / is the virtual host, percent-decoded', () => {
  for (const [text, virtualHost] of [
    ['amqp://h', undefined],
    ['amqp://h/', undefined],
    ['amqp://h//', '/'],
    ['amqp://h/%2F', '/'],
    ['amqp://h/a%20b/c', 'a b/c'],
    ['amqp://h?x=1', undefined],
    ['memory://', undefined],
  ] as const) {
    assert.equal(parseTransportUrl(text).virtualHost, virtualHost, text);
  }
  assert.deepEqual(parseTransportUrl('MEMORY://').hosts, []);
});

test('RP-64 rabbit:// is read as amqp://, with a warning that oslo.messaging does not understand that', () => {
  const { driver, warnings } = parseTransportUrl('rabbit://h');
  assert.equal(driver, 'amqp');
  assert.match(
    warnings.join(),
    /^rabbit:\/\/ .* is read as amqp:\/\/.* write oslo\+rabbit:\/\/ to reach them, else amqp:\/\/$/,
  );
  for (const text of ['amqp://h', 'oslo+rabbit://h', 'memory://']) {
    assert.deepEqual(parseTransportUrl(text).warnings, [], text);
  }
});

test('RP-61 a URL is shown without its passwords', () => {
  const { shown } = parseTransportUrl('amqp://a:secret@one:1,b@two/v?password=secret');
  assert.equal(shown, 'amqp://a:****@one:1,b@two/v');
});

test('RP-61 RP-63 what is no transport URL is refused, and no error repeats it', () => {
  for (const [text, message] of [
    ['localhost:5672', /no scheme/],
    ['', /no scheme/],
    ['local://x', /local:\/\/ is not a transport/],
    ['amqp://secret:secret', /host 1 /],
    ['amqp://one,a:secret@:5', /host 2 /],
    ['amqp://[::1:5/', /host 1 /],
    ['amqp://h:70000/', /host 1 /],
    ['amqp://a:%secret@h/', /percent-encoded/],
    ['amqp://a:1/secret@h/', /an @ after a \//],
  ] as const) {
    assert.throws(
      () => parseTransportUrl(text),
      (error: { code: string; message: string; hint: string }) => {
        assert.equal(error.code, 'PORTICO_RPC_URL');
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message}${error.hint}`, /secret/);
        return true;
      },
    );
  }
});
