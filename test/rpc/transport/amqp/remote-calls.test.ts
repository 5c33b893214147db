/** Calls between services over RabbitMQ. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { gate, type Network, withNetwork } from '../../services.js';
import { deleteTopic, withoutBroker } from './broker.js';
import { BrokerProxy } from './broker-proxy.js';

class NotFound extends Error {}

/** Runs a test with services over the broker, or by a way to it that the test can cut. */
function overBroker(run: (network: Network, proxy: BrokerProxy) => Promise<void>): () => Promise<void> {
  return async () => {
    const exchange = `calls-${randomUUID().slice(0, 8)}`;
    const proxy = await BrokerProxy.open();
    const options = `exchange=${exchange}&retry_interval=0.05&retry_backoff=0`;
    try {
      await withNetwork((network) => run(network, proxy), `${proxy.url}?${options}`)();
    } finally {
      await proxy.close();
      await deleteTopic(exchange, 'images', ['north', 'south']);
    }
  };
}

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
  'RP-79 RP-98 a connection that is lost while a method runs: it runs once, and its caller gets the result',
  { skip: withoutBroker },
  overBroker(async ({ serve, client }, proxy) => {
    const [begun, end] = [gate(), gate()];
    let runs = 0;
    await serve({
      async resize() {
        runs += 1;
        begun.open();
        await end.opened;
        return runs;
      },
    });
    const call = client().call({}, 'resize');
    await begun.opened;
    proxy.cut();
    end.open();
    assert.equal(await call, 1);
    assert.equal(await client().call({}, 'resize'), 2);
  }),
);

test(
  'RP-89 of two hosts each is stopped and started again under load, and no call fails',
  { skip: withoutBroker },
  overBroker(async ({ serve, client }) => {
    const manager = (): object => ({
      async size(_: unknown, { id }: { id: string }) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return id.length;
      },
    });
    const hosts = ['north', 'south'];
    const services = await Promise.all(hosts.map((host) => serve(manager(), { host })));
    const images = client();
    let isOver = false;
    let calls = 0;
    const callers = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        assert.equal(await images.call({}, 'size', { id: 'abc' }), 3);
        calls += 1;
      }
    });
    for (const [at, service] of services.entries()) {
      await service.stop({ graceful: true });
      await serve(manager(), { host: hosts[at]! });
      const enough = calls + 50;
      while (calls < enough) await new Promise((resolve) => setImmediate(resolve));
    }
    isOver = true;
    await Promise.all(callers);
  }),
);

test(
  'RP-34 RP-71 calls that wait behind a full pool stay in the broker, and are not run when no caller waits any more',
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
    const late = ['a', 'b', 'c'].map((id) => client({ timeout: 0.2 }).call({}, 'wait', { id }));
    await Promise.all(late.map((call) => assert.rejects(call, { code: 'PORTICO_RPC_TIMEOUT' })));
    end.open();
    await first;
    await client().call({}, 'wait', { id: 'last' });
    assert.deepEqual(run, ['first', 'last']);
  }),
);
