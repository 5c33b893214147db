import assert from 'node:assert/strict';
import { RPCConnection } from 'portico/rpc';
import { DeadLetters } from '#internal/extras/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { gate } from '../../services.js';
import { brokerUrl, brokerTest as test, withBroker } from './broker.js';
import { Deliveries, entered, ground, textMessage, textOf } from './open-broker.js';

test('RP-79 after a loss all consumers are there again, replies at the same address', async (t) => {
  const { route, open, proxy: opened } = ground(t);
  const proxy = await opened();
  const [transport, other] = [await open(proxy.url), await open(brokerUrl)];
  const [north, fanout] = [
    { ...route, server: 'north' },
    { ...route, fanout: true },
  ];
  const got = new Deliveries();
  for (const each of [route, north, fanout]) await transport.consume(each, { prefetch: 5 }, got.take);
  let tell!: (text: string) => void;
  const replied = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const { address } = await transport.consumeReplies(({ body }) => tell(Buffer.from(body).toString()));

  const lost = entered(transport, 'lost');
  proxy.cut();
  await lost;
  // The queues outlive the connection.
  for (const each of [route, north, fanout]) await other.publish(each, textMessage('meanwhile'), { mandatory: true });
  await other.publish(address, textMessage('reply'), { mandatory: true });
  const deliveries = [await got.next(), await got.next(), await got.next()];
  assert.deepEqual(deliveries.map(textOf), ['meanwhile', 'meanwhile', 'meanwhile']);
  await Promise.all(deliveries.map(({ ack }) => ack()));
  assert.equal(await replied, 'reply');
});

test('RP-81 a queue that is deleted under its consumer is declared and consumed anew', async (t) => {
  const { route, open } = ground(t);
  const log = recordedLog();
  const transport = await open(brokerUrl, { log: log.log });
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 5 }, got.take);
  const queue = `${route.exchange}.images`;
  for (const text of ['a', 'b', 'c']) {
    await withBroker((connection) => connection.queueDelete({ queue }));
    // Retry until the driver has declared the queue again.
    while (!(await published(transport.publish(route, textMessage(text), { mandatory: true }))));
    const delivery = await got.next();
    assert.equal(textOf(delivery), text);
    await delivery.ack();
  }
  const levels = log.lines.filter(({ msg }) => msg.includes('cancelled the consumer')).map(({ level }) => level);
  assert.deepEqual(levels, ['warn', 'warn', 'warn']);
});

test('RP-69 RP-84 a connection on which nothing comes is lost after two heartbeats', async (t) => {
  const { route, open, proxy: opened } = ground(t);
  const proxy = await opened();
  const transport = await open(proxy.url, { heartbeatMs: 1000 });
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 5 }, got.take);
  const lost = entered(transport, 'lost');
  proxy.freeze();
  await lost;
  await entered(transport, 'connected');
  await transport.publish(route, textMessage('after'), { mandatory: true });
  assert.equal(textOf(await got.next()), 'after');
});

test('a consumer that is cancelled while the broker is away does not come back', async (t) => {
  const { route, open, proxy: opened } = ground(t);
  const proxy = await opened();
  const [transport, other] = [await open(proxy.url), await open(brokerUrl)];
  const consumer = await transport.consume(route, { prefetch: 5 }, () => assert.fail('it is cancelled'));
  const lost = entered(transport, 'lost');
  proxy.cut();
  await lost;
  await consumer.cancel();
  await entered(transport, 'connected');
  const got = new Deliveries();
  await transport.consume({ ...route, server: 'north' }, { prefetch: 1 }, got.take);
  await other.publish(route, textMessage('for nobody'), { mandatory: true });
  await other.publish({ ...route, server: 'north' }, textMessage('mine'), { mandatory: true });
  assert.equal(textOf(await got.next()), 'mine');
});

test('RP-95 over RabbitMQ a fanout is not replayed to a killed process, whose queue is there still', async (t) => {
  const { open, proxy: opened, route } = ground(t);
  const proxy = await opened();
  const [killed, operator] = [await open(proxy.url), await open(brokerUrl)];
  // Declaring the topic's queue also declares the dead letters of the exchange.
  await operator.declareQueue(route);
  const buried = gate();
  await killed.consume({ ...route, fanout: true }, { prefetch: 1 }, ({ deadLetter }) => {
    void deadLetter('unreadable: not JSON').then(buried.open);
  });
  await operator.publish({ ...route, fanout: true }, textMessage('{'));
  await buried.opened;
  const queues: string[] = [];
  await operator.eachDeadLetter(route.exchange, async ({ death }) => void queues.push(death!.queue));
  // To the broker the process is gone, and it does not reconnect.
  await proxy.close();
  await withBroker(async (broker) => {
    while ((await broker.queueDeclare({ queue: queues[0]!, passive: true })).consumerCount! > 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  const connection = new RPCConnection({ transport: operator, project: route.exchange, log: recordedLog().log });
  const letters = new DeadLetters(connection);
  const [replayed] = await letters.replay({});
  assert.match(replayed!.failure!, /^it is a copy of a fanout, and its process has ended or is not connected/);
  assert.equal((await letters.drop({})).length, 1);
  await withBroker((broker) => broker.queueDelete({ queue: queues[0]! }));
});

async function published(publish: Promise<void>): Promise<boolean> {
  return await publish.then(
    () => true,
    () => false,
  );
}
