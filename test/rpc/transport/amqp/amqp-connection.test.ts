import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCConnection } from 'portico/rpc';
import { makeTransport, parseTransportUrl } from '#internal/extras/rpc';
import { connectionOptions } from '../../../../dist/extras/rpc/transport/amqp/amqp-connection.js';
import { makePair } from '../../../server/certificate-files.js';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { transportOptions } from '../../conformance.js';
import { brokerTest, brokerUrl } from './broker.js';
import { entered, ground, textMessage } from './open-broker.js';

const QUICK = { retryIntervalMs: 50, retryBackoffMs: 0, retryIntervalMaxMs: 100 };

function optionsOf(text: string, at = 0, more = {}): ReturnType<typeof connectionOptions> {
  const url = parseTransportUrl(text);
  return connectionOptions(url.hosts[at]!, { url, options: transportOptions(more), name: 'portico@north:7' });
}

test('RP-61 RP-84 RP-97 a URL says how a host is reached; what it does not say has the defaults of AMQP', () => {
  const { hostname, port, username, password, vhost, tls, heartbeat, connectionTimeout, connectionName } = optionsOf(
    'amqp://me:p%40ss@north,[::1]:5673/a%2Fb',
    0,
    { heartbeatMs: 20_000, connectTimeoutMs: 3000 },
  );
  assert.deepEqual(
    { hostname, port, username, password, vhost, tls, heartbeat, connectionTimeout, connectionName },
    {
      hostname: 'north',
      port: 5672,
      username: 'me',
      password: 'p@ss',
      vhost: 'a/b',
      tls: undefined,
      heartbeat: 20,
      connectionTimeout: 3000,
      connectionName: 'portico@north:7',
    },
  );
  const other = optionsOf('amqp://me:p%40ss@north,[::1]:5673/a%2Fb', 1);
  assert.deepEqual([other.hostname, other.port, other.username], ['::1', 5673, 'guest']);
  const bare = optionsOf('rabbit://north');
  assert.deepEqual([bare.username, bare.password, bare.vhost], ['guest', 'guest', '/']);
});

test('RP-92 amqps:// and oslo+amqps:// are TLS: the host name is sent and verified', () => {
  const verified = optionsOf('amqps://north', 0, { tls: { ca: 'CA', cert: 'CERT', key: 'KEY' } });
  assert.deepEqual([verified.port, verified.tls], [5671, { servername: 'north', ca: 'CA', cert: 'CERT', key: 'KEY' }]);
  assert.deepEqual(optionsOf('oslo+amqps://north', 0, { tls: { ca: 'CA', cert: 'CERT', key: 'KEY' } }), verified);
  // An IP address is not sent as SNI, but Node still checks the certificate against it.
  assert.deepEqual(optionsOf('amqps://127.0.0.1').tls, {});
});

test('a start that is given up says why it was not connected, without a password', async () => {
  const closed = await closedPort();
  const log = recordedLog();
  const options = transportOptions({ ...QUICK, log: log.log });
  const transport = await makeTransport(`amqp://me:secret@127.0.0.1:${closed}/`, options);
  const giveUp = new AbortController();
  const connecting = transport.connect(giveUp.signal);
  await said(log, /failed: .*; retrying in/);
  giveUp.abort();
  await assert.rejects(connecting, ({ code, message }: { code: string; message: string }) => {
    assert.equal(code, 'PORTICO_RPC_DELIVERY_FAILURE');
    assert.match(message, /amqp:\/\/me:\*\*\*\*@127\.0\.0\.1:\d+\/ is not connected: connect ECONNREFUSED/);
    return true;
  });
  assert.equal(transport.state, 'new');
  await assert.rejects(transport.publish({ exchange: 'a', topic: 'b' }, textMessage('x')), {
    code: 'PORTICO_RPC_DELIVERY_FAILURE',
  });
  await transport.close();
  assert.doesNotMatch(JSON.stringify(log.lines), /secret/);
});

test('RP-36 RP-49 with retry 0 a connection is tried once: a call fails at once, and the next one tries again', async () => {
  const closed = await closedPort();
  const config = Config.fromText(`[rpc]\ntransport_url = amqp://127.0.0.1:${closed}/\nretry_interval = 30\n`);
  const log = recordedLog();
  const connection = new RPCConnection({ config, log: log.log });
  const client = connection.client({ topic: 'images', timeout: 60, retry: 0 });
  for (const send of ['call', 'cast'] as const)
    await assert.rejects(client[send]({}, 'resize'), ({ code, message }: Error & { code: string }) => {
      assert.equal(code, 'PORTICO_RPC_DELIVERY_FAILURE');
      assert.match(message, /is not connected: connect ECONNREFUSED/);
      return true;
    });
  assert.equal(log.messages().filter((line) => /failed: .*; retrying in/.test(line)).length, 2);
  await connection.close();
});

