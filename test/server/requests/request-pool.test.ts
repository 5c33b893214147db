import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import {
  type App,
  afterResponse,
  compose,
  currentContext,
  environ,
  type Filter,
  RequestContext,
  readBody,
} from 'portico/app';
import { cascade } from 'portico/loader';
import { Server, type ServerOptions } from 'portico/server';
import { runInRequest } from '#internal/app';
import { Client, exchange, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

async function started(t: TestContext, app: App, options: ServerOptions = {}) {
  const server = await startedServer(t, 'pool', app, options);
  return { server, port: portOf(server), client: () => new Client(portOf(server)) };
}

const get = (target = '/', ...fields: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'host: x', ...fields].join('\r\n')}\r\n\r\n`;
const post = (target = '/', ...fields: string[]) =>
  `${[`POST ${target} HTTP/1.1`, 'host: x', ...fields].join('\r\n')}\r\n\r\n`;
const last = 'connection: close';
const turn = () => new Promise((resolve) => setImmediate(resolve));

const echo: App = async (req, res) => {
  const { length } = await readBody(req, { limit: 1_000_000 });
  res.end(`${req.url} ${length}`);
};

const user = (userId: string) => new RequestContext({ userId });

/** Acts like a context filter: the caller's name is in the target. */
const identified: Filter = (app) => (req, res) => {
  const name = req.url!.split('/')[1]!;
  if (name === 'nobody') return app(req, res);
  const env = environ(req);
  env.context = user(name);
  return runInRequest(env, () => app(req, res));
};

test('a request that waited for the concurrency limit sees no context of the request after which it runs', async (t) => {
  const seen: (string | undefined)[] = [];
  const waiting: ServerResponse[] = [];
  const app = compose([identified], (_req, res) => {
    seen.push(currentContext()?.userId);
    waiting.push(res);
  });
  const { client, server } = await started(t, app, { defaultPoolSize: 2 });
  const clients = ['/admin', '/admin', '/nobody', '/nobody', '/bob'].map((target) => {
    const one = client();
    one.write(get(target));
    return one;
  });
  while (server.requests.length < 5) await turn();
  for (let i = 0; i < 5; i++) {
    while (waiting[i] === undefined) await turn();
    waiting[i]!.end('done');
  }
  for (const one of clients) await one.response();
  assert.deepEqual(seen.slice(0, 2), ['admin', 'admin']);
  assert.deepEqual(seen.slice(2).sort(), ['bob', undefined, undefined]);
  for (const one of clients) one.close();
});

/** The work of one request in the property, before its response. */
const work = fc.record({
  name: fc.constantFrom('nobody', 'ann', 'bob', 'root'),
  body: fc.constantFrom(0, 1, 30_000),
  pauses: fc.constantFrom<('tick' | 'turn' | 'timer')[]>([], ['tick'], ['turn'], ['timer', 'turn']),
  answer: fc.constantFrom('text', 'stream', 'throw'),
});

test('whatever arrives, pipelined and beyond the limit, no request ever sees the context of another', async () => {
  const wrong: string[] = [];
  const look = (req: { url?: string | undefined }, where: string, alsoNone = false): void => {
    const [, name, id] = req.url!.split('/');
    const expected = name === 'nobody' ? undefined : name;
    const found = currentContext()?.userId;
    if (found !== expected && !(alsoNone && found === undefined)) wrong.push(`${name} ${id} ${where}: ${found}`);
  };
  const leaf: App = async (req, res) => {
    look(req, 'start');
    for (const event of ['drain', 'finish', 'close', 'prefinish', 'socket'])
      res.on(event, () => look(req, event, true));
    afterResponse(res, () => look(req, 'afterResponse', true));
    await readBody(req);
    look(req, 'body');
    const [, , , pauses = '', answer] = req.url!.split('/');
    for (const kind of pauses.split('-')) {
      if (kind === 'turn') await turn();
      else if (kind === 'timer') await pause(1);
      else await Promise.resolve();
      look(req, kind);
    }
    if (answer === 'throw') throw new Error('meant');
    if (answer === 'text') return void res.end('x');
    const pieces = (function* () {
      for (let i = 0; i < 8; i++) {
        look(req, 'stream', true);
        yield Buffer.alloc(20_000, 120);
      }
    })();
    res.setHeader('content-length', 160_000);
    Readable.from(pieces).pipe(res);
  };
  const app = compose([identified], leaf);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(work, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (connections, defaultPoolSize, restarts) => {
        const server = new Server('contexts', app, { defaultPoolSize });
        await server.start();
        let id = 0;
        const clients = connections.map((requests) => {
          const one = new Client(portOf(server));
          const texts = requests.map(({ name, body, pauses, answer }) => {
            const target = `/${name}/${id++}/${pauses.join('-')}/${answer}`;
            return post(target, `content-length: ${body}`) + 'x'.repeat(body);
          });
          one.write(texts.join(''));
          return { one, count: requests.length };
        });
        const restarted = restarts
          ? runInRequest({ context: user('operator') }, () => server.replaceApp(app))
          : undefined;
        for (const { one, count } of clients) for (let i = 0; i < count; i++) await one.response();
        for (const { one } of clients) one.close();
        await restarted;
        await server.stop();
        assert.deepEqual(wrong.splice(0), []);
      },
    ),
    { numRuns: 40 },
  );
});

/** Kinds of slow clients: the bytes they send, and whether they read. */
const slow: Readonly<Record<string, { bytes: string; reads: boolean }>> = {
  'bodies that trickle in': { bytes: `${post('/slow', 'content-length: 60000')}x`, reads: true },
  'bodies in chunks that trickle in': {
    bytes: `${post('/slow', 'transfer-encoding: chunked')}1\r\nx\r\n`,
    reads: true,
  },
  'bodies of which nothing comes': { bytes: post('/slow', 'content-length: 60000'), reads: true },
  'answers that nobody reads': { bytes: get('/large'), reads: false },
};

for (const [name, { bytes, reads }] of Object.entries(slow)) {
  test(`RL-3 as many ${name} as the concurrency limit, twice over, and others are served`, async (t) => {
    let large = 0;
    const app: App = async (req, res) => {
      if (req.url !== '/large') return echo(req, res);
      large++;
      res.setHeader('content-length', 50_000_000);
      Readable.from(
        (function* () {
          for (let i = 0; i < 500; i++) yield Buffer.alloc(100_000);
        })(),
      ).pipe(res);
    };
    const { client, port, server } = await started(t, app, { defaultPoolSize: 20 });
    const clients = Array.from({ length: 40 }, () => {
      const one = client();
      if (!reads) one.socket.pause();
      one.write(bytes);
      return one;
    });
    while (server.requests.length < 40 || (!reads && large < 40)) await turn();
    for (let i = 0; i < 5; i++) assert.match(await exchange(port, get('/', last)), /\/ 0$/);
    assert.match(await exchange(port, `${post('/', last, 'content-length: 5')}hello`), /\/ 5$/);
    assert.equal(server.requests.length, 40);
    for (const one of clients) one.close();
  });
}

test('a body that comes while its request waits is read whole once it is in progress', async (t) => {
  const held: ServerResponse[] = [];
  const { client, server } = await started(
    t,
    (req, res) => (req.url === '/hold' ? void held.push(res) : echo(req, res)),
    { defaultPoolSize: 1 },
  );
  const first = client();
  first.write(get('/hold'));
  while (held.length < 1) await turn();
  const [unready, ready] = [client(), client()];
  unready.write(`${post('/1', 'content-length: 10')}hello`);
  while (server.requests.length < 2) await turn();
  ready.write(`${post('/2', 'content-length: 5')}hello`);
  while (server.requests.length < 3) await turn();
  held[0]!.end('done');
  assert.equal((await ready.response()).body, '/2 5');
  unready.write('again');
  assert.equal((await unready.response()).body, '/1 10');
  const large = client();
  const expecting = client();
  first.write(get('/hold'));
  while (held.length < 2) await turn();
  large.write(`${post('/3', 'content-length: 500000')}${'x'.repeat(500_000)}`);
  expecting.write(post('/4', 'content-length: 5', 'expect: 100-continue'));
  while (server.requests.length < 3) await turn();
  held[1]!.end('done');
  assert.equal((await large.response()).body, '/3 500000');
  await expecting.until(/ 100 Continue\r\n\r\n/);
  expecting.received = '';
  expecting.write('hello');
  assert.equal((await expecting.response()).body, '/4 5');
  for (const one of [first, ready, unready, large, expecting]) one.close();
});

test('requests that a filter keeps waiting hold no place', async (t) => {
  const asked: (() => void)[] = [];
  const slowly: Filter = (app) => async (req, res) => {
    if (req.url === '/slow') await new Promise<void>((resolve) => asked.push(resolve));
    return app(req, res);
  };
  const { client, port } = await started(t, compose([slowly], echo), { defaultPoolSize: 1 });
  const clients = [client(), client(), client()];
  for (const one of clients) one.write(get('/slow'));
  while (asked.length < 3) await turn();
  assert.match(await exchange(port, get('/', last)), /\/ 0$/);
  for (const answer of asked) answer();
  for (const one of clients) {
    assert.equal((await one.response()).body, '/slow 0');
    one.close();
  }
});

test('a request counts once for all apps of a cascade, and no more when its client leaves', async (t) => {
  const held: ServerResponse[] = [];
  const apps: Record<string, App> = {
    none: compose([(app) => app], (_req, res) => void res.writeHead(404).end()),
    hold: compose([(app) => app], (_req, res) => void held.push(res)),
  };
  const local = new Map([
    ['app1', 'none'],
    ['app2', 'hold'],
  ]);
  const loader = { getApp: async (name?: string) => apps[name!]!, getFilter: fail, getServer: fail };
  const section = { kind: 'composite', name: 'c', origin: { file: 'x', line: 1, column: 1 }, options: new Map() };
  const app = await cascade(loader, new Map(), local, { section } as never);
  const { client, port } = await started(t, compose([(inner) => inner], app), { defaultPoolSize: 1 });
  for (let i = 0; i < 3; i++) {
    const one = client();
    one.write(get());
    while (held.length <= i) await turn();
    if (i === 1) one.close();
    else {
      held[i]!.end('done');
      assert.equal((await one.response()).body, 'done');
      one.close();
    }
  }
  const answer = exchange(port, get('/', last));
  while (held.length < 4) await turn();
  held[3]!.end('done');
  assert.match(await answer, /done$/);
});

function fail(): never {
  throw new Error('not asked for');
}

test('a response that waits behind another of its connection is not in progress', async (t) => {
  const { client } = await started(t, echo, { defaultPoolSize: 1 });
  const one = client();
  one.write(`${post('/1', 'content-length: 10')}hello`);
  const other = client();
  other.write(`${post('/2', 'content-length: 10')}hello`);
  await pause(0);
  one.write(`again${get('/3')}${get('/4')}`);
  other.write('again');
  for (const body of ['/1 10', '/3 0', '/4 0']) assert.equal((await one.response()).body, body);
  assert.equal((await other.response()).body, '/2 10');
  one.close();
  other.close();
});

test('whoever leaves while its request waits for the concurrency limit is forgotten, and filters around it end', async (t) => {
  const held: ServerResponse[] = [];
  const ended: string[] = [];
  const telling: Filter = (app) => async (req, res) => {
    await app(req, res);
    ended.push(req.url!);
  };
  const app = compose([telling], (req, res) => (req.url === '/hold' ? void held.push(res) : echo(req, res)));
  const { client, server, port } = await started(t, app, { defaultPoolSize: 1 });
  const first = client();
  first.write(get('/hold'));
  while (held.length < 1) await turn();
  const leaving = client();
  leaving.write(get('/leaves'));
  while (server.requests.length < 2) await turn();
  leaving.close();
  while (!ended.includes('/leaves')) await turn();
  held[0]!.end('done');
  assert.match(await exchange(port, get('/', last)), /\/ 0$/);
  first.close();
});

test('a request that has waited is let in with its body on its way once no other request waits', async (t) => {
  const held: ServerResponse[] = [];
  const app: App = (req, res) => {
    if (req.url === '/hold') held.push(res);
    else req.pipe(res);
  };
  const { client, server } = await started(t, app, { defaultPoolSize: 1 });
  const [first, duplex] = [client(), client()];
  first.write(get('/hold'));
  while (held.length < 1) await turn();
  duplex.write(`${post('/duplex', 'transfer-encoding: chunked')}5\r\nhello\r\n`);
  while (server.requests.length < 2) await turn();
  held[0]!.end('done');
  await duplex.until(/hello/);
  duplex.write('0\r\n\r\n');
  await duplex.until(/\r\n0\r\n\r\n/);
  first.close();
  duplex.close();
});

test('MW-21 beyond max_queue requests are refused with 503 and Retry-After, and those that wait are served', async (t) => {
  const waiting: ServerResponse[] = [];
  const app = compose([], (_req, res) => void waiting.push(res));
  const { client, server } = await started(t, app, { defaultPoolSize: 1, maxQueue: 2 });
  const clients = Array.from({ length: 4 }, client);
  for (const [at, one] of clients.entries()) {
    one.write(get(`/${at}`, last));
    while (server.requests.length < at + 1 && at < 3) await turn();
  }
  const refused = await clients[3]!.response();
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  for (let at = 0; at < 3; at++) {
    while (waiting[at] === undefined) await turn();
    waiting[at]!.end('done');
    assert.equal((await clients[at]!.response()).status, 200);
  }
  for (const one of clients) one.close();
});

test('MW-21 a request that has waited for queueTimeout is refused with 503, and the next ones are served', async (t) => {
  const waiting: ServerResponse[] = [];
  const app = compose([], (_req, res) => void waiting.push(res));
  const { client, server } = await started(t, app, { defaultPoolSize: 1, queueTimeout: 0.1 });
  const [first, second, third] = [client(), client(), client()];
  first.write(get('/', last));
  while (server.requests.length < 1) await turn();
  second.write(get('/', last));
  const refused = await second.response();
  assert.equal(refused.status, 503);
  assert.match(refused.body, /waited too long/);
  waiting[0]!.end('done');
  assert.equal((await first.response()).status, 200);
  third.write(get('/', last));
  while (waiting[1] === undefined) await turn();
  waiting[1]!.end('done');
  assert.equal((await third.response()).status, 200);
  for (const one of [first, second, third]) one.close();
});
