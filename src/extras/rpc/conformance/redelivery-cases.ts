/** Conformance cases of transports: dead letters, returns and removed queues. */
import assert from 'node:assert/strict';
import type { Route } from '../transport/transport.js';
import { type Bench, message, takeText, textOf } from './bench.js';

export async function expires({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  await (await take(transport, topic)).cancel();
  await transport.publish(topic, message('late'), { ttlMs: 20 });
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['late', 'expired']);
  await transport.publish(topic, message('in time'), { ttlMs: 600_000 });
  assert.equal(await takeText(await take(transport, topic)), 'in time');
}

export async function buries({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  await transport.publish(topic, message('poison', { replyTo: 'reply_1' }));
  const delivery = await box.next();
  await delivery.deadLetter('unreadable');
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['poison', 'unreadable']);
  assert.match(grave.death!.queue, new RegExp(topic.topic));
  assert.deepEqual([grave.message.id, grave.message.replyTo], [delivery.message.id, 'reply_1']);
  // Brokers report whole seconds.
  assert.ok(Math.abs(Date.now() - grave.death!.at) < 60_000, `died at ${grave.death!.at}`);
}

export async function limitsDeliveries({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  await transport.publish(topic, message('poison'));
  for (const count of [1, 2, 3]) {
    const delivery = await box.next();
    assert.equal(delivery.count, count);
    await delivery.requeue();
  }
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['poison', 'delivery_limit']);
}

export async function readsDeadLetters({ exchange, open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  const seen = async (): Promise<string[]> => {
    const texts: string[] = [];
    await transport.eachDeadLetter(exchange, async (letter) => void texts.push(textOf(letter)));
    return texts;
  };
  assert.deepEqual(await seen(), []);
  for (const text of ['a', 'b', 'c']) {
    await transport.publish(topic, message(text));
    await (await box.next()).deadLetter('poison');
  }
  // Seven reads are more than the delivery limit.
  for (let time = 0; time < 7; time++) assert.deepEqual(await seen(), ['a', 'b', 'c']);
  await transport.eachDeadLetter(exchange, async (letter) => {
    if (textOf(letter) === 'b') await letter.ack();
  });
  assert.deepEqual(await seen(), ['a', 'c']);
  const { death } = await dead(transport);
  await transport.publish(death!.queue, message('again'), { mandatory: true });
  assert.equal(await takeText(box), 'again');
}

export async function returnsFanouts({ open, take, dead, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const fanout = { ...topic, fanout: true };
  // As a server does: consuming the topic declares the dead letters of its exchange.
  await take(one, topic);
  const [box, other] = [await take(one, fanout), await take(two, fanout)];
  await one.publish(fanout, message('poison'));
  await (await box.next()).deadLetter('unreadable');
  assert.equal(await takeText(other), 'poison');
  const { death } = await dead(two);
  await two.publish(death!.queue, message('again'), { mandatory: true });
  assert.equal(await takeText(box), 'again');
  assert.equal(other.waiting, 0);
  assert.equal(await two.hasConsumer(death!.queue), true);
  await box.cancel();
  assert.equal(await two.hasConsumer(death!.queue), false);
  await assert.rejects(two.publish(death!.queue, message('again'), { mandatory: true }), {
    code: 'PORTICO_RPC_NO_SERVERS',
  });
}

export async function removesAQueue({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  assert.equal(await transport.removeQueue(north), false);
  const box = await take(transport, north);
  const south = await take(transport, { ...topic, server: 'south' });
  await box.cancel();
  for (const text of ['a', 'b']) await transport.publish(north, message(text), { mandatory: true });
  assert.equal(await transport.removeQueue(north), true);
  await assert.rejects(transport.publish(north, message('c'), { mandatory: true }), { name: 'NoServers' });
  const graves = [await dead(transport), await dead(transport)];
  assert.deepEqual(
    graves.map((grave) => [textOf(grave), grave.death!.reason]),
    [
      ['a', 'queue_removed'],
      ['b', 'queue_removed'],
    ],
  );
  assert.match(graves[0]!.death!.queue, new RegExp(`${topic.topic}.*north`));
  assert.equal(await transport.removeQueue(north), false);
  await transport.publish({ ...topic, server: 'south' }, message('d'), { mandatory: true });
  assert.equal(await takeText(south), 'd');
  const again = await take(transport, north);
  await transport.publish(north, message('e'), { mandatory: true });
  assert.equal(await takeText(again), 'e');
}

export async function keepsAQueueInUse({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  const box = await take(transport, north);
  assert.equal(await (await open()).removeQueue(north), false);
  await transport.publish(north, message('a'), { mandatory: true });
  assert.equal(await takeText(box), 'a');
}

export async function delays({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 3);
  for (const text of ['later', 'now']) await transport.publish(topic, message(text));
  const first = await box.next();
  await first.requeue({ delayMs: 200 });
  assert.equal(await takeText(box), 'now');
  const second = await box.next();
  assert.deepEqual([textOf(second), second.count, second.message.id], ['later', 2, first.message.id]);
  await second.ack();
}

export async function delaysApart({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 3);
  for (const [text, delayMs] of [
    ['long', 600_000],
    ['short', 200],
  ] as const) {
    await transport.publish(topic, message(text));
    await (await box.next()).requeue({ delayMs });
  }
  assert.equal(await takeText(box), 'short');
  await transport.publish(topic, message('last'));
  assert.equal(await takeText(box), 'last');
}
