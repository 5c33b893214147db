/** Calls between services over RabbitMQ. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { leavesTheCallsOfItsTopic } from '../../disabled-host.js';
import { gate, type Network, networkOf } from '../../services.js';
import { brokerUrl, deleteTopic, brokerTest as test } from './broker.js';

class NotFound extends Error {}

/** Services over the broker in a separate exchange. */
function overBroker(t: TestContext): Network {
  const exchange = `calls-${randomUUID().slice(0, 8)}`;
  const network = networkOf(t, `${brokerUrl}?exchange=${exchange}`);
  t.after(() => deleteTopic(exchange, 'images', ['north', 'south']));
  return network;
}

test('RP-4 RP-31 RP-32 RP-56 calls, casts, fanouts and errors travel by RabbitMQ', async (t) => {
  const { serve, client } = overBroker(t);
  const noted: string[] = [];
  const both = gate();
  const manager = (name: string): object => ({
    async size(_: unknown, { id }: { id: string }) {
      if (id === '') throw new NotFound('there is no such image');
      return { name, length: id.length, at: new Date(0) };
    },
    async note() {
      noted.push(name);
      if (noted.length === 2) both.open();
    },
  });
  await serve(manager('one'), { host: 'north' });
  await serve(manager('two'), { host: 'south' });
  const images = client({ allowedErrors: [NotFound] });
  const found = await images.prepare({ server: 'south' }).call({}, 'size', { id: 'abc' });
  assert.deepEqual(found, { name: 'two', length: 3, at: new Date(0) });
  await assert.rejects(images.call({}, 'size', { id: '' }), NotFound);
  await images.prepare({ fanout: true }).cast({}, 'note');
  await both.opened;
  assert.deepEqual(noted.toSorted(), ['one', 'two']);
  await assert.rejects(images.prepare({ server: 'east' }).call({}, 'size'), { code: 'PORTICO_RPC_NO_SERVERS' });
});

test('NI-6 a disabled host leaves the calls of its topic to others, and says so: RabbitMQ', (t) =>
  leavesTheCallsOfItsTopic(overBroker(t)));
