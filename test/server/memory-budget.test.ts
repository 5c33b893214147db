import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';

/** The memory that a connection may make a worker hold, besides bodies: this many times the bytes it sent, plus this many bytes. */
const TIMES = 10;
const BESIDE = 1024 * 1024;
/** Requests that a connection takes while the first of them is at work: that one, and those that may wait for it. */
const TAKEN = 1 + 32;
/** Bytes that those which wait hold, on one connection. */
const WAITING = 80_000;
/** The same, if they have as many fields as they may. */
const WAITING_WITH_FIELDS = 130_000;
/** Bytes of one read of a socket: two of them are kept. */
const READ = 64 * 1024;

const PROGRAM = `
import { compose, fastifyApp, readBody, transformBody } from 'portico/app';
import { holdBody } from '#internal/app';
import { cascade } from 'portico/loader';
import { Server } from 'portico/server';
import { PassThrough } from 'node:stream';

let came = 0;
let released = false;
const held = [];
const hold = (req, res) => void (released ? res.end('ok') : held.push([req, res]));
const read = async (req, res) => void res.end(await readBody(req, { limit: 1e8 }));
const collect = (req) => { const pieces = []; held.push(pieces); req.on('data', (piece) => pieces.push(piece)); };
const echo = (req, res) => { req.on('data', (piece) => res.write(piece)); };
const fastify = await fastifyApp(async (instance) => {
  instance.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: 1e8 }, (_request, body, done) => done(null, body));
  instance.post('/*', async () => 'ok');
});
const section = { kind: 'composite', name: 'c', origin: { file: 'x', line: 1, column: 1 }, options: new Map() };
const apps = { first: async (req, res) => { await readBody(req, { limit: 1e8 }); res.writeHead(404).end(); }, last: read };
const tried = await cascade({ getApp: async (name) => apps[name] }, new Map(), new Map([['app1', 'first'], ['app2', 'last']]), { section });
const stages = {
  '/hold': hold,
  '/unread': hold,
  '/read': read,
  '/collected': collect,
  '/fastify': fastify,
  '/cascade': tried,
  '/held': (req, res) => { holdBody(res, { limit: 1e8, wants: () => true, complete: (body) => body }); echo(req, res); },
  '/transformed': (req, res) => { transformBody(res, () => new PassThrough()); echo(req, res); },
};
const app = compose([(inner) => (req, res) => { came++; return inner(req, res); }], (req, res) => stages[req.url](req, res));
const server = new Server('budget', app, { defaultPoolSize: Number(process.argv[2]), minBodyRate: 0, maxRequestsPerConnection: 0 });
await server.start();
process.on('disconnect', () => process.exit());
process.on('message', async (message) => {
  if (message === 'release') {
    released = true;
    for (const [, res] of held.splice(0)) res.end('ok');
    return;
  }
  for (let i = 0; message === 'measure' && i < 4; i++) { globalThis.gc(); await new Promise(setImmediate); }
  const { heapUsed, external } = process.memoryUsage();
  process.send({ bytes: heapUsed + external, came, inFlight: server.inFlight });
});
process.send(server.addresses[0].port);
`;

interface Measure {
  readonly bytes: number;
  readonly came: number;
  readonly inFlight: number;
}

class Worker {
  readonly #child: ChildProcess;
  readonly port: number;
  readonly #ended = new AbortController();

  constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    child.once('exit', (code, signal) => this.#ended.abort(new Error(`the worker has ended: ${signal ?? code}`)));
  }

