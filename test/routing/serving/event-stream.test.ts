/** Tests endless streams while a Server stops, is replaced, or gets another app. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { closingOf } from 'portico/app';
import { type ActionRequest, Reply, Router } from 'portico/routing';
import { Server } from 'portico/server';
import type { StopOptions } from 'portico/service';
import { memoryLog } from '../../server/memory-log.js';
import { portOf } from '../../server/raw-client.js';

/** Starts a server whose action sends one event and then waits for `closing` of its request. */
async function feed(t: TestContext) {
  const asked: ActionRequest[] = [];
  const router = new Router();
  router.get('/changes', (request) => {
    asked.push(request);
    async function* events() {
      yield 'data: 1\n\n';
      if (!request.closing.aborted) await once(request.closing, 'abort');
      yield 'data: last\n\n';
    }
    return new Reply(Readable.from(events()), { headers: { 'content-type': 'text/event-stream' } });
  });
  const app = await router.build();
  const log = memoryLog();
  const server = new Server('feed', app, { log });
  await server.start();
  t.after(async () => {
    await server.stop();
    await app.close();
  });
  return { server, asked, log, app };
}

/** Opens a stream, and returns it after its first event. */
async function opened(server: Server): Promise<{ answer: IncomingMessage; next: () => Promise<string | undefined> }> {
  const call = httpRequest({ port: portOf(server), host: '127.0.0.1', path: '/changes', agent: false }).end();
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  const pieces = answer.setEncoding('utf8')[Symbol.asyncIterator]();
  const next = async () => (await pieces.next()).value as string | undefined;
  assert.equal(await next(), 'data: 1\n\n');
  return { answer, next };
}

for (const reason of ['stop', 'replaced'] as const) {
  test(`an event stream that ends at request.closing does not hold up a graceful end (${reason})`, async (t) => {
    const { server, asked, log } = await feed(t);
    const { answer, next } = await opened(server);
    const stop: StopOptions = { graceful: true, reason };
    const stopped = server.stop(stop);
    assert.equal(await next(), 'data: last\n\n');
    assert.equal(await next(), undefined);
    assert.equal(answer.complete, true);
    await stopped;
    const [{ signal, closing }] = asked as [ActionRequest];
    assert.equal(signal.aborted, false, 'the request had its time');
    assert.equal((closing.reason as Error).message, 'the service is stopping or reloading');
    const errors = log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(errors, []);
  });
}

test('request.closing is aborted for the requests of a replaced app, and not for those of the new one', async (t) => {
  const { server, asked, app } = await feed(t);
  const { next } = await opened(server);
  const replaced = server.replaceApp((req, res) => app(req, res));
  assert.equal(await next(), 'data: last\n\n');
  assert.equal(await next(), undefined);
  await replaced;
  const { answer } = await opened(server);
  assert.deepEqual([asked[0]!.closing.aborted, asked[1]!.closing.aborted], [true, false]);
  answer.destroy();
});

test('request.closing is aborted when the client has left', async (t) => {
  const { server, asked } = await feed(t);
  const { answer } = await opened(server);
  const [{ closing, req }] = asked as [ActionRequest];
  answer.destroy();
  if (!closing.aborted) await once(closing, 'abort');
  assert.equal((closing.reason as Error).message, 'the client is gone');
  assert.equal(closingOf(req)?.aborted, false, 'the server serves on');
});

test('twelve open streams listen to request.closing, and Node warns of none, also of the next app', async (t) => {
  const { server, app } = await feed(t);
  const warned: Error[] = [];
  const keep = (warning: Error): unknown => warned.push(warning);
  process.on('warning', keep);
  t.after(() => process.off('warning', keep));
  const openTwelve = async (): Promise<void> => {
    const streams = await Promise.all(Array.from({ length: 12 }, () => opened(server)));
    t.after(() => {
      for (const { answer } of streams) answer.destroy();
    });
  };
  await openTwelve();
  void server.replaceApp((req, res) => app(req, res));
  await openTwelve();
  assert.deepEqual(warned, []);
});
