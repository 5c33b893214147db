/** Signals of requests: what they follow, and that nothing of them stays. */
import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type App, compose, environ, type Filter } from 'portico/app';
import { deadline } from 'portico/middleware';
import { Router } from 'portico/routing';
import { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { Client, exchange, portOf } from '../../server/raw-client.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const GET = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function served(app: App, work: (port: number, server: Server) => Promise<void>): Promise<void> {
  const server = new Server('signals', app);
  await server.start();
  await work(portOf(server), server);
  await server.stop();
}

test('RV-6 signals with listeners, behind one deadline and behind two, are collected after their requests', async () => {
  const { made } = await buildFilter(deadline);
  const all: WeakRef<AbortSignal>[] = [];
  const router = new Router();
  router.get('/', ({ signal, closing }) => {
    for (const each of [signal, closing]) {
      each.addEventListener('abort', () => undefined);
      all.push(new WeakRef(each));
    }
    return 'done';
  });
  for (const filters of [[made], [made, made]]) {
    await served(compose(filters, await router.build()), async (port) => {
      for (let sent = 0; sent < 20; sent++) assert.match(await exchange(port, GET), /done/);
    });
  }
  let left = all;
  for (let tries = 0; tries < 50 && left.length > 0; tries++) {
    await turn();
    collect();
    left = all.filter((each) => each.deref() !== undefined);
  }
  // The last request of a server may still be known to its socket.
  assert.equal(all.length, 80);
  assert.ok(left.length <= 4, `${left.length} signals stay`);
});

test('RV-6 a signal of a filter that outlives its requests keeps no listener of theirs', async () => {
  const lasting = new AbortController();
  const sets: Filter = (app) => (req, res) => {
    environ(req).signal = lasting.signal;
    return app(req, res);
  };
  const { made } = await buildFilter(deadline);
  const counts: number[] = [];
  const router = new Router();
  router.get('/', ({ signal, closing }) => {
    assert.deepEqual([signal.aborted, closing.aborted], [false, false]);
    counts.push(getEventListeners(lasting.signal, 'abort').length);
    return 'done';
  });
  await served(compose([sets, made], await router.build()), async (port) => {
    for (let sent = 0; sent < 5; sent++) assert.match(await exchange(port, GET), /done/);
  });
  assert.deepEqual(counts, [1, 1, 1, 1, 1]);
  assert.equal(getEventListeners(lasting.signal, 'abort').length, 0);
});

test('RV-6 the signal of an action is aborted by each of its sources, behind two deadlines too', async () => {
  const { made } = await buildFilter(deadline);
  const short = await buildFilter(deadline, { local: { default_s: '20ms' } });
  const reasons: string[] = [];
  const router = new Router();
  router.get('/', async ({ signal }) => {
    if (!signal.aborted) await once(signal, 'abort');
    reasons.push((signal.reason as Error).message);
  });
  const app = await router.build();
  await served(compose([made, made], app), async (port, server) => {
    const client = new Client(port);
    client.write(GET);
    while (server.inFlight === 0) await turn();
    client.close();
    while (reasons.length < 1) await turn();
  });
  await served(compose([made, short.made], app), async (port) => {
    assert.match(await exchange(port, GET), /^HTTP\/1.1 503/);
    while (reasons.length < 2) await turn();
  });
  assert.match(reasons[0]!, /the client/);
  assert.match(reasons[1]!, /took longer than 0\.02 seconds/);
});
