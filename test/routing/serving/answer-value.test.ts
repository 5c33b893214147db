/** Tests action results that cannot be sent: the log names the response and the reason. */
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { action, Reply } from 'portico/routing';
import { captureLog, request } from 'portico/testing';
import { keepingLogger, serveRouter, testBoth as test } from '../served-router.js';

test('an async iterable is sent as a stream of its texts and bytes', async (_t, Router) => {
  const { log, lines } = captureLog();
  let ended = 0;
  async function* counting(...chunks: readonly unknown[]): AsyncGenerator<unknown> {
    try {
      yield* chunks;
    } finally {
      ended += 1;
    }
  }
  const router = new Router({ log });
  router.get('/lines', () => counting('a\n', Buffer.from('b\n')));
  const headers = { 'content-type': 'text/csv' };
  router.get(
    '/reply',
    async () => new Reply({ [Symbol.asyncIterator]: () => counting('c') }, { status: 203, headers }),
  );
  router.get('/objects', () => counting({ a: 1 }));
  router.get('/json', () => ({ [Symbol.asyncIterator]: () => counting('d'), toJSON: () => 'e' }));
  router.get('/late', async ({ res }) => {
    res.end('first');
    return { [Symbol.asyncIterator]: () => counting('f') };
  });
  const app = await router.build();
  const answers: unknown[] = [];
  for (const path of ['/lines', '/reply', '/json', '/late']) {
    const { status, text, headers } = await request(app, 'GET', path);
    answers.push([status, text(), headers['content-type']]);
  }
  assert.deepEqual(answers, [
    [200, 'a\nb\n', undefined],
    [203, 'c', 'text/csv'],
    [200, '"e"', 'application/json'],
    [200, 'first', undefined],
  ]);
  assert.equal(ended, 2);
  assert.equal((await request(app, 'HEAD', '/lines')).text(), '');
  assert.equal((await request(app, 'GET', '/objects')).status, 500);
  assert.match(JSON.stringify(lines.at(-1)), /a stream of objects: the chunks of a body must be strings or bytes/);
});

test('a response schema of true takes any value, also of an action that a key of the body selects', async (_t, Router) => {
  const things = { rename: action({ bodyKey: 'rename', response: { 200: true } }, () => ({ a: 1 })) };
  const router = new Router({ controllers: { things } });
  router.get('/', { response: { 200: true } }, () => ({ a: 1 }));
  router.connect('/action', { controller: 'things', action: 'action' });
  const app = await router.build();
  assert.equal((await request(app, 'GET', '/')).text(), '{"a":1}');
  assert.equal((await request(app, 'POST', '/action', { json: { rename: {} } })).text(), '{"a":1}');
});

test('an async iterable with data members is data: a page of a client library', async (_t, Router) => {
  const page = { items: [1], next: 'b', async *[Symbol.asyncIterator]() {} };
  const router = new Router().get('/', () => page);
  const app = await router.build();
  assert.equal((await request(app, 'GET', '/')).text(), '{"items":[1],"next":"b"}');
});

