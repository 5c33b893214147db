import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as send } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { App } from 'portico/app';
import { Server } from 'portico/server';
import { Client, portOf } from '../raw-client.js';

async function started(t: TestContext, app: App): Promise<number> {
  const server = new Server('early', app);
  await server.start();
  t.after(() => server.stop());
  return portOf(server);
}

/** Responds after a delay without reading the body. */
const refuse: App = async (_req, res) => {
  await wait(20);
  res.writeHead(401, { 'content-length': 2 }).end('no');
};

for (const [form, framing] of [
  ['a declared length', { 'content-length': 80_000 }],
  ['chunks', { 'transfer-encoding': 'chunked' }],
] as const) {
  test(`a kept connection goes on after an answer that did not wait for a body with ${form}`, async (t) => {
    const port = await started(t, refuse);
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

test('RL-16 what comes of an unwanted body beyond 64 KiB after its answer ends the connection', async (t) => {
  const client = new Client(await started(t, refuse));
  client.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  assert.equal((await client.response()).status, 401);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let count = 0; count < 40 && !client.socket.destroyed; count++) client.write(chunk);
  await client.closed;
});
