/** A listening socket that outlives its server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepListener } from '../../dist/wire/kept-listener.js';

const greeting = (text: string): Server => createServer((socket) => socket.end(text));

async function read(socket: Socket): Promise<string> {
  let all = '';
  socket.setEncoding('utf8').on('data', (text) => (all += text));
  await once(socket, 'close');
  return all;
}

for (const kind of ['a TCP port', 'a Unix socket']) {
  test(`LC-136 on ${kind} connections wait between two servers, and those of the next one are its own`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'kept-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const first = greeting('first');
    first.listen(kind === 'a TCP port' ? { port: 0, host: '127.0.0.1' } : { path: join(folder, 's') });
    await once(first, 'listening');
    const address = first.address() as AddressInfo | string;
    const to = typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
    const kept = keepListener(first)!;
    first.close();
    await once(first, 'close');
    const waiting = connect(to);
    await once(waiting, 'connect');
    const early = read(waiting);
    const second = greeting('second');
    kept.giveTo(second, 511);
    await once(second, 'listening');
    assert.equal(await early, 'second');
    assert.equal(await read(connect(to)), 'second');
    assert.deepEqual(second.address(), address);
    second.close();
    await once(second, 'close');
    await assert.rejects(read(connect(to)), { code: kind === 'a TCP port' ? 'ECONNREFUSED' : 'ENOENT' });
  });
}

test('LC-136 a kept socket that is closed closes the connections that wait', async () => {
  const server = greeting('never');
  await once(server.listen({ port: 0, host: '127.0.0.1' }), 'listening');
  const { port } = server.address() as AddressInfo;
  const kept = keepListener(server)!;
  const waiting = connect({ port, host: '127.0.0.1' });
  await once(waiting, 'connect');
  await new Promise(setImmediate);
  kept.close();
  assert.equal(await read(waiting), '');
  assert.equal(keepListener(server), undefined);
});
