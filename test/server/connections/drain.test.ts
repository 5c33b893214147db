import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type App, closingOf } from 'portico/app';
import { Server, type ServerOptions } from 'portico/server';
import type { StopOptions } from 'portico/service';
import { isDraining } from '#internal/app';
import { memoryLog } from '../memory-log.js';
import { Client, portOf } from '../raw-client.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

/** An app whose responses the test sends. */
function held(): { app: App; next: () => Promise<[IncomingMessage, ServerResponse]> } {
  const arrived: [IncomingMessage, ServerResponse][] = [];
  const waiting: ((pair: [IncomingMessage, ServerResponse]) => void)[] = [];
  return {
    app: (req, res) => {
      const take = waiting.shift();
      if (take === undefined) arrived.push([req, res]);
      else take([req, res]);
    },
    next: () =>
      new Promise((resolve) => {
        const pair = arrived.shift();
        if (pair === undefined) waiting.push(resolve);
        else resolve(pair);
      }),
  };
}

async function started(app: App, options: ServerOptions = {}) {
  const server = new Server('drain', app, options);
  await server.start();
  return { server, port: portOf(server), client: () => new Client(portOf(server)) };
}

const gently: StopOptions = { graceful: true };

async function refused(port: number): Promise<void> {
  let error: NodeJS.ErrnoException;
  // One that comes while the socket closes is in its queue, and is reset.
  do [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
  while (error.code === 'ECONNRESET');
  assert.equal(error.code, 'ECONNREFUSED');
}

/** A request at work, of which `before` has the response, and a stop: new connections are refused already. */
async function stoppedAtWork(before?: (res: ServerResponse) => void) {
  const { app, next } = held();
  const { server, port, client } = await started(app);
  const one = client();
  one.write(GET);
  const [, res] = await next();
  before?.(res);
  const stopped = server.stop(gently);
  await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  await refused(port);
  return { server, one, res, stopped };
}

test('LC-541 LC-543 LC-1315 LC-1316 LC-1901 PT-6 PT-8 a request at work gets its whole response, which says that the connection ends', async () => {
  const { server, one, res, stopped } = await stoppedAtWork();
  res.end('all of it');
  const answer = await one.response();
  assert.equal(answer.body, 'all of it');
  assert.equal(answer.headers.get('connection'), 'close');
  await one.closed;
  await stopped;
  await server.wait();
});

test('PT-6 a drain announces the end in place of a Connection field that the application has set', async () => {
  const { one, res, stopped } = await stoppedAtWork((early) => early.setHeader('connection', 'keep-alive'));
  res.end('ok');
  assert.equal((await one.response()).headers.get('connection'), 'close');
  await one.closed;
  await stopped;
});

test('LC-542 LC-1903 idle, silent and half-sent connections are closed after drain_idle', async () => {
  const { server, client } = await started((_req, res) => void res.end('ok'), { drainIdle: 0.05 });
  const silent = client();
  const half = client();
  half.write('GET / HTTP/1.1\r\nho');
  const idle = client();
  idle.write(GET);
  await idle.response();
  const halfAgain = client();
  halfAgain.write(GET);
  await halfAgain.response();
  halfAgain.write('GET / HT');
  assert.equal(server.connections.open, 4);
  await server.stop(gently);
  await Promise.all([silent.closed, half.closed, idle.closed, halfAgain.closed]);
  assert.equal(server.connections.open, 0);
});

test('LA-4 a stop accepts every connection that waits, also while requests keep the CPU busy', async () => {
  const { server, client } = await started((_req, res) => {
    const until = performance.now() + 3;
    while (performance.now() < until);
    res.end('ok');
  });
  const waiting = Array.from({ length: 200 }, client);
  for (const each of waiting) each.write(GET);
  const stopped = server.stop(gently);
  for (const each of waiting) assert.equal((await each.response()).body, 'ok');
  await stopped;
});

test('LA-4 a request that arrived while the event loop was blocked gets a response, although drain_idle has passed', async () => {
  const { server, client } = await started((_req, res) => void res.end('ok'), { drainIdle: 0.05 });
  const silent = client();
  silent.write(GET);
  await silent.response();
  const stopped = server.stop(gently);
  for (let turns = 0; turns < 4; turns++) await turn();
  silent.write(GET);
  const until = performance.now() + 100;
  while (performance.now() < until);
  assert.equal((await silent.response()).body, 'ok');
  await stopped;
});

test('LC-542 drain_idle 0 closes idle connections at once', async () => {
  const { server, client } = await started((_req, res) => void res.end('ok'), { drainIdle: 0 });
  const idle = client();
  idle.write(GET);
  await idle.response();
  await server.stop(gently);
  await idle.closed;
});

test('PT-6 RL-65 a request that arrives on a kept connection during the drain gets a response', async () => {
  const { app, next } = held();
  const { server, client } = await started(app, { drainIdle: 5 });
  const kept = client();
  kept.write(GET);
  (await next())[1].end('one');
  const first = await kept.response();
  assert.equal(first.headers.get('connection'), 'keep-alive');
  const busy = client();
  busy.write(GET);
  const [, slow] = await next();
  const stopped = server.stop(gently);
  await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  kept.write(GET);
  (await next())[1].end('two');
  const second = await kept.response();
  assert.deepEqual([second.body, second.headers.get('connection')], ['two', 'close']);
  await kept.closed;
  slow.end('slow');
  assert.equal((await busy.response()).body, 'slow');
  await stopped;
});

test('a response whose headers were out when the drain began ends whole, and its connection after drain_idle', async () => {
  const { app, next } = held();
  const { server, client } = await started(app, { drainIdle: 0.05 });
  const streaming = client();
  streaming.write(GET);
  const [, res] = await next();
  res.setHeader('content-length', '10');
  res.write('12345');
  await streaming.until(/12345/);
  const stopped = server.stop(gently);
  await new Promise((resolve) => setImmediate(() => setImmediate(() => setImmediate(resolve))));
  res.end('67890');
  assert.equal((await streaming.response()).body, '1234567890');
  await streaming.closed;
  await stopped;
});

test('RL-81 LC-355 at the deadline what is at work is cut, named in the log, and the stop rejects', async () => {
  const { app, next } = held();
  const log = memoryLog();
  const { server, client } = await started(app, { log });
  const stuck = client();
  stuck.write('GET /stuck?secret=1 HTTP/1.1\r\nhost: x\r\n\r\n');
  await next();
  await assert.rejects(async () => server.stop({ graceful: true, deadlineMs: 50 }), { code: 'PORTICO_STOP_DEADLINE' });
  await stuck.closed;
  await server.wait();
  const line = log.lines.find(({ message }) => message === 'requests were cut off');
  const [request] = (line?.fields.requests ?? []) as { method: string; path: string }[];
  assert.deepEqual([request?.method, request?.path], ['GET', '/stuck']);
});

test('LC-549 connections that are only idle at the deadline are a clean end', async () => {
  const { server, client } = await started((_req, res) => void res.end('ok'), { drainIdle: 60 });
  const idle = client();
  idle.write(GET);
  await idle.response();
  await server.stop({ graceful: true, deadlineMs: 50 });
  await idle.closed;
});

test('LC-549 an aborted signal ends a drain like the deadline', async () => {
  const { app, next } = held();
  const { server, client } = await started(app);
  const stuck = client();
  stuck.write(GET);
  await next();
  const abort = new AbortController();
  const stopped = server.stop({ graceful: true, signal: abort.signal });
  abort.abort();
  await assert.rejects(stopped, { code: 'PORTICO_STOP_DEADLINE' });
  await stuck.closed;
});

test('PT-7 after a replacement an idle connection stays for the advertised time and a second', async () => {
  const { server, client } = await started((_req, res) => void res.end('ok'), { drainIdle: 0, keepAliveTimeout: 1.2 });
  const kept = client();
  kept.write(GET);
  assert.equal((await kept.response()).headers.get('keep-alive'), 'timeout=0');
  const began = performance.now();
  const stopped = server.stop({ graceful: true, reason: 'replaced' });
  await kept.closed;
  assert.ok(performance.now() - began >= 1000);
  await stopped;
});

test('PT-13 a replaced server serves health checks as ever until it is asked to stop; another process that waits has it close its idle connections after drain_idle', async () => {
  const { app, next } = held();
  const { server, client } = await started(app, { drainIdle: 0.02 });
  const [kept, asking] = [client(), client()];
  kept.write(GET);
  (await next())[1].end('ok');
  await kept.response();
  asking.write(GET);
  const [req, res] = await next();
  const replaced = server.stop({ graceful: true, reason: 'replaced' });
  await turn();
  const hurried = server.stop({ graceful: true, reason: 'hurried' });
  await kept.closed;
  assert.equal(isDraining(req), false, 'others serve');
  const stopped = server.stop(gently);
  assert.equal(isDraining(req), true);
  res.end('ok');
  assert.equal((await asking.response()).headers.get('connection'), 'close');
  await Promise.all([stopped, hurried, replaced]);
});

test('LC-540 RO-1 before a stop responses announce the end of their connections while new connections are accepted; streams are asked to end when it begins', async () => {
  const { app, next } = held();
  const { server, client } = await started(app);
  const [busy, kept, later] = [client(), client(), client()];
  busy.write(GET);
  const [req, res] = await next();
  kept.write(GET);
  (await next())[1].end('ok');
  assert.equal((await kept.response()).headers.get('connection'), 'keep-alive');
  assert.equal(closingOf(req)?.aborted, false);
  server.markDraining();
  assert.equal(closingOf(req)?.aborted, false);
  res.end('ok');
  later.write(GET);
  const [, last] = await next();
  last.end('ok');
  kept.write(GET);
  (await next())[1].end('ok');
  for (const each of [busy, kept, later]) {
    assert.equal((await each.response()).headers.get('connection'), 'close');
    await each.closed;
  }
  await server.stop(gently);
  assert.equal(closingOf(req)?.aborted, true);
});

test('a stream that begins on a kept connection while the server stops is asked to end, and has a second in which its app listens', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { app, next } = held();
  const { server, client } = await started(app, { drainIdle: 10 });
  const [early, late] = [client(), client()];
  let closing: AbortSignal | undefined;
  for (const one of [early, late]) {
    one.write(GET);
    const [req, res] = await next();
    closing ??= closingOf(req);
    res.end('ok');
    await one.response();
  }
  const stopped = server.stop(gently);
  while (closing?.aborted !== true) await turn();
  const begun = async (one: Client) => {
    one.write(GET);
    const [req, res] = await next();
    res.write('begun ');
    return () => {
      assert.equal(closingOf(req)!.aborted, false);
      closingOf(req)!.addEventListener('abort', () => res.end('bye'));
    };
  };
  (await begun(early))();
  t.mock.timers.tick(999);
  const listen = await begun(late);
  // Its app, or a filter before it, waits for something else first.
  for (const ms of [1, 999]) t.mock.timers.tick(ms);
  listen();
  t.mock.timers.tick(1);
  for (const one of [early, late]) assert.match((await one.response()).body, /begun [\s\S]*bye/);
  await stopped;
});

