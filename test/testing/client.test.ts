/** A client for several requests to one app: cookies, streams both ways, events, signals, failures. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type App, Fault } from 'portico/app';
import { Router } from 'portico/routing';
import { openClient, request } from 'portico/testing';
import { silentLogger } from '../../dist/log/log.js';
import { closedAfter } from '../fixtures/closed-after.js';

async function clientOf(t: TestContext, add: (router: Router) => unknown, options = {}) {
  const router = new Router({ log: silentLogger() });
  add(router);
  const app = await router.build();
  return closedAfter(t, await openClient(app, options));
}

test('AU-10 several requests reach one app, and cookies are kept between them until they end', async (t) => {
  const add = (router: Router) => {
    router.get('/in', ({ res }) => {
      res.setHeader('set-cookie', ['a=1; Path=/', 'b=2; Max-Age=60']);
      return 'in';
    });
    router.get('/out', ({ res }) => {
      res.setHeader('set-cookie', ['a=; Max-Age=0', 'b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT']);
      return 'out';
    });
    router.get('/seen', ({ cookies }) => cookies);
  };
  const client = await clientOf(t, add);
  await client.request('GET', '/in');
  assert.deepEqual((await client.request('GET', '/seen')).json(), { a: '1', b: '2' });
  assert.equal(client.cookies.get('a'), '1');
  await client.request('GET', '/out');
  assert.deepEqual((await client.request('GET', '/seen')).json(), {});
  const bare = await clientOf(t, add, { cookies: false });
  await bare.request('GET', '/in');
  assert.deepEqual((await bare.request('GET', '/seen')).json(), {});
});

test('AU-10 a body is sent while the response to it is read', async (t) => {
  const client = await clientOf(t, (router) => {
    router.post('/loud', { body: { 'application/octet-stream': 'stream' } }, async function* loud({ req }) {
      for await (const chunk of req) yield String(chunk).toUpperCase();
    });
  });
  const more = new EventEmitter();
  async function* body() {
    yield 'one';
    await once(more, 'more');
    yield 'two';
  }
  const headers = { 'content-type': 'application/octet-stream' };
  const { status, body: answer } = await client.stream('POST', '/loud', { headers, body: body() });
  assert.equal(status, 200);
  const chunks: string[] = [];
  for await (const chunk of answer) {
    chunks.push(String(chunk));
    more.emit('more');
  }
  assert.deepEqual(chunks, ['ONE', 'TWO']);
});

test('AU-10 events are read as they come; leaving them, and a signal, disconnect', async (t) => {
  const left = new EventEmitter();
  const client = await clientOf(t, (router) => {
    router.get('/events', { type: 'text/event-stream' }, async function* events({ signal }) {
      signal.addEventListener('abort', () => left.emit('left'));
      yield ': hello\n\n';
      yield 'id: 1\nevent: tick\ndata: {"a":\ndata: 1}\n\nda';
      yield 'ta: two\n\n';
      await once(left, 'left');
    });
    router.get('/never', async ({ signal }) => {
      left.emit('asked');
      await once(signal, 'abort');
      left.emit('aborted');
    });
  });
  const { headers, events } = await client.stream('GET', '/events');
  assert.equal(headers['content-type'], 'text/event-stream');
  const seen: unknown[] = [];
  const gone = once(left, 'left');
  for await (const event of events()) {
    seen.push(event);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [
    { event: 'tick', data: '{"a":\n1}', id: '1' },
    { event: 'message', data: 'two', id: undefined },
  ]);
  await gone;
  const cut = new AbortController();
  const aborted = once(left, 'aborted');
  void once(left, 'asked').then(() => cut.abort());
  await assert.rejects(client.request('GET', '/never', { signal: cut.signal }), { name: 'AbortError' });
  await aborted;
});

test('AU-10 the failure of each request is its own', async (t) => {
  const client = await clientOf(t, (router) => {
    router.get('/bad', () => {
      throw new TypeError('bad');
    });
    router.get('/good', () => 'good');
    router.get('/none', () => {
      throw new Fault(404);
    });
  });
  assert.match(String((await client.request('GET', '/bad')).error), /TypeError: bad/);
  assert.equal((await client.request('GET', '/good')).error, undefined);
  assert.equal((await client.request('GET', '/none')).error, undefined);
});

test('AU-10 a request ends while a stream that was opened during it goes on, and each keeps its own failure', async (t) => {
  const heard = new EventEmitter();
  const client = await clientOf(t, (router) => {
    router.get('/slow', async () => {
      const open = once(heard, 'open');
      heard.emit('asked');
      await open;
      return 'slow';
    });
    router.get('/bad', () => {
      throw new TypeError('bad');
    });
    router.get('/events', { type: 'text/event-stream' }, async function* events({ signal }) {
      yield 'data: 1\n\n';
      await once(signal, 'abort');
    });
  });
  const asked = once(heard, 'asked');
  const slow = client.request('GET', '/slow');
  await asked;
  await client.stream('GET', '/events');
  assert.match(String((await client.request('GET', '/bad')).error), /TypeError: bad/);
  heard.emit('open');
  const { error, json } = await slow;
  assert.deepEqual([error, json()], [undefined, 'slow']);
});

test('AU-10 request takes a signal', async () => {
  const asked = new EventEmitter();
  const app: App = () => void asked.emit('asked');
  const cut = new AbortController();
  void once(asked, 'asked').then(() => cut.abort());
  await assert.rejects(request(app, 'GET', '/', { signal: cut.signal }), { name: 'AbortError' });
});
