/** A stop, or a step of a start that fails, within a reload of one process: what becomes of the requests of all runs. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { App } from 'portico/app';
import { Config } from 'portico/config';
import { WSGIService, type WSGIServiceOptions } from 'portico/server';
import type { Manager } from 'portico/service';
import { isDraining } from '#internal/app';
import { deferred } from '#internal/tasks';
import { InProcessRunner } from '../../../dist/launch/in-process/in-process-runner.js';
import { LauncherCore } from '../../../dist/launch/launcher-core.js';
import { isLong } from '../../e2e/faults/figures.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { until, untilIs } from '../../fixtures/until.js';
import { memoryLog } from '../../server/memory-log.js';
import { Client, exchange, portOf } from '../../server/raw-client.js';
import { Random } from '../../simulation/random.js';

const LAST = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
const request = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

type Happens = (what: string) => unknown;

/**
 * An API with a manager in one process. Apps and managers have numbers. `happens` is awaited for all that happens: `get /path`, `init 1`,
 * `post 1`, `cleanup 1`, `close 1`. A response has the number of its app, and what of it had ended before the response was sent.
 */
async function api(t: TestContext, ini: string, happens: Happens, shape: 'none' | 'class' | 'object' = 'class') {
  const folder = temporaryFolder();
  const write = (text: string): void => writeFileSync(join(folder, 'portico.ini'), text);
  write(ini);
  const log = memoryLog();
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const options = { config, log, signals: false };
  const launcher = new LauncherCore<InProcessRunner>(options, (core) => new InProcessRunner(core, options));
  t.after(() => launcher.drain({ reason: 'stop', timeoutMs: 100 }));
  /** Managers that have begun, and have not ended. */
  const live = new Set<number>();
  let begun = 0;
  class Begun implements Manager {
    number = 0;
    async initHost() {
      this.number = ++begun;
      await happens(`init ${this.number}`);
      live.add(this.number);
    }
    async postStartHook() {
      await happens(`post ${this.number}`);
    }
    async cleanupHost() {
      live.delete(this.number);
      await happens(`cleanup ${this.number}`);
    }
  }
  let built = 0;
  const loader = {
    has: () => true,
    async loadApp() {
      const number = ++built;
      let isClosed = false;
      const app: App = async (req, res) => {
        const first = shape === 'none' || live.size > 0 ? '' : ' begins without a manager';
        await happens(`get ${req.url}`);
        const last = shape === 'none' || live.size > 0 ? '' : ' ends without a manager';
        const draining =
          req.url === '/draining' || req.url === '/again' ? `, ${isDraining(req) ? 'draining' : 'not draining'}` : '';
        res.end(`app ${number}${first}${last}${isClosed ? ' is closed' : ''}${draining}`);
      };
      const close = async (): Promise<void> => {
        isClosed = true;
        await happens(`close ${number}`);
      };
      return Object.assign(app, { close });
    },
  };
  const manager = { none: undefined, class: Begun, object: new Begun() }[shape];
  const service = new WSGIService('plain', config, { log, loader, ...(manager && { manager }) } as WSGIServiceOptions);
  await launcher.runner.launchService(service);
  const port = portOf(service);
  const begin = async (path: string): Promise<Client> => {
    const client = new Client(port);
    client.write(request(path));
    await until(
      () => service.server.requests,
      (requests) => requests.some(({ req }) => req.url === path),
    );
    return client;
  };
  return { launcher, service, port, begin, log };
}

/** What happens, in order; some of it is held until it is let go. */
class Story {
  readonly told: string[] = [];
  readonly #held = new Map<string, ReturnType<typeof deferred<void>>>();

  constructor(...held: string[]) {
    for (const what of held) this.#held.set(what, deferred());
  }

  readonly happens = async (what: string): Promise<void> => {
    this.told.push(what);
    await this.#held.get(what)?.promise;
  };

  letGo(what: string): void {
    this.#held.get(what)?.resolve();
  }

  async until(what: string): Promise<void> {
    await until(
      () => this.told,
      (told) => told.includes(what),
    );
  }
}

