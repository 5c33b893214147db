import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { type App, afterResponse, environ, readBody } from 'portico/app';
import type { ServerOptions } from 'portico/server';
import { abortResponse } from '#internal/app';
import { memoryLog } from './memory-log.js';
import { Client, exchange, portOf } from './raw-client.js';
import { startedServer } from './started-server.js';

async function started(t: TestContext, app: App, options: ServerOptions = {}) {
  const server = await startedServer(t, 'requests', app, options);
  return { server, port: portOf(server), client: () => new Client(portOf(server)) };
}

const get = (target = '/', ...fields: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'host: x', ...fields].join('\r\n')}\r\n\r\n`;
const post = (...fields: string[]) => `${['POST / HTTP/1.1', 'host: x', ...fields].join('\r\n')}\r\n\r\n`;
const url: App = (req, res) => void res.end(req.url);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The request in progress, and those that wait for it. */
const TAKEN = 33;

test('RL-18 AT-21 of requests sent far ahead one is at work and 32 wait; the last of these says that the connection ends', async (t) => {
  const waiting: ServerResponse[] = [];
  const { client } = await started(t, (_req, res) => void waiting.push(res), {
    defaultPoolSize: 0,
    maxRequestsPerConnection: 0,
  });
  const one = client();
  one.write(get('/').repeat(6000));
  while (waiting.length < 1) await turn();
  for (let i = 0; i < 50; i++) await turn();
  assert.equal(waiting.length, 1);
  for (let answered = 1; answered <= TAKEN; answered++) {
    while (waiting.length < answered) await turn();
    waiting[answered - 1]!.end('ok');
    const { headers } = await one.response();
    assert.equal(headers.get('connection'), answered < TAKEN ? 'keep-alive' : 'close');
  }
  await one.closed;
  assert.equal(one.error, undefined);
  assert.equal(waiting.length, TAKEN);
});

test('RL-18 pipelined requests get responses in their order, each with its own fields and body', async (t) => {
  const app: App = async (req, res) => {
    const { length } = await readBody(req, { limit: 1_000_000 });
    res.end(
      `${req.method} ${req.url} ${length} ${String(req.headers['x-one'])} ${req.rawHeaders.length} ${req.complete}`,
    );
  };
  const { client } = await started(t, app, { defaultPoolSize: 3, maxRequestsPerConnection: 0 });
  const one = client();
  const expected: string[] = [];
  const texts: string[] = [];
  for (let i = 0; i < 400; i++) {
    const kind = i < 150 ? 0 : i % 7;
    if (kind === 1) texts.push(`${post(`content-length: ${i}`, `x-one: ${i}`)}${'x'.repeat(i)}`);
    else if (kind === 2)
      texts.push(`${post('transfer-encoding: chunked', `x-one: ${i}`)}2\r\nab\r\n1\r\nc\r\n0\r\nlate: z\r\n\r\n`);
    else texts.push(get(`/${i}`, `x-one: ${i}`, 'X-Two:', 'x-two: a, b'));
    const what = kind === 1 ? `POST / ${i} ${i} 6` : kind === 2 ? `POST / 3 ${i} 6` : `GET /${i} 0 ${i} 8`;
    expected.push(`${what} true`);
  }
  const bodies: string[] = [];
  for (let sent = 0; sent < texts.length; sent += 30) {
    const ahead = texts.slice(sent, sent + 30).join('');
    for (let at = 0; at < ahead.length; at += 700) {
      one.write(ahead.slice(at, at + 700));
      await turn();
    }
    while (bodies.length < Math.min(sent + 30, texts.length)) bodies.push((await one.response()).body);
  }
  assert.deepEqual(bodies, expected);
  one.write(get('/after', 'x-one: 1'));
  assert.equal((await one.response()).body, 'GET /after 0 1 4 true');
  one.close();
});

/** The statuses of all responses to `text`, which has arrived when the app responds. */
async function answeredLater(t: TestContext, text: string, options: ServerOptions = {}) {
  const waiting: [IncomingMessage, ServerResponse][] = [];
  const app: App = (req, res) => void waiting.push([req, res]);
  const { client, server } = await started(t, app, { defaultPoolSize: 0, ...options });
  const one = client();
  one.write(text);
  while (waiting.length < 1) await turn();
  for (let i = 0; i < 5; i++) await turn();
  let closed = false;
  void one.closed.then(() => {
    closed = true;
  });
  while (!closed) {
    for (const [req, res] of waiting.splice(0)) {
      if (req.complete) res.end(req.url);
      else void readBody(req).then(() => res.end(req.url));
    }
    await turn();
  }
  assert.equal(server.requests.length, 0);
  assert.equal(one.error, undefined);
  return [...one.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
}

const ahead = (count: number) => Array.from({ length: count }, (_, i) => get(`/${i}`)).join('');

for (const [name, text, expected] of [
  ['broken bytes', `${ahead(30)}@@@ bad\r\n\r\n`, [30, 400]],
  ['a broken body', `${ahead(30)}${post('transfer-encoding: chunked')}zz\r\n`, [30, 400]],
  ['CONNECT', `${ahead(30)}CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n`, [30, 400]],
  ['the last request', `${ahead(29)}${get('/', 'connection: close')}`, [30]],
  ['the last request and more', `${ahead(29)}${get('/', 'connection: close')}${get('/no')}`, [30]],
  ['a last request with a body', `${ahead(29)}${post('connection: close', 'content-length: 1')}x`, [30]],
  ['an upgrade', `${ahead(29)}${get('/', 'connection: upgrade', 'upgrade: x')}${ahead(3)}`, [30]],
] as const) {
  test(`RL-18 RL-54 pipelined requests get responses, and the connection is closed, when ${name} came behind them`, async (t) => {
    const [whole, refused] = expected;
    const statuses = await answeredLater(t, text);
    assert.deepEqual(statuses, [...Array<number>(whole).fill(200), ...(refused === undefined ? [] : [refused])]);
  });
}

for (const max of [20, 32, 33, 60]) {
  const count = Math.min(max, TAKEN);
  test(`RL-17 RL-18 of pipelined requests ${count} get whole responses where a connection has ${max}`, async (t) => {
    const statuses = await answeredLater(t, ahead(300), { maxRequestsPerConnection: max });
    assert.deepEqual(statuses, Array<number>(count).fill(200));
  });
}

test('RL-18 LC-341 pipelined requests get responses when the server stops', async (t) => {
  const waiting: ServerResponse[] = [];
  const { client, server } = await started(t, (_req, res) => void waiting.push(res), { defaultPoolSize: 0 });
  const one = client();
  one.write(ahead(30));
  while (waiting.length < 1) await turn();
  const stopped = server.stop({ graceful: true });
  let answers = 0;
  while (answers < 30) {
    const res = waiting.shift();
    if (res === undefined) await turn();
    else {
      res.end('ok');
      answers++;
    }
  }
  for (let i = 0; i < 30; i++) assert.equal((await one.response()).status, 200);
  await one.closed;
  await stopped;
});

test('RL-18 questions about the server are no more at work at once than other requests', async (t) => {
  const { client, server } = await started(t, () => undefined, { defaultPoolSize: 0, maxRequestsPerConnection: 0 });
  const one = client();
  one.write(get('/') + 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000));
  while (server.inFlight < 1) await turn();
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(server.inFlight, 1);
  one.close();
});

test('RL-18 pipelined bodies get responses, as many as may wait', async (t) => {
  const statuses = await answeredLater(t, `${post('content-length: 1')}x`.repeat(1000));
  assert.deepEqual(statuses, Array<number>(TAKEN).fill(200));
});

for (const [name, more] of Object.entries({
  'its next request waits': '',
  'broken bytes came behind its next request': 'NOT HTTP\r\n\r\n',
  'more came behind its last request': `${get('/', 'connection: close')}${get('/ignored')}`,
  'hundreds of requests wait': get('/').repeat(300),
})) {
  test(`RL-32 a client that leaves while ${name} is noticed`, async (t) => {
    const closed: (string | undefined)[] = [];
    const { client, server } = await started(t, (req, res) => void res.on('close', () => closed.push(req.url)));
    const one = client();
    one.write(get('/1') + get('/2') + more);
    while (server.requests.length < 1) await turn();
    for (let i = 0; i < 5; i++) await turn();
    one.close();
    while (server.requests.length > 0 || closed.length < 1) await turn();
    assert.deepEqual(closed, ['/1']);
  });
}

test('RL-2 what follows a broken request is not read, and the responses before it are sent', async (t) => {
  const waiting: ServerResponse[] = [];
  const { client } = await started(t, (_req, res) => void waiting.push(res));
  const one = client();
  one.write(`${get('/1')}NOT HTTP\r\n\r\n${get('/smuggled')}`);
  while (waiting.length < 1) await turn();
  await turn();
  waiting[0]?.end('first');
  assert.equal((await one.response()).body, 'first');
  assert.equal((await one.response()).status, 400);
  await one.closed;
  assert.equal(waiting.length, 1);
});

for (const [form, give] of Object.entries<(res: ServerResponse) => unknown>({
  setHeader: (res) => res.setHeader('Connection', 'close').writeHead(200, { 'content-length': 4 }),
  'the fields of writeHead': (res) => res.writeHead(200, { 'content-length': 4, Connection: 'close' }),
  'a list of fields': (res) => res.writeHead(200, ['connection', 'Close', 'content-length', '4']),
  shouldKeepAlive: (res) => Object.assign(res, { shouldKeepAlive: false }).writeHead(200, { 'content-length': 4 }),
})) {
  test(`RL-54 a request behind a response that ends its connection by ${form} is not begun`, async (t) => {
    const begun: (string | undefined)[] = [];
    const ends: (() => void)[] = [];
    const { client } = await started(t, (req, res) => {
      begun.push(req.url);
      give(res);
      res.write('wh');
      ends.push(() => res.end('ol'));
    });
    const one = client();
    one.write(get('/1') + get('/2'));
    while (ends.length < 1) await turn();
    one.write(get('/3'));
    for (let i = 0; i < 5; i++) await turn();
    for (const end of ends) end();
    assert.equal((await one.response()).body, 'whol');
    await one.closed;
    assert.deepEqual(begun, ['/1']);
  });
}

for (const [who, end] of Object.entries<(res: ServerResponse) => unknown>({
  'abortResponse ends': (res) => abortResponse(res),
  'its app destroys': (res) => res.destroy(),
  'ends shorter than declared': (res) => res.end(),
})) {
  test(`RL-1 RL-18 a pipelined response that ${who} ends the connection behind the response before it`, async (t) => {
    let first: ServerResponse | undefined;
    const { client, server } = await started(t, (req, res) => {
      if (req.url === '/1') {
        first = res;
        return;
      }
      res.writeHead(200, { 'content-length': 100 }).write('part');
      end(res);
    });
    const one = client();
    one.write(get('/1') + get('/2') + get('/3'));
    while (first === undefined) await turn();
    for (let i = 0; i < 3; i++) await turn();
    first.end('whole');
    assert.equal((await one.response()).body, 'whole');
    await one.closed;
    while (server.requests.length > 0) await turn();
  });
}

test('RL-54 bytes after a request that said close do not spoil its response', async (t) => {
  const waiting: ServerResponse[] = [];
  const { client } = await started(t, (_req, res) => void waiting.push(res));
  for (const more of [get('/2'), 'garbage', '\r\n\r\n']) {
    const one = client();
    one.write(get('/1', 'connection: close') + more);
    while (waiting.length < 1) await turn();
    one.write(more);
    for (let i = 0; i < 5; i++) await turn();
    waiting.shift()?.end('whole');
    const answer = await one.response();
    assert.deepEqual([answer.status, answer.body], [200, 'whole']);
    await one.closed;
    assert.equal(one.received, '');
    assert.equal(waiting.length, 0);
  }
});

test('RL-17 connections that are opened together end after different numbers of requests, if the limit is large', async (t) => {
  const { client } = await started(t, url, { maxRequestsPerConnection: 256 });
  const answered: number[] = [];
  for (let i = 0; i < 17; i++) {
    const one = client();
    let count = 0;
    for (let last = false; !last; ) {
      one.write(get('/').repeat(16));
      for (let each = 0; each < 16 && !last; each++) {
        last = (await one.response()).headers.get('connection') === 'close';
        count++;
      }
    }
    await one.closed;
    answered.push(count);
  }
  assert.deepEqual(answered, [...Array.from({ length: 16 }, (_, place) => 256 - 2 * place), 256]);
});

test('RL-17 RL-18 the body of the last request is read after the response before it', async (t) => {
  const app: App = async (req, res) => {
    const { length } = await readBody(req, { limit: 1_000_000 });
    for (let i = 0; i < 10; i++) await turn();
    res.end(`${req.method} ${length}`);
  };
  const { client } = await started(t, app, { maxRequestsPerConnection: 2 });
  const one = client();
  one.write(`${get('/1')}${post('content-length: 500000')}${'x'.repeat(500_000)}${get('/3')}`);
  assert.equal((await one.response()).body, 'GET 0');
  const last = await one.response();
  assert.deepEqual([last.body, last.headers.get('connection')], ['POST 500000', 'close']);
  await one.closed;
  assert.equal(one.received, '');
});

test('LC-1226 without keep-alive every connection has one request', async (t) => {
  const { client } = await started(t, url, { keepAlive: false });
  const one = client();
  one.write(get('/1'));
  assert.equal((await one.response()).headers.get('connection'), 'close');
  await one.closed;
});

test('RL-28 the keep-alive time is advertised one second shorter', async (t) => {
  const { client } = await started(t, url);
  const one = client();
  one.write(get());
  assert.equal((await one.response()).headers.get('keep-alive'), 'timeout=64');
  one.close();
});

test('RL-52 100 Continue is sent when the body is read, and not when the response comes without', async (t) => {
  const { client, port } = await started(t, async (req, res) => {
    if (req.url === '/no') res.writeHead(413).end();
    else res.end(await readBody(req, { limit: 100 }));
  });
  const one = client();
  one.write('PUT / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n');
  await one.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  one.received = '';
  one.write('hello');
  assert.equal((await one.response()).body, 'hello');
  one.close();

  const two = client();
  two.write('PUT /no HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 500\r\n\r\n');
  const answer = await two.response();
  assert.deepEqual([answer.status, answer.headers.get('connection')], [413, 'close']);
  await two.closed;

  const old = await exchange(port, 'PUT / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\nhello');
  assert.match(old, /^HTTP\/1\.1 200 [\s\S]*hello$/);
});

test('RL-53 RV-10 an upgrade that nobody takes is ignored, and the connection goes on', async (t) => {
  const { client } = await started(t, url);
  const one = client();
  const upgrade = get('/1', 'connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: x');
  // As curl --http2 and Java's HttpClient, which repeat it; the next request comes with it, later or in pieces.
  for (const [first, ...rest] of [
    [upgrade + get('/2')],
    [upgrade, get('/2')],
    [`${upgrade}GET /2 HT`, 'TP/1.1\r\nhost: x\r\n\r\n'],
  ]) {
    one.write(first!);
    const answer = await one.response();
    assert.deepEqual([answer.body, answer.headers.get('connection')], ['/1', 'keep-alive']);
    for (const text of rest) one.write(text);
    assert.equal((await one.response()).body, '/2');
  }
  one.close();
});

test('RL-53 RV-10 an upgrade that Node cannot ignore without a loss ends its connection', async (t) => {
  const { client } = await started(t, url);
  for (const ahead of ['', get('/0')]) {
    const one = client();
    const fields = ['connection: upgrade', 'upgrade: h2c', ...(ahead === '' ? ['content-length: 1'] : [])];
    one.write(`${ahead}${get('/1', ...fields)}${ahead === '' ? 'x' : ''}${get('/2')}`);
    if (ahead !== '') assert.equal((await one.response()).headers.get('connection'), 'keep-alive');
    const answer = await one.response();
    assert.deepEqual([answer.body, answer.headers.get('connection')], ['/1', 'close']);
    await one.closed;
    assert.equal(one.received, '');
  }
});

test('RV-16 100 Continue is sent to a request without a body, whose connection goes on', async (t) => {
  const { client } = await started(t, url);
  const one = client();
  for (const path of ['/1', '/2']) {
    one.write(get(path, 'expect: 100-continue'));
    await one.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    one.received = one.received.slice('HTTP/1.1 100 Continue\r\n\r\n'.length);
    const { body, headers } = await one.response();
    assert.deepEqual([body, headers.get('connection')], [path, 'keep-alive']);
  }
  one.close();
});

test('RL-46 MW-8 fields whose names have an underscore are dropped, unless they are allowed', async (t) => {
  const app: App = (req, res) => void res.end(JSON.stringify([req.headers, req.rawHeaders, req.headersDistinct]));
  const strict = await started(t, app);
  const lenient = await started(t, app, { allowUnderscoreHeaders: true });
  const request = get('/', 'x_auth_token: evil', 'Content_Length: 9', 'x-auth-token: good', 'connection: close');
  const refused = await exchange(strict.port, request);
  assert.doesNotMatch(refused, /evil|Content_Length|content_length/);
  assert.match(refused, /good/);
  assert.match(await exchange(lenient.port, request), /evil/);
});

test('RL-43 trailers are read and never become header fields', async (t) => {
  const { client } = await started(t, async (req, res) => {
    await readBody(req, { limit: 100 });
    res.end(JSON.stringify([req.headers['x-late'] ?? null, req.trailers['x-late'], req.headers.host]));
  });
  const one = client();
  one.write(`${post('transfer-encoding: chunked')}5\r\nhello\r\n0\r\nx-late: yes\r\nhost: z\r\n\r\n${get('/2')}`);
  assert.equal((await one.response()).body, '[null,"yes","x"]');
  one.close();
});

test('RL-41 RL-47 what is strange but legal is served', async (t) => {
  const { client } = await started(
    t,
    async (req, res) => void res.end(`${req.url} ${String(await readBody(req, { limit: 100 }))}`),
  );
  const one = client();
  // The parser of Node 20.19.0 accepts no quoted values.
  const extensions = process.versions.llhttp!.startsWith('8.') ? ';name=value' : ';name=value;q="x"';
  one.write(`${post('transfer-encoding:  CHUNKED ')}5${extensions}\r\nhello\r\n0\r\n\r\n`);
  assert.equal((await one.response()).body, '/ hello');
  one.write(`\r\n\r\n${get('/2')}`);
  assert.equal((await one.response()).body, '/2 ');
  one.write(`${post('content-length: 0')}${get('/3', 'Host2: y', 'x-obs: \xe9\xff', 'x-tab: a\tb')}`);
  assert.equal((await one.response()).body, '/ ');
  assert.equal((await one.response()).body, '/3 ');
  for (const host of ['x:8774', '[::1]', '[::1]:8774', '127.0.0.1', 'my_service:80', 'a.b-c.d.', 'X:']) {
    one.write(`GET /h HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    assert.equal((await one.response()).status, 200, host);
  }
  one.close();
});