  /** `look` collects no garbage, which takes most of the time: for what the worker has received, not for what it holds. */
  async measure(how: 'measure' | 'look' = 'measure'): Promise<Measure> {
    this.#child.send(how);
    return ((await once(this.#child, 'message', { signal: this.#ended.signal })) as [Measure])[0];
  }

  /** Settles once no more data arrives: on a busy machine, clients may not have the CPU for a while. */
  async settled(): Promise<Measure> {
    let equal = 0;
    for (let last = await this.measure('look'); ; ) {
      await pause(100);
      const next = await this.measure('look');
      equal = Math.abs(next.bytes - last.bytes) < 10_000 && next.came === last.came ? equal + 1 : 0;
      if (equal === 3) return this.measure();
      last = next;
    }
  }

  release(): void {
    this.#child.send('release');
  }
}

async function started(t: TestContext, poolSize: number): Promise<Worker> {
  // Beside the tests, so that imports of the package resolve.
  const folder = temporaryFolder('budget-', fileURLToPath(new URL('.', import.meta.url)));
  const file = join(folder, 'server.mjs');
  writeFileSync(file, PROGRAM);
  const child = fork(file, [String(poolSize)], { execArgv: ['--expose-gc'] });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const [port] = (await once(child, 'message')) as [number];
  return new Worker(child, port);
}

async function send(t: TestContext, port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).on('data', () => undefined);
  t.after(() => socket.destroy());
  socket.write(text, 'latin1');
  await once(socket, 'connect');
  return socket;
}

const chunked = (path: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;

/** Sends requests ahead on a connection. Settles with the text of all responses once the server has ended the connection. */
async function sendAhead(t: TestContext, port: number, text: string): Promise<{ readonly ended: Promise<string> }> {
  const socket = await send(t, port, text);
  let got = '';
  socket.on('data', (bytes: Buffer) => {
    got += bytes.toString('latin1');
  });
  return { ended: once(socket, 'close').then(() => got) };
}

test('RL-18 of pipelined requests, 32 wait at most, and hold 80 KB on a connection; the last response ends it', async (t) => {
  const worker = await started(t, 1);
  await send(t, worker.port, 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n');
  while ((await worker.measure('look')).inFlight < 1) await pause(10);
  const before = await worker.settled();
  const request = 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n';
  const each = 10_000;
  const connections = 20;
  const ahead = [];
  for (let i = 0; i < connections; i++) ahead.push(await sendAhead(t, worker.port, request.repeat(each)));
  const { bytes, came } = await worker.settled();
  const sent = request.length * each * connections;
  const held = bytes - before.bytes;
  t.diagnostic(`${sent} bytes sent, ${held} held, ${Math.round(held / connections)} a connection`);
  assert.equal(came - before.came, connections, 'one of each connection is at the filters');
  assert.ok(held <= connections * WAITING + BESIDE, `${sent} bytes became ${held}`);
  worker.release();
  for (const { ended } of ahead) {
    const responses = (await ended).split('HTTP/1.1 ').slice(1);
    assert.equal(responses.length, TAKEN);
    for (const [index, response] of responses.entries()) {
      assert.match(response, /^200 OK\r\n/);
      assert.match(response, index < TAKEN - 1 ? /\r\nconnection: keep-alive\r\n/i : /\r\nconnection: close\r\n/i);
    }
  }
});

/** A request with a number of short fields, each of which is a separate text in memory. */
function withFields(count: number): string {
  const fields = Array.from({ length: count }, (_, at) => `${(at + 36).toString(36)}z:${at % 36}y\r\n`);
  return `GET /hold HTTP/1.1\r\nhost: x\r\n${fields.join('')}\r\n`;
}

test('AT-21 RL-18 of pipelined requests, the fields of those that wait hold 50 KB more at most', async (t) => {
  const rows: Readonly<Record<string, readonly [text: string, taken: number]>> = {
    'ten fields each': [withFields(9).repeat(60), 1 + 32],
    'a hundred fields each': [withFields(99).repeat(60), 1 + 3],
    'two thousand fields each': [withFields(0) + withFields(1800).repeat(10), 1],
  };
  for (const [what, [text, taken]] of Object.entries(rows)) {
    await t.test(what, async (t) => {
      const worker = await started(t, 1);
      await send(t, worker.port, withFields(0));
      while ((await worker.measure('look')).inFlight < 1) await pause(10);
      const before = await worker.settled();
      const connections = 20;
      const ahead = [];
      for (let i = 0; i < connections; i++) ahead.push(await sendAhead(t, worker.port, text));
      const { bytes } = await worker.settled();
      const held = bytes - before.bytes;
      t.diagnostic(`${text.length} bytes sent, ${Math.round(held / connections)} held on each connection`);
      assert.ok(held <= connections * WAITING_WITH_FIELDS + BESIDE, `${text.length * connections} became ${held}`);
      worker.release();
      for (const { ended } of ahead) {
        const responses = (await ended).split('HTTP/1.1 ').slice(1);
        assert.equal(responses.length, taken);
        assert.match(responses.at(-1)!, /^200 OK\r\n.*connection: close\r\n/is);
      }
    });
  }
});

test('RL-18 of pipelined bodies, two reads of the socket are kept at most, and none is lost', async (t) => {
  const post = (path: string, body: number, more = '') =>
    `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body}\r\n${more}\r\n${'x'.repeat(body)}`;
  const get = 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n';
  const rows: Readonly<Record<string, readonly [text: string, read: number, connections: number]>> = {
    'as many as may wait': [
      get + post('/read', 60_000).repeat(31) + post('/read', 60_000, 'connection: close\r\n'),
      32 * 60_000,
      20,
    ],
    // Node's parser resumes the socket behind the first body, and stops it within the second, in one read.
    'a large one behind a small one': [
      get + post('/read', 20_000) + post('/read', 8_000_000, 'connection: close\r\n'),
      8_020_000,
      5,
    ],
    'a large one behind one that nobody reads': [
      post('/unread', 20_000) + post('/read', 8_000_000, 'connection: close\r\n'),
      8_000_000,
      5,
    ],
  };
  for (const [what, [text, read, connections]] of Object.entries(rows)) {
    await t.test(what, async (t) => {
      const worker = await started(t, 0);
      const before = await worker.settled();
      const ahead = [];
      for (let i = 0; i < connections; i++) ahead.push(await sendAhead(t, worker.port, text));
      const { bytes } = await worker.settled();
      const sent = text.length * connections;
      const held = bytes - before.bytes;
      t.diagnostic(`${sent} bytes sent, ${held} held, ${Math.round(held / connections)} a connection`);
      assert.ok(held <= connections * (WAITING + 2 * READ) + BESIDE, `${sent} bytes became ${held}`);
      worker.release();
      // The responses repeat what was read.
      for (const { ended } of ahead) assert.equal((await ended).replaceAll(/[^x]+/g, '').length, read);
    });
  }
});

test('a body in chunks of one byte holds ten times its bytes at most, at every stage', async (t) => {
  const worker = await started(t, 0);
  for (const stage of ['unread', 'read', 'collected', 'fastify', 'cascade', 'held', 'transformed']) {
    await t.test(stage, async (t) => {
      // Sent once before the measurement, so that loaded and compiled code is not counted.
      const { came } = await worker.measure('look');
      await send(t, worker.port, `${chunked(`/${stage}`)}1\r\nx\r\n`);
      while ((await worker.measure('look')).came === came) await pause(10);
      const before = await worker.settled();
      const text = '1\r\nx\r\n'.repeat(100_000);
      await send(t, worker.port, `${chunked(`/${stage}`)}${text}`);
      const { bytes } = await worker.settled();
      t.diagnostic(`${text.length} bytes sent, ${bytes - before.bytes} held`);
      assert.ok(bytes - before.bytes <= TIMES * text.length + BESIDE, `${text.length} became ${bytes - before.bytes}`);
    });
  }
});

test('a body in chunks of one byte holds ten times its bytes at most while it waits for the concurrency limit', async (t) => {
  const worker = await started(t, 1);
  await send(t, worker.port, 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n');
  while ((await worker.measure('look')).inFlight < 1) await pause(10);
  const before = await worker.settled();
  const text = '1\r\nx\r\n'.repeat(16_000);
  for (let i = 0; i < 10; i++) await send(t, worker.port, `${chunked('/read')}${text}`);
  const { bytes } = await worker.settled();
  t.diagnostic(`${text.length * 10} bytes sent, ${bytes - before.bytes} held`);
  assert.ok(
    bytes - before.bytes <= TIMES * text.length * 10 + BESIDE,
    `${text.length * 10} became ${bytes - before.bytes}`,
  );
});

test('bodies in chunks of one byte behind a request at work hold ten times their bytes at most', async (t) => {
  const worker = await started(t, 0);
  const atWork = 'GET /hold HTTP/1.1\r\nhost: x\r\n\r\n';
  const before = await worker.settled();
  const text = atWork + `${chunked('/hold')}${'1\r\nx\r\n'.repeat(2000)}0\r\n\r\n`.repeat(50);
  const socket = await send(t, worker.port, text);
  while ((await worker.measure('look')).inFlight < 1) await pause(10);
  const { bytes } = await worker.settled();
  const sent = socket.bytesWritten;
  t.diagnostic(`${sent} bytes sent, ${bytes - before.bytes} held`);
  assert.ok(bytes - before.bytes <= TIMES * sent + BESIDE, `${sent} became ${bytes - before.bytes}`);
  worker.release();
});
