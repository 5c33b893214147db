import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makePair } from './certificate-files.js';
import { Client, portOf } from './raw-client.js';
import { startedServer } from './started-server.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

test('RL-91 a hundred stalled handshakes hold nobody up', async (t) => {
  const { cert, key } = await makePair();
  const server = await startedServer(t, 'tls', (_req, res) => void res.end('ok'), { tls: { cert, key } });
  const stalled = Array.from({ length: 100 }, () => new Client(portOf(server)));
  await Promise.all(stalled.map(({ socket }) => once(socket, 'connect')));
  for (let i = 0; i < 5; i++) {
    const socket = connectTls({ port: portOf(server), host: '127.0.0.1', ca: cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const client = new Client(socket);
    client.write(GET);
    assert.equal((await client.response()).body, 'ok');
    client.close();
  }
  assert.ok(stalled.every(({ socket }) => !socket.destroyed));
  for (const client of stalled) client.close();
});

test('RL-3 clients that send half of their headers, or one byte and no more, hold nobody up', async (t) => {
  const server = await startedServer(t, 'slow', (_req, res) => void res.end('ok'));
  const slow = Array.from({ length: 200 }, () => new Client(portOf(server)));
  for (const [i, client] of slow.entries()) client.write(i % 2 === 0 ? 'G' : 'GET / HTTP/1.1\r\nhost: ');
  const client = new Client(portOf(server));
  for (let i = 0; i < 20; i++) {
    client.write(GET);
    assert.equal((await client.response()).status, 200);
  }
  client.close();
  for (const each of slow) each.close();
});

test('RL-20 out of descriptors, open connections go on and accepting resumes by itself', async () => {
  // The limit of 200 descriptors is far above those open at the start; `fill` opens the rest.
  const program = `
    import { openSync, closeSync } from 'node:fs';
    import { createLogger } from ${JSON.stringify(new URL('../../dist/log/log.js', import.meta.url).href)};
    import { Server } from 'portico/server';
    const server = new Server('full', (req, res) => res.end('ok'), { maxConnections: 0, log: createLogger({ level: 'silent' }) });
    await server.start();
    let held = [];
    process.on('message', (message) => {
      if (message === 'fill') { try { for (;;) held.push(openSync('/dev/null')); } catch {} process.send('full'); }
      if (message === 'free') { for (const fd of held) closeSync(fd); held = []; process.send('freed'); }
      if (message === 'stop') server.stop().then(() => process.disconnect());
    });
    process.send(server.addresses[0].port);
  `;
  const child = spawn(
    'sh',
    ['-c', 'ulimit -n 200 && exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const [port] = (await once(child, 'message')) as [number];
  const open = new Client(port);
  open.write(GET);
  await open.response();
  child.send('fill');
  await once(child, 'message');
  const turnedAway = connect(port, '127.0.0.1');
  turnedAway.on('error', () => {});
  await once(turnedAway, 'connect');
  open.write(GET);
  assert.equal((await open.response()).body, 'ok');
  child.send('free');
  await once(child, 'message');
  const later = new Client(port);
  later.write(GET);
  assert.equal((await later.response()).body, 'ok');
  turnedAway.destroy();
  later.close();
  open.close();
  child.send('stop');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
});
