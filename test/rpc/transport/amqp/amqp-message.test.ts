import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countsOf,
  deathOf,
  messageOf,
  propertiesOf,
  type Received,
} from '../../../../dist/extras/rpc/transport/amqp/amqp-message.js';

const received = (fields: object): Received => ({ redelivered: false, body: Buffer.from('{}'), ...fields }) as Received;

test('RP-75 what a consumer says of a message travels with it, and comes back as it was said', () => {
  const message = { id: 'm1', body: Buffer.from('{}'), replyTo: 'reply_1' };
  const death = { reason: 'rejected', queue: 'images' };
  const sent = propertiesOf(message, 'nova-api', death);
  const again = received({ ...sent, body: message.body, timestamp: 1_700_000_000 });
  assert.deepEqual(messageOf(again), message);
  assert.deepEqual(countsOf(again), { count: 1, redelivered: false, isUncounted: false });
  assert.deepEqual(deathOf(again), { ...death, at: 1_700_000_000_000 });
  assert.deepEqual(propertiesOf({ id: 'm2', body: message.body }, 'nova-api').headers, undefined);
});

test('RP-75 deliveries are those that the broker counts', () => {
  assert.deepEqual(countsOf(received({})), { count: 1, redelivered: false, isUncounted: false });
  assert.deepEqual(countsOf(received({ redelivered: true })), { count: 2, redelivered: true, isUncounted: true });
  const counted = { count: 5, redelivered: true, isUncounted: false };
  assert.deepEqual(countsOf(received({ redelivered: true, headers: { 'x-delivery-count': 4 } })), counted);
});

test('RP-95 whatever other senders write of bodies and deaths is read, and nothing of it throws', () => {
  assert.equal(Buffer.from(messageOf(received({ body: { parsed: true } })).body).toString(), '{"parsed":true}');
  assert.equal(Buffer.from(messageOf(received({ body: 'text' })).body).toString(), 'text');
  const newest = { reason: 'expired', queue: 'images', time: 10 };
  assert.deepEqual(deathOf(received({ headers: { 'x-death': [newest, { reason: 'rejected' }] } })), {
    reason: 'expired',
    queue: 'images',
    at: 10_000,
  });
  for (const odd of ['dead', [], [7], [null]])
    assert.equal(deathOf(received({ headers: { 'x-death': odd } })), undefined);
  const undeclared = deathOf(received({ headers: { 'x-death': [{ reason: 1, time: 'yesterday' }] } }));
  assert.deepEqual(undeclared, { reason: '1', queue: 'undefined', at: 0 });
});
