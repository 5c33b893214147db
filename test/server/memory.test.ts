import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';

const PROGRAM = `
import { Server } from 'portico/server';
const server = new Server('memory', async (req, res) => { req.resume(); res.end('ok'); }, { maxRequestsPerConnection: 0 });
await server.start();
process.on('message', (message) => {
  if (message === 'stop') return server.stop().then(() => process.disconnect());
  globalThis.gc();
  process.send(process.memoryUsage().heapUsed);
});
process.send(server.addresses[0].port);
`;

/** Sends requests on a few connections, fifty at a time on each; some are refused or left unread. */
async function load(port: number, count: number): Promise<void> {
  const get = 'GET /x HTTP/1.1\r\nhost: x\r\n\r\n';
  const post = 'POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello';
  const batch = get.repeat(40) + post.repeat(10);
  const connections = Array.from({ length: 4 }, async () => {
    const socket = connect(port, '127.0.0.1');
    let left = count / 4;
    let answers = 0;
    socket.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('HTTP/1.1 200').length - 1;
      if (answers < 50) return;
      answers -= 50;
      left -= 50;
      if (left > 0) socket.write(batch);
      else socket.end('NOT HTTP\r\n\r\n');
    });
    socket.write(batch);
    await once(socket, 'close');
  });
  await Promise.all(connections);
}

test('RL-75 after 100,000 requests the memory of a server has levelled off', async () => {
  // Beside the tests, so that imports of the package resolve.
  const folder = temporaryFolder('memory-', fileURLToPath(new URL('.', import.meta.url)));
  const file = join(folder, 'server.mjs');
  writeFileSync(file, PROGRAM);
  const child = fork(file, { execArgv: ['--expose-gc'] });
  const ask = async (): Promise<number> => {
    child.send('measure');
    const [bytes] = (await once(child, 'message')) as [number];
    return bytes;
  };
  const [port] = (await once(child, 'message')) as [number];
  await load(port, 20_000);
  const before = await ask();
  await load(port, 100_000);
  const after = await ask();
  child.send('stop');
  await once(child, 'exit');
  assert.ok(after - before < 12 * 1024 * 1024, `${before} bytes became ${after}`);
});
