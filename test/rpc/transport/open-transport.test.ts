import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTransport, shareTransport } from '#internal/extras/rpc';
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
