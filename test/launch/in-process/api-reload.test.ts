/** Reloads of APIs in one process: who waits, for how long, and what becomes of open requests and kept connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { ServiceLauncher } from 'portico/launch';
import { Server, WSGIService, type WSGIServiceOptions } from 'portico/server';
import type { Manager } from 'portico/service';
import { deferred } from '#internal/tasks';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { until, untilIs } from '../../fixtures/until.js';
import { certificateFiles } from '../../server/certificate-files.js';
import { memoryLog } from '../../server/memory-log.js';
import { Client, exchange, portOf } from '../../server/raw-client.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const HELD = 'GET /held HTTP/1.1\r\nhost: x\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';

/** APIs in one process. Each build of an app has a number; `/held` waits, and all that happens is in `order`. */
async function fleet(
  t: TestContext,
  apis: Readonly<Record<string, Pick<WSGIServiceOptions, 'manager'>>>,
  ini = '',
  order: string[] = [],
) {
  const folder = temporaryFolder();
  const write = (text: string): void => writeFileSync(join(folder, 'portico.ini'), text);
  write(ini);
  const log = memoryLog();
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const launcher = new ServiceLauncher({ config, log, signals: false });
  t.after(() => launcher.stop());
  const letGo = deferred();
  t.after(() => letGo.resolve());
  const services = new Map<string, WSGIService>();
  for (const [name, options] of Object.entries(apis)) {
    let built = 0;
    const loader = {
      has: () => true,
      async loadApp() {
        const number = ++built;
        const app: App = async (req, res) => {
          if (req.url === '/held') await letGo.promise;
          if (req.url === '/big') res.write(Buffer.alloc(20_000_000));
          res.end(`${name} ${number}`);
        };
        return Object.assign(app, { close: async () => void order.push(`close ${number}`) });
      },
    };
    const service = new WSGIService(name, config, { log, loader, ...options } as WSGIServiceOptions);
    await launcher.launchService(service);
    services.set(name, service);
  }
  const port = (name: string): number => portOf(services.get(name)!);
  return { launcher, services, port, write, order, letGo, log };
}

/** A manager whose hooks are recorded in `order`, each with its number. */
function managed(order: string[], begin: (number: number) => unknown = () => undefined) {
  let made = 0;
  return class implements Manager {
    readonly number = ++made;
    async initHost() {
      await begin(this.number);
      order.push(`init ${this.number}`);
    }
    cleanupHost() {
      order.push(`cleanup ${this.number}`);
    }
  };
}