test('RW-8 requests that a stop resumes keep their app and its manager, also those that outlast the ones before the reload', async (t) => {
  const story = new Story('get /a', 'get /b');
  const { launcher, begin } = await api(t, '', story.happens);
  const a = await begin('/a');
  const restarted = launcher.reload();
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
  const b = await begin('/b');
  const stopped = launcher.stop();
  await story.until('get /b');
  story.letGo('get /a');
  assert.equal((await a.response()).body, 'app 1');
  // Time for steps that do not wait for B.
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  assert.deepEqual(story.told, ['init 1', 'post 1', 'get /a', 'get /b']);
  story.letGo('get /b');
  assert.equal((await b.response()).body, 'app 1');
  await Promise.all([stopped, restarted]);
  assert.deepEqual(story.told.slice(4), ['cleanup 1', 'close 1', 'close 2']);
  assert.equal(await launcher.wait(), 0);
});

for (const held of ['cleanup 1', 'close 1']) {
  test(`RW-8 a stop after the requests of the former run have ended (${held}) serves new ones by the next run`, async (t) => {
    const story = new Story(held);
    const { launcher, begin } = await api(t, '', story.happens);
    const restarted = launcher.reload();
    await story.until(held);
    const waiting = await begin('/waiting');
    const stopped = launcher.stop();
    const late = await begin('/late');
    story.letGo(held);
    for (const client of [waiting, late]) {
      const { status, body, headers } = await client.response();
      assert.equal(status, 200);
      assert.match(body, /^app [23]$/);
      assert.equal(headers.get('connection'), 'close');
    }
    await Promise.all([stopped, restarted]);
    assert.equal(await launcher.wait(), 0);
    assert.deepEqual(
      story.told.filter((what) => /init|cleanup/.test(what)),
      ['init 1', 'cleanup 1', 'init 2', 'cleanup 2'],
    );
  });
}

test('RW-8 in drain_delay a reload goes on: requests that wait for it, and later ones, are served', async (t) => {
  const story = new Story('get /a', 'cleanup 1', 'init 2');
  const { launcher, begin, port, service } = await api(t, '[DEFAULT]\ndrain_delay = 600\n', story.happens);
  const a = await begin('/a');
  const restarted = launcher.reload();
  await untilIs(() => launcher.status().services[0]?.workers[0]?.state, 'reloading');
  const b = await begin('/b');
  const stopped = launcher.stop();
  story.letGo('get /a');
  assert.equal((await a.response()).body, 'app 1');
  story.letGo('cleanup 1');
  story.letGo('init 2');
  const { body, headers } = await b.response();
  assert.deepEqual([body, headers.get('connection')], ['app 2', 'close']);
  const later = await exchange(port, request('/later'));
  assert.match(later, /^HTTP\/1\.1 200 .*connection: close.*app 2$/is);
  assert.equal(launcher.status().leaving, true);
  assert.equal(service.server.isListening, true);
  await restarted;
  assert.equal(launcher.status().reloads[0]?.outcome, 'abandoned');
  await Promise.all([launcher.drain({ reason: 'stop', timeoutMs: 100 }), stopped]);
});

for (const held of ['init 2', 'post 2']) {
  test(`RW-8 a stop while the next run begins (${held}) announces the end of connections during drain_delay`, async (t) => {
    const story = new Story(held);
    const { launcher, port } = await api(t, '[DEFAULT]\ndrain_delay = 600\n', story.happens);
    const restarted = launcher.reload();
    await story.until(held);
    const stopped = launcher.stop();
    await untilIs(() => launcher.status().leaving, true);
    const waiting = new Client(port);
    waiting.write(request('/again'));
    story.letGo(held);
    for (const path of ['/draining', '/again'])
      assert.match(await exchange(port, request(path)), /^HTTP\/1\.1 200 .*connection: close.*app 2, draining$/is);
    assert.equal((await waiting.response()).body, 'app 2, draining');
    await restarted;
    await Promise.all([launcher.drain({ reason: 'stop', timeoutMs: 100 }), stopped]);
  });
}

test('RW-11 a step after the server serves that fails in a reload cuts off nothing: the API responds with 503 until it can begin', async (t) => {
  const story = new Story('get /former', 'get /taken');
  let isAway = false;
  const { launcher, begin, port, service } = await api(t, '[DEFAULT]\nreload_pause = 0.01\n', async (what) => {
    await story.happens(what);
    if (!isAway || !what.startsWith('post')) return;
    await story.until('get /taken');
    throw new Error('no broker');
  });
  const former = await begin('/former');
  isAway = true;
  const restarted = launcher.reload();
  await story.until('post 2');
  const taken = await begin('/taken');
  await until(
    () => exchange(port, LAST),
    (received) => /^HTTP\/1\.1 503 .*The service is reloading/is.test(received),
  );
  assert.equal(former.socket.destroyed, false);
  story.letGo('get /taken');
  assert.equal((await taken.response()).body, 'app 2');
  await restarted;
  assert.equal(launcher.status().reloads[0]?.error, 'service plain did not start, and is tried again: no broker');
  assert.match(await exchange(port, LAST), /^HTTP\/1\.1 503 /);
  isAway = false;
  await until(
    () => exchange(port, LAST),
    (received) => received.startsWith('HTTP/1.1 200 '),
  );
  story.letGo('get /former');
  assert.equal((await former.response()).body, 'app 1');
  assert.equal(portOf(service), port);
  assert.deepEqual(story.told.filter((what) => what.startsWith('close')).sort(), ['close 1', 'close 2']);
});

