import assert from 'node:assert/strict';
import { brokerUrl, brokerTest as test, withBroker } from './broker.js';
import { Deliveries, entered, ground, textMessage, textOf } from './open-broker.js';

test('RP-49 RP-50 a publish that was sent and not confirmed is unknown; one without a connection failed, at once', async (t) => {
  const { route, open, proxy: opened } = ground(t);
  const proxy = await opened();
  const [transport, other] = [await open(proxy.url), await open(brokerUrl)];
  const got = new Deliveries();
  await other.consume(route, { prefetch: 1 }, got.take);
  await transport.publish(route, textMessage('before'), { mandatory: true });
  await (await got.next()).ack();

  proxy.hold();
  const unconfirmed = transport.publish(route, textMessage('unconfirmed'));
  const lost = assert.rejects(unconfirmed, { code: 'PORTICO_RPC_DELIVERY_UNKNOWN' });
  const arrived = await got.next();
  assert.equal(textOf(arrived), 'unconfirmed');
  await arrived.ack();
  proxy.cut();
  await lost;
  await entered(transport, 'lost');
  await assert.rejects(transport.publish(route, textMessage('meanwhile')), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });

  await entered(transport, 'connected');
  await transport.publish(route, textMessage('after'), { mandatory: true });
  assert.equal(textOf(await got.next()), 'after');
});

test('RP-50 no publish outlives its time: a broker that does not respond leaves it unknown', async (t) => {
  const { route, open, proxy: opened } = ground(t);
  const proxy = await opened();
  const transport = await open(proxy.url);
  await transport.publish(route, textMessage('before'));
  proxy.freeze();
  await assert.rejects(transport.publish(route, textMessage('sent'), { timeoutMs: 50 }), {
    code: 'PORTICO_RPC_DELIVERY_UNKNOWN',
  });
  // The driver checks the exchange first, so the message has not been sent yet.
  await assert.rejects(transport.publish({ ...route, fanout: true }, textMessage('unsent'), { timeoutMs: 50 }), {
    code: 'PORTICO_RPC_DELIVERY_FAILURE',
  });
});

test('RP-37 of messages that are sent at once, those come back that have no queue', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  await transport.consume(route, { prefetch: 100 }, ({ ack }) => void ack());
  const nowhere = { ...route, server: 'nowhere' };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, at) =>
      transport.publish(at % 3 === 0 ? nowhere : route, textMessage(String(at)), { mandatory: true }),
    ),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    outcomes.map((_, at) => (at % 3 === 0 ? 'rejected' : 'fulfilled')),
  );
  const codes = new Set(
    outcomes.flatMap((each) => (each.status === 'rejected' ? [(each.reason as { code: string }).code] : [])),
  );
  assert.deepEqual([...codes], ['PORTICO_RPC_NO_SERVERS']);
});

test('an exchange that is deleted under a publisher is declared anew', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  const fanout = { ...route, fanout: true };
  await transport.publish(fanout, textMessage('before'));
  await withBroker((connection) => connection.exchangeDelete({ exchange: `${route.exchange}.images.fanout` }));
  await assert.rejects(transport.publish(fanout, textMessage('lost')), { code: 'PORTICO_RPC_DELIVERY_UNKNOWN' });
  await transport.publish(fanout, textMessage('after'));
});

test('RP-85 a queue that is full and rejects refuses the message: a failure', async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  const address = `${route.exchange}-full`;
  t.after(() => withBroker((connection) => connection.queueDelete({ queue: address })));
  await withBroker((connection) =>
    connection.queueDeclare({
      queue: address,
      durable: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    }),
  );
  await transport.publish(address, textMessage('first'));
  await assert.rejects(transport.publish(address, textMessage('second')), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
});
