import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadQueue, osloTopology, porticoTopology } from '../../../../dist/extras/rpc/transport/amqp/amqp-topology.js';
import { transportOptions } from '../../conformance.js';
import { brokerTest, brokerUrl, withBroker } from './broker.js';
import { ground, textMessage } from './open-broker.js';

const images = { exchange: 'app', topic: 'images' };
const options = transportOptions({ hostQueueTtlMs: 86_400_000, transientQueueTtlMs: 600_000, deliveryLimit: 5 });
const { addressOf, queueOfRoute, replyQueue } = porticoTopology(options);

test('RP-6 RP-66 messages go to an exchange of their application; a fanout to one of its topic, a reply to its queue', () => {
  assert.deepEqual(
    [images, { ...images, server: 'north.example' }, { ...images, fanout: true }, 'reply_1'].map(addressOf),
    [
      { exchange: 'app.portico', type: 'topic', routingKey: 'app.images' },
      { exchange: 'app.portico', type: 'topic', routingKey: 'app.images.north.example' },
      { exchange: 'app.images.fanout', type: 'fanout', routingKey: '' },
      { exchange: '', type: 'topic', routingKey: 'reply_1' },
    ],
  );
});

test('PY-2 no exchange or queue of one topology has a name of the other; fanouts of Portico alone have an exchange there', () => {
  const oslo = osloTopology(options);
  const routes = [images, { ...images, server: 'north' }, { ...images, fanout: true }];
  const namesOf = ({ queueOfRoute: plan }: typeof oslo): string[] =>
    routes.flatMap((route) => [plan(route, 'id').queue, ...plan(route, 'id').from!.map(({ exchange }) => exchange)]);
  const theirs = ['images', 'app', 'images.north', 'app', 'images_fanout_id', 'images_fanout', 'images_portico'];
  assert.deepEqual(namesOf(oslo), theirs);
  const own = namesOf(porticoTopology(options));
  const shared = own.filter((name) => theirs.includes(name));
  assert.deepEqual(shared, []);
  assert.equal(oslo.addressOf({ ...images, fanout: true, isOwn: true }).exchange, 'images_portico');
});

test('RP-66 RP-67 queues are quorum queues with a limit of deliveries and dead letters; those of hosts and processes expire', () => {
  const told = [
    queueOfRoute(images, 'id'),
    queueOfRoute({ ...images, server: 'north' }, 'id'),
    queueOfRoute({ ...images, fanout: true }, 'id'),
    replyQueue('1'),
    deadQueue('app'),
  ].map(({ queue, arguments: given }) => [queue, given]);
  const kept = { 'x-queue-type': 'quorum', 'x-delivery-limit': 5, 'x-dead-letter-exchange': 'app.dlx' };
  const passing = { 'x-queue-type': 'classic', 'x-expires': 600_000 };
  assert.deepEqual(told, [
    ['app.images', kept],
    ['app.images.north', { ...kept, 'x-expires': 86_400_000 }],
    ['app.images.fanout.id', { ...passing, 'x-message-ttl': 600_000 }],
    ['reply_1', passing],
    ['app.dead', { 'x-queue-type': 'classic', 'x-max-length': 10_000 }],
  ]);
  const plain = porticoTopology({ ...options, queueType: 'classic', deadLetter: false }).queueOfRoute(images, 'id');
  assert.deepEqual(plain.arguments, { 'x-queue-type': 'classic' });
});

brokerTest('RP-68 a queue that exists with other properties is reported with both, and with what to do', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  await (await transport.consume(route, { prefetch: 1 }, () => {})).cancel();
  const other = await open(brokerUrl, { deliveryLimit: 7 });
  await assert.rejects(
    other.consume(route, { prefetch: 1 }, () => {}),
    (error: { code: string; describe(): string }) => {
      assert.equal(error.code, 'PORTICO_RPC_TOPOLOGY');
      assert.match(
        error.describe(),
        new RegExp(`the queue ${route.exchange}.images exists with properties other than`),
      );
      assert.match(
        error.describe(),
        /"x-delivery-limit":7.*inequivalent arg 'x-delivery-limit'.*received '7' but current is '2'/,
      );
      assert.match(error.describe(), new RegExp(`rabbitmqctl delete_queue ${route.exchange}.images`));
      return true;
    },
  );
  // The connection still works.
  await transport.consume(route, { prefetch: 1 }, () => {});
  await other.publish(route, textMessage('x'), { mandatory: true });
});

brokerTest('RP-66 queues of one process go with it, and leave nothing', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  await transport.consume({ ...route, fanout: true }, { prefetch: 1 }, () => {});
  const { address } = await transport.consumeReplies(() => {});
  await transport.close();
  await withBroker(async (connection) => {
    await assert.rejects(connection.queueDeclare({ queue: address, passive: true }), { code: 'NOT_FOUND' });
  });
});
