/** Streams of actions that fail, are not sent, or are replaced by another response. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Filter, takeUpgrade, transformBody } from 'portico/app';
import { Reply, Router } from 'portico/routing';
import { Server } from 'portico/server';
import { silentLogger } from '#internal/log';
import { closedAfter } from '../../fixtures/closed-after.js';
import { Client, portOf } from '../../server/raw-client.js';
import { keepingLogger, serveRouter, testBoth } from '../served-router.js';

/** Serves a router by a Server; its clients send raw bytes. */
async function clients(t: TestContext, router: Router): Promise<() => Client> {
  const app = await router.build();
  const server = new Server('api', app, { log: silentLogger() });
  await server.start();
  t.after(async () => {
    await server.stop({ graceful: false });
    await app.close();
  });
  return () => {
    return closedAfter(t, new Client(portOf(server)));
  };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
/** Settles when a stream is closed, with or without an error. */
async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve));
}

const missing = (): Readable => createReadStream('/nonexistent/file');

testBoth('a stream that fails before its first chunk gets 500, also after a body', async (t, Router) => {
  const router = new Router({ log: silentLogger() });
  router.get('/s', missing).post('/s', missing);
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/s')).status, 500);
  assert.equal((await send('POST', '/s', { body: '{}' })).status, 500);
});

testBoth(
  'a stream that is not sent, for HEAD or with a 204, is released, and its error ends nothing',
  async (t, Router) => {
    const streams: Readable[] = [];
    const opened = (path: string): Readable => {
      streams.push(createReadStream(path));
      return streams.at(-1)!;
    };
    const router = new Router({ log: silentLogger() });
    router.get('/file', () => opened(import.meta.filename));
    router.get('/missing', () => opened('/nonexistent/file'));
    router.get('/none', () => new Reply(opened(import.meta.filename), { status: 204 }));
    router.get('/none-missing', () => new Reply(opened('/nonexistent/file'), { status: 204 }));
    const send = await serveRouter(t, router);
    for (const path of ['/file', '/missing']) assert.equal((await send('HEAD', path)).status, 200);
    for (const path of ['/none', '/none-missing']) assert.equal((await send('GET', path)).status, 204);
    for (const stream of streams) await closed(stream);
  },
);

testBoth('a web stream beside a header that cannot be sent is cancelled', async (t, Router) => {
  let tell = (): void => undefined;
  const cancelled = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const router = new Router({ log: silentLogger() });
  router.get('/bad', () => new Reply(new ReadableStream({ cancel: tell }), { headers: { 'x-bad': 'a\nb' } }));
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/bad')).status, 500);
  await cancelled;
});

testBoth('an action does not run once its request has a response', async (t, Router) => {
  let ran = 0;
  const run = (): object => ({ ran: ++ran });
  let isAnswered: Promise<unknown> = Promise.resolve();
  const waits: Filter = (app) => async (req, res) => {
    isAnswered = once(res, 'finish');
    await isAnswered;
    return app(req, res);
  };
  const answers: Filter = (app) => (req, res) => {
    res.end('mine');
    return app(req, res);
  };
  const router = new Router({ log: silentLogger() });
  router.post('/body', { deadline: 20 }, run);
  router.get('/filter', { deadline: 20, filters: [waits] }, run);
  router.get('/answered', { filters: [answers] }, run);
  const connect = await clients(t, router);
  const client = connect();
  client.write('POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{');
  await client.until(/^HTTP\/1.1 503/);
  client.write('}');
  const other = connect();
  other.write(get('/filter'));
  await other.until(/^HTTP\/1.1 503/);
  await isAnswered;
  const third = connect();
  third.write(get('/answered'));
  await third.until(/mine/);
  assert.equal(ran, 0);
});

testBoth('a deadline replaces a stream that goes on, behind another response and a filter too', async (t, Router) => {
  const slowly: Filter = (app) => (req, res) => {
    transformBody(res, () => new Transform({ transform: (chunk, _encoding, done) => setImmediate(done, null, chunk) }));
    return app(req, res);
  };
  async function* atAbort(signal: AbortSignal): AsyncGenerator<string> {
    if (!signal.aborted) await once(signal, 'abort');
    yield 'late';
    yield 'later';
  }
  const router = new Router({ log: silentLogger() });
  router.get('/slow', async () => {
    await pause(60);
    return 'first';
  });
  for (const [path, filters] of [
    ['/plain', []],
    ['/filtered', [slowly]],
  ] as const) {
    router.get(path, { deadline: 20, filters }, ({ signal }) => atAbort(signal));
  }
  const connect = await clients(t, router);
  for (const path of ['/plain', '/filtered']) {
    const client = connect();
    client.write(get('/slow') + get(path));
    await client.until(/first.*HTTP\/1.1 503.*took too long/s);
  }
});

testBoth('a stream that an action returns after its client has left is released', async (t, Router) => {
  let give = (_stream: Readable): void => undefined;
  const returned = new Promise<Readable>((resolve) => {
    give = resolve;
  });
  const router = new Router({ log: silentLogger() });
  router.get('/late', async ({ res }) => {
    await once(res, 'close');
    const stream = createReadStream(import.meta.filename);
    give(stream);
    return stream;
  });
  const client = (await clients(t, router))();
  client.write(get('/late'));
  await once(client.socket, 'connect');
  client.close();
  await closed(await returned);
});

testBoth('an action may return its response', async (t, Router) => {
  const body = Buffer.alloc(4_000_000, 'x');
  const router = new Router({ log: silentLogger() });
  router.get('/', ({ res }) => res.end(body));
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/')).text.length, body.length);
});

testBoth('the length that is sent is that of the body, and a status below 200 is refused', async (t, Router) => {
  const log = keepingLogger();
  const router = new Router({ log });
  router.get('/chunked', () => new Reply({ a: 1 }, { headers: { 'Transfer-Encoding': 'chunked' } }));
  router.get('/early', () => new Reply({}, { status: 100 }));
  const send = await serveRouter(t, router);
  const { headers, json } = await send('GET', '/chunked');
  assert.deepEqual([headers['content-length'], headers['transfer-encoding'], json], ['7', undefined, { a: 1 }]);
  assert.equal((await send('GET', '/early')).status, 500);
  assert.match(String(log.lines[0]?.fields.err), /the status 100: write one of 200 to 599/);
});

test('an action that takes an upgrade and fails later leaves no connection open', async (t) => {
  const router = new Router({ log: silentLogger() });
  router.get('/socket', async ({ req }) => {
    takeUpgrade(req);
    await Promise.resolve();
    throw new Error('after an await');
  });
  const client = (await clients(t, router))();
  client.write('GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  await client.closed;
});
