import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCConnection, StatefulTransport, type Transport, type TransportState, type Transports } from 'portico/rpc';
import { MemoryTransport, makeTransport, shareTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { kept, transportOptions } from '../conformance.js';

const route = { exchange: 'portico', topic: 'images' };

const message = { id: 'id-1', body: Buffer.from('x') };

test('a scheme without a driver is refused with the nearest', async () => {
  await assert.rejects(makeTransport('memroy://', transportOptions()), {
    code: 'PORTICO_RPC_URL',
    message: 'there is no transport memroy://',
    hint: 'Did you mean "memory"?',
  });
});

test('RP-1 one transport for a URL: a share that is closed ends what it consumed, the last one the connection', async () => {
  const [one, two, other] = await Promise.all(
    ['memory://a', 'memory://a', 'memory://b'].map((url) => shareTransport(url, transportOptions())),
  );
  for (const share of [one!, two!, other!]) await share.connect();
  const got: string[] = [];
  const arrived = new Promise<void>((resolve) => {
    void two!.consume(route, { prefetch: 1 }, ({ message: { id }, ack }) => {
      got.push(`two ${id}`);
      void ack();
      resolve();
    });
  });
  await one!.consume({ ...route, server: 'north' }, { prefetch: 1 }, ({ message: { id } }) => got.push(`one ${id}`));
  const states: string[] = [];
  one!.onState((state) => states.push(state));
  await one!.close();
  await one!.close();
  assert.deepEqual([one!.state, two!.state, states], ['closed', 'connected', []]);
  await two!.publish({ ...route, server: 'north' }, message);
  await two!.publish(route, message);
  await arrived;
  assert.deepEqual(got, ['two id-1']);
  await assert.rejects(other!.publish(route, message, { mandatory: true }), { code: 'PORTICO_RPC_NO_SERVERS' });
  await two!.close();
  const anew = await shareTransport('memory://a', transportOptions());
  await anew.connect();
  await assert.rejects(anew.publish(route, message, { mandatory: true }), { code: 'PORTICO_RPC_NO_SERVERS' });
  await Promise.all([anew.close(), other!.close()]);
});

test('the transport of a connection has the object of its driver', async () => {
  const connection = new RPCConnection({ transport: 'memory://driver' });
  const { driver } = await connection.connected(1000);
  assert.ok(driver instanceof MemoryTransport);
  await connection.close();
});

/** A driver of an extension that fails, and whose states a test sets. */
class Failing extends StatefulTransport {
  readonly name = 'failing://';
  async connect(): Promise<void> {
    this.enter('connected');
  }
  async publish(): Promise<void> {
    throw new Error('EPIPE');
  }
  declareQueue(): Promise<void> {
    throw new Error('no stream');
  }
  consume = () => this.declareQueue();
  consumeReplies = () => this.declareQueue();
  removeQueue = () => this.declareQueue();
  hasConsumer = () => this.declareQueue();
  async close(): Promise<void> {
    this.enter('closed');
  }
  is(state: TransportState, reason?: string): void {
    this.enter(state, reason);
  }
}

async function openFailing() {
  const config = new Config();
  const failing = new Failing();
  const transports: Transports = { failing: async () => () => failing as unknown as Transport };
  Object.assign(config, { knownExtensions: () => ({ loaded: [{ name: 'failing', provides: { transports } }] }) });
  const { log, lines } = recordedLog();
  const share = await shareTransport('failing://', { ...transportOptions(), log }, config);
  await share.connect();
  return { failing, share, lines };
}

test('an error of a driver is the cause of one that callers know', async () => {
  const { share } = await openFailing();
  const refused = (code: string, text: string) => (error: Error & { code?: string }) => {
    assert.deepEqual([error.code, error.message, (error.cause as Error).message], [code, `failing://: ${text}`, text]);
    return true;
  };
  await assert.rejects(share.publish(route, message), refused('PORTICO_RPC_DELIVERY_UNKNOWN', 'EPIPE'));
  const works = [
    () => share.declareQueue(route),
    () => share.consume(route, { prefetch: 1 }, () => {}),
    () => share.consumeReplies(() => {}),
    () => share.removeQueue(route),
    () => share.hasConsumer('images'),
  ];
  for (const work of works) await assert.rejects(work(), refused('PORTICO_RPC_DELIVERY_FAILURE', 'no stream'));
  await share.close();
});

test('the loss of a connection of an extension is logged, with its reason, and its return', async () => {
  const { failing, share, lines } = await openFailing();
  failing.is('lost', 'read ECONNRESET');
  failing.is('lost', 'again');
  failing.is('connected');
  failing.is('blocked', 'disk');
  failing.is('lost');
  await share.close();
  assert.deepEqual(
    lines.map(({ level, msg }) => `${level} ${msg}`),
    [
      'warn failing://: the connection is lost: read ECONNRESET',
      'info failing://: the connection is restored',
      'warn failing:// accepts no messages: disk',
      'warn failing://: the connection is lost',
    ],
  );
});

test('RP-1 a share that is closed while it begins to consume leaves no consumer', async () => {
  const [one, two] = await Promise.all(
    ['memory://c', 'memory://c'].map((url) => shareTransport(url, transportOptions())),
  );
  for (const share of [one!, two!]) await share.connect();
  const begun = one!.consume({ ...route, fanout: true }, { prefetch: 1 }, () => assert.fail('it is closed'));
  const over = assert.rejects(begun, { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  await one!.close();
  await over;
  await assert.rejects(two!.publish({ ...route, fanout: true }, message, { mandatory: true }), {
    code: 'PORTICO_RPC_NO_SERVERS',
  });
  await two!.close();
});

test('RP-1 a share keeps nothing of consumers that have ended', async () => {
  const share = await shareTransport('memory://cycles', transportOptions());
  await share.connect();
  const refs: WeakRef<object>[] = [];
  const cycle = async (): Promise<void> => {
    const consumers = await Promise.all([
      share.consume({ exchange: 'portico', topic: 'images' }, { prefetch: 1 }, () => {}),
      share.consumeReplies(() => {}),
    ]);
    for (const consumer of consumers) refs.push(new WeakRef(consumer));
    assert.match(consumers[1].address, /^reply_/);
    await Promise.all(consumers.map((consumer) => consumer.cancel()));
  };
  for (let cycles = 0; cycles < 50; cycles++) await cycle();
  const left = await kept(refs);
  assert.ok(left <= 2, `${left} of ${refs.length} are kept`);
  await share.close();
});