test('RW-2 a client that does not read delays nobody: new requests get the new app at once, and it the rest of its response', async (t) => {
  const { launcher, port } = await fleet(t, { plain: {}, other: {} }, '[DEFAULT]\nreload_pause = 600\n');
  const slow = new Client(port('plain'));
  slow.write('GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  await once(slow.socket, 'data');
  slow.socket.pause();
  await launcher.restart();
  assert.equal(launcher.status().reloads[0]?.outcome, 'accepted');
  for (const name of ['plain', 'other']) assert.match(await exchange(port(name), LAST), new RegExp(`${name} 2$`));
  const [status] = launcher.status().services;
  assert.match(status?.reloading ?? '', /^1 request of the former configuration: GET \/big of 127\.0\.0\.1 since /);
  slow.socket.resume();
  await slow.closed;
  assert.match(slow.received.slice(-20), /plain 1/);
  await untilIs(() => launcher.status().services[0]?.reloading, undefined);
});

test('RW-2 with a manager new requests wait for the old ones; it ends before the next one begins', async (t) => {
  const order: string[] = [];
  const { launcher, port, letGo } = await fleet(
    t,
    { plain: { manager: managed(order) } },
    '[DEFAULT]\nreload_pause = 600\n',
    order,
  );
  const held = new Client(port('plain'));
  held.write(HELD);
  await untilIs(() => launcher.status().services[0]?.workers[0]?.facts.inFlight, 1);
  const restarted = launcher.restart();
  await until(
    () => launcher.status().services[0]?.reloading ?? '',
    (text) => text.startsWith('waits for GET /held of 127.0.0.1 since '),
  );
  const waiting = exchange(port('plain'), LAST);
  letGo.resolve();
  assert.match((await held.response()).body, /plain 1/);
  assert.match(await waiting, /plain 2$/);
  await restarted;
  assert.deepEqual(order, ['init 1', 'cleanup 1', 'close 1', 'init 2']);
});

test('RW-2 the status says that a reload waits for the cleanupHost of the former manager', async (t) => {
  const cleaned = deferred();
  t.after(() => cleaned.resolve());
  class Slow implements Manager {
    cleanupHost() {
      return cleaned.promise;
    }
  }
  const { launcher, port } = await fleet(t, { plain: { manager: Slow } }, '[DEFAULT]\nreload_pause = 0.05\n');
  await launcher.restart();
  assert.match(await exchange(port('plain'), LAST), /plain 2$/);
  const reloading = (): string | undefined => launcher.status().services[0]?.reloading;
  assert.match(reloading() ?? '', /^the former configuration ends after the manager’s cleanupHost \(since /);
  cleaned.resolve();
  await untilIs(reloading, undefined);
});

test('RW-2 after reload_pause the next manager begins beside the old one, which ends with its last request', async (t) => {
  const order: string[] = [];
  const { launcher, port, letGo } = await fleet(
    t,
    { plain: { manager: managed(order) } },
    '[DEFAULT]\nreload_pause = 0.05\n',
    order,
  );
  const held = new Client(port('plain'));
  held.write(HELD);
  await untilIs(() => launcher.status().services[0]?.workers[0]?.facts.inFlight, 1);
  await launcher.restart();
  assert.match(await exchange(port('plain'), LAST), /plain 2$/);
  await launcher.restart();
  assert.match(await exchange(port('plain'), LAST), /plain 3$/);
  assert.deepEqual(order, ['init 1', 'init 2', 'cleanup 2', 'close 2', 'init 3']);
  letGo.resolve();
  assert.match((await held.response()).body, /plain 1/);
  await until(
    () => order.slice(5),
    ({ length }) => length === 2,
  );
  assert.deepEqual(order.slice(5), ['cleanup 1', 'close 1']);
});

test('RW-2 new requests wait for a slow start for reload_pause at most: then they get 503 until it has started', async (t) => {
  const inits = deferred();
  t.after(() => inits.resolve());
  const made = managed([], (number) => number === 2 && inits.promise);
  const { launcher, port, log } = await fleet(
    t,
    { plain: { manager: made }, other: {} },
    '[DEFAULT]\nreload_pause = 0.1\n',
  );
  const restarted = launcher.restart();
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
  // One waits, the later ones need not.
  for (const _ of [1, 2]) assert.match(await exchange(port('plain'), LAST), /^HTTP\/1\.1 503 .*retry-after: 1/is);
  assert.match(await exchange(port('other'), LAST), /other 2$/);
  const [status] = launcher.status().services;
  assert.equal(status?.ready, 0);
  assert.match(status?.reloading ?? '', /^starts since \d/);
  assert.ok(log.lines.some(({ message }) => message.startsWith('plain responds with 503 until it has started')));
  inits.resolve();
  await restarted;
  assert.equal(launcher.status().reloads[0]?.outcome, 'accepted');
  assert.match(await exchange(port('plain'), LAST), /plain 2$/);
});

test('RW-2 requests that keep a former configuration are cut off at drain_timeout, and counted', async (t) => {
  const { launcher, port, log } = await fleet(t, { plain: {} }, '[DEFAULT]\ndrain_timeout = 0.05\n');
  const held = new Client(port('plain'));
  held.write(HELD);
  await untilIs(() => launcher.status().services[0]?.workers[0]?.facts.inFlight, 1);
  await launcher.restart();
  assert.match(await exchange(port('plain'), LAST), /plain 2$/);
  await held.closed;
  assert.equal(held.received, '');
  assert.equal(launcher.status().services[0]?.lost.deadline, 1);
  assert.ok(log.lines.some(({ message }) => message === 'requests were cut off'));
});

for (const pause of [0, 0.05]) {
  test(`RW-2 a manager given as an object cannot run twice: its requests are cut off after reload_pause = ${pause}`, async (t) => {
    const order: string[] = [];
    const manager = new (managed(order))();
    const { launcher, port } = await fleet(
      t,
      { plain: { manager } },
      `[DEFAULT]\nreload_pause = ${pause}\ndrain_timeout = 0\n`,
      order,
    );
    const held = new Client(port('plain'));
    held.write(HELD);
    await untilIs(() => launcher.status().services[0]?.workers[0]?.facts.inFlight, 1);
    await launcher.restart();
    assert.match(await exchange(port('plain'), LAST), /plain 2$/);
    await held.closed;
    assert.equal(held.received, '');
    assert.deepEqual(order, ['init 1', 'cleanup 1', 'close 1', 'init 1']);
    assert.equal(launcher.status().reloads[0]?.cutOff, 1);
  });
}

test('RW-2 a server that the application runs by itself has drain_timeout for its requests, whatever reload_pause is', async (t) => {
  const { launcher, letGo, log } = await fleet(t, {}, '[DEFAULT]\nreload_pause = 0\n');
  const app: App = async (req, res) => {
    if (req.url === '/held') await letGo.promise;
    res.end('served');
  };
  const server = new Server('bare', app, { host: '127.0.0.1', port: 0, log });
  await launcher.launchService(server);
  const held = new Client(portOf(server));
  held.write(HELD);
  await untilIs(() => server.inFlight, 1);
  const restarted = launcher.restart();
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
  const waiting = exchange(portOf(server), LAST);
  await untilIs(() => server.inFlight, 2);
  letGo.resolve();
  assert.equal((await held.response()).body, 'served');
  assert.match(await waiting, /served$/);
  await restarted;
  assert.equal(launcher.status().services[0]?.lost.deadline, 0);
});

test('RW-12 a reload closes no kept connection: its next request gets the new app, and the end of the connection', async (t) => {
  const { launcher, port } = await fleet(t, { plain: {} });
  const kept = new Client(port('plain'));
  kept.write(GET);
  assert.equal((await kept.response()).headers.get('connection'), 'keep-alive');
  await launcher.restart();
  await launcher.restart();
  kept.write(GET);
  const { body, headers } = await kept.response();
  assert.deepEqual([body, headers.get('connection')], ['plain 3', 'close']);
  await kept.closed;
  const next = new Client(port('plain'));
  next.write(GET);
  assert.equal((await next.response()).headers.get('connection'), 'keep-alive');
  next.close();
});

test('RW-2 connections that wait in a reload count for max_connections', async (t) => {
  const { launcher, port, letGo, services } = await fleet(
    t,
    { plain: { manager: managed([]) } },
    '[DEFAULT]\nreload_pause = 600\n[wsgi]\nmax_connections = 4\n',
  );
  const held = new Client(port('plain'));
  held.write(HELD);
  await untilIs(() => services.get('plain')!.server.inFlight, 1);
  const restarted = launcher.restart();
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
  const waiting = Array.from({ length: 6 }, () => new Client(port('plain')));
  for (const client of waiting) client.write(GET);
  await Promise.race(waiting.map(({ closed }) => closed));
  await untilIs(() => services.get('plain')!.server.inFlight, 4);
  assert.equal(services.get('plain')!.server.connections.open, 4);
  letGo.resolve();
  await restarted;
  await untilIs(() => waiting.filter(({ received }) => received.includes('plain 2')).length, 3);
  for (const client of waiting) client.close();
});

for (const begins of [false, true]) {
  const during = begins ? 'while the next manager begins' : 'while old requests are open';
  test(`RW-8 a stop ${during} in a reload serves all that have connected`, async (t) => {
    const inits = deferred();
    const order: string[] = [];
    const made = managed(order, (number) => number === 2 && inits.promise);
    const { launcher, port, letGo, services } = await fleet(t, { plain: { manager: made } }, '', order);
    const { server } = services.get('plain')!;
    const held = new Client(port('plain'));
    held.write(HELD);
    await untilIs(() => server.inFlight, 1);
    const restarted = launcher.restart();
    await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
    const waiting = new Client(port('plain'));
    waiting.write(GET);
    await untilIs(() => server.inFlight, 2);
    if (begins) {
      letGo.resolve();
      await untilIs(() => order.length, 3);
    }
    const stopped = launcher.stop();
    letGo.resolve();
    inits.resolve();
    assert.match((await held.response()).body, /plain 1/);
    const { status, headers, body } = await waiting.response();
    assert.deepEqual([status, headers.get('connection'), body], [200, 'close', begins ? 'plain 2' : 'plain 1']);
    await Promise.all([stopped, restarted]);
    assert.equal(launcher.status().reloads[0]?.outcome, 'abandoned');
    assert.equal(await launcher.wait(), 0);
  });
}

test('RW-11 an API whose manager cannot begin responds with 503 until it can', async (t) => {
  let isAway = false;
  const made = managed([], () => {
    if (isAway) throw new Error('no database');
  });
  const { launcher, port } = await fleet(t, { plain: { manager: made }, other: {} });
  isAway = true;
  const kept = new Client(port('plain'));
  await once(kept.socket, 'connect');
  await launcher.restart();
  const { outcome, error } = launcher.status().reloads[0]!;
  assert.deepEqual([outcome, error], ['incomplete', 'service plain did not start, and is tried again: no database']);
  assert.match(await exchange(port('plain'), LAST), /^HTTP\/1\.1 503 .*retry-after: 1.*The service is reloading/is);
  assert.match(await exchange(port('other'), LAST), /other 2$/);
  isAway = false;
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'ready');
  kept.write(LAST);
  assert.match((await kept.response()).body, /plain \d/);
});

test('RW-1 TLS that a reload turns on or off is: new connections get what the configuration says', async (t) => {
  const files = await certificateFiles();
  const ini = (apis: string): string =>
    `[DEFAULT]\nenabled_ssl_apis = ${apis}\n[ssl]\ncert_file = ${files.cert}\nkey_file = ${files.key}\n`;
  const { launcher, port, write } = await fleet(t, { plain: {} }, ini(''));
  const overTls = async (): Promise<string> => {
    const ca = files.pem.cert;
    const request = get({ host: 'localhost', port: port('plain'), ca, agent: false });
    const [response] = await once(request, 'response');
    return (await response.toArray()).join('');
  };
  const kept = new Client(port('plain'));
  kept.write(GET);
  await kept.response();
  write(ini('plain'));
  await launcher.restart();
  assert.equal(await overTls(), 'plain 2');
  assert.equal(await exchange(port('plain'), LAST), '');
  // A connection from before is served once more.
  kept.write(GET);
  assert.equal((await kept.response()).headers.get('connection'), 'close');
  write(ini(''));
  await launcher.restart();
  assert.match(await exchange(port('plain'), LAST), /plain 3$/);
  await assert.rejects(overTls());
});