const tooMuch: readonly { name: string; options: ServerOptions; bytes: string; status: readonly number[] }[] = [
  {
    name: 'RL-10 a head beyond max_header_size',
    options: { maxHeaderSize: 2048 },
    bytes: get('/', `x: ${'y'.repeat(4000)}`),
    status: [431],
  },
  {
    name: 'RL-11 more fields than max_headers',
    options: { maxHeaders: 10 },
    bytes: get('/', ...Array.from({ length: 10 }, (_, i) => `x-${i}: y`)),
    status: [431],
  },
  {
    name: 'RL-11 far more fields than Node counts',
    options: { maxHeaders: 100, maxHeaderSize: 65_536 },
    bytes: get('/', ...Array.from({ length: 3000 }, (_, i) => `a${i}: y`)),
    status: [431],
  },
  {
    name: 'RL-12 a target beyond max_url_length',
    options: { maxUrlLength: 50 },
    bytes: get(`/${'a'.repeat(50)}`),
    status: [414],
  },
  {
    name: 'RL-12 a request line beyond everything',
    options: {},
    bytes: get(`/${'a'.repeat(100_000)}`),
    status: [414, 431],
  },
  {
    name: 'RL-14 trailers without end',
    options: {},
    bytes: `${post('transfer-encoding: chunked')}0\r\n${'x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(1000)}\r\n`,
    status: [400, 431],
  },
  {
    name: 'RL-14 many chunk extensions',
    options: {},
    bytes: `${post('transfer-encoding: chunked')}${`1;${'x'.repeat(5000)}\r\na\r\n`.repeat(100)}0\r\n\r\n`,
    status: [400, 431],
  },
];

