/** Calls whose connection to RabbitMQ is lost. `rpc/simulation` loses connections at every step. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createLogger } from 'portico';
import { contextFacts, RequestContext } from 'portico/app';
import { runInRequest } from '#internal/app';
import { gate, networkOf } from '../../services.js';
import { deleteTopic, brokerTest as test } from './broker.js';
import { BrokerProxy } from './broker-proxy.js';

class Held {
  readonly begun = gate();
  readonly end = gate();
  readonly runs: string[] = [];
  async resize(_: unknown, { id = 'a' }: { id?: string } = {}): Promise<string> {
    this.runs.push(id);
    this.begun.open();
    await this.end.opened;
    return `${id} is done`;
  }
}

/** Services and clients whose connections go through proxies. `serveHeld` serves one method, which waits until the test lets it return. */
async function ground(t: TestContext) {
  const exchange = `cut-${randomUUID().slice(0, 8)}`;
  const [clients, servers] = [await BrokerProxy.open(), await BrokerProxy.open()];
  const options = `exchange=${exchange}&retry_interval=0.05`;
  const network = networkOf(t, `${clients.url}?${options}`);
  t.after(async () => {
    await Promise.all([clients.close(), servers.close()]);
    await deleteTopic(exchange, 'images', ['north']);
  });
  const serveHeld = async (): Promise<Held> => {
    const held = new Held();
    await network.serve(held, { transport: `${servers.url}?${options}` });
    return held;
  };
  return { ...network, clients, servers, serveHeld };
}

test('RP-98 RP-82 lost before its reply is written: the reply is written by the next connection', async (t) => {
  const { serveHeld, client, servers } = await ground(t);
  const held = await serveHeld();
  const call = client().call({}, 'resize');
  await held.begun.opened;
  servers.freeze();
  held.end.open();
  // The reply has been handed to a socket that no longer sends.
  await new Promise((resolve) => setImmediate(resolve));
  servers.cut();
  assert.equal(await call, 'a is done');
  assert.deepEqual(held.runs, ['a']);
});

test('RP-98 RP-82 lost before its reply is confirmed: the caller has one result, and the reply that comes twice is no matter', async (t) => {
  const { serveHeld, client, servers, log } = await ground(t);
  const held = await serveHeld();
  const images = client();
  // Publish once before: opening a new channel would need a response of the broker.
  await images.prepare({ namespace: 'base', version: '1.1' }).call({}, 'ping');
  const call = images.call({}, 'resize');
  await held.begun.opened;
  servers.hold();
  held.end.open();
  assert.equal(await call, 'a is done');
  servers.cut();
  // Its reply arrives after the first one, which is sent again.
  assert.equal(await images.call({}, 'resize', { id: 'b' }), 'b is done');
  assert.deepEqual(held.runs, ['a', 'b']);
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
});

test('lines about a connection that is lost and made again have no request id: the request that was the first has ended', async (t) => {
  const { serveHeld, client, clients } = await ground(t);
  const held = await serveHeld();
  held.end.open();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLogger({ facts: contextFacts, destination: { write } });
  const caller = client({}, { log });
  const context = new RequestContext({ requestId: 'req-first' });
  await runInRequest({ context, requestId: 'req-first' }, async () => {
    log.info('in the request');
    await caller.call(context, 'resize');
  });
  clients.cut();
  while (!lines.some((line) => /publishes.* is restored/.test(line))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const told = lines.filter((line) => /in the request|connection/.test(line));
  assert.ok(told.length >= 3, told.join());
  assert.deepEqual(
    told.map((line) => line.includes('req-first')),
    told.map((line) => line.includes('in the request')),
  );
});
