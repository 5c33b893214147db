/** Connections that stop being HTTP, in service and while the server drains. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import {
  type App,
  afterResponse,
  Fault,
  type Filter,
  type ResponseOutcome,
  takeUpgrade,
  type UpgradedConnection,
} from 'portico/app';
import { requestLog } from 'portico/middleware';
import type { ServerOptions } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { deferred } from '../../../dist/tasks/deferred.js';
import { makePair } from '../certificate-files.js';
import { memoryLog } from '../memory-log.js';
import { startedServer } from '../started-server.js';

/** The parts of a socket that tell what the system has not taken. */
type Queue = Socket & { readonly _parent?: Queue; readonly _handle?: { readonly writeQueueSize: number } | null };

/** A server whose app accepts upgrade requests and responds to all others. */
async function serving(
  t: TestContext,
  session: (connection: UpgradedConnection) => unknown,
  filter?: Filter,
  limits: ServerOptions = {},
) {
  const log = memoryLog();
  const app: App = (req, res) => {
    const connection = takeUpgrade(req);
    if (connection === undefined) res.end('plain');
    else return session(connection) as void | Promise<void>;
  };
  const { made: logged } = await buildFilter(requestLog, {
    log,
    local: { format: '%(request_line)s %(status_code)s' },
  });
  const server = await startedServer(t, 'sockets', logged(filter?.(app) ?? app), { ...limits, log });
  const [address] = server.addresses;
  const { port } = address as { port: number };
  return { server, log, port };
}