for (const { name, options, bytes, status } of tooMuch) {
  test(`${name} is refused and the connection closed`, async (t) => {
    const { client } = await started(
      t,
      async (req, res) => void res.end(await readBody(req, { limit: 1_000_000 })),
      options,
    );
    const one = client();
    one.write(bytes);
    await one.closed;
    assert.ok(
      status.some((each) => one.received.startsWith(`HTTP/1.1 ${each} `)),
      JSON.stringify(one.received),
    );
  });
}

test('RL-11 RL-12 limits of 0 are none, and what just fits is served', async (t) => {
  const none = await started(t, url, { maxHeaders: 0, maxUrlLength: 0 });
  const fields = Array.from({ length: 500 }, (_, i) => `x-${i}: y`);
  assert.match(await exchange(none.port, get(`/${'a'.repeat(9000)}`, ...fields, 'connection: close')), / 200 /);
  const exact = await started(t, url, { maxHeaders: 3, maxUrlLength: 5 });
  assert.match(await exchange(exact.port, get('/1234', 'a: b', 'connection: close')), / 200 /);
});

test('RL-16 LC-1224 requests beyond default_pool_size wait in their order, and none is refused', async (t) => {
  const running: string[] = [];
  const waiting: ServerResponse[] = [];
  const { client, server } = await started(
    t,
    (req, res) => {
      running.push(req.url ?? '');
      waiting.push(res);
    },
    { defaultPoolSize: 2 },
  );
  const clients = ['/1', '/2', '/3', '/4'].map(() => client());
  for (const [i, one] of clients.entries()) {
    one.write(get(`/${i + 1}`));
    while (server.requests.length < i + 1) await turn();
  }
  assert.deepEqual(running, ['/1', '/2']);
  clients[2]?.close();
  while (server.requests.length > 3) await turn();
  waiting[0]?.end('done');
  while (running.length < 3) await turn();
  assert.deepEqual(running, ['/1', '/2', '/4']);
  for (const res of waiting) res.end('done');
  for (const i of [0, 1, 3]) assert.equal((await clients[i]!.response()).body, 'done');
  for (const one of clients) one.close();
});

