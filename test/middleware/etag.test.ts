import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, beforeHead, compose, type Filter } from 'portico/app';
import { Loader } from 'portico/loader';
import { catchErrors, compression, etag } from 'portico/middleware';
import { Server } from 'portico/server';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { temporaryFolder } from '../fixtures/keeper.js';
import { nodeServer } from '../fixtures/node-server.js';
import { portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const TEXT = 'hello '.repeat(300);
const whole: App = (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/plain' });
  res.end(TEXT);
};
const pieces: App = (_req, res) => {
  res.writeHead(200, { 'content-type': 'text/plain', 'content-length': TEXT.length });
  res.write(TEXT.slice(0, 10), () => res.end(TEXT.slice(10)));
};

test('MW-56 a body gets a strong ETag, the same however it is written; who has it gets 304', async () => {
  const { made } = await buildFilter(etag);
  const one = await request(lint(made(whole)), 'GET', '/');
  const two = await request(lint(made(pieces)), 'GET', '/');
  assert.match(String(one.headers.etag), /^"[^"]+"$/);
  assert.equal(one.headers.etag, two.headers.etag);
  assert.equal(two.text(), TEXT);
  assert.equal(two.headers['content-length'], String(TEXT.length));
  for (const condition of [one.headers.etag!, `"x", W/${one.headers.etag!}`, '*']) {
    const response = await request(lint(made(pieces)), 'GET', '/', { headers: { 'if-none-match': condition } });
    assert.equal(response.status, 304);
    assert.equal(response.text(), '');
    assert.equal(response.headers.etag, one.headers.etag);
    assert.equal(response.headers['content-length'], undefined);
  }
  const other = await request(lint(made(whole)), 'GET', '/', { headers: { 'if-none-match': '"other"' } });
  assert.equal(other.status, 200);
});

test('MW-56 left alone: other methods and statuses, large bodies, event streams, headers that are flushed', async () => {
  const { made } = await buildFilter(etag);
  assert.equal((await request(lint(made(whole)), 'POST', '/')).headers.etag, undefined);
  const mebibyte = 'x'.repeat(2 ** 20);
  const long: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': mebibyte.length + 1 });
    res.write('x', () => res.end(mebibyte));
  };
  const large = await request(lint(made(long)), 'GET', '/');
  assert.equal(large.headers.etag, undefined);
  assert.equal(large.text().length, mebibyte.length + 1);
  const failed: App = (_req, res) => {
    res.writeHead(404).end('no');
  };
  assert.equal((await request(lint(made(failed)), 'GET', '/')).headers.etag, undefined);
  const events: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n');
  };
  assert.equal((await request(lint(made(events)), 'GET', '/')).headers.etag, undefined);
  const flushed: App = (_req, res) => {
    res.flushHeaders();
    res.end('x');
  };
  const early = await request(lint(made(flushed)), 'GET', '/');
  assert.equal(early.headers.etag, undefined);
  assert.equal(early.text(), 'x');
});

test('RV-8 a body without a length goes out as it comes', async () => {
  const { made } = await buildFilter(etag);
  let arrive: () => void;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const app: App = async (_req, res) => {
    res.write('one ');
    await arrived;
    res.end('two');
  };
  const server = new Server('pieces', made(app), { port: 0, host: '127.0.0.1', log: captureLog().log });
  await server.start();
  const { headers, body } = await fetch(`http://127.0.0.1:${portOf(server)}/`);
  const texts: string[] = [];
  for await (const piece of body!) {
    texts.push(Buffer.from(piece).toString());
    arrive!();
  }
  await server.stop();
  assert.deepEqual([texts, headers.get('etag')], [['one ', 'two'], null]);
});

test("MW-56 the application's own ETag is compared for a stream too, which is not held", async () => {
  const { made } = await buildFilter(etag);
  const app: App = (_req, res) => {
    res.setHeader('etag', '"mine"');
    res.setHeader('content-type', 'text/plain');
    res.write('a ');
    res.end('stream');
  };
  for (const [condition, status, text] of [
    ['"mine"', 304, ''],
    ['"other"', 200, 'a stream'],
  ] as const) {
    const response = await request(lint(made(app)), 'GET', '/', { headers: { 'if-none-match': condition } });
    assert.deepEqual([response.status, response.text(), response.headers.etag], [status, text, '"mine"']);
    assert.equal(response.headers['content-type'], status === 304 ? undefined : 'text/plain');
  }
});

