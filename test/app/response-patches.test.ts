/** Tests headers that fail while a stream is sent: only that request fails, and not its connection or later requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable, Transform } from 'node:stream';
import { describe, test } from 'node:test';
import { type App, beforeHead, compose, type Filter, fastifyApp, fromFetch, transformBody } from 'portico/app';
import { Loader } from 'portico/loader';
import { Reply, Router } from 'portico/routing';
import { temporaryFolder } from '../fixtures/keeper.js';
import { keepingLogger } from '../routing/served-router.js';
import { Client, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const failingForStreams: Filter = (app) => (req, res) => {
  if (req.url === '/stream') {
    beforeHead(res, () => {
      throw new Error('no head today');
    });
  }
  return app(req, res);
};

const doubling: Filter = (app) => (req, res) => {
  transformBody(res, () => new Transform({ transform: (chunk, _encoding, done) => done(null, `${chunk}${chunk}`) }));
  return app(req, res);
};

const awaiting: Filter = (app) => async (req, res) => {
  await app(req, res);
};

/** Returns apps with a slow route, a stream and a quick route. Each stream is added to `opened`. */
async function apps(opened: Readable[], slow: () => Promise<string>): Promise<Readonly<Record<string, App>>> {
  const stream = (): Readable => {
    const made = new PassThrough();
    opened.push(made);
    setImmediate(() => made.end('a stream'));
    return made;
  };
  const router = new Router({ log: keepingLogger() });
  const headers = { 'content-type': 'text/plain' };
  router.connect('/slow', { handler: async () => new Reply(await slow(), { headers }) });
  router.connect('/stream', { handler: () => new Reply(stream(), { headers }) });
  router.connect('/ok', { handler: () => new Reply('ok', { headers }) });
  return {
    router: await router.build(),
    fastify: await fastifyApp(async (fastify) => {
      fastify.get('/slow', slow);
      fastify.get('/stream', (_, reply) => reply.send(stream()));
      fastify.get('/ok', async () => 'ok');
    }),
    fetch: fromFetch(async ({ url }) => {
      if (url.endsWith('/slow')) return new Response(await slow());
      return new Response(url.endsWith('/ok') ? 'ok' : (Readable.toWeb(stream()) as ReadableStream));
    }),
  };
}

const FILTERS: Readonly<Record<string, readonly Filter[]>> = {
  alone: [failingForStreams],
  'behind promises': [awaiting, awaiting, failingForStreams, awaiting],
  'with a transformer within': [failingForStreams, doubling],
  'with a transformer around': [awaiting, doubling, failingForStreams],
};

