/** A head that fails under a stream takes its own request with it, and neither its connection nor the requests behind it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, Readable, Transform } from 'node:stream';
import { describe, test } from 'node:test';
import { type App, beforeHead, compose, type Filter, fastifyApp, fromFetch, transformBody } from 'portico/app';
import { Reply, Router } from 'portico/routing';
import { Server } from 'portico/server';
import { keepingLogger } from '../routing/served-router.js';
import { Client, portOf } from '../server/raw-client.js';

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

/** Apps with a slow route, a stream and a quick route; each stream is kept. */
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
      test(`RT-178 a stream whose head fails is 500 between two answers: ${name} ${how}`, {
        timeout: 20_000,
      }, async (t) => {
        const opened: Readable[] = [];
        const failed: ServerResponse[] = [];
        let letGo = (_text: string): void => {};
        const slow = new Promise<string>((resolve) => {
          letGo = resolve;
        });
        const app = (await apps(opened, () => slow))[name]!;
        const watched = (req: IncomingMessage, res: ServerResponse): void | Promise<void> => {
          if (req.url === '/stream') failed.push(res);
          return compose(filters, app)(req, res);
        };
        const server = new Server('pipelined', watched, { port: 0, host: '127.0.0.1' });
        await server.start();
        t.after(() => server.stop());
        const client = new Client(portOf(server));
        for (const path of ['slow', 'stream']) client.write(`GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        client.write('GET /ok HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        // The failing one has its answer before the one ahead of it.
        while (!failed[0]?.headersSent) await new Promise((resolve) => setImmediate(resolve));
        letGo('slow');
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

  test('a stream whose head failed is closed when its connection goes before the answer', {
    timeout: 20_000,
  }, async (t) => {
    const opened: Readable[] = [];
    const app = (await apps(opened, () => new Promise(() => {}))).fetch!;
    const failed: ServerResponse[] = [];
    const watched: App = (req, res) => {
      if (req.url === '/stream') failed.push(res);
      return failingForStreams(app)(req, res);
    };
    const server = new Server('pipelined', watched, { port: 0, host: '127.0.0.1' });
    await server.start();
    t.after(() => server.stop());
    const client = new Client(portOf(server));
    for (const path of ['slow', 'stream']) client.write(`GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    while (!failed[0]?.headersSent) await new Promise((resolve) => setImmediate(resolve));
    client.close();
    for (const source of opened) if (!source.destroyed) await once(source, 'close');
    assert.equal(opened.length, 1);
  });
});
