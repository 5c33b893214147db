import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Mapper } from 'portico/routing';
import { Server } from 'portico/server';
import { closedAfter } from '../fixtures/closed-after.js';
import { startedServer } from '../server/started-server.js';
import { serveRouter, testBoth } from './served-router.js';

/** Returns a table with every kind of route, nested three deep. */
function table(): Mapper {
  const mapper = new Mapper({ kind: 'project' });
  for (const name of ['server', 'image', 'volume']) {
    mapper.resource(name, `${name}s`, { member: { action: 'POST' }, collection: { detail: 'GET' } });
  }
  mapper.connect('/diff/{a}..{b}', { controller: 'd', action: 'd' });
  mapper.connect('/files/*path/meta', { controller: 'f', action: 'f' });
  return mapper.connect('/objects/{container}/{name:.+}', { controller: 'o', action: 'o' });
}

test('RT-125 RT-216 long and strange paths match, and as the linear scan matches them', () => {
  const compiled = table().compile();
  const paths = [
    `/${'a/'.repeat(4000)}`,
    '/'.repeat(8000),
    `/servers/${'../'.repeat(2600)}`,
    `/files/${'meta/'.repeat(1600)}meta`,
    `/objects/${'.'.repeat(8000)}`,
    `/diff/${'.'.repeat(2000)}`,
    `/diff/${'..a'.repeat(600)}`,
    `/servers/${'a.'.repeat(4000)}`,
    `/servers/${'\\'.repeat(4000)}.json`,
    `/${'0'.repeat(8000)}`,
    '/servers/\n',
    '/\u0000',
    '/\ud800',
    '/constructor/__proto__',
    '',
  ];
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'T,P']) {
      const found = compiled.find(method, path, null);
      const scanned = compiled.scan(path, { method });
      assert.deepEqual([found?.compiled.index, found?.captured], [scanned?.compiled.index, scanned?.captured]);
    }
  }
});

testBoth(
  'RT-216 under a server without a limit, a path over 8 KiB gets 414 before it is matched',
  async (t, Router) => {
    let matched = 0;
    const conditions = { function: () => (matched += 1) };
    const router = new Router().connect('/{rest:.*}', { handler: () => 'ok', conditions });
    const send = await serveRouter(t, router);
    assert.equal((await send('GET', `/${'a'.repeat(8191)}`)).status, 200);
    assert.equal(matched, 1);
    assert.equal((await send('GET', `/${'a'.repeat(8192)}`)).status, 414);
    assert.equal((await send('GET', `/${'%61'.repeat(2731)}`)).status, 414);
    assert.equal(matched, 1);
  },
);

testBoth('ST-1 under a Server its max_url_length is the one limit of a path', async (t, Router) => {
  const app = await new Router().connect('/{rest:.*}', { handler: ({ params }) => params.rest!.length }).build();
  const server = new Server('long', app, { maxUrlLength: 12_000 });
  await server.start();
  t.after(async () => {
    await server.stop();
    await app.close();
  });
  const { port } = server.addresses[0] as { port: number };
  const status = async (length: number) =>
    (await fetch(`http://127.0.0.1:${port}/${'a'.repeat(length - 1)}`, { headers: { connection: 'close' } })).status;
  assert.deepEqual([await status(9000), await status(12_000), await status(12_001)], [200, 200, 414]);
});

testBoth('RT-28 RT-125 encoded paths of any kind get responses', async (t, Router) => {
  const router = new Router().connect('/x/{a}', { handler: (request) => request.params.a });
  router.connect('/x/{a}/{b:.*}', { handler: () => 'two' });
  const send = await serveRouter(t, router);
  for (const raw of [
    '%2F'.repeat(2000),
    '%2f%2e%2e'.repeat(800),
    '%',
    '%f',
    '%ff'.repeat(2000),
    '%c0%af',
    '%ED%A0%80',
    '%00',
  ]) {
    assert.equal((await send('GET', `/x/a${raw}`)).status, 200, raw.slice(0, 20));
  }
});

