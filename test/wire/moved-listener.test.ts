/** A listening socket that outlives its server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { moveListener } from '../../dist/wire/moved-listener.js';
import { temporaryFolder } from '../fixtures/keeper.js';

const greeting = (text: string): Server => createServer((socket) => socket.end(text));

async function read(socket: Socket): Promise<string> {
  let all = '';
  socket.setEncoding('utf8').on('data', (text) => (all += text));
  await once(socket, 'close');
  return all;
}

for (const kind of ['a TCP port', 'a Unix socket']) {
  test(`LC-136 ${kind} moves to another server, which has later connections; the first one keeps its own`, async () => {
    const folder = temporaryFolder('moved-');
    const first = createServer((socket) => socket.on('data', () => socket.end('first')));
    first.listen(kind === 'a TCP port' ? { port: 0, host: '127.0.0.1' } : { path: join(folder, 's') });
    await once(first, 'listening');
    const address = first.address() as AddressInfo | string;
    const to = typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' };
    const accepted = once(first, 'connection');
    const early = connect(to);
    await accepted;
    const second = greeting('second');
    const listening = once(second, 'listening');
    assert.equal(moveListener(first, second, 511), true);
    await listening;
    assert.equal(await read(connect(to)), 'second');
    assert.deepEqual(second.address(), address);
    let isClosed = false;
    const closed = once(first, 'close').then(() => (isClosed = true));
    first.close();
    await new Promise(setImmediate);
    assert.equal(isClosed, false);
    early.write('.');
    assert.equal(await read(early), 'first');
    await closed;
    assert.equal(moveListener(first, second, 511), false);
    second.close();
    await once(second, 'close');
    await assert.rejects(read(connect(to)), { code: kind === 'a TCP port' ? 'ECONNREFUSED' : 'ENOENT' });
  });
}
