import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { type App, environ, fromFetch, readBody } from 'portico/app';
import { lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';
import { deferred } from '../../../dist/tasks/deferred.js';
import { memoryLog } from '../../server/memory-log.js';
import { exchange, portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';

test('a Fetch-style handler is an App: method, URL, headers and body go in, a Response comes out', async () => {
  const app = fromFetch(async (incoming, req) => {
    assert.equal(environ(req).originalUrl, '/v1/echo?x=1');
    return Response.json(
      {
        method: incoming.method,
        url: new URL(incoming.url).pathname + new URL(incoming.url).search,
        accept: incoming.headers.get('accept'),
        body: await incoming.text(),
      },
      { status: 201, headers: { 'x-made': 'yes' } },
    );
  });
  const mounted: App = (req, res) => {
    environ(req).scriptName = '/v1';
    req.url = '/echo?x=1';
    return app(req, res);
  };
  const response = await request(lint(mounted), 'POST', '/v1/echo?x=1', {
    body: 'data',
    headers: { accept: 'text/x' },
  });
  assert.equal(response.status, 201);
  assert.equal(response.headers['x-made'], 'yes');
  assert.deepEqual(response.json(), { method: 'POST', url: '/echo?x=1', accept: 'text/x', body: 'data' });
});

test('SE-1 TRACE, which no Request accepts, gets 501 and no line of the log', async (t) => {
  const log = memoryLog();
  const server = await startedServer(
    t,
    'fetch',
    fromFetch(() => new Response('ok')),
    { log },
  );
  const received = await exchange(portOf(server), 'TRACE / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(received, /^HTTP\/1\.1 501 Not Implemented\r\n/);
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
});

test('cookies stay apart, HEAD has no body, empty responses are empty', async () => {
  const app = fromFetch((incoming) => {
    if (new URL(incoming.url).pathname === '/none') return new Response(null, { status: 204 });
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    return new Response('body', { headers });
  });
  assert.deepEqual((await request(lint(app), 'GET', '/')).headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal((await request(lint(app), 'HEAD', '/')).text(), '');
  assert.equal((await request(lint(app), 'GET', '/none')).status, 204);
});

test('a path that begins with two slashes names no other host', async () => {
  const app = fromFetch((incoming) => new Response(incoming.url));
  const answer = await rawRequest(lint(app), 'GET //evil/x HTTP/1.1\r\nHost: here:81\r\nConnection: close\r\n\r\n');
  assert.match(answer, /http:\/\/here:81\/\/evil\/x/);
});

test('RV-15 a body stream that fails before its first chunk is a logged 500', async (t) => {
  const log = memoryLog();
  const error = new Error('disk');
  const body = (): ReadableStream => new ReadableStream({ pull: (controller) => controller.error(error) });
  const server = await startedServer(
    t,
    'fetch',
    fromFetch(() => new Response(body(), { headers: { 'content-type': 'text/plain', 'content-length': '9' } })),
    { log },
  );
  const received = await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  assert.match(received, /^HTTP\/1\.1 500 .*content-type: application\/json.*"code":500/is);
  const told = log.lines.flatMap(({ level, fields }) => (level === 'error' ? [fields.err] : []));
  assert.deepEqual(told, [error]);
});

test('a body stream that fails after its first chunk breaks the response off', async (t) => {
  let fail: () => void;
  const failing = new Promise<void>((resolve) => {
    fail = resolve;
  });
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode('half')),
    async pull(controller) {
      await failing;
      controller.error(new Error('disk'));
    },
  });
  const server = await startedServer(
    t,
    'fetch',
    fromFetch(() => new Response(body)),
    { log: memoryLog() },
  );
  const answer = await fetch(`http://127.0.0.1:${portOf(server)}/`);
  assert.equal(answer.status, 200);
  fail!();
  await assert.rejects(answer.text());
});

test('the headers of a stream are sent before its first chunk, and a text with its length in one write', async (t) => {
  const opened = deferred();
  const app = fromFetch((incoming) => {
    if (incoming.url.endsWith('/text')) return new Response('done');
    const body = new ReadableStream({
      pull: async (controller) => {
        await opened.promise;
        controller.enqueue(new TextEncoder().encode('data: 1\n\n'));
        controller.close();
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const server = await startedServer(t, 'fetch', app, { port: 0 });
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/events`);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  opened.resolve();
  assert.equal(await response.text(), 'data: 1\n\n');
  assert.equal(await (await fetch(`http://127.0.0.1:${portOf(server)}/text`)).text(), 'done');
});

test('after readBody a handler gets a request without its body: reading it fails with PORTICO_BODY_CONSUMED', async () => {
  const handler = fromFetch(async (incoming) => {
    const error = await incoming.text().catch((cause: unknown) => cause as { code?: string });
    return new Response(typeof error === 'string' ? error : error.code);
  });
  const app: App = async (req, res) => {
    await readBody(req);
    await handler(req, res);
  };
  const answer = await request(lint(app), 'POST', '/', { body: 'read' });
  assert.deepEqual([answer.status, answer.text()], [200, 'PORTICO_BODY_CONSUMED']);
  const deaf: App = async (req, res) => {
    await readBody(req);
    await fromFetch(() => new Response('done'))(req, res);
  };
  assert.equal((await request(lint(deaf), 'POST', '/', { body: 'read' })).text(), 'done');
});

test('a client that leaves aborts the signal and cancels the body', async () => {
  let cancelled: () => void;
  const cancellation = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  let aborted: Promise<unknown> | undefined;
  const app = fromFetch((incoming) => {
    aborted = once(incoming.signal, 'abort');
    return new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(1024)),
        cancel: () => cancelled(),
      }),
    );
  });
  const server = createServer((req, res) => void app(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  socket.destroy();
  await cancellation;
  await aborted;
  server.close();
});

test('a handler that throws is a failure of the App', async () => {
  const app = fromFetch(() => {
    throw new Error('oops');
  });
  assert.equal((await request(lint(app), 'GET', '/')).status, 500);
});
