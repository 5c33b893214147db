import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { readBody } from 'portico/app';
import { memoryLog } from '../memory-log.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

async function started(t: TestContext) {
  const waiting: [IncomingMessage, ServerResponse][] = [];
  const server = await startedServer(t, 'broken', (req, res) => void waiting.push([req, res]));
  return { server, waiting, client: new Client(portOf(server)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
const LENGTH = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n';

/** The bytes that a client sends before it ends its side. */
const cutOff: readonly [name: string, bytes: string][] = [
  ['in the chunks of a pipelined request', `${GET}${CHUNKED}5\r\nhal`],
  ['in the body of a pipelined request', `${GET}${LENGTH}half`],
  ['in the head of a pipelined request', `${GET}GET / HT`],
  ['in the chunks of its body', `${CHUNKED}5\r\nhal`],
  ['in its body', `${LENGTH}half`],
  ['after bytes that are no request', `${GET}\0\0`],
  ['after bytes behind the last request', `${GET.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')}GET`],
];

for (const [name, bytes] of cutOff) {
  test(`a client that leaves ${name} is noticed by the request at work`, async (t) => {
    const { server, waiting, client } = await started(t);
    client.write(bytes);
    while (waiting.length < 1) await turn();
    const closed = waiting.map(([, res]) => once(res, 'close'));
    client.socket.end();
    await Promise.all(closed);
    await client.closed;
    while (server.inFlight > 0) await turn();
  });
}

for (const [name, end] of [
  ['that is broken', 'W'],
  ['that breaks off', undefined],
] as const) {
  test(`the socket of a body ${name} has the parser's error`, async (t) => {
    const { client, waiting } = await started(t);
    client.write(CHUNKED);
    while (waiting.length < 1) await turn();
    const failed = once(waiting[0]?.[0].socket as NodeJS.EventEmitter, 'error');
    if (end === undefined) client.socket.end();
    else client.write(end);
    const [error] = await failed;
    assert.match(error.code, /^HPE_INVALID_/);
    if (end !== undefined) assert.equal((await client.response()).status, 400);
    await client.closed;
  });
}

/** Ends of a body that is not whole, with the status of its refusal and what the client sends after the headers. */
const broken: readonly [what: string, status: number, piece: string | undefined][] = [
  ['is malformed', 400, 'W'],
  ['has too large a trailer', 431, `0\r\nt: ${'t'.repeat(20_000)}\r\n\r\n`],
  ['is too slow', 408, undefined],
];

for (const [what, status, piece] of broken) {
  for (const reads of [true, false]) {
    test(`RV-1 a body that ${what} ends its request, of an app that ${reads ? 'reads' : 'ignores'} it, though its client stays`, async (t) => {
      const ends: Promise<unknown>[] = [];
      const app = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
        ends.push(once(res, 'close'));
        if (reads) ends.push(assert.rejects(readBody(req), { code: 'PORTICO_REQUEST_ABORTED' }));
        await Promise.all(ends);
      };
      const server = await startedServer(t, 'broken', app, {
        defaultPoolSize: 1,
        bodyGrace: 0.1,
        minBodyRate: 100,
        maxConnections: 1,
      });
      const client = new Client(connect({ port: portOf(server), host: '127.0.0.1', allowHalfOpen: true }));
      client.write(CHUNKED);
      while (ends.length === 0) await turn();
      if (piece !== undefined) client.write(piece);
      assert.equal((await client.response()).status, status);
      await Promise.all(ends);
      while (server.inFlight > 0) await turn();
      assert.deepEqual([server.connections.open, server.abandoned.length], [1, 0]);
      // It is idle, and makes room for another.
      const other = new Client(portOf(server));
      other.write('\0\0');
      assert.equal((await other.response()).status, 400);
      assert.equal(server.connections.closed.get('too many connections'), 1);
      client.close();
    });
  }
}

for (const [event, spoil, behind] of [
  ['the end of a response', (socket: Socket) => Object.assign(socket, { timeout: 1, setTimeout: fail }), ''],
  ['a refusal', (socket: Socket) => Object.assign(socket, { write: fail }), '\0\0'],
  ['an upgrade', (socket: Socket) => Object.assign(socket, { on: fail }), UPGRADE],
] as const) {
  test(`RV-0 RL-3 an error of the server in ${event} ends this connection, and is logged`, async (t) => {
    const log = memoryLog();
    const server = await startedServer(
      t,
      'broken',
      (req, res) => {
        if (req.url === '/spoilt') res.once('finish', () => spoil(req.socket));
        res.end('whole');
      },
      { log },
    );
    const [spoilt, other] = [new Client(portOf(server)), new Client(portOf(server))];
    spoilt.write(GET.replace('GET /', 'GET /spoilt'));
    if (behind !== '') assert.equal((await spoilt.response()).body, 'whole');
    spoilt.write(behind);
    await spoilt.closed;
    assert.ok(
      log.lines.some(
        ({ message, fields }) =>
          /failed to handle its input/.test(message) && /spoilt on purpose/.test(String(fields.err)),
      ),
    );
    other.write(GET);
    assert.equal((await other.response()).body, 'whole');
    other.close();
  });
}

function fail(): never {
  throw new Error('spoilt on purpose');
}