test("MW-56 the application's own ETag is kept and compared", async () => {
  const { made } = await buildFilter(etag);
  const app: App = (_req, res) => {
    res.setHeader('etag', 'W/"mine"');
    res.end('x');
  };
  const response = await request(lint(made(app)), 'GET', '/', { headers: { 'if-none-match': '"mine"' } });
  assert.equal(response.status, 304);
  assert.equal(response.headers.etag, 'W/"mine"');
});

test('MW-56 listeners further in and further out keep their order, and compression outside sees the ETag', async () => {
  const order: string[] = [];
  const named =
    (name: string): Filter =>
    (app) =>
    (req, res) => {
      beforeHead(res, () => order.push(`${name} ${String(res.getHeader('etag') !== undefined)}`));
      return app(req, res);
    };
  const { made } = await buildFilter(etag);
  const packed = await buildFilter(compression);
  const app = lint(compose([named('outer'), packed.made, made, named('inner')], pieces));
  const response = await request(app, 'GET', '/', { headers: { 'accept-encoding': 'gzip' } });
  assert.deepEqual(order, ['inner false', 'outer true']);
  assert.match(String(response.headers.etag), /^W\/"/);
  assert.equal(response.headers['content-encoding'], 'gzip');
});

test('MW-56 MW-6 an app that fails in the middle of a held body responds with the fault alone', async () => {
  const failing: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': 20 });
    res.write('{"half":');
    throw new Error('out of luck');
  };
  const filters = [await buildFilter(catchErrors), await buildFilter(etag)].map(({ made }) => made);
  const response = await request(compose(filters, failing), 'GET', '/');
  assert.equal(response.status, 500);
  assert.equal(response.json().error.code, 500);
  assert.equal(response.headers['content-length'], String(response.body.length));
  assert.equal(response.headers.etag, undefined);
});

test('a response that etag holds goes out whole under every server, with a log of its bytes', async (t) => {
  const folder = temporaryFolder('portico-etag-');
  for (const [name, order] of [
    ['outside', 'log etag'],
    ['inside', 'etag log'],
  ] as const) {
    const file = join(folder, `${name}.ini`);
    writeFileSync(
      file,
      [
        `[pipeline:main]\npipeline = ${order} page`,
        '[filter:etag]\npaste.filter_factory = portico/middleware:etag',
        '[filter:log]\npaste.filter_factory = portico/middleware:requestLog',
        '[app:page]\npaste.app_factory = ./page.mjs:page',
      ].join('\n'),
    );
    writeFileSync(join(folder, 'page.mjs'), "export const page = () => (_req, res) => res.end('a page');\n");
    const { log, lines } = captureLog();
    const app = await new Loader(file, { log }).loadApp();
    const answer = await request(app, 'GET', '/');
    assert.deepEqual([answer.status, answer.text(), answer.headers['content-length']], [200, 'a page', '6'], name);
    const etag = String(answer.headers.etag);
    assert.match(etag, /^(?:W\/)?".+"$/);
    const { url } = await nodeServer(t, app);
    const fetched = await fetch(url, { headers: { connection: 'close' } });
    assert.deepEqual([fetched.status, await fetched.text()], [200, 'a page'], name);
    const known = await fetch(url, { headers: { connection: 'close', 'if-none-match': etag } });
    assert.deepEqual([known.status, await known.text()], [304, ''], name);
    await app.close();
    const bytes = lines.filter(({ msg }) => msg === 'request').map((line) => [line.status, line.bytes]);
    assert.deepEqual(
      bytes,
      [
        [200, 6],
        [200, 6],
        [304, 0],
      ],
      name,
    );
  }
});

test('MW-56 a body of another length than declared is broken off, as without the filter', async (t) => {
  const { made } = await buildFilter(etag);
  for (const length of [100, 2]) {
    const app: App = (_req, res) => void res.writeHead(200, { 'content-length': length }).end('half');
    const server = await startedServer(t, 'short', made(app), { port: 0, host: '127.0.0.1', log: captureLog().log });
    const answer = fetch(`http://127.0.0.1:${portOf(server)}/`);
    await assert.rejects(
      answer.then((one) => one.text()),
      `a body of 4 bytes, declared as ${length}`,
    );
  }
});