test('RL-15 beyond max_connections the longest idle connection gives way, else the new one', async (t) => {
  const waiting: ServerResponse[] = [];
  const log = memoryLog();
  const { client } = await started(
    t,
    (req, res) => {
      if (req.url === '/hold') waiting.push(res);
      else res.end('ok');
    },
    { maxConnections: 2, log },
  );
  const oldest = client();
  oldest.write(get());
  await oldest.response();
  const newer = client();
  newer.write(get());
  await newer.response();
  const third = client();
  third.write(get('/hold'));
  await oldest.closed;
  newer.write(get('/hold'));
  while (waiting.length < 2) await turn();
  const refused = client();
  await refused.closed;
  for (const res of waiting) res.end('held');
  assert.equal((await newer.response()).body, 'held');
  assert.equal((await third.response()).body, 'held');
  assert.equal(log.lines.filter(({ level }) => level === 'warn').length, 1);
  newer.close();
  third.close();
});

test('RL-15 beyond max_connections those that never sent a request give way as well, the oldest first', async (t) => {
  const { client, server } = await started(t, url, { maxConnections: 3 });
  const silent = [];
  for (let i = 0; i < 3; i++) {
    silent.push(client());
    while (server.connections.open < i + 1) await turn();
  }
  silent[0]!.write(get('/first'));
  await silent[0]!.response();
  for (const [i, leaves] of [silent[1]!, silent[2]!, silent[0]!].entries()) {
    const fresh = client();
    fresh.write(get(`/${i}`));
    assert.equal((await fresh.response()).body, `/${i}`);
    await leaves.closed;
    t.after(() => fresh.close());
  }
});