testBoth('RT-156 RT-154 deep, wide and odd bodies get responses', async (t, Router) => {
  const router = new Router({ bodyLimit: 1 << 24 });
  router.connect('/x', { handler: ({ body }) => ({ keys: Object.keys(body as object).length }) });
  const send = await serveRouter(t, router);
  const keys = (count: number): string => `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join(',')}}`;
  assert.deepEqual((await send('POST', '/x', { body: keys(100_000) })).json, { keys: 100_000 });
  const limited = await serveRouter(t, new Router().connect('/x', { handler: () => 1 }));
  assert.equal(
    (await limited('POST', '/x', { headers: { 'content-length': String(keys(1_000_000).length) } })).status,
    413,
  );
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
  assert.deepEqual((await send('POST', '/x', { body: deep })).json, { keys: 1 });
  const hidden = `${'{"a":'.repeat(20_000)}{"__proto__":1}${'}'.repeat(20_000)}`;
  assert.equal((await send('POST', '/x', { body: hidden })).status, 400);
  assert.equal((await send('POST', '/x', { body: '"\\ud800"' })).status, 200);
});

/** Sends a body in pieces until it is complete or a response arrives, and returns the response. */
async function sendUntilAnswered(port: number, framing: string, body: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const answered = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
  const head = `POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
  socket.write(head);
  for (const piece of body) {
    await new Promise((resolve) => setImmediate(resolve));
    if (socket.bytesRead > 0 || socket.destroyed) break;
    socket.write(piece);
  }
  return answered;
}

const keys = (count: number): string => `{${Array.from({ length: count }, (_, index) => `"k${index}":0`).join(',')}}`;
const MILLION = keys(1_000_000);

testBoth('RT-156 a body of a million keys over the limit is refused before it is parsed', async (t, Router) => {
  let calls = 0;
  const app = closedAfter(t, await new Router().connect('/x', { handler: () => ++calls }).build());
  const server = await startedServer(t, 'hostile', app, { host: '127.0.0.1', port: 0 });
  const { port } = server.addresses[0] as { port: number };
  // The second body is invalid from its first character: a parser would cause a 400.
  for (const body of [MILLION, MILLION.replace('{', '!')]) {
    const pieces = body.match(/.{1,16384}/gs)!;
    const chunks = [...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`), '0\r\n\r\n'];
    const declared = await sendUntilAnswered(port, `Content-Length: ${body.length}`, pieces);
    const chunked = await sendUntilAnswered(port, 'Transfer-Encoding: chunked', chunks);
    for (const answer of [declared, chunked]) assert.match(answer, /^HTTP\/1\.1 413 /);
  }
  assert.equal(calls, 0);
});

/** Enough to find time that grows with the square of the keys; the limit is what keeps larger ones away. */
const KEYS = 200_000;
const WIDE = keys(KEYS);

testBoth(
  'RT-156 a body of 200,000 keys within a raised limit is parsed, or refused where it is no JSON',
  async (t, Router) => {
    const handler = ({ body }: { body: unknown }): object => ({ keys: Object.keys(body as object).length });
    const send = await serveRouter(t, new Router({ bodyLimit: 1 << 24 }).connect('/x', { handler }));
    const post = (body: string) => send('POST', '/x', { body, headers: { 'content-type': 'application/json' } });
    const { status, json } = await post(WIDE);
    assert.deepEqual([status, json], [200, { keys: KEYS }]);
    assert.equal((await post(WIDE.slice(0, -1))).status, 400);
    assert.equal((await post(WIDE.replace(`"k${KEYS - 1}"`, '"__proto__"'))).status, 400);
    assert.deepEqual((await post('{"a":1}')).json, { keys: 1 });
  },
);

testBoth('RT-170 RT-179 a header of many versions is read once and quoted shortly', async (t, Router) => {
  const versions = { serviceType: 'compute', min: '2.1', max: '2.79' };
  const send = await serveRouter(t, new Router({ versions }).connect('/x', { handler: () => 1 }));
  const many = `${'volume 3.1, '.repeat(900)}compute 2.5`;
  const answer = await send('GET', '/x', { headers: { 'openstack-api-version': many } });
  assert.equal(answer.headers['openstack-api-version'], 'compute 2.5');
});

test('RT-219 a router keeps nothing of the paths it has seen', () => {
  const compiled = table().compile();
  const before = JSON.stringify(Object.keys(compiled));
  for (let index = 0; index < 1000; index++) compiled.find('GET', `/servers/${index}`, null);
  assert.equal(JSON.stringify(Object.keys(compiled)), before);
});
