/** The holder of a slot of `default_pool_size`: application code at work, whatever its client does. */
import assert, { fail } from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type App, compose, type Filter, fastifyApp, fromFetch, readBody } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { catchErrors, deadline } from 'portico/middleware';
import { Router } from 'portico/routing';
import { Server, type ServerOptions, WSGIService } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { Client, exchange, portOf } from '../raw-client.js';

const get = (target: string, ...fields: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'host: x', ...fields].join('\r\n')}\r\n\r\n`;
const last = 'connection: close';
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function started(t: TestContext, app: App, options: ServerOptions) {
  const server = new Server('slots', app, options);
  await server.start();
  t.after(() => server.stop({ deadlineMs: 1 }).catch(() => undefined));
  return { server, port: portOf(server), client: () => new Client(portOf(server)) };
}

/** Work that goes on until it is let go. */
class Work {
  readonly open: (() => void)[] = [];
  count = 0;
  readonly do = (): Promise<void> => {
    this.count++;
    return new Promise((resolve) => this.open.push(resolve));
  };
}

/** Apps that work for a while before they respond, by the form in which they return. */
const WORKING: Readonly<Record<string, (work: () => Promise<void>) => App | Promise<App>>> = {
  'an async function': (work) => async (_req, res) => {
    await work();
    res.end('done');
  },
  'a listener that returns at once': (work) => (_req, res) => {
    void work().then(() => res.end('done'));
  },
  'an action': (work) => new Router().get('/', async () => work().then(() => 'done')).build(),
  'an action behind an asynchronous guard': (work) =>
    new Router({ auth: async () => void (await turn()) }).get('/', async () => work().then(() => 'done')).build(),
  'an action with Fastify': (work) =>
    new Router({ fastify: {} }).get('/', async () => work().then(() => 'done')).build(),
  'a Fastify plugin': (work) =>
    fastifyApp(async (instance) => {
      instance.get('/', async () => work().then(() => 'done'));
    }),
  'a Fetch handler': (work) =>
    fromFetch(async () => {
      await work();
      return new Response('done');
    }),
};

for (const [form, make] of Object.entries(WORKING)) {
  test(`AT-2 clients that leave early do not free the slot while ${form} is at work`, async (t) => {
    const work = new Work();
    const { server, client, port } = await started(t, await make(work.do), { defaultPoolSize: 2 });
    for (let sent = 1; sent <= 6; sent++) {
      const one = client();
      one.write(get('/'));
      while (server.inFlight === 0) await turn();
      if (sent <= 2) while (work.count < sent) await turn();
      one.close();
      while (server.inFlight > 0) await turn();
    }
    assert.equal(work.count, 2);
    const waiting = exchange(port, get('/', last));
    while (server.queued === 0) await turn();
    work.open[0]!();
    while (work.count < 3) await turn();
    assert.equal(server.queued, 0);
    work.open[2]!();
    assert.match(await waiting, /done/);
    work.open[1]!();
  });

  test(`AT-2 MW-26 short deadlines on one connection do not free the slot while ${form} is at work`, async (t) => {
    const work = new Work();
    const filters: Filter[] = [(await buildFilter(catchErrors)).made, (await buildFilter(deadline)).made];
    const app = compose(filters, await make(work.do));
    const { client, port } = await started(t, app, { defaultPoolSize: 2 });
    const one = client();
    for (let sent = 1; sent <= 6; sent++) {
      one.write(get('/', 'x-portico-timeout: 0.005'));
      assert.equal((await one.response()).status, 503);
    }
    assert.equal(work.count, 2);
    work.open[0]!();
    const answered = exchange(port, get('/', last));
    while (work.count < 3) await turn();
    work.open[2]!();
    assert.match(await answered, /done/);
    work.open[1]!();
    one.close();
  });
}

async function* never(signal: AbortSignal): AsyncGenerator<string> {
  await once(signal, 'abort').catch(() => undefined);
  yield 'over';
}

async function* first(signal: AbortSignal): AsyncGenerator<string> {
  yield 'first\n';
  yield* never(signal);
}

/** Apps that have returned, and whose responses wait for their next event. */
const STREAMING: Readonly<Record<string, () => App | Promise<App>>> = {
  'an action returns a generator': () =>
    new Router()
      .get('/', () => 'done')
      .get('/stream', (request) => first(request.signal))
      .build(),
  'an action returns a stream later': () =>
    new Router()
      .get('/', () => 'done')
      .get('/stream', async (request) => turn().then(() => Readable.from(first(request.signal))))
      .build(),
  'a long poll is a generator without a chunk': () =>
    new Router()
      .get('/', () => 'done')
      .get('/stream', (request) => never(request.signal))
      .build(),
  'a listener sends its head': () => (req, res) => {
    if (req.url === '/') return void res.end('done');
    setImmediate(() => res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders());
  },
  'a plugin of Fastify sends a stream': () =>
    fastifyApp(async (instance) => {
      instance.get('/', async () => 'done');
      instance.get('/stream', (_request, reply) => {
        void reply.send(Readable.from(first(new AbortController().signal)));
      });
    }),
  'a Fetch handler returns a stream': () =>
    fromFetch((request) =>
      request.url.endsWith('/stream')
        ? new Response(ReadableStream.from(first(request.signal)).pipeThrough(new TextEncoderStream()))
        : new Response('done'),
    ),
};

for (const [form, make] of Object.entries(STREAMING)) {
  test(`RV-4 streams hold no slot while they wait for their next event: ${form}`, async (t) => {
    const { server, client, port } = await started(t, await make(), { defaultPoolSize: 2 });
    const clients = Array.from({ length: 8 }, client);
    for (const one of clients) one.write(get('/stream'));
    while (server.inFlight < 8) await turn();
    assert.match(await exchange(port, get('/', last)), /done/);
    assert.equal(server.queued, 0);
    for (const one of clients) one.close();
    while (server.inFlight > 0) await turn();
    assert.match(await exchange(port, get('/', last)), /done/);
  });
}

test('a promise that responds holds no slot from its headers on, whatever its client does', async (t) => {
  const work = new Work();
  const app: App = async (req, res) => {
    if (req.url === '/') return void res.end('done');
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    if (req.url === '/flushed') res.flushHeaders();
    else if (!res.write(Buffer.alloc(30_000_000))) await once(res, 'drain');
    await work.do();
    res.end();
  };
  const { server, client, port } = await started(t, app, { defaultPoolSize: 1 });
  const slow = client();
  slow.socket.pause();
  slow.write(get('/large'));
  const streams = Array.from({ length: 150 }, client);
  for (const one of streams) one.write(get('/flushed'));
  while (server.inFlight < 151) await turn();
  assert.match(await exchange(port, get('/', last)), /done/);
  assert.equal(server.queued, 0);
  slow.close();
  for (const one of streams) one.close();
  for (const open of work.open) open();
  while (server.inFlight > 0) await turn();
  assert.match(await exchange(port, get('/', last)), /done/);
});

test('RV-4 RL-3 an app whose body is on its way holds no slot, and holds one when it has come', async (t) => {
  const work = new Work();
  const app: App = async (req, res) => {
    if (req.method === 'GET') return void res.end('done');
    await readBody(req);
    await work.do();
    res.end('read');
  };
  const { server, client, port } = await started(t, app, { defaultPoolSize: 1 });
  const slow = client();
  slow.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello');
  while (server.inFlight < 1) await turn();
  assert.match(await exchange(port, get('/', last)), /done/);
  slow.write('again');
  while (work.count < 1) await turn();
  const waiting = exchange(port, get('/', last));
  while (server.queued === 0) await turn();
  work.open[0]!();
  assert.equal((await slow.response()).body, 'read');
  assert.match(await waiting, /done/);
  slow.close();
});

test('AT-2 RV-4 a report says who has each slot, and its numbers are those of the server', async (t) => {
  const work = new Work();
  const filtered = new Work();
  const filter: Filter = (inner) => async (req, res) => {
    if (req.url === '/filter') await filtered.do();
    return inner(req, res);
  };
  const app: App = async (req, res) => {
    if (req.method === 'POST') await readBody(req);
    await work.do();
    res.end();
  };
  const config = Config.fromText('[api:main]\nlisten = 127.0.0.1:0\n[wsgi]\ndefault_pool_size = 2\n');
  const loader = { has: () => true, loadApp: async () => compose([filter], app) };
  const service = new WSGIService('main', config, { loader, log: silentLogger() } as never);
  await service.start();
  t.after(() => service.stop({ deadlineMs: 1 }).catch(() => undefined));
  const clients: Client[] = [];
  const sent = (text: string): Client => {
    const one = new Client(portOf(service.server));
    clients.push(one);
    one.write(text);
    return one;
  };
  const leaving = sent(get('/left'));
  while (work.count < 1) await turn();
  sent('POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhello');
  while (service.server.inFlight < 2) await turn();
  sent(get('/works'));
  while (work.count < 2) await turn();
  sent(get('/waits'));
  while (service.server.queued < 1) await turn();
  sent(get('/filter'));
  while (filtered.count < 1) await turn();
  leaving.close();
  while (service.server.inFlight > 4) await turn();
  const slots = Object.fromEntries([...service.requestsInFlight()].map(({ path, slot }) => [path, slot]));
  assert.deepEqual(slots, {
    '/left': 'application',
    '/works': 'application',
    '/body': 'client',
    '/waits': 'waiting',
    '/filter': 'none',
  });
  for (const one of clients) one.close();
});

test('AT-2 an app is not called once its client has left in a filter', async (t) => {
  const work = new Work();
  let called = 0;
  const filter: Filter = (app) => async (req, res) => {
    await work.do();
    return app(req, res);
  };
  const app = compose([filter], (_req, res) => {
    called++;
    res.end();
  });
  const { server, client } = await started(t, app, { defaultPoolSize: 1 });
  const one = client();
  one.write(get('/'));
  while (work.count < 1) await turn();
  one.close();
  while (server.inFlight > 0) await turn();
  work.open[0]!();
  await turn();
  assert.equal(called, 0);
});

test('AT-2 an app that destroys its response has settled', async (t) => {
  const { server, port } = await started(t, (_req, res) => void res.destroy(), { defaultPoolSize: 1 });
  for (let sent = 0; sent < 3; sent++) assert.equal(await exchange(port, get('/')), '');
  assert.equal(server.abandoned.length, 0);
});

test('AT-2 an app that destroys its socket and returns has settled', async (t) => {
  const { server, client } = await started(t, (req) => void req.socket.destroy(), { defaultPoolSize: 1 });
  for (let sent = 0; sent < 3; sent++) {
    const one = client();
    one.write(get('/'));
    await one.closed;
    while (server.inFlight > 0) await turn();
    assert.equal(server.abandoned.length, 0);
  }
});

test('AU-6 AT-2 an app of a Loader takes its slot behind its filters, which may wait for others, also in a bare server', async (t) => {
  const work = new Work();
  const waits: Filter = (app) => async (req, res) => {
    if (req.headers['x-waits'] !== undefined) await work.do();
    return app(req, res);
  };
  const factories: Readonly<Record<string, unknown>> = {
    filter: () => waits,
    app: () => (_req: IncomingMessage, res: ServerResponse) => void res.end('done'),
  };
  const paste = `[pipeline:a]
pipeline = waits plain
[filter:waits]
paste.filter_factory = test:filter
[app:plain]
paste.app_factory = test:app
`;
  const loader = new Loader('/api-paste.ini', {
    readFile: () => Buffer.from(paste),
    resolve: { expression: (text) => factories[text.slice('test:'.length)], distribution: () => fail() },
  });
  const app = await loader.loadApp('a');
  const { server, port, client } = await started(t, app, { defaultPoolSize: 1 });
  const waiting = client();
  waiting.write(get('/', 'x-waits: 1'));
  while (work.count < 1) await turn();
  assert.match(await exchange(port, get('/', last)), /done$/);
  assert.equal(server.queued, 0);
  work.open[0]!();
  assert.equal((await waiting.response()).body, 'done');
  waiting.close();
});
