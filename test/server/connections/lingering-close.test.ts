import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import express from 'express';
import { type App, compose, Fault, fastifyApp, readBody } from 'portico/app';
import { sizelimit } from 'portico/middleware';
import { Router } from 'portico/routing';
import type { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { deferred } from '../../../dist/tasks/deferred.js';
import { makePair } from '../certificate-files.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

/** Responds after a delay without reading the body. */
const refuse: App = async (_req, res) => {
  await wait(20);
  res.writeHead(401, { 'content-length': 2 }).end('no');
};

for (const [form, framing] of [
  ['a declared length', { 'content-length': 80_000 }],
  ['chunks', { 'transfer-encoding': 'chunked' }],
] as const) {
  test(`a kept connection goes on after a response that did not wait for a body with ${form}`, async (t) => {
    const port = portOf(await startedServer(t, 'early', refuse));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    let kept: number | undefined;
    for (let count = 0; count < 3; count++) {
      const outgoing = send({ port, agent, method: 'POST', headers: framing });
      outgoing.end(Buffer.alloc(80_000));
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      // With more than 64 KiB to come the server closes the connection, and the response says so.
      if (kept !== undefined) assert.equal(outgoing.socket?.localPort, kept);
      kept = answer.headers.connection === 'close' ? undefined : outgoing.socket?.localPort;
      answer.resume();
      await once(answer, 'end');
      assert.equal(answer.statusCode, 401);
    }
  });
}

/** Apps that refuse an upload, with their status. The server refuses `/\\` by itself. */
const refusing: Readonly<Record<string, readonly [status: number, make: () => App | Promise<App>]>> = {
  'auth of a Router': [401, () => routed({ auth: () => Promise.reject(new Fault(401)) })],
  'the body limit of a Router': [413, () => routed({})],
  'a hook of Fastify': [
    401,
    () =>
      fastifyApp((leaf, _options, done) => {
        leaf.addHook('onRequest', async (_request, reply) => reply.code(401).send('no'));
        leaf.post('/', () => 'read');
        done();
      }),
  ],
  Express: [401, () => express().use((_req, res) => void res.status(401).send('no'))],
  sizelimit: [
    413,
    async () => compose([(await buildFilter(sizelimit)).made], async (req, res) => void res.end(await text(req))),
  ],
  readBody: [413, () => async (req) => void (await readBody(req))],
  'the server': [400, () => (_req, res) => void res.end()],
};

async function routed(options: ConstructorParameters<typeof Router>[0]): Promise<App> {
  return new Router(options).post('/', ({ body }) => String(body)).build();
}

/** Sends a request whole, as blocking clients do, and only then reads the response. */
async function sendThenRead(socket: Socket, head: string, body: Buffer): Promise<number> {
  const client = new Client(socket);
  socket.pause();
  client.write(head);
  const chunked = head.includes('chunked');
  if (chunked) client.write(`${body.length.toString(16)}\r\n`);
  await new Promise<void>((resolve, reject) => {
    client.socket.write(body, (error) => (error ? reject(error) : resolve()));
  });
  if (chunked) client.write('\r\n0\r\n\r\n');
  socket.resume();
  const { status } = await client.response();
  client.close();
  return status;
}

describe('AU-1 RL-54 RL-13 PH-8 a client that reads only after it has sent its whole body gets the refusal', () => {
  for (const [who, [status, make]] of Object.entries(refusing)) {
    for (const framing of ['declared', 'chunked', 'over TLS']) {
      test(`${who}: ${framing}`, async (t) => {
        const tls = framing.endsWith('TLS') ? await makePair() : undefined;
        const server = await startedServer(t, 'early', await make(), { ...(tls && { tls }) });
        const body = Buffer.alloc(8_000_000, ' ');
        const path = who === 'the server' ? '/\\' : '/';
        const length = framing === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${body.length}`;
        const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;
        const to = { port: portOf(server), host: '127.0.0.1' };
        const socket = tls === undefined ? connect(to) : connectTls({ ...to, ca: tls.cert, servername: 'localhost' });
        assert.equal(await sendThenRead(socket, head, body), status);
      });
    }
  }
});

/** Starts an upload that is refused, and returns its client when the response has arrived. */
async function refused(server: Server, framing: string): Promise<Client> {
  const client = new Client(connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true }));
  client.write(`POST / HTTP/1.1\r\nhost: x\r\n${framing}\r\n\r\n`);
  assert.equal((await client.response()).status, 401);
  return client;
}

async function gone(server: Server): Promise<void> {
  while (server.connections.open > 0) await wait(20);
}

// Each waits for a time limit of about a second.
describe('AU-1 RL-54 the rest of an unwanted body is read', { concurrency: true }, () => {
  for (const framing of ['content-length: 1000000', 'content-length: 1000', 'transfer-encoding: chunked']) {
    test(`until it pauses for lingeringTimeout: ${framing}`, async (t) => {
      const server = await startedServer(t, 'early', refuse, { lingeringTimeout: 0.5 });
      const client = await refused(server, framing);
      const { open, lingering, limit } = server.connections;
      assert.deepEqual({ open, lingering, limit }, { open: 1, lingering: 1, limit: 4096 });
      await gone(server);
      client.close();
      assert.equal(server.connections.closed.get('lingering'), 1);
    });

    test(`for lingeringTime, however slowly: ${framing}`, async (t) => {
      const server = await startedServer(t, 'early', refuse, { lingeringTime: 1 });
      const client = await refused(server, framing);
      const chunk = framing.endsWith('chunked') ? '1\r\nx\r\n' : 'x';
      const trickle = setInterval(() => client.write(chunk), 20);
      await gone(server);
      clearInterval(trickle);
      client.close();
      assert.equal(server.connections.closed.get('lingering'), 1);
    });
  }

  test('for a connection that gives way to others beyond max_connections', async (t) => {
    const server = await startedServer(t, 'early', refuse, { maxConnections: 1 });
    const client = await refused(server, 'content-length: 1000000');
    const other = await refused(server, 'content-length: 0');
    assert.equal(server.connections.closed.get('too many connections'), 1);
    client.close();
    other.close();
  });
});

for (const [what, input] of [
  ['a last request', 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'],
  ['broken input', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n\0'],
] as const) {
  test(`RV-1 a client that leaves behind a flood after ${what} does not hold the request at work`, async (t) => {
    const begun = deferred<ServerResponse>();
    const server = await startedServer(t, 'early', (_req, res) => begun.resolve(res), { lingeringTime: 1 });
    const socket = connect(portOf(server), '127.0.0.1');
    // The server closes with unread input, which resets the connection.
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    socket.write(input);
    const closed = once(await begun.promise, 'close');
    // The system buffers all of it, so that the end of the client comes after it.
    socket.end('x'.repeat(200_000));
    await closed;
    while (server.connections.open > 0) await wait(1);
  });
}
