import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type App, beforeHead, type ClosableApp, environ, type Filter } from 'portico/app';
import {
  type ActionRequest,
  action,
  Reply,
  Router,
  type RouterOptions,
  type RouterPlugin,
  SENT,
} from 'portico/routing';
import { silentLogger } from '#internal/log';
import { RouteTableError } from '#internal/routing';
import { rawRequest } from '#internal/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { keepingLogger, serveRouter, testBoth } from './served-router.js';

const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const;

const things = {
  json: () => ({ a: [1, 'ü', null] }),
  text: () => 'plain',
  nothing: () => null,
  later: async () => ({ later: true }),
  query: ({ query }: ActionRequest) => ({ query }),
  body: ({ body }: ActionRequest) => ({ body: body ?? null }),
  fails: () => {
    throw new Error('oops');
  },
  failsLater: async () => {
    throw new Error('oops');
  },
  cycle: () => {
    const value: Record<string, unknown> = {};
    value.value = value;
    return new Reply(value, { headers: { 'x-kept': '1' } });
  },
  made: () =>
    new Reply({ made: 1 }, { status: 201, headers: { Location: '/things/1', Vary: 'Accept', 'x-gone': undefined } }),
  html: () => new Reply('<p>', { headers: { 'Content-Type': 'text/html' } }),
  quoted: () => new Reply('text', { headers: { 'content-type': 'application/hal+json' } }),
  bodiless: () => new Reply({ a: 1 }, { status: 204, headers: { 'content-type': 'application/json' } }),
  empty: () => new Reply(null, { status: 200 }),
  unchanged: () => new Reply(null, { status: 304, headers: { etag: '"1"' } }),
  length: () => new Reply('abc', { headers: { 'content-length': 7, 'content-type': 'text/plain' } }),
  cookies: () => new Reply({}, { headers: { 'set-cookie': ['a=1', 'b=2'] } }),
  odd: () => new Reply({}, { status: 99 }),
  bytes: () => Buffer.from('bytes'),
  stream: () =>
    new Reply(Readable.from(['a', 'b']), { headers: { 'content-type': 'text/plain', 'content-length': 2 } }),
  fetched: () => new Response('fetched', { status: 202, headers: { 'x-a': 'b' } }),
  own: ({ res }: ActionRequest) => {
    res.setHeader('content-length', 3);
    res.end('own');
    return SENT;
  },
  typed: ({ res }: ActionRequest) => {
    res.setHeader('content-type', 'application/vnd.x+json');
    return { typed: true };
  },
  compiled: action({ response: { 200: schema } }, () => ({ n: 1, left: 'out' })),
  checked: action({ body: schema, status: 202 }, ({ body }) => body),
  small: action({ bodyLimit: 4 }, ({ body }) => body),
} as const;

async function app(options: RouterOptions): Promise<ClosableApp> {
  const router = new Router({ controllers: { things }, log: silentLogger(), ...options });
  for (const name of Object.keys(things)) router.connect(`/${name}`, { controller: 'things', action: name });
  return await router.build();
}

const REQUESTS: readonly (readonly [line: string, body?: string, ...headers: string[]])[] = [
  ...Object.keys(things).map((name) => [`GET /${name}`] as const),
  ...Object.keys(things).map((name) => [`HEAD /${name}`] as const),
  ['GET /compiled'],
  ['GET /query?a=1&a=2&b=%C3%BC&c=x+y&d&%7A=1&=e&f==&__proto__=1'],
  ['GET /query?'],
  ['GET /body', '{}', 'Content-Type: application/json'],
  ['GET /later'],
  ['OPTIONS /json'],
  ['POST /body'],
  ['POST /body', ''],
  ['POST /body', '', 'Content-Type: application/json'],
  ...[
    'application/json',
    'application/JSON; charset=utf-8',
    'application/json;charset=latin1',
    'application/json;;',
    'application/vnd.a+json',
    'text/plain',
    'text/html',
    'nonsense',
  ].map((type) => ['POST /body', '{"a":"ü"}', `Content-Type: ${type}`] as const),
  ['POST /body', '{"a":1}'],
  ['POST /body', '{"a":'],
  ['POST /body', '{"__proto__":1}', 'Content-Type: application/json'],
  ['POST /body', '\ufeff{"a":1}', 'Content-Type: application/json'],
  ['POST /body', '{"a":1}', 'Content-Type: application/json', 'Content-Encoding: gzip'],
  ['PUT /stream', '{"a":1}', 'Content-Type: application/json'],
  ['DELETE /bytes', '{"a":1}', 'Content-Type: application/json'],
  ['PATCH /compiled', '{"a":1}', 'Content-Type: application/json'],
  ['POST /small', '"ab"', 'Content-Type: application/json'],
  ['POST /small', '"abc"', 'Content-Type: application/json'],
  ['POST /checked', '{"n":1}', 'Content-Type: application/json'],
  ['POST /checked', '{"n":"1"}', 'Content-Type: application/json'],
  ['POST /checked'],
];

