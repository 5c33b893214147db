import assert from 'node:assert/strict';
import { type Route, RPCService } from 'portico/rpc';
import type { Envelope } from 'rabbitmq-client';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { nextDeadLetter } from '../../conformance.js';
import { brokerUrl, brokerTest as test, withBroker } from './broker.js';
import { Deliveries, ground, textMessage, textOf } from './open-broker.js';

test('RV-14 RP-77 a message comes back after a delay that is longer than the queue of a host is kept', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl, { hostQueueTtlMs: 500 });
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 1 }, got.take);
  await transport.publish(route, textMessage('a'));
  await (await got.next()).requeue({ delayMs: 1000 });
  assert.equal(textOf(await got.next()), 'a');
});

test('RP-76 a classic queue says of a message only that it came back', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl, { queueType: 'classic' });
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 1 }, got.take);
  await transport.publish(route, textMessage('again'));
  await (await got.next()).requeue();
  const { count, redelivered } = await got.next();
  assert.deepEqual([count, redelivered], [2, true]);
});

test('RP-75 an unreadable message that a classic queue delivers again is acknowledged, and is a dead letter all the same', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl, { queueType: 'classic' });
  const got = new Deliveries();
  const before = await transport.consume(route, { prefetch: 1 }, got.take);
  await transport.publish(route, textMessage('{'));
  const first = await got.next();
  await before.cancel();
  await first.requeue();
  const { log } = recordedLog();
  const url = `${brokerUrl}?exchange=${route.exchange}&queue_type=classic`;
  const service = RPCService.create({
    binary: 'portico-images',
    host: 'north',
    registration: null,
    manager: {},
    transport: url,
    log,
  });
  await service.start();
  t.after(() => service.stop());
  const { death } = await nextDeadLetter(transport, route.exchange);
  assert.deepEqual([death!.reason, death!.queue], ['unreadable: not JSON', `${route.exchange}.images`]);
});

test('a message of another sender is given as it is, whatever it says of its content', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 5 }, got.take);
  const json = { contentType: 'application/json' };
  await publishRaw(route, [
    [{}, 'plain'],
    [json, Buffer.from('{"a":1}')],
    [json, Buffer.from('{"a":')],
  ]);
  const texts = [await got.next(), await got.next(), await got.next()].map(textOf);
  assert.deepEqual(texts, ['plain', '{"a":1}', '{"a":']);
});

test('RP-76 what another sender writes into the header fields of a message ends no process', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  const got = new Deliveries();
  await transport.consume(route, { prefetch: 9 }, got.take);
  const deaths = [5, 'abc', [null], [5], {}, [{ reason: 'x', queue: 'y', time: 1e300 }]];
  await publishRaw(
    route,
    deaths.map((death, at) => [{ headers: { 'x-death': death } }, Buffer.from(`${at}`)]),
  );
  for (const at of deaths.keys()) {
    const delivery = await got.next();
    assert.equal(textOf(delivery), `${at}`);
    assert.ok(delivery.death === undefined || new Date(delivery.death.at).toISOString());
    await delivery.ack();
  }
});

/**
 * Publishes as another sender does. Each message is confirmed: a quorum queue loses what it has not confirmed when the channel of the
 * sender closes, and a test would wait for it without end.
 */
async function publishRaw(
  { exchange, topic }: Route,
  messages: readonly (readonly [Envelope, string | Buffer])[],
): Promise<void> {
  await withBroker(async (connection) => {
    const channel = await connection.acquire();
    await channel.confirmSelect();
    const to = { exchange: `${exchange}.portico`, routingKey: `${exchange}.${topic}` };
    for (const [properties, body] of messages) await channel.basicPublish({ ...properties, ...to }, body);
    await channel.close();
  });
}