describe('pipelined', () => {
  for (const [how, filters] of Object.entries(FILTERS)) {
    for (const name of ['router', 'fastify', 'fetch']) {
      test(`RT-178 a stream whose headers fail gets 500 between two responses: ${name} ${how}`, async (t) => {
        const opened: Readable[] = [];
        const app = (await apps(opened, async () => 'slow'))[name]!;
        const server = await startedServer(t, 'pipelined', compose(filters, app), { port: 0, host: '127.0.0.1' });
        const client = new Client(portOf(server));
        for (const path of ['slow', 'stream']) client.write(`GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        client.write('GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        await client.closed;
        const heads = client.received.match(/HTTP\/1\.1 \d+/g);
        assert.deepEqual(heads, ['HTTP/1.1 200', 'HTTP/1.1 500', 'HTTP/1.1 200'], client.received);
        const [, failure = ''] = client.received.split(/(?=HTTP\/1\.1 )/);
        const [head = '', body = ''] = failure.split('\r\n\r\n');
        const length = /content-length: (\d+)/i.exec(head)?.[1];
        if (length === undefined) assert.match(body, /^[0-9a-f]+$/im, failure);
        else assert.equal(Number(length), body.length, failure);
        for (const source of opened) if (!source.destroyed) await once(source, 'close');
      });
    }
  }
});

const failing =
  (count: number): Filter =>
  (app) =>
  (req, res) => {
    for (let n = 0; n < count; n++) {
      beforeHead(res, () => {
        throw new Error('no head today');
      });
    }
    return app(req, res);
  };

async function staticFiles(folder: string, maxAge = 0): Promise<App> {
  const file = join(folder, 'api-paste.ini');
  writeFileSync(file, `[app:main]\nuse = egg:Paste#static\ndocument_root = ${folder}\ncache_max_age = ${maxAge}\n`);
  return new Loader(file).loadApp();
}

test('RT-178 a listener of the headers that throws under a stream ends the request as an error, and nothing else', async (t) => {
  const folder = temporaryFolder('portico-stream-');
  const file = join(folder, 'large');
  for (const name of ['file', 'text', 'empty', 'later']) writeFileSync(join(folder, name), name);
  writeFileSync(file, Buffer.alloc(1_000_000, 'a'));
  const streams: Readonly<Record<string, () => Readable>> = {
    '/file': () => createReadStream(file),
    '/text': () => Readable.from(['a', 'b']),
    '/empty': () => Readable.from([]),
    '/later': () => {
      const stream = new PassThrough();
      setImmediate(() => stream.end('late'));
      return stream;
    },
  };
  const log = keepingLogger();
  log.child = () => log;
  const opened: Readable[] = [];
  const keep = (stream: Readable): Readable => {
    opened.push(stream);
    return stream;
  };
  const router = new Router({ log });
  for (const [path, make] of Object.entries(streams)) {
    router.connect(path, { handler: () => new Reply(keep(make()), { headers: { 'content-type': 'text/plain' } }) });
  }
  const apps: Readonly<Record<string, App>> = {
    router: await router.build(),
    fastify: await fastifyApp(async (fastify) => {
      for (const [path, make] of Object.entries(streams)) fastify.get(path, (_, reply) => reply.send(keep(make())));
    }),
    files: await staticFiles(folder),
    fetch: fromFetch((request) => {
      const body = streams[new URL(request.url).pathname]!();
      return new Response(Readable.toWeb(keep(body)) as ReadableStream);
    }),
  };
  for (const [name, app] of Object.entries(apps)) {
    // With three failures the error responses fail as well, so the connection is closed.
    for (const count of [1, 3]) {
      const server = await startedServer(t, 'streams', failing(count)(app), { port: 0, host: '127.0.0.1', log });
      const { port } = server.addresses[0] as { port: number };
      for (const path of Object.keys(streams)) {
        const status = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(5000) }).then(
          async (answer) => {
            await answer.arrayBuffer();
            return answer.status;
          },
          (error: Error) => (error.name === 'TimeoutError' ? 'hung' : 'cut'),
        );
        assert.equal(status, count === 1 ? 500 : 'cut', `${name} ${path}, ${count} failing`);
      }
    }
  }
  for (const stream of opened) assert.equal(stream.destroyed, true);
});

test('RT-178 a 500 in place of a stream says nothing of the response that failed: no cache keeps it', async (t) => {
  const folder = temporaryFolder('portico-stream-');
  writeFileSync(join(folder, 'file'), 'a file');
  const headers = { 'cache-control': 'max-age=600', location: '/new', 'set-cookie': 'a=1', 'x-any': 'stays' };
  const apps = {
    files: await staticFiles(folder, 600),
    fetch: fromFetch(() => new Response('made', { status: 201, headers })),
  };
  for (const [name, app] of Object.entries(apps)) {
    const server = await startedServer(t, 'streams', failing(1)(app), { port: 0, host: '127.0.0.1' });
    const { port } = server.addresses[0] as { port: number };
    const answer = await fetch(`http://127.0.0.1:${port}/file`, { redirect: 'manual' });
    assert.equal(answer.status, 500, name);
    for (const key of ['cache-control', 'location', 'set-cookie', 'etag']) assert.equal(answer.headers.get(key), null);
    if (name === 'fetch') assert.equal(answer.headers.get('x-any'), 'stays');
  }
});