interface Client {
  readonly socket: Socket;
  /** The text received so far. */
  text(): string;
  /** Settles once the received text matches. */
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

test('PH-9 an upgraded connection is reported when the server stops, and the stop waits for its polite end', async (t) => {
  const { server, port } = await serving(t, ({ socket, head, closing }) => {
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
  // The connection is not idle, so it may continue.
  chat.socket.write('still here');
  await chat.came(/echo still here/);
  chat.socket.write('bye');
  await stopped;
  await chat.closed;
  assert.deepEqual(server.describeWork(), []);
});

test('PH-9 RL-48 what is refused of any request is refused of an upgrade, and others get responses', async (t) => {
  let handled = 0;
  const { port } = await serving(t, ({ socket }) => {
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

test('PH-9 RL-53 an upgrade with a body, or behind a request under way, gets a response as any other request', async (t) => {
  const { port } = await serving(t, () => assert.fail('it was taken'));
  const both = client(t, port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${UPGRADE}`);
  await both.closed;
  assert.match(both.text(), /^HTTP\/1\.1 200 .*plainHTTP\/1\.1 200 .*onnection: close\r\n.*plain$/s);
  // The HttpClient of Java asks for HTTP/2 like this.
  const withBody =
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nContent-Length: 5\r\n\r\nhello';
  const posted = client(t, port, `POST / HTTP/1.1\r\nHost: a\r\n${withBody}`);
  await posted.closed;
  assert.match(posted.text(), /^HTTP\/1\.1 200 .*plain$/s);
});

test('PH-9 the app reads that a request is an upgrade, as with Node', async (t) => {
  const server = await startedServer(
    t,
    'sockets',
    (req, res) => void res.end(`upgrade: ${String((req as { upgrade?: unknown }).upgrade)}.`),
  );
  const [address] = server.addresses;
  const asked = client(t, (address as { port: number }).port, UPGRADE);
  await asked.came(/upgrade: true\.$/);
});

test('PH-9 RV-10 an upgrade that the app does not take gets a response, and its connection goes on', async (t) => {
  const outcomes: ResponseOutcome[] = [];
  const { log, port } = await serving(
    t,
    () => assert.fail('it was taken'),
    () => (req, res) => {
      afterResponse(res, (outcome) => outcomes.push(outcome));
      if (req.url === '/chat?room=1') throw new Fault(401, { message: 'Who are you?' });
      // More than a socket buffers at once.
      req.on('end', () => Readable.from(Array.from({ length: 64 }, () => 'x'.repeat(65_536))).pipe(res)).resume();
    },
  );
  const asking = client(t, port, UPGRADE);
  await asking.came(/^HTTP\/1\.1 401 .*onnection: keep-alive\r\n.*Who are you\?/s);
  asking.socket.write(UPGRADE.replace('/chat?room=1', '/long'));
  while (!asking.text().endsWith('\r\n0\r\n\r\n')) await once(asking.socket, 'data');
  assert.match(asking.text(), /Who are you\?"\}\}HTTP\/1\.1 200 /);
  assert.ok(asking.text().length > 64 * 65_536);
  assert.deepEqual(outcomes, [{ completed: true }, { completed: true }]);
  assert.ok(log.lines.some(({ message }) => /chat.* 401$/.test(message)));
});

test('PH-9 RV-0 an app that takes a connection behind an upgrade that it did not take reads all that the client sends, and its end', async (t) => {
  const ended = deferred<void>();
  const { port, server } = await serving(
    t,
    ({ socket }) => void socket.once('end', ended.resolve).resume().end(SWITCHED),
    (app) => (req, res) => {
      if (req.url !== '/first') return app(req, res);
      res.end('first');
    },
  );
  // More than a socket buffers at once: a part of it is read after the app has the connection.
  const sent = 'x'.repeat(70_000);
  const chat = client(t, port, `${UPGRADE.replace('/chat?room=1', '/first')}${UPGRADE}${sent}`);
  chat.socket.end();
  await chat.closed;
  assert.match(chat.text(), /first.*HTTP\/1\.1 101 /s);
  await ended.promise;
  while (server.connections.open > 0) await turn();
});

test('PH-9 a filter sees the request of an upgrade, and its response as 101', async (t) => {
  const seen: unknown[] = [];
  const { log, port, server } = await serving(
    t,
    ({ socket }) => void socket.write(SWITCHED),
    (app) => (req, res) => {
      afterResponse(res, ({ completed }) => {
        seen.push(completed, res.statusCode);
        req.socket.end('over');
      });
      return app(req, res);
    },
  );
  const chat = client(t, port, UPGRADE);
  await chat.closed;
  assert.equal(chat.text(), `${SWITCHED}over`);
  assert.deepEqual(seen, [true, 101]);
  assert.equal(server.inFlight, 0);
  assert.ok(log.lines.some(({ message }) => /GET \/chat\?room=1 .* 101$/.test(message)));
});

test('AU-7 a client that ignores the end of its session does not hold a stop to its deadline; one whose app still sends does', async (t) => {
  const sockets = new Map<string, UpgradedConnection['socket']>();
  const asked = deferred<void>();
  const log = memoryLog();
  const server = await startedServer(
    t,
    'sockets',
    (req) => {
      const { socket, closing } = takeUpgrade(req)!;
      sockets.set(req.url!, socket);
      socket.write(SWITCHED);
      closing.addEventListener('abort', () => {
        socket.write('bye');
        asked.resolve();
      });
    },
    { log },
  );
  const { port } = server.addresses[0] as { port: number };
  const silent = client(t, port, UPGRADE);
  const working = client(t, port, UPGRADE.replace('/chat?room=1', '/work'));
  await Promise.all([silent.came(/101 Switching/), working.came(/101 Switching/)]);
  t.mock.timers.enable({ apis: ['setInterval'] });
  let isOver = false;
  const stopped = server.stop({ graceful: true }).then(() => {
    isOver = true;
  });
  await asked.promise;
  for (let second = 0; second < 6; second++) {
    sockets.get('/work')!.write('more');
    t.mock.timers.tick(1000);
  }
  await silent.closed;
  assert.equal(silent.text(), `${SWITCHED}bye`);
  const told = log.lines.find(({ message }) => message.startsWith('upgraded connections were closed'));
  assert.match(JSON.stringify(told), /"count":1,"connections":\["upgraded GET \/chat for /);
  assert.equal(isOver, false);
  sockets.get('/work')!.end('done');
  await working.closed;
  t.mock.timers.tick(1000);
  await stopped;
});

for (const over of ['TCP', 'TLS']) {
  test(`AU-7 a session that was asked to end is not cut while its slow client takes what its app has sent: over ${over}`, async (t) => {
    const SIZE = 60_000_000;
    const ended = deferred<Socket>();
    const pair = over === 'TLS' ? await makePair() : undefined;
    const { server, port } = await serving(
      t,
      ({ socket, closing }) => {
        socket.write(SWITCHED);
        closing.addEventListener('abort', () => {
          socket.end(Buffer.alloc(SIZE));
          ended.resolve(socket as Socket);
        });
      },
      undefined,
      pair === undefined ? {} : { tls: { cert: pair.cert, key: pair.key } },
    );
    const to = { port, host: '127.0.0.1', ca: pair?.cert, servername: 'localhost' };
    const slow = pair === undefined ? connect(to) : connectTls(to);
    t.after(() => slow.destroy());
    const closed = once(slow, 'close');
    slow.write(UPGRADE);
    await once(slow, 'readable');
    let received = (slow.read() as Buffer).length;
    assert.equal(received, SWITCHED.length);
    t.mock.timers.enable({ apis: ['setInterval'] });
    const stopped = server.stop({ graceful: true });
    const socket = (await ended.promise) as Queue;
    const queued = (): number => (socket._parent ?? socket)._handle?.writeQueueSize ?? 0;
    let [before, fallen] = [0, deferred<unknown>()];
    slow.on('data', (piece: Buffer) => {
      received += piece.length;
      if (queued() < before) fallen.resolve(slow.pause());
    });
    for (let second = 0; second < 8 && !slow.destroyed; second++) {
      [before, fallen] = [queued(), deferred<unknown>()];
      slow.resume();
      await Promise.race([fallen.promise, closed]);
      t.mock.timers.tick(1000);
    }
    assert.ok(queued() > 0, 'some of it waits');
    [before] = [0];
    slow.resume();
    await closed;
    await stopped;
    assert.equal(received, SWITCHED.length + SIZE);
  });
}

test('PH-9 LC-549 what is open of a replaced app at the deadline is cut and named, also a session that began meanwhile', async (t) => {
  const asked = deferred<() => void>();
  const { server, port, log } = await serving(
    t,
    ({ socket }) => void socket.write(SWITCHED),
    (app) => async (req, res) => {
      if (req.url === '/slow') await new Promise<void>((resolve) => asked.resolve(resolve));
      return app(req, res);
    },
  );
  const open = client(t, port, UPGRADE);
  await open.came(/101 Switching/);
  const slow = client(t, port, UPGRADE.replace('/chat?room=1', '/slow'));
  const goOn = await asked.promise;
  const replaced = server.replaceApp((_req, res) => void res.end('new'), { deadlineMs: 500 });
  goOn();
  await Promise.all([replaced, open.closed, slow.closed]);
  assert.equal(slow.text(), SWITCHED);
  const cut = log.lines.find(({ message }) => message === 'upgraded connections were cut off');
  assert.match(JSON.stringify(cut), /upgraded GET \/chat for .*upgraded GET \/slow for /);
});

test('PH-9 a client that leaves before its upgrade is taken ends request and response', async (t) => {
  const left = deferred<void>();
  const { port } = await serving(
    t,
    () => {},
    () => (req, res) => {
      let closed = 0;
      const note = (): void => {
        if (++closed === 2) left.resolve();
      };
      req.once('close', note);
      res.once('close', note);
      req.socket.resume();
      chat.socket.resetAndDestroy();
    },
  );
  const chat = client(t, port, UPGRADE);
  await left.promise;
});

for (const leaves of [true, false]) {
  test(`RV-1 a client that ${leaves ? 'leaves' : 'stays'} behind more input than is kept for its upgrade does not hold its request`, async (t) => {
    const outcome = deferred<ResponseOutcome>();
    const { port, server } = await serving(
      t,
      () => assert.fail('it was taken'),
      () => (_req, res) => afterResponse(res, outcome.resolve),
      { lingeringTime: 1 },
    );
    // The system buffers all of it, so that the end of the client comes after it.
    const chat = client(t, port, UPGRADE + 'x'.repeat(200_000));
    if (leaves) chat.socket.end();
    // The rest of its input is lost with the connection.
    chat.closed.catch(() => undefined);
    assert.deepEqual(await outcome.promise, { completed: false });
    while (server.connections.open > 0) await turn();
  });
}

test('PH-9 RL-3 an app that fails with the connection it took ends this connection and no other', async (t) => {
  const { log, port } = await serving(t, async () => {
    throw new Error('no protocol today');
  });
  const chat = client(t, port, UPGRADE);
  await chat.closed;
  assert.equal(chat.text(), '');
  assert.ok(log.lines.some(({ level, message }) => level === 'error' && message === 'request failed'));
  const plain = client(t, port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await plain.came(/plain$/);
});

test('PH-9 a client that says it ends before its upgrade is taken ends request and response, whatever it has sent', async (t) => {
  for (const early of ['', 'early']) {
    const asked = deferred<void>();
    const left = deferred<void>();
    const { port, server } = await serving(
      t,
      () => {},
      () => (_req, res) => {
        res.once('close', () => left.resolve());
        asked.resolve();
      },
    );
    const chat = client(t, port, UPGRADE + early);
    await asked.promise;
    chat.socket.end();
    await left.promise;
    assert.equal(server.inFlight, 0);
  }
});

test('PH-9 a connection is not taken whose client has left, or whose request has a response', async (t) => {
  const asked = deferred<void>();
  const closed = deferred<void>();
  const taken: unknown[] = [];
  const { port, server } = await serving(
    t,
    () => {},
    () => (req, res) => {
      if (req.url === '/answered') {
        res.writeHead(403).write('no');
        taken.push(takeUpgrade(req));
        res.end(', no');
        taken.push(takeUpgrade(req));
        return;
      }
      res.once('close', () => {
        taken.push(takeUpgrade(req));
        closed.resolve();
      });
      asked.resolve();
    },
  );
  const answered = client(t, port, UPGRADE.replace('/chat?room=1', '/answered'));
  await answered.came(/^HTTP\/1\.1 403 .*no.*, no\r\n0\r\n\r\n$/s);
  const chat = client(t, port, UPGRADE);
  await asked.promise;
  chat.socket.resetAndDestroy();
  await closed.promise;
  assert.deepEqual(taken, [undefined, undefined, undefined]);
  assert.deepEqual(server.describeWork(), []);
});

test('PH-9 what a client sends before its upgrade is taken comes with it, in its order', async (t) => {
  const asked = deferred<void>();
  const goOn = deferred<void>();
  const { port } = await serving(
    t,
    async ({ socket, head }) => {
      let text = head.toString();
      socket.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (text.endsWith('end')) socket.end(`${SWITCHED}${text.length} ${/^(one)+two(3)+end$/.test(text)}`);
      });
    },
    (app) => async (req, res) => {
      asked.resolve();
      await goOn.promise;
      return app(req, res);
    },
  );
  const [one, three] = ['one'.repeat(10_000), '3'.repeat(200_000)];
  const chat = client(t, port, `${UPGRADE}${one}`);
  await asked.promise;
  chat.socket.write(`two${three}`);
  await turn();
  goOn.resolve();
  chat.socket.write('end');
  await chat.closed;
  assert.equal(chat.text(), `${SWITCHED}${one.length + three.length + 6} true`);
});

test('PH-9 an upgrade in HTTP/1.0 is ignored (RFC 9110 §7.8)', async (t) => {
  const { port } = await serving(t, () => assert.fail('it was taken'));
  const old = client(t, port, UPGRADE.replace('HTTP/1.1', 'HTTP/1.0'));
  await old.closed;
  assert.match(old.text(), /^HTTP\/1\.1 200 .*plain$/s);
});

test('RL-52 RL-53 an expectation of a request with Upgrade counts as that of any other', async (t) => {
  const { port } = await serving(t, ({ socket }) => void socket.end(SWITCHED));
  const unknown = client(t, port, UPGRADE.replace('\r\n\r\n', '\r\nExpect: tea\r\n\r\n'));
  await unknown.came(/^HTTP\/1.1 417 /);
  const goesOn = client(t, port, UPGRADE.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  await goesOn.came(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 101 /);
});