/** Moments of a stop: as this begins, or some time after the reload has begun. */
const MOMENTS = ['cleanup 1', 'close 1', 'init 2', 'post 2', 'get /', 'later'] as const;

/** A stop at some moment of a reload, while clients connect all the time. */
async function walk(t: TestContext, seed: number): Promise<void> {
  const random = new Random(seed);
  const shape = random.pick(['none', 'class', 'class', 'object'] as const);
  const fails = random.chance(0.2);
  const delay = random.pick([0, 0, 0.05]);
  const reloadPause = shape === 'object' ? 600 : random.pick([0.01, 600]);
  const moment = random.pick(MOMENTS);
  const told = `seed ${seed}: ${shape}, ${moment}, drain_delay ${delay}, reload_pause ${reloadPause}, fails ${fails}`;
  const comes = deferred();
  let reloads = false;
  const ini = `[DEFAULT]\ndrain_delay = ${delay}\nreload_pause = ${reloadPause}\n`;
  const rest = async (turns: number, ms: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  };
  const happens = async (what: string): Promise<void> => {
    if (reloads && what === moment) comes.resolve();
    if (reloads) await rest(random.below(6), random.chance(0.7) ? random.below(what === 'get /' ? 30 : 12) : 0);
    if (fails && what === 'post 2') throw new Error('no broker');
  };
  const { launcher, port, log } = await api(t, ini, happens, shape);
  const clients: { readonly client: Client; isConnected: boolean; wasConnected: boolean }[] = [];
  const connect = (): void => {
    const client = new Client(port);
    const each = { client, isConnected: false, wasConnected: false };
    client.socket.once('connect', () => {
      each.isConnected = true;
    });
    client.write(LAST);
    clients.push(each);
  };
  const kept = new Client(port);
  kept.write(request('/kept'));
  await kept.response();
  const ticks = setInterval(connect, 2);
  for (let count = 0; count < 3; count++) connect();
  await rest(3, 0);
  reloads = true;
  const reloaded = launcher.reload();
  if (moment === 'later') void rest(random.below(4), random.below(40)).then(() => comes.resolve());
  await Promise.race([comes.promise, reloaded]);
  await rest(random.below(8), 0);
  kept.write(LAST);
  for (const each of clients) each.wasConnected = each.isConnected;
  const stopped = launcher.stop();
  await rest(random.below(8), random.below(20));
  clearInterval(ticks);
  await Promise.all([stopped, reloaded, kept.closed, ...clients.map(({ client }) => client.closed)]);
  // `reload_pause` limits the wait for the former run and for the start of the next one: after 10 ms a start that is still at work leaves its
  // clients with 503 and `Retry-After`, as its page says, and a stop in that moment does not change it. With a long pause each gets its response.
  const mayRefuse = fails || reloadPause < 1;
  const isWhole = mayRefuse
    ? /^HTTP\/1\.1 (200 [\s\S]*app \d|503 [\s\S]*reloading[\s\S]*)$/
    : /^HTTP\/1\.1 200 [\s\S]*app \d$/;
  assert.match(kept.received, isWhole, told);
  for (const { client, wasConnected } of clients)
    if (wasConnected || client.received !== '') assert.match(client.received, isWhole, told);
  const status = await launcher.wait();
  assert.ok(status === 0 || fails, told);
  if (!fails)
    assert.deepEqual(
      log.lines.filter(({ level }) => level === 'error'),
      [],
      told,
    );
}

test('RW-8 RW-11 a stop at any moment of a reload serves all that have connected, on no app and no manager that has ended', async (t) => {
  const seeds = Array.from({ length: isLong ? 2000 : 24 }, (_, at) => 7001 + at);
  const given = process.env.PORTICO_TEST_SEED;
  if (given !== undefined) return walk(t, Number(given));
  while (seeds.length > 0) await Promise.all(seeds.splice(0, 12).map((seed) => walk(t, seed)));
});
