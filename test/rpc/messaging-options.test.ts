import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCConnection, transportUrl } from 'portico/rpc';
import { temporaryFolder } from '../fixtures/keeper.js';

function settings(text: string, options: object = {}) {
  return new RPCConnection({ config: Config.fromText(text), ...options }).settings;
}

test('transportUrl is the URL of the configuration, parsed; a line of [DEFAULT] as oslo.messaging means it', () => {
  const { driver, hosts, shown } = transportUrl(
    Config.fromText('[rpc]\ntransport_url = nats://me:s3cret@north:4222/\n'),
  );
  const host = { host: 'north', port: 4222, user: 'me', password: 's3cret' };
  assert.deepEqual([driver, hosts, shown], ['nats', [host], 'nats://me:****@north:4222/']);
  assert.equal(transportUrl(new Config()).driver, 'memory');
  assert.equal(transportUrl(Config.fromText('[DEFAULT]\ntransport_url = rabbit://north/\n')).driver, 'oslo+rabbit');
  assert.throws(() => transportUrl(Config.fromText('[rpc]\ntransport_url = nats://a:b:c/\n')), {
    code: 'PORTICO_RPC_URL',
  });
});

test('RP-60 the defaults of [rpc]', () => {
  const { transport, limits, ...others } = settings('');
  assert.deepEqual(limits, { maxBytes: 16_777_216 });
  assert.deepEqual(others, {
    isInProcess: true,
    isOslo: false,
    exchange: 'portico',
    responseMs: 60_000,
    longMs: 1_800_000,
    castTtlMs: 3_600_000,
    poolSize: 64,
    accessPolicy: undefined,
    monitorMs: 60_000,
    startWaitMs: 60_000,
    startWithoutBroker: false,
    replyRetryMs: 30_000,
  });
  assert.deepEqual(transport, {
    connectTimeoutMs: 10_000,
    heartbeatMs: 20_000,
    retryIntervalMs: 1000,
    retryBackoffMs: 2000,
    retryIntervalMaxMs: 30_000,
    hostQueueTtlMs: 86_400_000,
    transientQueueTtlMs: 600_000,
    queueType: 'quorum',
    deliveryLimit: 20,
    deadLetter: true,
    tls: { isOn: undefined, ca: undefined, cert: undefined, key: undefined },
    oslo: undefined,
  });
});

test('RP-60 the pool holds as many calls as are configured, and the exchange is that of the project unless it is set', () => {
  const small = settings('[rpc]\nexecutor_pool_size = 3\ncontrol_exchange = nova\n', { project: 'mine' });
  assert.deepEqual([small.poolSize, small.exchange], [3, 'nova']);
  assert.equal(settings('', { project: 'mine' }).exchange, 'mine');
  assert.throws(() => settings('[rpc]\nexecutor_pool_size = 0\n'), { code: 'PORTICO_CONFIG_REFUSED' });
});

test('RP-61 options behind the URL win, and are checked as those of the file', () => {
  const url = 'memory://x?heartbeat=5&response_timeout=2m&dead_letter=no';
  const { transport, responseMs } = settings(`[rpc]\ntransport_url = ${url}\nheartbeat = 30\n`);
  assert.deepEqual([transport.heartbeatMs, transport.deadLetter, responseMs], [5000, false, 120_000]);
  for (const [query, message, hint] of [
    ['hartbeat=5', /has "hartbeat", which is not an option of \[rpc\]/, /"heartbeat"/],
    ['transport_url=x', /"transport_url"/, /Options/],
    ['executor_pool_size=0', /^executor_pool_size in the query of the transport URL: should be/, undefined],
  ] as const) {
    assert.throws(
      () => settings('', { transport: `memory://?${query}` }),
      ({ code, message: text, hint: given }: { code: string; message: string; hint?: string }) =>
        code === 'PORTICO_RPC_URL' && message.test(text) && (hint?.test(given ?? '') ?? given === undefined),
      query,
    );
  }
});

