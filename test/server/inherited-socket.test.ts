import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { exchange } from './raw-client.js';

/** Runs a program whose descriptor 3 is a socket bound to `port`; it is told the port, and answers on its channel. */
async function withInheritedSocket(program: string) {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { fd } = (holder as unknown as { _handle: { fd: number } })._handle;
  const script = `
    import { fstatSync } from 'node:fs';
    import { Server } from 'portico/server';
    const server = new Server('inherited', (req, res) => res.end('from the child'));
    server.useSockets([{ fd: 3, address: { host: '127.0.0.1', port: ${port} } }]);
    const isOpen = () => { try { return fstatSync(3).isSocket(); } catch { return false; } };
    ${program}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'],
  });
  const [message] = (await once(child, 'message')) as [unknown];
  holder.close();
  return { child, port, message };
}

test('PT-11 a socket that was handed over and never used is closed by a stop', async () => {
  const { child, message } = await withInheritedSocket(`
    const before = isOpen();
    await server.stop({ graceful: true });
    process.send({ before, after: isOpen(), addresses: server.addresses });
    process.disconnect();
  `);
  const { before, after } = message as { before: boolean; after: boolean };
  assert.deepEqual({ before, after }, { before: true, after: false });
  if (child.exitCode === null) await once(child, 'exit');
  assert.equal(child.exitCode, 0);
});

test('PH-1 PH-10 a server serves on the socket handed to it, and a stop gives the port up', async () => {
  const { child, port } = await withInheritedSocket(`
    await server.start();
    process.once('message', async () => {
      await server.stop({ graceful: true });
      process.disconnect();
    });
    process.send(server.addresses);
  `);
  assert.match(await exchange(port, 'GET / HTTP/1.0\r\n\r\n'), /from the child$/);
  child.send('stop');
  await once(child, 'exit');
  assert.equal(child.exitCode, 0);
  const probe = connect(port, '127.0.0.1');
  const [error] = (await once(probe, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});
