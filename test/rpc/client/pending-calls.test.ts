import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCConnection } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { served, settled } from '../server/served-object.js';
import { gate, networkOf } from '../services.js';

const { log } = recordedLog();

test('RP-33 RP-39 RP-47 a call without a reply in time ends; its reply is reported as late', async () => {
  const [began, go] = [gate(), gate()];
  const { clock, client, messages } = await served({
    async wait() {
      began.open();
      await go.opened;
      return 'done';
    },
  });
  const over = assert.rejects(client.prepare({ timeout: 5 }).call({}, 'wait'), {
    code: 'PORTICO_RPC_TIMEOUT',
    monitor: false,
    message: 'wait of images (exchange portico): no reply within 5 s',
  });
  await began.opened;
  await clock.advance(5250);
  await over;
  go.open();
  await settled();
  assert.ok(messages().some((line) => /its reply came too late, \d+ ms after/.test(line)));
});

test('RP-33 a call that gets no address for its reply ends when its time is up, or its signal is raised', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  const waits = gate();
  transport.consumeReplies = () => {
    waits.open();
    return new Promise(() => {});
  };
  const clock = new FakeClock();
  const connection = new RPCConnection({ transport, clock, log: recordedLog().log });
  const aborts = new AbortController();
  const call = connection.client({ topic: 'images', timeout: 5 }).call({}, 'resize');
  const aborted = connection.client({ topic: 'images', signal: aborts.signal }).call({}, 'resize');
  const over = Promise.all([
    assert.rejects(call, { code: 'PORTICO_RPC_DELIVERY_FAILURE', message: /it timed out before it could be sent$/ }),
    assert.rejects(aborted, /not any more/),
  ]);
  await waits.opened;
  await new Promise((resolve) => setImmediate(resolve));
  aborts.abort(new Error('not any more'));
  await clock.advance(5000);
  await over;
  assert.equal(clock.pending, 0);
  await connection.close();
});

test('RP-19 a process that only casts consumes nothing; with its first call it has an address for replies', async () => {
  const broker = new MemoryBroker({ manual: true });
  const connection = new RPCConnection({ transport: new MemoryTransport(broker), log: recordedLog().log });
  const client = connection.client({ topic: 'images', mandatory: false });
  await client.cast({}, 'note');
  const call = client.call({}, 'note');
  const over = assert.rejects(call, { code: 'PORTICO_RPC_TIMEOUT', message: /because it is exiting$/ });
  while (broker.published.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    broker.published.map(({ message }) => message.replyTo?.slice(0, 6)),
    [undefined, 'reply_'],
  );
  await connection.close();
  await over;
});

test('RP-39 more than a hundred calls that wait are worth a warning, and two hundred the next', async (t) => {
  const { serve, client, log: recorded } = networkOf(t);

  const ends: (() => void)[] = [];
  class Slow {
    work(): Promise<void> {
      return new Promise((resolve) => ends.push(resolve));
    }
  }
  const service = await serve(new Slow(), { ini: '[rpc]\nexecutor_pool_size = 250\n' });
  const api = client();
  const calls = Array.from({ length: 210 }, () => api.call({}, 'work'));
  while (ends.length < 210) await new Promise((resolve) => setImmediate(resolve));
  for (const end of ends) end();
  await Promise.all(calls);
  const told = recorded.messages().filter((line) => line.endsWith('remote calls are waiting for replies'));
  assert.deepEqual(told, ['101 remote calls are waiting for replies', '201 remote calls are waiting for replies']);
  await service.stop();
});

test('RP-33 a call whose time is up before there is an address for its reply is not sent', async () => {
  const clock = new FakeClock();
  const transport = new MemoryTransport(new MemoryBroker());
  transport.publish = () => Promise.reject(new Error('it was sent'));
  transport.consumeReplies = async () => {
    await clock.advance(1200);
    return { address: 'replies', cancel: async () => undefined };
  };
  const client = new RPCConnection({ transport, log, clock }).client({ topic: 'images', timeout: 1 });
  await assert.rejects(client.call({}, 'size'), {
    code: 'PORTICO_RPC_DELIVERY_FAILURE',
    message: 'size of images (exchange portico): it timed out before it could be sent',
  });
});