test('DR-14 beyond max_connections a burst of connections closes none that has just had a request', async (t) => {
  // However long the machine takes.
  t.mock.method(performance, 'now', () => 1000);
  const { client, server } = await started(t, url, { maxConnections: 4 });
  const busy = [client(), client()];
  const ask = async (path: string): Promise<void> => {
    for (const each of busy) {
      each.write(get(path));
      assert.equal((await each.response()).body, path);
    }
  };
  await ask('/before');
  const burst = Array.from({ length: 40 }, () => client());
  t.after(() => {
    for (const each of [...busy, ...burst]) each.close();
  });
  // Two of them stay beside the busy ones.
  while (server.connections.closed.get('too many connections') !== 38) await turn();
  await ask('/after');
});

test('S3-5 an empty list of expectations expects nothing', async (t) => {
  const { client } = await started(t, async (req, res) => void res.end(await readBody(req, { limit: 100 })));
  for (const value of ['', ' ', ',']) {
    const one = client();
    one.write(`${post(`expect:${value}`, 'content-length: 5')}hello`);
    assert.deepEqual([(await one.response()).body], ['hello'], JSON.stringify(value));
    one.close();
  }
});

test('RL-55 headers that end in the middle reaches no handler', async (t) => {
  const reached: string[] = [];
  const { client } = await started(t, (req, res) => {
    reached.push(req.url ?? '');
    res.end();
  });
  const one = client();
  one.write('GET / HTTP/1.1\r\nhost: x\r\n');
  one.socket.end();
  await one.closed;
  assert.deepEqual(reached, []);
});