test('RP-60 RP-92 files of ssl_* are read at the start, of both sections; one that is not there is refused', () => {
  const folder = temporaryFolder('portico-');
  const file = join(folder, 'ca.pem');
  writeFileSync(file, 'CA');
  const { tls } = settings(`[rpc]\nssl_ca_file = ${file}\n`).transport;
  assert.equal(String(tls.ca), 'CA');
  const url = '[rpc]\ntransport_url = oslo+amqps://north/\n';
  const oslo = settings(`${url}[oslo_messaging_rabbit]\nssl_ca_file = ${file}\n`).transport.tls;
  assert.equal(String(oslo.ca), 'CA');
  for (const section of ['[rpc]', `${url}[oslo_messaging_rabbit]`])
    assert.throws(() => settings(`${section}\nssl_ca_file = ${file}x\n`), /no such file/);
});

test('options of [oslo_messaging_rabbit] apply where the URL is one of oslo.messaging, others are names of those of [rpc]; its query wins', () => {
  const ini = `[rpc]
transport_url = oslo+rabbit://one,two:5673/nova?rabbit_quorum_queue=true
[oslo_messaging_rabbit]
rabbit_quorum_queue = false
heartbeat_timeout_threshold = 60
rabbit_retry_interval = 0.5
ssl = true
`;
  const { transport, isOslo, castTtlMs } = settings(ini);
  assert.deepEqual([isOslo, castTtlMs], [true, 0]);
  assert.deepEqual(
    [transport.heartbeatMs, transport.retryBackoffMs, transport.queueType, transport.transientQueueTtlMs],
    [60_000, 1000, 'quorum', 1_800_000],
  );
  assert.deepEqual([transport.tls.isOn, transport.oslo?.quorum], [true, true]);
  assert.equal(settings(ini.replace('[oslo', 'cast_ttl = 60\n[oslo')).castTtlMs, 60_000);
  const other = settings(ini.replace('oslo+rabbit', 'amqp').replace(/\?.*/, ''));
  assert.deepEqual([other.isOslo, other.transport.heartbeatMs, other.transport.oslo], [false, 60_000, undefined]);
});

test('a section [oslo_messaging_rabbit] is copied whole: what means nothing here is a warning with its location, a wrong value an error', () => {
  const ini = `[rpc]
transport_url = oslo+rabbit://one/nova
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
rpc_conn_pool_size = 30
rabbit_password = hunter2
rabbit_quorum_queue = true
rabit_quorum_queue = true
`;
  const config = Config.fromText(ini, { file: 'portico.ini' });
  assert.throws(() => new RPCConnection({ config }), /rabit_quorum_queue/);
  const found = config
    .problems()
    .map(({ severity, code, location, option, hint }) => [
      severity,
      code,
      location?.detail,
      option,
      hint?.split(/[ :]/)[0],
    ]);
  assert.deepEqual(found, [
    ['warning', 'PORTICO_CONFIG_UNUSED_OPTION', 'portico.ini:4:1', 'heartbeat_in_pthread', 'Remove'],
    ['warning', 'PORTICO_CONFIG_UNUSED_OPTION', 'portico.ini:5:1', 'rpc_conn_pool_size', 'Remove'],
    ['warning', 'PORTICO_CONFIG_UNUSED_OPTION', 'portico.ini:6:1', 'rabbit_password', 'Put'],
    ['error', 'PORTICO_CONFIG_UNKNOWN_OPTION', 'portico.ini:8:1', 'rabit_quorum_queue', 'did'],
  ]);
  assert.doesNotMatch(JSON.stringify(config.problems()), /hunter2/);
  const { transport } = settings(ini.replace(/^rabit.*\n/m, ''));
  assert.equal(transport.queueType, 'quorum');
});

test('PY-3 a copied section [oslo_messaging_notifications] starts: what has no effect is a warning, an empty URL is none', () => {
  const ini = `[oslo_messaging_notifications]
driver = messagingv2
retry = -1
transport_url =
topics = notifications
`;
  const config = Config.fromText(ini, { file: 'portico.ini' });
  new RPCConnection({ config }).notifier({ publisherId: 'images.north' });
  const found = config.problems().map(({ severity, code, location, hint }) => [severity, code, location?.detail, hint]);
  assert.deepEqual(found, [
    [
      'warning',
      'PORTICO_CONFIG_UNUSED_OPTION',
      'portico.ini:3:1',
      'Remove the line: a notification that the broker does not accept is sent again for 30 s.',
    ],
  ]);
});
