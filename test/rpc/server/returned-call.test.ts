/** Tests messages that a broker delivers again without a count, over a transport in memory that marks them as such. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate } from '../services.js';
import { delivering, requestMessage, route, served, settled } from './served-object.js';

/** Serves a method; each message is returned, and its acknowledgement waits until the test lets it through. */
async function returned(...ids: readonly string[]) {
  const gates = new Map(ids.map((id) => [id, gate()]));
  const steps: string[] = [];
  const made = await served(
    { work: async (_context: unknown, { id }: { id: string }) => void steps.push(`begin ${id}`) },
    {
      change: (transport) =>
        delivering(transport, (delivery) => ({
          ...delivery,
          isUncounted: true,
          ack: async () => {
            steps.push(`ack ${delivery.message.id}`);
            await gates.get(delivery.message.id)?.opened;
            await delivery.ack();
          },
        })),
    },
  );
  for (const id of ids) await made.transport.publish(route, requestMessage(id, 'work', { args: { id } }));
  await settled();
  return { ...made, gates, steps };
}

test('a returned message is acknowledged, read and begun, and the next one after it', async () => {
  const { gates, steps, transport, messages } = await returned('a', 'b');
  await transport.publish(route, { id: 'unreadable', body: Buffer.from('{') });
  await settled();
  assert.deepEqual(steps, ['ack a']);
  gates.get('a')!.open();
  await settled();
  assert.deepEqual(steps, ['ack a', 'begin a', 'ack b']);
  const unread = (): boolean => messages().some((line) => line.includes('message unreadable cannot be read'));
  assert.equal(unread(), false);
  gates.get('b')!.open();
  await settled();
  assert.deepEqual(steps, ['ack a', 'begin a', 'ack b', 'begin b', 'ack unreadable']);
  assert.equal(unread(), true);
});

test('a stop waits for a returned message that is acknowledged, and gives back the next one', async () => {
  const { gates, steps, server, transport } = await returned('a', 'b');
  let hasStopped = false;
  const stopping = server.stopAccepting().then(() => {
    hasStopped = true;
  });
  await settled();
  assert.equal(hasStopped, false);
  gates.get('a')!.open();
  await stopping;
  await server.finish(1000);
  assert.deepEqual(
    steps.filter((step) => step.startsWith('begin')),
    ['begin a'],
  );
  const left: string[] = [];
  await transport.consume(route, { prefetch: 10 }, ({ message }) => void left.push(message.id));
  await settled();
  assert.deepEqual(left, ['b']);
});