test('RL-42 a chunk that breaks while the handler reads gets 400, and the reading fails', async (t) => {
  let failed: unknown;
  const { client } = await started(t, async (req, res) => {
    try {
      res.end(await readBody(req, { limit: 100 }));
    } catch (error) {
      failed = error;
      throw error;
    }
  });
  const one = client();
  one.write(`${post('transfer-encoding: chunked')}5\r\nhello\r\n`);
  await once(one.socket, 'connect').catch(() => {});
  one.write('XYZ\r\n');
  const answer = await one.response();
  assert.deepEqual([answer.status, answer.headers.get('connection')], [400, 'close']);
  await one.closed;
  while (failed === undefined) await turn();
});

test('RL-56 a header value with a line break throws in the app and ends as one 500', async (t) => {
  const log = memoryLog();
  const { port } = await started(t, (_req, res) => void res.setHeader('x', 'a\r\nset-cookie: b').end(), { log });
  const answer = await exchange(port, get('/', 'connection: close'));
  assert.match(answer, /^HTTP\/1\.1 500 /);
  assert.doesNotMatch(answer, /set-cookie/i);
});

test('RL-5 rejected requests are counted by reason, and logged at info up to ten a second', async (t) => {
  const log = memoryLog();
  const { server, port } = await started(t, url, { log });
  for (let i = 0; i < 15; i++) await exchange(port, 'NOT HTTP\r\n\r\n');
  await exchange(port, 'GET / HTTP/1.1\r\n\r\n');
  assert.equal(
    [...server.rejections.values()].reduce((sum, count) => sum + count, 0),
    16,
  );
  const told = () => log.lines.some(({ message }) => message === 'more requests rejected');
  while (!told()) await new Promise((resolve) => setTimeout(resolve, 50));
  const lines = log.lines.filter(({ message }) => message === 'request rejected');
  assert.ok(lines.length >= 10 && lines.length < 16, `${lines.length} lines`);
  assert.ok(lines.every(({ level, fields }) => level === 'info' && String(fields.peer).startsWith('127.0.0.1:')));
  assert.ok(!log.lines.some(({ level }) => level === 'warn' || level === 'error'));
  const known = server.refusals.list.map(({ reason, status, count, address }) => [reason, status, count, address]);
  assert.deepEqual(known, [
    ['malformed', 400, 15, '127.0.0.1'],
    ['host invalid', 400, 1, '127.0.0.1'],
  ]);
});

