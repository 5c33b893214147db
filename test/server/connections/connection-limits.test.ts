import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type App, readBody } from 'portico/app';
import type { ServerOptions } from 'portico/server';
import { makePair } from '../certificate-files.js';
import { memoryLog } from '../memory-log.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

async function started(t: TestContext, app: App, options: ServerOptions) {
  const server = await startedServer(t, 'times', app, options);
  return { server, client: () => new Client(portOf(server)) };
}

const ok: App = (_req, res) => void res.end('ok');
const slowly = async (client: Client, text: string, everyMs: number): Promise<void> => {
  for (const letter of text) {
    if (client.socket.destroyed) return;
    client.write(letter);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};

// Each test waits for a time limit of about a second, which is checked once a second: so they run concurrently.
describe('time limits', { concurrency: true }, () => {
  test('RL-25 RL-7 headers that do not end in time get 408, and more bytes do not extend that time', async (t) => {
    const { client } = await started(t, ok, { headersTimeout: 0.5 });
    const one = client();
    one.write('GET / HTTP/1.1\r\n');
    const trickle = slowly(one, `x-padding: ${'y'.repeat(200)}`, 50);
    await one.closed;
    assert.match(one.received, /^HTTP\/1\.1 408 [\s\S]*connection: close/i);
    await trickle;
  });

  test('RL-28 a request whose app never responds is an error of the log, with its path', async (t) => {
    const log = memoryLog();
    const { client } = await started(t, () => new Promise(() => {}), { clientSocketTimeout: 1, log });
    const one = client();
    one.write('GET /never?token=x HTTP/1.1\r\nhost: x\r\n\r\n');
    await one.closed;
    const told = log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(
      told.map(({ message, fields }) => [message.slice(0, 24), fields.method, fields.path]),
      [['the app sent no response', 'GET', '/never']],
    );
  });

  test('RL-25 a connection that never sends a byte is closed without a word, and is no refused request', async (t) => {
    const { client, server } = await started(t, ok, { headersTimeout: 0.5 });
    const one = client();
    await one.closed;
    assert.equal(one.received, '');
    assert.equal(server.connections.closed.get('no request'), 1);
    assert.equal(server.rejections.get('request too slow'), 0);
  });

  test('RL-25 the second request of a connection has its time for headers as well', async (t) => {
    const { client } = await started(t, ok, { headersTimeout: 0.5 });
    const one = client();
    one.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await one.response();
    one.write('GET / HT');
    await one.closed;
    assert.match(one.received, /^HTTP\/1\.1 408 /);
  });

  test('RL-26 a body that trickles gets 408 after the grace, and its handler an error', async (t) => {
    let failed = false;
    const app: App = async (req, res) => {
      await readBody(req, { limit: 10_000 }).catch((error: unknown) => {
        failed = true;
        throw error;
      });
      res.end('complete');
    };
    const { client } = await started(t, app, { bodyGrace: 0.5, minBodyRate: 500 });
    const one = client();
    one.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n');
    const trickle = slowly(one, 'z'.repeat(200), 50);
    await one.closed;
    assert.match(one.received, /^HTTP\/1\.1 408 /);
    await trickle;
    while (!failed) await new Promise((resolve) => setImmediate(resolve));
  });

  test('RL-26 a body that comes fast enough, however long it takes, is read', async (t) => {
    const { client } = await started(
      t,
      async (req, res) => void res.end(String((await readBody(req, { limit: 100_000 })).length)),
      { bodyGrace: 0.5, minBodyRate: 500 },
    );
    const one = client();
    one.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n');
    for (let i = 0; i < 50; i++) {
      one.write('z'.repeat(100));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await one.response()).body, '5000');
    one.close();
  });

  test('RL-26 a client is not slow while its handler does not read, or while it waits for 100 Continue', async (t) => {
    const { client } = await started(
      t,
      async (req, res) => {
        await new Promise((resolve) => setTimeout(resolve, 2500));
        res.end(String((await readBody(req, { limit: 1_000_000 })).length));
      },
      { bodyGrace: 0.5, minBodyRate: 100_000 },
    );
    const full = client();
    full.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n${'z'.repeat(200_000)}`);
    const waits = client();
    waits.write('POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n');
    assert.equal((await full.response()).body, '200000');
    await waits.until(/100 Continue/);
    waits.received = '';
    waits.write('hello');
    assert.equal((await waits.response()).body, '5');
    full.close();
    waits.close();
  });

  test('RL-27 an upload that waits, unread, for the request before it does not get 408', async (t) => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const app: App = async (req, res) => {
      if (req.url === '/held') await held;
      res.end(String((await readBody(req, { limit: 10_000 })).length));
    };
    const { client, server } = await started(t, app, { requestTimeout: 0.5, minBodyRate: 0 });
    const one = client();
    one.write('GET /held HTTP/1.1\r\nhost: x\r\n\r\nPOST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\nabc');
    while (server.inFlight === 0) await new Promise((resolve) => setImmediate(resolve));
    // Its time begins later, and has passed when this one is closed.
    const other = client();
    other.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n');
    await other.closed;
    assert.match(other.received, /^HTTP\/1\.1 408 /);
    assert.equal(one.received, '');
    release();
    assert.equal((await one.response()).body, '0');
    one.write('z'.repeat(4997));
    assert.equal((await one.response()).body, '5000');
    one.close();
  });

  test('RL-27 a whole request that does not end in time gets 408', async (t) => {
    const { client } = await started(t, async (req, res) => void res.end(await readBody(req, { limit: 10_000 })), {
      requestTimeout: 0.5,
      minBodyRate: 0,
    });
    const one = client();
    one.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n');
    await one.closed;
    assert.match(one.received, /^HTTP\/1\.1 408 /);
  });

  test('RL-27 a handler may take longer than the request', async (t) => {
    const { client } = await started(t, (_req, res) => void setTimeout(() => res.end('late'), 2500), {
      requestTimeout: 0.5,
      headersTimeout: 0.5,
    });
    const one = client();
    one.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.equal((await one.response()).body, 'late');
    one.close();
  });

  test('RL-28 a connection in the middle of headers is not idle, and one that brought the rest of a body is', async (t) => {
    const app: App = (req, res) => void res.end(req.method);
    const { client, server } = await started(t, app, { keepAliveTimeout: 1.2, headersTimeout: 20 });
    const [half, early, idle] = [client(), client(), client()];
    half.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await half.response();
    half.write('GET / HTTP/1.1\r\nhost: ');
    early.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345');
    await early.response();
    early.write('67890');
    await early.closed;
    idle.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await idle.response();
    await idle.closed;
    assert.equal(server.connections.closed.get('idle'), 2);
    half.write('x\r\n\r\n');
    assert.equal((await half.response()).body, 'GET');
    half.close();
  });

  test('RL-28 a connection that sends empty lines only is idle, however many', async (t) => {
    const limits = { keepAliveTimeout: 1, headersTimeout: 0.5, requestTimeout: 1 };
    const { client } = await started(t, ok, limits);
    const [once, often, half] = [client(), client(), client()];
    for (const one of [once, often, half]) {
      one.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await one.response();
      one.write('\r\n');
    }
    half.write('GET / HT');
    const lines = slowly(often, '\r\n'.repeat(200), 50);
    await Promise.all([once.closed, often.closed, half.closed]);
    await lines;
    assert.equal(once.received, '');
    assert.match(half.received, /^HTTP\/1\.1 408 /);
  });

  test('RL-28 without a time an idle connection is not closed, and no time is advertised', async (t) => {
    const { server, client } = await started(t, ok, { keepAliveTimeout: 0 });
    const one = client();
    one.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.equal((await one.response()).headers.get('keep-alive'), undefined);
    server.configure({ keepAliveTimeout: 1.2 });
    await one.closed;
    const next = client();
    next.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.equal((await next.response()).headers.get('keep-alive'), 'timeout=0');
    next.close();
  });

  test('RL-29 a response that its client does not take is given up, and the handler learns of it', async (t) => {
    let response: ServerResponse | undefined;
    const { server } = await started(
      t,
      (_req, res) => {
        response = res;
        res.end(Buffer.alloc(50_000_000));
      },
      { sendTimeout: 0.5, clientSocketTimeout: 0 },
    );
    const socket: Socket = connect(portOf(server), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    socket.pause();
    while (response === undefined) await new Promise((resolve) => setImmediate(resolve));
    await once(response, 'close');
    assert.equal(server.rejections.get('response not taken'), 1);
    socket.destroy();
  });

  test('RL-29 RL-33 a client that reads slowly but steadily gets its whole response', async (t) => {
    const { server } = await started(t, (_req, res) => void res.end(Buffer.alloc(6_000_000)), { sendTimeout: 1.5 });
    const socket: Socket = connect(portOf(server), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    let received = 0;
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      socket.pause();
      setTimeout(() => socket.resume(), 20);
    });
    await once(socket, 'end');
    assert.ok(received > 6_000_000);
  });

  test('RL-30 a TLS handshake that does not end in time is given up', async (t) => {
    const { cert, key } = await makePair();
    const { server } = await started(t, ok, { tls: { cert, key }, handshakeTimeout: 0.5 });
    const stalled = new Client(portOf(server));
    await stalled.closed;
    const socket = connectTls({ port: portOf(server), host: '127.0.0.1', ca: cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const fine = new Client(socket);
    fine.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.equal((await fine.response()).body, 'ok');
    assert.equal(server.rejections.get('tls handshake failed'), 1);
  });

  test('RL-31 a connection on which nothing moves while its handler works is given up', async (t) => {
    let closed = false;
    const { client } = await started(
      t,
      (_req, res) =>
        void res.on('close', () => {
          closed = true;
        }),
      { clientSocketTimeout: 0.5 },
    );
    const one = client();
    one.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await one.closed;
    while (!closed) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(one.received, '');
  });
});
