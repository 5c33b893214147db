/** Conformance cases of transports: queues, consumers, fanouts and replies. */
import assert from 'node:assert/strict';
import type { Message, Route } from '../transport/transport.js';
import { type Bench, message, takeText, textOf } from './bench.js';

export async function sharesATopic({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const [first, second] = [await take(one, topic), await take(two, topic)];
  for (const text of ['a', 'b', 'c', 'd']) await one.publish(topic, message(text), { mandatory: true });
  const got = await Promise.all([takeText(first), takeText(first), takeText(second), takeText(second)]);
  assert.deepEqual(got.toSorted(), ['a', 'b', 'c', 'd']);
}

export async function reachesAHost({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const shared = await take(transport, topic);
  const [worker, other] = [
    await take(transport, { ...topic, server: 'north.example' }),
    await take(await open(), { ...topic, server: 'north.example' }),
  ];
  const south = await take(transport, { ...topic, server: 'south' });
  for (const text of ['a', 'b']) await transport.publish({ ...topic, server: 'north.example' }, message(text));
  await transport.publish({ ...topic, server: 'south' }, message('c'));
  const got = await Promise.all([takeText(worker), takeText(other)]);
  assert.deepEqual(got.toSorted(), ['a', 'b']);
  assert.equal(await takeText(south), 'c');
  assert.equal(shared.waiting, 0);
}

export async function fansOut({ sharesFanouts, open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const fanout = { ...topic, fanout: true };
  const boxes = [await take(one, fanout), await take(one, fanout), await take(two, fanout)];
  const elsewhere = await take(two, { ...fanout, exchange: `${topic.exchange}-other` });
  const shared = await take(two, topic);
  await one.publish(fanout, message('all'));
  assert.deepEqual(await Promise.all(boxes.map(takeText)), ['all', 'all', 'all']);
  if (sharesFanouts) assert.equal(await takeText(elsewhere), 'all');
  await one.publish({ ...fanout, isOwn: true }, message('Portico'));
  assert.deepEqual(await Promise.all(boxes.map(takeText)), ['Portico', 'Portico', 'Portico']);
  if (sharesFanouts) assert.equal(await takeText(elsewhere), 'Portico');
  await one.publish(topic, message('one'));
  assert.equal(await takeText(shared), 'one');
  assert.equal(elsewhere.waiting + shared.waiting, 0);
  // An exchange that is deleted with its last queue is declared again.
  await Promise.all([...boxes, elsewhere].map((box) => box.cancel()));
  await one.publish(fanout, message('none'));
  const again = await take(two, fanout);
  await one.publish(fanout, message('again'));
  assert.equal(await takeText(again), 'again');
}

export async function fansOutToNobody({ open, topic }: Bench): Promise<void> {
  await (await open()).publish({ ...topic, fanout: true }, message('all'));
}

export async function refusesUnroutable({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const refused = { code: 'PORTICO_RPC_NO_SERVERS' };
  await assert.rejects(transport.publish(topic, message('a'), { mandatory: true }), refused);
  await transport.publish(topic, message('a'));
  const box = await take(transport, topic);
  const nowhere = { ...topic, server: 'nowhere' };
  await assert.rejects(transport.publish(nowhere, message('b'), { mandatory: true }), refused);
  await transport.publish(nowhere, message('b'));
  await transport.publish(topic, message('c'), { mandatory: true });
  assert.equal(await takeText(box), 'c');
}

export async function keepsMessages({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  for (const route of [topic, { ...topic, server: 'north' }]) {
    await (await take(two, route)).cancel();
    await one.publish(route, message('meanwhile'), { mandatory: true });
    assert.equal(await takeText(await take(two, route)), 'meanwhile');
  }
}

export async function keepsForLater({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  await transport.declareQueue(north);
  await transport.publish(north, message('early'), { mandatory: true });
  await transport.declareQueue(north);
  assert.equal(await takeText(await take(transport, north)), 'early');
}

export async function keepsToPrefetch({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const [box, other] = [await take(transport, topic, 2), await take(transport, topic, 1)];
  for (let sent = 0; sent < 4; sent++) await transport.publish(topic, message(String(sent)));
  const [held] = [await box.next(), await box.next(), await other.next()];
  assert.equal(box.waiting + other.waiting, 0);
  await held!.ack();
  assert.equal(textOf(await box.next()), '3');
}

export async function redelivers({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const box = await take(one, topic, 1);
  await one.publish(topic, message('again'));
  const first = await box.next();
  assert.deepEqual([first.redelivered, first.count], [false, 1]);
  await box.cancel();
  const other = await take(two, topic);
  await first.requeue();
  const second = await other.next();
  assert.deepEqual([textOf(second), second.redelivered, second.count], ['again', true, 2]);
  assert.equal(second.message.id, first.message.id);
  await second.ack();
}

export async function settlesAfterCancel({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (const text of ['held', 'left']) await transport.publish(topic, message(text));
  const held = await box.next();
  await box.cancel();
  await box.cancel();
  await held.ack();
  const other = await take(transport, topic);
  assert.equal(await takeText(other), 'left');
  assert.equal(box.waiting + other.waiting, 0);
}

export async function givesBackOnClose({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const box = await take(one, topic, 2);
  for (const text of ['a', 'b']) await two.publish(topic, message(text));
  const [held] = [await box.next(), await box.next()];
  await one.close();
  await assert.rejects(held!.ack(), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  const other = await take(two, topic);
  const back = [await other.next(), await other.next()];
  assert.deepEqual(back.map(textOf).toSorted(), ['a', 'b']);
  assert.deepEqual([...new Set(back.map(({ redelivered }) => redelivered))], [true]);
}

export async function replies({ open }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const got: Message[] = [];
  let arrived = (): void => {};
  const both = new Promise<void>((resolve) => {
    arrived = () => got.length === 2 && resolve();
  });
  const consumer = await one.consumeReplies((reply) => {
    got.push(reply);
    arrived();
  });
  const other = await one.consumeReplies(() => assert.fail('it is not for this one'));
  assert.notEqual(consumer.address, other.address);
  for (const text of ['a', 'b']) {
    await two.publish(consumer.address, message(text), { mandatory: true });
  }
  await both;
  assert.deepEqual(
    got.map(({ body }) => Buffer.from(body).toString()),
    ['a', 'b'],
  );
  await consumer.cancel();
  await assert.rejects(two.publish(consumer.address, message('c'), { mandatory: true }), {
    code: 'PORTICO_RPC_NO_SERVERS',
  });
}

export async function carriesBytes({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  const body = Buffer.alloc(1_048_576, 0xff);
  const sent: Message = { id: 'id-1', body, replyTo: 'reply_1' };
  await transport.publish(topic, sent);
  await transport.publish(topic, { id: 'id-2', body: Buffer.alloc(0) });
  const { message: first } = await box.next();
  assert.deepEqual({ ...first, body: undefined }, { ...sent, body: undefined });
  assert.ok(body.equals(first.body));
  const { message: second } = await box.next();
  assert.deepEqual([second.id, second.body.length, second.replyTo], ['id-2', 0, undefined]);
}

export async function keepsOrder({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (let sent = 0; sent < 5; sent++) await transport.publish(topic, message(String(sent)));
  const got: string[] = [];
  while (got.length < 5) got.push(await takeText(box));
  assert.deepEqual(got, ['0', '1', '2', '3', '4']);
}

export async function tellsItsState({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  assert.equal(transport.state, 'connected');
  await transport.connect();
  await take(transport, topic);
  const states: string[] = [];
  transport.onState((state) => states.push(state));
  transport.onState((state) => states.push(state))();
  await Promise.all([transport.close(), transport.close()]);
  await transport.close();
  assert.deepEqual([transport.state, states], ['closed', ['closed']]);
  await assert.rejects(transport.publish(topic, message('a')), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
}
