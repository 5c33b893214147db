import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { Server } from 'portico/server';
import { temporaryFolder } from '../fixtures/keeper.js';
import { memoryLog } from './memory-log.js';
import { exchange, portOf } from './raw-client.js';

/** Runs a process whose descriptor 3 is a listening or a connected socket on `port`. The process reports on its IPC channel. */
async function withInheritedSocket(program: string, { connected = false } = {}) {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const client = connected ? connect(port, '127.0.0.1') : undefined;
  if (client !== undefined) await once(client, 'connect');
  const { fd } = ((client ?? holder) as unknown as { _handle: { fd: number } })._handle;
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
  client?.destroy();
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

test('PT-11 a stop leaves a descriptor alone that Node closed when it could not listen there', async () => {
  const { child, message } = await withInheritedSocket(
    `
    const { code } = await server.start().catch((error) => error);
    const stopped = await server.stop({ graceful: true }).then(() => true, (error) => error.message);
    process.send({ code, stopped });
    process.disconnect();
  `,
    { connected: true },
  );
  assert.deepEqual(message, { code: 'EINVAL', stopped: true });
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

const hello: App = (_req, res) => {
  res.end('hello');
};

test('LC-1313 the log says where it listens, and what could not be bound', async () => {
  const log = memoryLog();
  const first = new Server('one', hello, { log });
  await first.start();
  const port = portOf(first);
  assert.equal(log.lines[0]?.message, `one listening on 127.0.0.1:${port}`);
  const second = new Server('two', hello, { port, log });
  await assert.rejects(async () => second.start(), { code: 'EADDRINUSE', message: new RegExp(`127.0.0.1:${port}`) });
  assert.ok(log.lines.some(({ message }) => message === `Could not bind to 127.0.0.1:${port}`));
  await first.stop();
  await second.start();
  await second.stop();
});

test('a path that cannot be reached and a name that cannot be resolved are refused with that cause', async () => {
  const folder = temporaryFolder('portico-');
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const path = join(file, 'api.sock');
  const message = new RegExp(`^Could not bind to unix:${path}: .*\\(ENOTDIR\\)$`);
  await assert.rejects(async () => new Server('unix', hello, { path }).start(), { code: 'ENOTDIR', message });
  const host = 'long.'.repeat(60);
  await assert.rejects(async () => new Server('named', hello, { host, port: 0 }).start(), {
    message: /: no address is known for this name \(E/,
    hint: /getent hosts long\./,
  });
});

test('RL-95 a unix socket has mode 0660, is not taken from a live server, and goes at the end', async () => {
  const folder = temporaryFolder('portico-');
  const path = join(folder, 'api.sock');
  const server = new Server('unix', hello, { path });
  await server.start();
  assert.equal(statSync(path).mode & 0o777, 0o660);
  const rival = new Server('rival', hello, { path });
  await assert.rejects(async () => rival.start(), { code: 'EADDRINUSE' });
  const answered = await new Promise((resolve) => {
    get({ socketPath: path, path: '/' }, (res) => resolve(res.statusCode));
  });
  assert.equal(answered, 200);
  await server.stop();
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
});