test('streams that begin while the server stops are asked to end also after another app has taken over', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { app, next } = held();
  const { server, client } = await started(app, { drainIdle: 10 });
  const kept = client();
  kept.write(GET);
  const [first, done] = await next();
  done.end('ok');
  await kept.response();
  const stopped = server.stop(gently);
  while (closingOf(first)?.aborted !== true) await turn();
  await server.replaceApp((req, res) => {
    res.write('begun ');
    closingOf(req)!.addEventListener('abort', () => res.end('bye'));
  });
  kept.write(GET);
  while (server.inFlight === 0) await turn();
  for (let second = 1; second <= 2; second++) t.mock.timers.tick(1000);
  assert.match((await kept.response()).body, /begun [\s\S]*bye/);
  await stopped;
});

test('LC-515 LC-1314 another app takes over on the same listener, and the old one finishes what it has', async () => {
  const { app, next } = held();
  const { server, client } = await started(app);
  const [busy, kept] = [client(), client()];
  kept.write(GET);
  (await next())[1].end('old');
  assert.equal((await kept.response()).body, 'old');
  busy.write(GET);
  const [, res] = await next();
  let over = false;
  const replaced = server.replaceApp((_req, answer) => void answer.end('new')).then(() => (over = true));
  kept.write(GET);
  assert.equal((await kept.response()).body, 'new');
  const fresh = client();
  fresh.write(GET);
  assert.equal((await fresh.response()).body, 'new');
  assert.equal(over, false);
  res.end('the last of the old app');
  assert.equal((await busy.response()).body, 'the last of the old app');
  await replaced;
  busy.write(GET);
  assert.equal((await busy.response()).body, 'new');
  await server.stop(gently);
});

test('LC-549 what the old app has not finished at the deadline is cut off, and nothing else', async () => {
  const { app, next } = held();
  const { server, client } = await started(app);
  const [busy, kept] = [client(), client()];
  kept.write(GET);
  (await next())[1].end('old');
  await kept.response();
  busy.write(GET);
  await next();
  await server.replaceApp((_req, answer) => void answer.end('new'), { deadlineMs: 20 });
  await busy.closed;
  kept.write(GET);
  assert.equal((await kept.response()).body, 'new');
  await server.stop(gently);
});
