import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { silentLogger } from 'portico';
import type { ClosableApp } from 'portico/app';
import { type ActionRequest, action, Reply, Router, type RouterOptions, SENT } from 'portico/routing';
import { rawRequest } from 'portico/testing';

const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const;

const things = {
  json: () => ({ a: [1, 'ü', null] }),
  text: () => 'plain',
  nothing: () => null,
  later: async () => ({ later: true }),
  query: ({ query }: ActionRequest) => ({ query }),
  body: ({ body }: ActionRequest) => ({ body: body ?? null }),
  big: () => ({ big: 10n ** 20n }),
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
  ['GET /query?a=1&a=2&b=%C3%BC&c=x+y&d&%zz=1&=e&f==&__proto__=1'],
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

test('RT-217 answers have the same bytes with Fastify and without', async (t) => {
  const alone = await app({});
  // A plugin that does nothing: every request goes through Fastify.
  const whole = await app({ plugins: [(_fastify, _options, done) => done()] });
  t.after(() => Promise.all([alone.close(), whole.close()]));
  for (const [line, body, ...headers] of REQUESTS) {
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const head = [`${line} HTTP/1.1`, 'Host: a', 'Connection: close', ...headers, ...length].join('\r\n');
    const bytes = `${head}\r\n\r\n${body ?? ''}`;
    const [got, expected] = [await rawRequest(alone, bytes), await rawRequest(whole, bytes)];
    const undated = (text: string): string => text.replace(/^Date: .*\r\n/m, '');
    assert.equal(undated(got), undated(expected), `${line} ${headers.join(' ')} ${body ?? ''}`);
  }
});

test('RT-217 Fastify is made for the first answer that is a stream, in the middle of a request', async (t) => {
  const router = new Router({ log: silentLogger() });
  router.connect('/stream', { handler: () => Readable.from(['a', 'b']), conditions: { method: ['GET', 'POST'] } });
  router.connect('/fails', { handler: () => Promise.reject(new Error('oops')) });
  const app = await router.build();
  t.after(() => app.close());
  const POST =
    'POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
  const answers = await Promise.all([
    rawRequest(app, 'GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    rawRequest(app, POST),
    rawRequest(app, 'GET /fails HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
  ]);
  assert.match(answers[0], /^HTTP\/1\.1 200 .*1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/s);
  assert.match(answers[1], /^HTTP\/1\.1 200 .*1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/s);
  assert.match(answers[2], /^HTTP\/1\.1 500 /);
});
