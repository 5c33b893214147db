/** Tests messages that a broker delivers again without a count, over a transport in memory that marks them as such. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryTransport } from '#internal/extras/rpc';
import { bodyOf } from '../bodies.js';
import { gate } from '../services.js';
import { delivering, requestMessage, route, served, settled } from './served-object.js';

const call = { reply: { to: 'r', id: 'call-1' }, deadline: 5000 };

/** Serves a method that waits until the test ends it; its pool is full, and these messages wait as returned ones. */
async function full(...waiting: readonly string[]) {
  const end = gate();
  const ran: string[] = [];
  const change = (transport: MemoryTransport): void =>
    delivering(transport, (delivery) => ({ ...delivery, isUncounted: waiting.includes(delivery.message.id) }));
  const work = (_context: unknown, { id }: { id: string }): Promise<void> => {
    ran.push(id);
    return end.opened;
  };
  const made = await served({ work }, { change });
  const publish = (id: string, more: object = {}) =>
    made.transport.publish(route, requestMessage(id, 'work', { args: { id }, ...more }));
  for (const id of ['1', '2', '3', '4']) await publish(id);
  for (const id of waiting) await publish(id, { ...call, reply: { to: 'r', id } });
  await settled();
  assert.deepEqual(ran.splice(0), ['1', '2', '3', '4']);
  const cancel = async (id: string): Promise<void> => {
    const body = bodyOf({ cancel: id });
    await made.transport.publish({ ...route, fanout: true }, { id: `cancels ${id}`, body });
    await settled();
  };
  return { ...made, end, ran, cancel };
}

test('RP-73 a returned message is acknowledged once, and runs', async () => {
  const { end, ran, messages } = await full('back');
  end.open();
  await settled();
  assert.deepEqual(ran, ['back']);
  assert.ok(!messages().some((line) => /not started|not read/.test(line)));
});

test('RP-33 a returned call waits in this process for longer than its caller does: it is not run', async () => {
  const { clock, end, ran, messages } = await full('back');
  await clock.advance(5001);
  end.open();
  await settled();
  assert.deepEqual(ran, []);
  assert.ok(messages().includes('work: message back was dropped, its caller no longer waits'));
});

test('RP-38 a returned call that is cancelled while it waits is not run, and does not go back to the queue', async () => {
  const { cancel, end, ran, messages } = await full('back');
  await cancel('back');
  end.open();
  await settled();
  assert.deepEqual(ran, []);
  assert.ok(messages().includes('work: message back was dropped, its caller cancelled it'), messages().join('\n'));

  const stopped = await full('back', 'other');
  await stopped.cancel('back');
  await stopped.server.stopAccepting();
  const left: string[] = [];
  await stopped.transport.consume(route, { prefetch: 10 }, ({ message }) => left.push(message.id));
  await settled();
  assert.deepEqual(left, ['other']);
});