/** The recorded responses to `REQUESTS`. */
const answers = JSON.parse(
  readFileSync(new URL('../../test/routing/expected-answers.json', import.meta.url), 'utf8'),
) as Record<string, string>;

/** Does nothing: it only makes the router start Fastify with a plugin. */
const idle: RouterPlugin = (_fastify, _options, done) => done();

for (const [what, plugins] of Object.entries({ 'without plugins': [], 'with a plugin': [idle] })) {
  test(`RT-217 responses have the bytes that are recorded, ${what}`, async (t) => {
    const router = closedAfter(t, await app({ plugins }));
    for (const [line, body, ...headers] of REQUESTS) {
      const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
      const head = [`${line} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, ...length].join('\r\n');
      const answer = await rawRequest(router, `${head}\r\n\r\n${body ?? ''}`);
      assert.equal(
        answer.replace(/^Date: .*\r\n/m, ''),
        answers[`${line} ${headers.join(' ')} ${body ?? ''}`.trimEnd()],
        line,
      );
    }
  });
}

testBoth('HEAD gets the headers that GET has, and a stream that never ends is let go', async (t, Router) => {
  const opened: Readable[] = [];
  const cancelled: string[] = [];
  const endless = (): Readable => {
    const stream = new Readable({
      read() {
        setImmediate(() => this.push('more'));
      },
    });
    opened.push(stream);
    return stream;
  };
  const web = (name: string): ReadableStream =>
    new ReadableStream({ pull: (control) => control.enqueue('more'), cancel: () => void cancelled.push(name) });
  const log = keepingLogger();
  const router = new Router({ log });
  const headers = { 'content-type': 'text/plain', 'x-name': 'a' };
  const answers: Record<string, () => unknown> = {
    '/stream': endless,
    '/reply': () => new Reply(endless(), { status: 203, headers }),
    '/web': () => web('web'),
    '/response': () => new Response(web('response'), { status: 203, headers }),
  };
  for (const [path, handler] of Object.entries(answers)) router.connect(path, { handler });
  const send = await serveRouter(t, router);
  for (const path of Object.keys(answers)) {
    const [status, type] = path === '/stream' || path === '/web' ? [200, undefined] : [203, 'text/plain'];
    const answer = await send('HEAD', path);
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.text], [status, type, ''], path);
    assert.equal(answer.headers['content-length'], undefined);
  }
  assert.deepEqual(cancelled, ['web', 'response']);
  assert.equal(opened.length, 2);
  for (const stream of opened) assert.equal(stream.destroyed, true);
  assert.deepEqual(log.lines, []);
});

testBoth('typed arrays are sent as the bytes they are, as Fastify does', async (t, Router) => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
  const views = {
    whole: new Float32Array(bytes.buffer),
    part: new Uint16Array(bytes.buffer, 4, 2),
    view: new DataView(bytes.buffer, 1, 3),
    big: new BigInt64Array(bytes.buffer, 8, 1),
    bytes: bytes.subarray(2, 4),
  };
  const router = new Router({ log: silentLogger() });
  for (const [name, view] of Object.entries(views)) {
    router.connect(`/${name}`, { handler: () => view });
    router.connect(`/${name}/typed`, { handler: () => new Reply(view, { headers: { 'content-type': 'image/x' } }) });
  }
  const send = await serveRouter(t, router);
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(views)) {
    const expected = Buffer.from(buffer, byteOffset, byteLength).toString();
    for (const [path, type] of [
      [`/${name}`, 'application/octet-stream'],
      [`/${name}/typed`, 'image/x'],
    ] as const) {
      const { headers, text } = await send('GET', path);
      assert.deepEqual([headers['content-type'], text], [type, expected], path);
    }
  }
});

/** Changes that an outer filter may make to a request before the router gets it. */
const UPSTREAM: Readonly<Record<string, Filter>> = {
  'an encoding is set': (app) => (req, res) => {
    req.setEncoding('utf8');
    return app(req, res);
  },
  'an encoding that is not UTF-8 is set': (app) => (req, res) => {
    req.setEncoding('hex');
    return app(req, res);
  },
  'the body is held back': (app) => (req, res) => {
    req.pause();
    return app(req, res);
  },
  'the body is read': (app) => async (req, res) => {
    for await (const _chunk of req);
    return app(req, res);
  },
};

for (const [what, filter] of Object.entries(UPSTREAM)) {
  test(`RT-217 a body is read or refused when further out ${what}`, async (t) => {
    const router = closedAfter(t, await app({}));
    for (const type of ['', 'Content-Type: application/json\r\n']) {
      const bytes = `POST /body HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${type}Content-Length: 10\r\n\r\n{"a":"ü"}`;
      const answer = await rawRequest(filter(router), bytes);
      if (what === 'the body is read') assert.match(answer, /^HTTP\/1\.1 500 /);
      else assert.match(Buffer.from(answer, 'latin1').toString(), /\{"body":\{"a":"ü"\}\}$/);
    }
  });
}

/** Returns a filter with `count` `beforeHead` listeners that fail, because HTTP does not allow the header's value. */
const failingHeads =
  (count: number): Filter =>
  (app) =>
  (req, res) => {
    for (let n = 0; n < count; n++) beforeHead(res, () => res.setHeader('x-name', 'Łódź'));
    return app(req, res);
  };

test('RT-178 an error response that fails becomes 500', async (t) => {
  const log = keepingLogger();
  const router = closedAfter(t, await app({ log }));
  const identified: App = (req, res) => {
    environ(req).requestId = 'req-1';
    return failingHeads(1)(router)(req, res);
  };
  const requests = [
    'POST /body {',
    'POST /fails {}',
    'POST /failsLater {}',
    'GET /fails',
    'GET /failsLater',
    'GET /none',
  ];
  for (const request of requests) {
    const [method, path, body = ''] = request.split(' ');
    const bytes = `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answer = await rawRequest(identified, bytes);
    assert.match(answer, /^HTTP\/1\.1 500 .*"code":500/s, request);
  }
  const told = log.lines.filter(({ message }) => message === 'the error response to a failed request failed');
  assert.deepEqual(
    told.map(({ fields }) => [fields?.method, fields?.request_id]),
    requests.map((request) => [request.split(' ')[0], 'req-1']),
  );
  // The error response fails as well: the connection is closed at once.
  assert.equal(await rawRequest(failingHeads(2)(router), 'GET /none HTTP/1.1\r\nHost: a\r\n\r\n'), '');
});

testBoth('RT-177 a header that HTTP does not allow gets 500 like others', async (t, Router) => {
  const log = keepingLogger();
  const stream = new Readable({ read: () => undefined });
  const headers = { 'x-kept': '1', 'x-name': 'Łódź' };
  const bodies: Record<string, unknown> = { object: {}, text: 'a', stream, nothing: null };
  const odd = new Router({ log });
  for (const [name, body] of Object.entries(bodies)) {
    odd.connect(`/${name}`, { handler: () => new Reply(body, { headers }) });
  }
  odd.connect('/name', { handler: () => new Reply({}, { headers: { 'x name': '1' } }) });
  const router = closedAfter(t, await odd.build());
  for (const name of [...Object.keys(bodies), 'name']) {
    const answer = await rawRequest(router, `GET /${name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 500 Internal Server Error\r\n/, name);
    assert.deepEqual(JSON.parse(answer.split('\r\n\r\n')[1]!), {
      error: { code: 500, title: 'Internal Server Error', message: 'Internal Server Error' },
    });
  }
  assert.equal(log.lines.filter(({ message }) => message === 'an action failed').length, 5);
  assert.ok(stream.destroyed);
});

testBoth(
  'RT-176 a stream of objects gets 500 like others, and one that has them midway breaks its response off',
  async (t, Router) => {
    const log = keepingLogger();
    const streams = { first: [{ a: 1 }], midway: ['text', 7], mixed: ['a', '', Buffer.from('b')] };
    const odd = new Router({ log });
    for (const [name, pieces] of Object.entries(streams)) {
      odd.connect(`/${name}`, { handler: () => Readable.from(pieces) });
    }
    const router = closedAfter(t, await odd.build());
    const ask = (name: string) => rawRequest(router, `GET /${name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.match(await ask('first'), /^HTTP\/1\.1 500 /);
    assert.match(await ask('midway'), /text\r\n$/);
    assert.match(await ask('mixed'), /\r\n\r\n(?:1\r\na\r\n1\r\nb|2\r\nab)\r\n0\r\n\r\n$/);
  },
);

test('RT-177 a type for which there is no parser is refused, and the connection ends', async (t) => {
  const router = closedAfter(t, await app({}));
  const head = 'POST /body HTTP/1.1\r\nHost: a\r\nContent-Type: application/xml\r\nContent-Length: 4\r\n\r\n<a/>';
  assert.match(await rawRequest(router, head), /^HTTP\/1\.1 415 .*Connection: close\r\n/is);
});

testBoth('RT-217 actions that a key of the body selects have their own limits and responses', async (t, Router) => {
  const response = { 200: schema };
  const things = {
    small: action({ bodyKey: 'small', bodyLimit: 20 }, () => 'small'),
    usual: action({ bodyKey: 'usual' }, () => 'usual'),
    shown: action({ bodyKey: 'shown', response }, () => ({ n: 1, hidden: true })),
  };
  const router = new Router({ controllers: { things }, bodyLimit: 40, log: silentLogger() });
  router.connect('/things/action', { controller: 'things', action: 'action' });
  const send = await serveRouter(t, router);
  const post = async (key: string, length: number) => {
    const body = JSON.stringify({ [key]: null }).padEnd(length);
    return await send('POST', '/things/action', { body, headers: { 'content-type': 'application/json' } });
  };
  const statuses = [
    (await post('small', 20)).status,
    (await post('small', 21)).status,
    (await post('usual', 40)).status,
    (await post('usual', 41)).status,
  ];
  assert.deepEqual(statuses, [200, 413, 200, 413]);
  for (let time = 0; time < 2; time++) assert.equal((await post('shown', 0)).text, '{"n":1}');
});

testBoth(
  'response schemas that do not compile are reported by build(), each with its action, status and route',
  async (_t, Router) => {
    const broken = { type: 'object', properties: { a: { $ref: '#/nowhere' } } } as const;
    const things = {
      shown: action({ bodyKey: 'shown', response: { 200: broken } }, () => ({})),
      list: action({ response: { 200: {}, 404: { $ref: 'absent#' } } }, () => ({})),
    };
    const router = new Router({ controllers: { things }, log: silentLogger() });
    router.connect('/things/action', { controller: 'things', action: 'action' });
    for (const path of ['/things', '/items']) router.connect(path, { controller: 'things', action: 'list' });
    await assert.rejects(router.build(), (error) => {
      assert.ok(error instanceof RouteTableError);
      assert.match(error.diagnostics[0]?.hint ?? '', /same schema, .* plugin adds with addSchema/);
      const told = error.diagnostics.map(({ code, location, message }) => [
        code,
        /serving\.test\.js:\d+:\d+$/.test(location?.detail ?? ''),
        message,
      ]);
      const unresolved = 'the response schema of 404 does not compile: Cannot resolve ref "absent#"';
      const missing = 'Schema with id "absent" is not found.';
      assert.deepEqual(told, [
        [
          'PORTICO_ROUTE_SCHEMA',
          true,
          'the route "/things/action": controller.shown: the response schema of 200 does not compile: Cannot find reference "#/nowhere"',
        ],
        ['PORTICO_ROUTE_SCHEMA', true, `the routes "/things", "/items": things.list: ${unresolved}. ${missing}`],
      ]);
      return true;
    });
  },
);

testBoth('a request has its own method and URL in Fastify, whatever it was matched by', async (t, Router) => {
  const seen: unknown[] = [];
  const note: RouterPlugin = (fastify, _options, done) => {
    fastify.addHook('onRequest', async ({ method, url, params, query }) => {
      seen.push([method, url, { ...(params as object) }, { ...(query as object) }]);
    });
    done();
  };
  const router = new Router({ plugins: [note], useMethodOverride: true, log: silentLogger() });
  const handler = ({ method, body }: ActionRequest) => ({ method, body: body ?? null });
  router.connect('/all/{n:int}', { handler });
  router.connect('/all/{n:int}/one', { handler, conditions: { method: ['DELETE'] } });
  const send = await serveRouter(t, router);
  for (const method of ['GET', 'PROPFIND', 'TRACE', 'POST']) {
    const { json } = await send(method, '/all/7?a=b', method === 'POST' ? { body: '1' } : {});
    assert.deepEqual(json, { method, body: method === 'POST' ? 1 : null });
    assert.deepEqual(seen.pop(), [method, '/all/7?a=b', { n: 7 }, { a: 'b' }]);
  }
  assert.deepEqual((await send('POST', '/all/7/one?_method=DELETE', { body: '2' })).json, { method: 'POST', body: 2 });
  assert.deepEqual(seen.pop(), ['POST', '/all/7/one?_method=DELETE', { n: 7 }, { _method: 'DELETE' }]);
  assert.equal((await send('HEAD', '/all/7')).status, 200);
  assert.equal((seen.pop() as string[])[0], 'HEAD');
});

testBoth(
  'hooks of plugins see the values of actions and what they throw; errors say their status',
  async (t, Router) => {
    const seen: unknown[] = [];
    const note: RouterPlugin = async (fastify) => {
      fastify.addHook('preSerialization', async (_request, _reply, payload) => ({ wrapped: payload }));
      fastify.addHook('onError', async (_request, _reply, error) => void seen.push(error.message));
    };
    const router = new Router({ plugins: [note], log: silentLogger() });
    router.connect('/value', { handler: () => ({ a: 1 }) });
    router.connect('/throws', {
      handler: () => Promise.reject(Object.assign(new Error('inner'), { statusCode: 404 })),
    });
    router.connect('/fastify', {
      handler: () => {
        throw Object.assign(new Error('outer'), { statusCode: 406, code: 'FST_ERR_X' });
      },
    });
    const send = await serveRouter(t, router);
    assert.equal((await send('GET', '/value')).text, '{"wrapped":{"a":1}}');
    assert.equal((await send('GET', '/throws')).status, 404);
    assert.equal((await send('GET', '/fastify')).status, 406);
    assert.deepEqual(seen, ['inner', 'outer']);
  },
);

testBoth('two routes with one template and one method have separate paths in Fastify', async (t, Router) => {
  const paths: string[] = [];
  const note: RouterPlugin = async (fastify) => {
    fastify.addHook('onRoute', ({ url, method }) => void paths.push(`${[method].flat().join()} ${url}`));
  };
  const router = new Router({ plugins: [note], log: silentLogger() });
  const function_ = (_environ: unknown, { id }: { id?: unknown }) => id === '1';
  router.connect('/{id}', { handler: () => 'one', conditions: { method: ['GET'], function: function_ } });
  router.connect('/{id}', { handler: () => 'other', conditions: { method: ['GET'] } });
  router.connect('/{id}', { handler: () => 'made', conditions: { method: ['PUT'] } });
  const send = await serveRouter(t, router);
  assert.deepEqual(paths, ['GET,HEAD /{id}', 'GET,HEAD /{id}~2', 'PUT /{id}']);
  assert.deepEqual([(await send('GET', '/1')).json, (await send('GET', '/2')).json], ['one', 'other']);
});