test('RP-36 a connection is tried again as often as retry says', async () => {
  const log = recordedLog();
  const options = transportOptions({ ...QUICK, log: log.log });
  const transport = await makeTransport(`amqp://127.0.0.1:${await closedPort()}/`, options);
  await assert.rejects(transport.connect(undefined, 2), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  assert.equal(log.messages().filter((line) => /failed: .*; retrying in/.test(line)).length, 3);
  await transport.close();
});

brokerTest('RP-36 with retry 0 a lost connection is not waited for', async (t) => {
  const { open, proxy } = ground(t);
  const way = await proxy();
  const transport = await open(way.url);
  await way.close();
  await entered(transport, 'lost');
  await assert.rejects(transport.connect(undefined, 0), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
});

brokerTest('a user that the broker refuses is reported at once, in its words and without the password', async () => {
  const { host } = new URL(brokerUrl);
  const log = recordedLog();
  const transport = await makeTransport(`amqp://guest:wr0ng@${host}/`, transportOptions({ ...QUICK, log: log.log }));
  // The second call tries again and fails in the same way.
  for (const _ of ['first', 'second']) {
    await assert.rejects(transport.connect(), (error: Error & { code: string }) => {
      assert.equal(error.code, 'PORTICO_RPC_DELIVERY_FAILURE');
      assert.match(error.message, /refuses the user: ACCESS_REFUSED/);
      assert.doesNotMatch(error.message, /wr0ng/);
      return true;
    });
  }
  await transport.close();
  assert.doesNotMatch(JSON.stringify(log.lines), /wr0ng/);
});

test('without the package an amqp:// URL says what to install; nothing else needs it', () => {
  const hide = `export async function resolve(name, context, next) {
    const missing = { code: 'ERR_MODULE_NOT_FOUND' };
    if (name === 'rabbitmq-client') throw Object.assign(new Error("Cannot find package 'rabbitmq-client'"), missing);
    return next(name, context);
  }`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${hide}`)});`;
  const program = `
    import { makeTransport } from ${JSON.stringify(import.meta.resolve('#internal/extras/rpc'))};
    const options = { ...${JSON.stringify({ ...transportOptions(), log: undefined })}, log: { warn() {}, info() {} } };
    const memory = await makeTransport('memory://', options);
    await memory.connect();
    const amqp = await makeTransport('amqp://127.0.0.1', options);
    await amqp.connect().catch((error) => console.log(error.code, error.hint));`;
  const { stdout } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(register)}`, '--input-type=module', '-e', program],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, 'PORTICO_AMQP_MISSING npm install rabbitmq-client@5\n');
});

test('a broker that accepts and says nothing is given up after connect_timeout', async (t) => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => silent.close());
  const log = recordedLog();
  const { port } = silent.address() as { port: number };
  const transport = await makeTransport(
    `amqp://127.0.0.1:${port}/`,
    transportOptions({ ...QUICK, connectTimeoutMs: 100, log: log.log }),
  );
  const giveUp = new AbortController();
  const connecting = transport.connect(giveUp.signal);
  await said(log, /failed: connection timed out/);
  giveUp.abort();
  await assert.rejects(connecting, { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  await transport.close();
});

brokerTest(
  'RP-61 hosts are tried in a random order, each with its own user; after a loss the next one is',
  async (t) => {
    const { open, proxy } = ground(t);
    const [one, two] = [await proxy(), await proxy()];
    const [first, second] = [new URL(one.url), new URL(two.url)];
    const url = `amqp://127.0.0.1:${await closedPort()},${first.username}:${first.password}@${first.host},${second.username}:${second.password}@${second.host}/`;
    const transport = await open(url);
    assert.equal(one.connections + two.connections, 1);
    const connected = new Promise<void>((resolve) => {
      transport.onState((state) => state === 'connected' && resolve());
    });
    (one.connections === 1 ? one : two).cut();
    await connected;
    assert.deepEqual([one.connections, two.connections], [1, 1]);
  },
);

brokerTest(
  'RP-92 amqps:// reaches a broker behind TLS, and refuses a certificate for another name or from another authority',
  async (t) => {
    const certificate = await makePair();
    const { route, open, proxy: opened } = ground(t);
    const proxy = await opened(certificate);
    const { username, password } = new URL(brokerUrl);
    const at = (host: string): string => `amqps://${username}:${password}@${host}:${proxy.port}/`;
    const transport = await open(at('localhost'), { tls: { ca: certificate.cert } });
    await assert.rejects(transport.publish(route, textMessage('x'), { mandatory: true }), {
      code: 'PORTICO_RPC_NO_SERVERS',
    });
    for (const [options, reason] of [
      [{ tls: { ca: (await makePair(365, 'elsewhere.example')).cert } }, /self-signed certificate|unable to verify/],
      [{}, /self-signed certificate/],
    ] as const) {
      await refusedBy(at('localhost'), options, reason);
    }
    const elsewhere = await makePair(365, 'elsewhere.example');
    const other = await opened(elsewhere);
    const wrong = `amqps://${username}:${password}@localhost:${other.port}/`;
    await refusedBy(wrong, { tls: { ca: elsewhere.cert } }, /Hostname\/IP does not match/);
  },
);

async function refusedBy(url: string, more: object, reason: RegExp): Promise<void> {
  const log = recordedLog();
  const transport = await makeTransport(url, transportOptions({ ...QUICK, ...more, log: log.log }));
  const giveUp = new AbortController();
  const connecting = transport.connect(giveUp.signal);
  await said(log, /failed: .*; retrying in/);
  giveUp.abort();
  await assert.rejects(connecting, reason);
  await transport.close();
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until a line of the log matches. */
async function said(log: ReturnType<typeof recordedLog>, what: RegExp): Promise<void> {
  while (!log.messages().some((message) => what.test(message))) await new Promise((resolve) => setTimeout(resolve, 5));
}