test('MW-7 listeners of afterResponse that throw are logged with their request, and the others run', async (t) => {
  const log = memoryLog();
  const ran: string[] = [];
  const listen: App = (req, res) => {
    environ(req).requestId = `req-${req.url}`;
    afterResponse(res, () => ran.push(`first ${req.url}`));
    afterResponse(res, () => {
      throw new Error(`second ${req.url}`);
    });
    afterResponse(res, () => ran.push(`third ${req.url}`));
    afterResponse(res, () => {
      throw new Error(`fourth ${req.url}`);
    });
    res.once('close', () =>
      afterResponse(res, () => {
        throw new Error(`late ${req.url}`);
      }),
    );
    res.end('done');
  };
  const { client } = await started(t, listen, { log });
  const one = client();
  for (const target of ['/a?secret=1', '/b']) {
    one.write(get(target));
    assert.equal((await one.response()).body, 'done');
  }
  one.close();
  while (log.lines.filter(({ level }) => level === 'error').length < 6) await turn();
  const failures = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(
    failures.map(({ message, fields: { method, path, request_id: id, err } }) => [
      message,
      method,
      path,
      id,
      (err as Error).message.split(' ')[0],
    ]),
    ['/a', '/b'].flatMap((path) =>
      ['fourth', 'second', 'late'].map((listener) => [
        'a listener of afterResponse failed',
        'GET',
        path,
        `req-${path === '/a' ? '/a?secret=1' : path}`,
        listener,
      ]),
    ),
  );
  assert.deepEqual(ran, ['third /a?secret=1', 'first /a?secret=1', 'third /b', 'first /b']);
});

