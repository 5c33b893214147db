/** Connections that stop being HTTP, and what becomes of them when the server drains. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Server, type ServerOptions, type UpgradeHandler } from 'portico/server';
import { memoryLog } from '../memory-log.js';

async function serving(t: TestContext, upgrade: UpgradeHandler, more: ServerOptions = {}) {
  const log = memoryLog();
  const server = new Server('sockets', (_req, res) => void res.end('plain'), { upgrade, log, ...more });
  await server.start();
  t.after(() => server.stop());
  const [address] = server.addresses;
  const { port } = address as { port: number };
  return { server, log, port };
}

interface Client {
  readonly socket: Socket;
  /** What has come so far. */
  text(): string;
  /** Settles once that has come. */
  came(pattern: RegExp): Promise<void>;
  readonly closed: Promise<unknown>;
}

function client(t: TestContext, port: number, head: string): Client {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.setEncoding('latin1').on('data', (piece) => {
    text += piece;
  });
  socket.write(head);
  return {
    socket,
    text: () => text,
    came: async (pattern) => {
      while (!pattern.test(text)) await once(socket, 'data');
    },
    closed: once(socket, 'close'),
  };
}

const UPGRADE = 'GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';

test('PH-9 an upgraded connection is told when the server stops, and the stop waits for its polite end', async (t) => {
  const { server, port } = await serving(t, (_req, socket, head, closing) => {
    socket.write(SWITCHED);
    socket.on('data', (piece: Buffer) => void socket.write(`echo ${piece.toString()}`));
    if (head.length > 0) socket.write(`head ${head.toString()}`);
    closing.addEventListener('abort', () => void socket.write('bye'));
    socket.on('data', (piece: Buffer) => piece.toString() === 'bye' && socket.end());
  });
  const chat = client(t, port, UPGRADE);
  await chat.came(/101 Switching/);
  chat.socket.write('hello');
  await chat.came(/echo hello/);
  assert.match(server.describeWork()[0] ?? '', /^upgraded GET \/chat for \d/);
  const stopped = server.stop({ graceful: true, deadlineMs: 60_000 });
  await chat.came(/bye/);
  // No idle connection: it may take its time.
  chat.socket.write('still here');
  await chat.came(/echo still here/);
  chat.socket.write('bye');
  await stopped;
  await chat.closed;
  assert.deepEqual(server.describeWork(), []);
});

test('PH-9 one that does not end is named, and cut at the deadline', async (t) => {
  const { server, port } = await serving(t, (_req, socket) => void socket.write(SWITCHED));
  const chat = client(t, port, UPGRADE);
  await chat.came(/101 Switching/);
  const deadline = new AbortController();
  const stopped = server.stop({ graceful: true, signal: deadline.signal });
  assert.equal(server.describeWork().length, 1);
  deadline.abort();
  await Promise.all([stopped, chat.closed]);
});

test('PH-9 RL-48 RL-53 what is refused of any request is refused of an upgrade, and others are answered', async (t) => {
  let handled = 0;
  const { port } = await serving(t, (_req, socket) => {
    handled += 1;
    socket.end(SWITCHED);
  });
  const twice = client(t, port, UPGRADE.replace('Host: a', 'Host: a\r\nHost: a'));
  await twice.came(/^HTTP\/1\.1 400 /);
  await twice.closed;
  assert.equal(handled, 0);
  const plain = client(t, port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await plain.came(/plain$/);
  assert.equal(handled, 0);
});

test('PH-9 an upgrade behind a request under way is refused for that, and the request is answered', async (t) => {
  const { port } = await serving(t, (_req, socket) => void socket.end(SWITCHED));
  const both = client(t, port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${UPGRADE}`);
  await both.closed;
  assert.match(both.text(), /^HTTP\/1\.1 200 .*plainHTTP\/1\.1 400 .*requests before it are under way\.\n$/s);
});

test('PH-9 RL-3 a handler that fails ends its connection and no other', async (t) => {
  const { log, port } = await serving(t, () => {
    throw new Error('no protocol today');
  });
  const chat = client(t, port, UPGRADE);
  await chat.closed;
  assert.equal(chat.text(), '');
  assert.ok(
    log.lines.some(({ level, message }) => level === 'error' && /upgrades failed for GET \/chat/.test(message)),
  );
  const plain = client(t, port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await plain.came(/plain$/);
});