test('an async iterable or a web stream whose client has left is ended while it waits, and may fail at its end', async (t, Router) => {
  const log = keepingLogger();
  const events = new EventEmitter();
  const iterable = (more: object = {}): AsyncIterableIterator<string> => ({
    next: async () => {
      events.emit('waiting');
      return await new Promise<never>(() => undefined);
    },
    return: async () => {
      events.emit('ended');
      throw new Error('at its end');
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    ...more,
  });
  let served = (): unknown => undefined;
  const router = new Router({ log })
    .get('/now', () => iterable())
    .get('/objects', () => Readable.from(iterable()))
    .get('/web', () => {
      const pull = (): Promise<never> => new Promise(() => events.emit('waiting'));
      return new ReadableStream({ pull, cancel: () => void events.emit('ended') }, { highWaterMark: 0 });
    })
    .get('/later', async () => {
      events.emit('begun');
      await new Promise<void>((resolve) => (served = resolve as never));
      return iterable();
    });
  const { port } = await serveRouter(t, router);
  for (const path of ['/now', '/objects', '/web']) {
    const [waiting, ended] = [once(events, 'waiting'), once(events, 'ended')];
    const socket = connect(port, '127.0.0.1').end(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await waiting;
    socket.destroy();
    await ended;
  }
  const [begun, ended] = [once(events, 'begun'), once(events, 'ended')];
  const socket = connect(port, '127.0.0.1').end('GET /later HTTP/1.1\r\nHost: x\r\n\r\n');
  await begun;
  socket.destroy();
  await once(socket, 'close');
  served();
  await ended;
  const headEnded = once(events, 'ended');
  assert.equal((await request(await router.build(), 'HEAD', '/now')).status, 200);
  await headEnded;
});

test('a generator whose client has left ends as after a break of its loop: its catch sees no error', async (t, Router) => {
  const events = new EventEmitter();
  const caught: unknown[] = [];
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        yield 'x';
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      caught.push(error);
    } finally {
      events.emit('ended');
    }
  }
  const router = new Router()
    .get('/iterable', () => endless())
    .get('/objects', () => Readable.from(endless()))
    .get('/bytes', () => Readable.from(endless(), { objectMode: false }));
  const { port } = await serveRouter(t, router);
  for (const path of ['/iterable', '/objects', '/bytes']) {
    const ended = once(events, 'ended');
    const socket = connect(port, '127.0.0.1').end(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await ended;
  }
  assert.deepEqual(caught, []);
});

test('a web stream of other chunks than texts and bytes gets 500, behind the first chunk the end of the connection', async (t, Router) => {
  const log = keepingLogger();
  const cancelled: string[] = [];
  const streamOf = (name: string, ...chunks: unknown[]): ReadableStream =>
    new ReadableStream(
      { pull: (controller) => controller.enqueue(chunks.shift()), cancel: () => void cancelled.push(name) },
      { highWaterMark: 0 },
    );
  const router = new Router({ log })
    .get('/first', () => streamOf('first', { a: 1 }))
    .get('/number', () => new Reply(streamOf('number', 5)))
    .get('/response', () => new Response(streamOf('response', { a: 1 })))
    .get('/later', () => streamOf('later', 'a', { a: 1 }))
    .get('/null', () => streamOf('null', null))
    .get('/nullLater', () => streamOf('nullLater', 'a', null))
    .get('/texts', () => new Blob(['a', 'b']).stream());
  const send = await serveRouter(t, router);
  for (const path of ['/first', '/number', '/response']) assert.equal((await send('GET', path)).status, 500, path);
  assert.equal(log.lines.length, 3);
  for (const { fields } of log.lines)
    assert.match(String(fields.err), /must be of type string or an instance of Buffer/);
  assert.equal((await send('GET', '/null')).status, 500);
  assert.match(String(log.lines.at(-1)?.fields.err), /May not write null values to stream/);
  for (const path of ['/later', '/nullLater']) await assert.rejects(send('GET', path), { code: 'ECONNRESET' }, path);
  assert.equal((await send('GET', '/texts')).text, 'ab');
  assert.deepEqual(cancelled, ['first', 'number', 'response', 'null', 'later', 'nullLater']);
});

test('a value whose members JSON leaves out is an error, as an empty object it would look right', async (_t, Router) => {
  const { log, lines } = captureLog();
  const router = new Router({ log });
  const lost: Readonly<Record<string, unknown>> = {
    Map: new Map([[1, 2]]),
    Set: new Set([1]),
    Generator: (function* numbers() {
      yield 1;
    })(),
    URLSearchParams: new URLSearchParams('a=1'),
  };
  const shapes = { any: {}, object: { type: 'object', properties: { a: { type: 'integer' } } } };
  for (const [name, value] of Object.entries(lost)) {
    router.get(`/${name}`, () => value);
    for (const [shape, schema] of Object.entries(shapes)) {
      router.get(`/${name}/${shape}`, { response: { 200: schema } }, () => value as object);
    }
  }
  const kept = [{}, Object.create(null), new (class Empty {})(), Object.assign(new Map(), { toJSON: () => ({}) })];
  for (const [place, value] of kept.entries()) {
    router.get(`/${place}`, () => value as object);
    router.get(`/${place}/object`, { response: { 200: shapes.object } }, () => value as object);
  }
  const app = await router.build();
  for (const name of Object.keys(lost)) {
    for (const path of [`/${name}`, ...Object.keys(shapes).map((shape) => `/${name}/${shape}`)]) {
      assert.equal((await request(app, 'GET', path)).status, 500, path);
      assert.match(JSON.stringify(lines.at(-1)), /PORTICO_ANSWER_VALUE/);
      assert.match(JSON.stringify(lines.at(-1)), new RegExp(`JSON has no form for the members of a value of ${name}`));
    }
  }
  for (const place of kept.keys()) {
    assert.equal((await request(app, 'GET', `/${place}`)).text(), '{}');
    assert.equal((await request(app, 'GET', `/${place}/object`)).text(), '{}');
  }
});

test('a Blob or an ArrayBuffer, whose bytes Fastify would lose, is an error that names what is sent', async (_t, Router) => {
  const { log, lines } = captureLog();
  const router = new Router({ log });
  const lost = {
    ArrayBuffer: [new ArrayBuffer(2), 'new Uint8Array(value)'],
    Blob: [new Blob(['a']), 'value.stream()'],
    File: [new File(['a'], 'a.txt'), 'value.stream()'],
  } as const;
  for (const [name, [value]] of Object.entries(lost)) {
    router.get(`/${name}`, () => value).get(`/${name}/schema`, { response: { 200: {} } }, () => value as object);
  }
  const app = await router.build();
  for (const [name, [, instead]] of Object.entries(lost)) {
    for (const path of [`/${name}`, `/${name}/schema`]) {
      assert.equal((await request(app, 'GET', path)).status, 500, path);
      const [line] = lines.slice(-1);
      assert.match(JSON.stringify(line), /PORTICO_ANSWER_VALUE/);
      assert.ok(
        JSON.stringify(line).includes(`JSON has no form for the bytes of a value of ${name}: write ${instead}`),
      );
    }
  }
});

test('a value that does not fit its response schema, or is no JSON, is named as such in the log', async (_t, Router) => {
  const { log, lines } = captureLog();
  const router = new Router({ log });
  const numbered = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  router.get('/missing', { response: { 200: numbered } }, () => ({}));
  router.get('/text', { response: { 200: numbered } }, (() => 'text') as never);
  router.get('/wrong', { response: { 200: numbered } }, () => ({ n: 'x' }));
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  router.get('/circle', () => circle);
  router.get('/own', () => ({
    toJSON() {
      throw new RangeError('of the application');
    },
  }));
  const app = await router.build();
  const errorOf = async (path: string): Promise<{ type: string; message: string }> => {
    assert.equal((await request(app, 'GET', path)).status, 500);
    return lines.at(-1)!.err as { type: string; message: string };
  };
  for (const [path, why] of [
    ['/missing', /cannot be sent: "n" is required/],
    ['/text', /cannot be sent: "n" is required/],
    ['/wrong', /cannot be sent: The value "x" cannot be converted to an integer/],
    ['/circle', /cannot be sent: .*circular structure/],
  ] as const) {
    const { type, message } = await errorOf(path);
    assert.equal(type, 'PorticoError');
    assert.match(message, why);
  }
  assert.deepEqual((await errorOf('/own')).message, 'of the application');
});
