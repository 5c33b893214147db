import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import express from 'express';
import { type App, afterResponse, compose, environ, fastifyApp, readBody } from 'portico/app';
import { Config } from 'portico/config';
import { catchErrors, requestId, sizelimit } from 'portico/middleware';
import { Router, type RouterPlugin } from 'portico/routing';
import type { Server } from 'portico/server';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';
import { portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const counting: App = async (req, res) => {
  res.end(String((await readBody(req, { limit: Number.POSITIVE_INFINITY })).length));
};

async function* chunked(size: number, piece = 16): AsyncGenerator<string> {
  for (let left = size; left > 0; left -= piece) {
    yield 'x'.repeat(Math.min(piece, left));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const limited = async (app: App, local: Record<string, string> = { max_request_body_size: '100' }): Promise<App> => {
  const outer = await buildFilter(catchErrors);
  const inner = await buildFilter(sizelimit, { local });
  return lint(compose([outer.made, inner.made], app));
};

/** Sends a chunked body above 100 bytes without its end, and settles when the connection has ended after a 413. */
async function sendTooMuch(server: Server, type: string): Promise<void> {
  const socket = connect(portOf(server), '127.0.0.1');
  const closed = once(socket, 'close');
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write(`40\r\n${'x'.repeat(64)}\r\n`.repeat(4));
  socket.once('data', (bytes: Buffer) => {
    assert.match(bytes.toString(), /^HTTP\/1\.1 413 /);
    socket.end();
  });
  await closed;
}

test('MW-17 a declared length of the limit passes, one more gets 413 before the body is read', async () => {
  let called = 0;
  const app = await limited((req, res) => {
    called += 1;
    return counting(req, res);
  });
  assert.equal((await request(app, 'POST', '/', { body: 'x'.repeat(100) })).text(), '100');
  const refused = await request(app, 'POST', '/', { body: 'x'.repeat(101) });
  assert.equal(refused.status, 413);
  assert.equal(refused.headers.connection, 'close');
  assert.match(refused.json().error.message, /100 bytes/);
  assert.equal(called, 1);
});

test('MW-17 a chunked body of the limit passes, one more gets 413', async () => {
  const app = await limited(counting);
  assert.equal((await request(app, 'POST', '/', { body: chunked(100) })).text(), '100');
  const refused = await request(app, 'POST', '/', { body: chunked(101) });
  assert.equal(refused.status, 413);
  assert.equal(refused.headers.connection, 'close');
});

test('MW-17 RL-13 an endless chunked body gets its response without being read to its end', async () => {
  const app = await limited(counting);
  const answer = await rawRequest(
    app,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${`40\r\n${'x'.repeat(64)}\r\n`.repeat(4)}`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /connection: close/i);
});

test('MW-17 whoever reads the body, its excess gets 413: Fastify, Express, async iteration', async () => {
  const fastify = await fastifyApp(async (instance) => {
    instance.post('/', { bodyLimit: 1_000_000 }, async (incoming) => incoming.body);
  });
  const app = express();
  app.post('/', express.text(), (req, res) => void res.send(req.body));
  const iterating: App = async (req, res) => {
    for await (const chunk of req) assert.ok(chunk);
    res.end('read');
  };
  for (const leaf of [fastify, app, iterating]) {
    const outer = await buildFilter(catchErrors);
    const inner = await buildFilter(sizelimit, { local: { max_request_body_size: '100' } });
    const body = chunked(400);
    const composed = compose([outer.made, inner.made], leaf as App);
    const response = await request(composed, 'POST', '/', { body, headers: { 'content-type': 'text/plain' } });
    assert.equal(response.status, 413);
  }
  await fastify.close();
});

test('MW-17 an app that has begun to respond loses its connection', async () => {
  const app: App = (req, res) => {
    res.writeHead(200);
    res.write('begun');
    req.resume();
  };
  await assert.rejects(request(await limited(app), 'POST', '/', { body: chunked(200) }));
});

test('MW-17 other limits below some paths, where prefixes moved to the script name count', async () => {
  const local = { max_request_body_size: '10', overrides: '/v2/images:1KiB,/v2/images/small:20' };
  const app = await limited(counting, local);
  const mounted: App = (req, res) => {
    environ(req).scriptName = '/v2';
    req.url = (req.url ?? '').slice(3);
    return app(req, res);
  };
  const status = async (path: string, size: number): Promise<number> =>
    (await request(mounted, 'POST', path, { body: 'x'.repeat(size) })).status;
  assert.equal(await status('/v2/images/1', 1024), 200);
  assert.equal(await status('/v2/images/1', 1025), 413);
  assert.equal(await status('/v2/images/small/1', 21), 413);
  assert.equal(await status('/v2/imagesx', 11), 413);
});

test('MW-4 the limit is a section option, else of the group, else 112 KiB; two instances do not share it', async () => {
  const config = Config.fromText('[sizelimit]\nmax_request_body_size = 50\n');
  const general = await buildFilter(sizelimit, { config });
  const own = await buildFilter(sizelimit, { config, local: { max_request_body_size: '70' } });
  const bare = await buildFilter(sizelimit);
  const status = async (filter: typeof own, size: number): Promise<number> =>
    (await request(lint(filter.made(counting)), 'POST', '/', { body: 'x'.repeat(size) })).status;
  assert.equal(await status(general, 51), 413);
  assert.equal(await status(own, 70), 200);
  assert.equal(await status(own, 71), 413);
  assert.equal(await status(general, 50), 200);
  assert.equal(await status(bare, 114_688), 200);
  assert.equal(await status(bare, 114_689), 413);
});

const PIECE = 'x'.repeat(16_384);
const CHUNK = `4000\r\n${PIECE}\r\n`;
for (const [what, head, piece, pieces, statuses] of [
  ['a declared body', 'Content-Length: 10000000', PIECE, 3, ['413']],
  ['a chunked body', 'Transfer-Encoding: chunked', CHUNK, 10, ['413']],
  ['a declared body that waits for 100', 'Content-Length: 10000000\r\nExpect: 100-continue', PIECE, 3, ['413']],
  [
    'a chunked body that waits for 100',
    'Transfer-Encoding: chunked\r\nExpect: 100-continue',
    CHUNK,
    10,
    ['100', '413'],
  ],
] as const) {
  test(`PH-8 RL-13 a client that goes on sending ${what}, up to 64 KiB too much, sees the 413`, async (t) => {
    const server = await startedServer(t, 'sizelimit', await limited(counting, {}), { host: '127.0.0.1', port: 0 });
    const [address] = server.addresses;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect((address as { port: number }).port, '127.0.0.1');
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
      const send = (left: number): void => {
        if (left === 0 || socket.destroyed) return;
        socket.write(piece);
        setImmediate(send, left - 1);
      };
      send(pieces);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text));
    });
    assert.deepEqual(
      [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
      statuses,
    );
  });
}

test('MW-17 a body cut off in front of a Router is one response, whatever parser reads it and whatever server serves it', async () => {
  const { log, lines } = captureLog();
  const parsers: RouterPlugin = async (fastify) => {
    fastify.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, text, done) => done(null, text));
    fastify.addContentTypeParser('text/async', async (_request: unknown, body: AsyncIterable<unknown>) => {
      for await (const chunk of body) assert.ok(chunk);
    });
  };
  const size = await buildFilter(sizelimit, { local: { max_request_body_size: '100' } });
  for (const [plugins, types] of [
    [[], ['application/json']],
    [[parsers], ['application/json', 'text/csv', 'text/async']],
  ] as const) {
    const router = new Router({ log, plugins });
    router.post('/', ({ body }) => ({ body }));
    const routed = await router.build();
    for (const type of types) {
      const headers = { 'content-type': type };
      const cut = await request(size.made(routed), 'POST', '/', { headers, body: chunked(400) });
      assert.equal(cut.status, 413, type);
    }
    await routed.close();
  }
  const messages = lines.map(({ msg }) => msg);
  assert.deepEqual(messages, []);
});

test('MW-17 a chunked body cut off in front of a Fastify plugin is one response, whatever parser reads it, and no warning', async (t) => {
  const { log, lines } = captureLog();
  const own: string[] = [];
  const stream = { write: (line: string) => void own.push(line) };
  for (const options of [{ log }, { fastify: { logger: { stream, level: 'warn' } } }]) {
    const app = await fastifyApp(async (fastify) => {
      fastify.addContentTypeParser('text/async', async (_request: unknown, body: AsyncIterable<unknown>) => {
        for await (const chunk of body) assert.ok(chunk);
      });
      fastify.post('/', async ({ body }) => ({ body }));
    }, options);
    const outer = [(await buildFilter(catchErrors)).made];
    const size = await buildFilter(sizelimit, { local: { max_request_body_size: '100' } });
    const server = await startedServer(t, 'api', compose([...outer, size.made], app), { log });
    for (const type of ['application/json', 'text/plain', 'text/async']) {
      await sendTooMuch(server, type);
    }
    await server.stop();
    await app.close();
  }
  const messages = lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ msg }) => msg);
  assert.deepEqual(messages, []);
  assert.deepEqual(own, []);
});

test('MW-7 the line after a connection that was destroyed has the request id', async (t) => {
  const { log, lines } = captureLog();
  const app: App = (req, res) => {
    afterResponse(res, () => log.info('cut off'));
    res.write('half');
    setImmediate(() => req.socket.destroy());
  };
  const server = await startedServer(t, 'api', compose([(await buildFilter(requestId)).made], app), { log });
  const socket = connect(portOf(server), '127.0.0.1');
  socket.on('error', () => {}).resume();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'close');
  await server.stop();
  assert.equal(typeof lines.find(({ msg }) => msg === 'cut off')?.request_id, 'string');
});