test('RL-54 no request runs behind a response of the app that says its connection ends', async (t) => {
  let runs = 0;
  const { client } = await started(t, (_req, res) => {
    if (++runs === 2) res.setHeader('connection', 'close');
    res.end('ok');
  });
  const one = client();
  // Behind a trailer the parser goes on only after the response is complete.
  one.write(`${post('transfer-encoding: chunked')}0\r\ntrailer: t\r\n\r\n`.repeat(3));
  await one.closed;
  assert.equal(runs, 2);
});

for (const before of [0, 4]) {
  test(`RL-17 max_requests_per_connection holds for requests that wait (${before} before them)`, async (t) => {
    let runs = 0;
    const app: App = async (_req, res) => {
      runs++;
      await turn();
      res.end('ok');
    };
    const { client } = await started(t, app, { maxRequestsPerConnection: 5 });
    const one = client();
    for (let sent = 0; sent < before; sent++) {
      one.write(get('/'));
      await one.response();
    }
    one.write(get('/').repeat(10));
    await one.closed;
    const heads = one.received.split('HTTP/1.1 200').slice(1);
    assert.deepEqual([runs, heads.length], [5, 5 - before]);
    assert.deepEqual(
      heads.map((head) => /connection: close/i.test(head)),
      heads.map((_head, at) => at === heads.length - 1),
    );
  });
}

test('RL-54 a request that is dropped behind a long one is announced by the end of the connection', async (t) => {
  const waiting: ServerResponse[] = [];
  const { client } = await started(t, (_req, res) => void waiting.push(res), { lingeringTime: 1 });
  const one = client();
  one.write(`${get('/')}${post('content-length: 30000000')}${'x'.repeat(30_000_000)}`);
  // Reading goes on when the request behind it is dropped.
  await once(one.socket, 'drain');
  waiting[0]!.end('late');
  const { headers, body } = await one.response();
  assert.deepEqual([body, headers.get('connection')], ['late', 'close']);
  await one.closed;
  assert.equal(waiting.length, 1);
});
