import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { Server } from 'portico/server';
import { Client, portOf } from '../raw-client.js';

async function started(t: TestContext) {
  const waiting: [IncomingMessage, ServerResponse][] = [];
  const server = new Server('broken', (req, res) => void waiting.push([req, res]));
  await server.start();
  t.after(() => server.stop());
  return { server, waiting, client: new Client(portOf(server)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n';
const LENGTH = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n';

/** The bytes that a client sends before it ends its side. */
const cutOff: readonly [name: string, bytes: string][] = [
  ['in the chunks of a pipelined request', `${GET}${CHUNKED}5\r\nhal`],
  ['in the body of a pipelined request', `${GET}${LENGTH}half`],
  ['in the head of a pipelined request', `${GET}GET / HT`],
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

test('a body that breaks off is refused though its client has ended its side', async (t) => {
  const { client, waiting } = await started(t);
  client.write(`${LENGTH}half`);
  while (waiting.length < 1) await turn();
  client.socket.end();
  assert.equal((await client.response()).status, 400);
});

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
    assert.equal((await client.response()).status, 400);
  });
}
