/** Calls between services over RabbitMQ. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gate } from '../../services.js';
import { withoutBroker } from './broker.js';
import { overBroker } from './over-broker.js';

class NotFound extends Error {}

test(
  'RP-4 RP-31 RP-32 RP-56 calls, casts, fanouts and errors travel by RabbitMQ',
  { skip: withoutBroker },
  overBroker(async ({ serve, client }) => {
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
  }),
);

test(
  'RP-34 RP-71 RP-98 calls that wait behind a full pool stay in the broker, and are not run when no caller waits any more',
  { skip: withoutBroker },
  overBroker(async ({ serve, client }) => {
    const [begun, end] = [gate(), gate()];
    const run: string[] = [];
    await serve(
      {
        async wait(_: unknown, { id }: { id: string }) {
          run.push(id);
          begun.open();
          await end.opened;
        },
      },
      { ini: '[rpc]\nexecutor_pool_size = 1\nprefetch = 1\n' },
    );
    const first = client().call({}, 'wait', { id: 'first' });
    await begun.opened;
    // Long enough for the broker to have taken them, also on a busy machine.
    const late = ['a', 'b', 'c'].map((id) => client({ timeout: 2 }).call({}, 'wait', { id }));
    // A longer timeout than the others', because the server's clock may be slightly behind theirs.
    const unheard = client({ topic: 'nowhere', mandatory: false, timeout: 2.1 }).call({}, 'wait');
    await Promise.all([...late, unheard].map((call) => assert.rejects(call, { code: 'PORTICO_RPC_TIMEOUT' })));
    end.open();
    await first;
    await client().call({}, 'wait', { id: 'last' });
    assert.deepEqual(run, ['first', 'last']);
  }),
);
