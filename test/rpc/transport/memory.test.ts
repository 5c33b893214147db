import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { conformanceOf } from '../conformance.js';

await conformanceOf('memory://conformance');

const route = { exchange: 'portico', topic: 'images' };
const message = { id: 'id-1', body: Buffer.from('x') };

test('RP-62 a manual broker moves a message on request, and shows what was published', async () => {
  const broker = new MemoryBroker({ manual: true });
  const transport = new MemoryTransport(broker);
  await transport.connect();
  const got: Delivery[] = [];
  await transport.consume(route, { prefetch: 2 }, (delivery) => got.push(delivery));
  for (const id of ['id-1', 'id-2']) await transport.publish(route, { ...message, id });
  assert.deepEqual([got.length, broker.published.length], [0, 2]);
  assert.deepEqual([broker.step(), got.length], [true, 1]);
  assert.deepEqual([broker.step(), broker.step(), got.length], [true, false, 2]);
  assert.deepEqual(broker.published[0], { to: route, message });
  await transport.close();
});

test('RP-62 a publish can be made to fail; after a failure that leaves it unknown the broker has the message', async () => {
  const broker = new MemoryBroker({ manual: true });
  const transport = new MemoryTransport(broker);
  await transport.connect();
  const got: Delivery[] = [];
  await transport.consume(route, { prefetch: 2 }, (delivery) => got.push(delivery));
  const unknown = Object.assign(new Error('lost'), { name: 'DeliveryUnknown' });
  transport.failNext(new Error('full'), unknown);
  await assert.rejects(transport.publish(route, message), /full/);
  await assert.rejects(transport.publish(route, message), /lost/);
  while (broker.step());
  assert.equal(got.length, 1);
});

test('RP-69 RP-73 after a loss of the connection an acknowledgement fails, nothing is sent, and the message comes again', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  await transport.connect();
  const states: string[] = [];
  transport.onState((state) => states.push(state));
  const arrivals: ((delivery: Delivery) => void)[] = [];
  const next = (): Promise<Delivery> => new Promise((resolve) => arrivals.push(resolve));
  const [first, second] = [next(), next()];
  await transport.consume(route, { prefetch: 2 }, (delivery) => arrivals.shift()!(delivery));
  await transport.publish(route, message);
  const lost = await first;
  transport.lose();
  await assert.rejects(lost.ack(), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  await lost.requeue();
  await assert.rejects(transport.publish(route, message), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  transport.restore();
  const { redelivered, count } = await second;
  assert.deepEqual([redelivered, count, states], [true, 2, ['lost', 'connected']]);
  await transport.close();
});

test('RP-66 the queue of a host is gone some time after its last consumer, that of a topic is not', async () => {
  const clock = new FakeClock();
  const transport = new MemoryTransport(new MemoryBroker({ clock, hostQueueTtlMs: 60_000 }));
  await transport.connect();
  const north = { ...route, server: 'north' };
  for (const each of [route, north]) await (await transport.consume(each, { prefetch: 1 }, () => {})).cancel();
  await clock.advance(59_000);
  await transport.publish(north, message, { mandatory: true });
  const again = await transport.consume(north, { prefetch: 1 }, () => {});
  await clock.advance(120_000);
  await transport.publish(north, message, { mandatory: true });
  await again.cancel();
  await clock.advance(60_000);
  await assert.rejects(transport.publish(north, message, { mandatory: true }), { code: 'PORTICO_RPC_NO_SERVERS' });
  await transport.publish(route, message, { mandatory: true });
});
