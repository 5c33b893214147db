import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Config } from 'portico/config';
import { RPCConnection, type TransportState } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { DeliveryFailure, DeliveryUnknown, MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { settled } from '../server/served-object.js';
import { gate, networkOf } from '../services.js';

const { log } = recordedLog();

class Images {
  size(): number {
    return 7;
  }
}

test('memory:// in a worker: clients of topics that it does not serve itself are refused when they are made', () => {
  const connection = new RPCConnection({ log, workerTopics: ['images'] });
  const images = connection.client({ topic: 'images' });
  const refused = {
    code: 'PORTICO_RPC_MEMORY',
    message: 'a client of "servers" runs in a worker, and memory:// cannot reach other processes',
    hint: /transport_url = amqp:\/\//,
  };
  assert.throws(() => connection.client({ topic: 'servers' }), refused);
  assert.throws(() => images.prepare({ topic: 'servers' }), refused);
  new RPCConnection({ log }).client({ topic: 'servers' });
});

test('RP-1 a connection opens nothing by itself, and can be used again after it was closed', async (t) => {
  const { serve, transport } = networkOf(t);

  await serve(new Images());
  const connection = new RPCConnection({ transport, log, config: new Config() });
  await connection.close();
  const client = connection.client({ topic: 'images' });
  assert.equal(await client.call({}, 'size'), 7);
  await connection.close();
  assert.equal(await client.call({}, 'size'), 7);
  await connection.close();
});

test('RP-1 a call whose connection is closed while it opens fails, and the next call opens another one', async (t) => {
  const { serve, transport } = networkOf(t);

  await serve(new Images());
  const connection = new RPCConnection({ transport, log, config: new Config() });
  const client = connection.client({ topic: 'images' });
  const [first, closed] = [client.call({}, 'size'), connection.close()];
  const second = client.call({}, 'size');
  await assert.rejects(first, { name: 'DeliveryFailure', message: /was closed before it was open/ });
  await closed;
  assert.equal(await second, 7);
  await connection.close();
});

test('RP-61 a connection that is printed shows no password', async () => {
  const connection = new RPCConnection({ transport: 'amqp://me:s3cret@north/' });
  assert.doesNotMatch(`${inspect(connection, { depth: 9 })}${JSON.stringify(connection)}`, /s3cret/);
  await connection.close();
});

test('RP-80 a connection says what is wrong with it: lost, or blocked by the broker', () => {
  const troublesIn = (state: TransportState): readonly string[] => {
    const transport = Object.assign(new MemoryTransport(new MemoryBroker(), 'amqp://host/'), {});
    Object.defineProperty(transport, 'state', { value: state });
    return new RPCConnection({ transport, log }).troubles;
  };
  assert.deepEqual((['new', 'connected', 'closed'] as const).flatMap(troublesIn), []);
  assert.deepEqual(troublesIn('lost'), ['remote calls: the connection to amqp://host/ is lost']);
  assert.deepEqual(troublesIn('blocked'), ['remote calls: amqp://host/ accepts no messages (memory or disk alarm)']);
});

test('RP-69 close({ deadline }) waits so long for calls that wait for their replies, and gives up the others', async (t) => {
  const { serve, transport } = networkOf(t);

  let [begun, ready] = [gate(), gate()];
  class Images {
    async resize(): Promise<string> {
      begun.open();
      await ready.opened;
      return 'done';
    }
  }
  await serve(new Images());
  const connection = new RPCConnection({ transport, log });
  const client = connection.client({ topic: 'images' });
  const call = client.call({}, 'resize');
  await begun.opened;
  const closing = connection.close({ deadline: 60 });
  ready.open();
  assert.equal(await call, 'done');
  await closing;

  [begun, ready] = [gate(), gate()];
  const late = assert.rejects(client.call({}, 'resize'), /stopped waiting for its reply, because it is exiting/);
  await begun.opened;
  await connection.close({ deadline: 0.01 });
  await late;
  ready.open();
  await assert.rejects(connection.close({ deadlin: 5 } as object), { code: 'PORTICO_RPC_OPTION' });
});

/** A client of the wire of oslo.messaging over a transport in memory, with what it publishes. */
async function onOslo() {
  const clock = new FakeClock();
  const transport = new MemoryTransport(new MemoryBroker({ clock }));
  await transport.connect();
  const config = Config.fromText('[rpc]\ntransport_url = oslo+rabbit://north/\n');
  const connection = new RPCConnection({ transport, log, clock, config });
  const route = { exchange: 'portico', topic: 'images' };
  await transport.declareQueue(route);
  const ttls: (number | undefined)[] = [];
  const publish = transport.publish.bind(transport);
  transport.publish = (to, message, options) => {
    ttls.push(options?.ttlMs);
    return publish(to, message, options);
  };
  return { clock, transport, route, ttls, client: connection.client({ topic: 'images', timeout: 20, retry: 1 }) };
}

const unknown = (): Error => new DeliveryUnknown({ message: 'lost before it was confirmed' });
const failure = (): Error => new DeliveryFailure({ message: 'not connected' });

test('RP-50 a message that may have run is unknown to its caller, also if a later try does not reach the broker', async () => {
  const { clock, transport, client } = await onOslo();
  for (const send of ['call', 'cast'] as const) {
    transport.failNext(unknown(), failure());
    const sent = assert.rejects(client[send]({}, 'resize'), { code: 'PORTICO_RPC_DELIVERY_UNKNOWN' });
    await settled();
    await clock.advance(10_000);
    await sent;
  }
});

test('RP-50 a call whose server was heard waits for its reply, although the broker did not confirm it', async () => {
  const { clock, transport, route, client } = await onOslo();
  let reply!: (result: number | null) => Promise<void>;
  await transport.consume(route, { prefetch: 1 }, ({ message }) => {
    const { 'oslo.message': text } = JSON.parse(Buffer.from(message.body).toString()) as { 'oslo.message': string };
    const { _msg_id, _reply_q } = JSON.parse(text) as { _msg_id: string; _reply_q: string };
    reply = (result) => {
      const body = Buffer.from(JSON.stringify({ result, ending: result !== null, _msg_id }));
      return transport.publish(_reply_q, { id: 'reply', body });
    };
  });
  transport.failNext(unknown());
  const call = client.call({}, 'resize');
  call.catch(() => {});
  await settled();
  await reply(null);
  await settled();
  await clock.advance(10_000);
  await reply(7);
  assert.equal(await call, 7);
});

test('a message that the broker will never take is not sent again', async () => {
  const { transport, client, ttls } = await onOslo();
  for (const send of ['call', 'cast'] as const) {
    transport.failNext(new DeliveryFailure({ message: 'it is too large', final: true }));
    const refused = { code: 'PORTICO_RPC_DELIVERY_FAILURE', message: 'it is too large', final: true };
    await assert.rejects(client[send]({}, 'resize'), refused);
  }
  assert.equal(ttls.length, 2);
});

test('RP-36 a call that is published again expires with its caller', async () => {
  const { clock, transport, ttls, client } = await onOslo();
  transport.failNext(failure());
  const call = assert.rejects(client.call({}, 'resize'), { code: 'PORTICO_RPC_TIMEOUT' });
  await settled();
  await clock.advance(2000);
  const [first, second] = ttls;
  assert.equal(first, 20_000);
  assert.ok(second! < 20_000, `${second}`);
  await clock.advance(20_000);
  await call;
});
