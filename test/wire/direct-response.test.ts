/** The response of Portico's server does with filters' work on the head what Node's own response does with it. */
import assert from 'node:assert/strict';
import { createServer, type OutgoingHttpHeader, type ServerOptions, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import express from 'express';
import fc from 'fast-check';
import { type App, beforeHead, DirectResponse, defaultHeaders } from 'portico/app';
import { Server } from 'portico/server';
import { exchange } from '../server/raw-client.js';

before(async () => {
  // A server proves the short ways before it listens; until then Node goes all of its own.
  const server = new Server('proof', () => {});
  await server.start();
  await server.stop();
});

/** What clients read of two answers on one connection, and what `told` was given, by a server with this response. */
async function answered(Kind: typeof ServerResponse, app: App, options: ServerOptions = {}): Promise<string> {
  const server = createServer({ ...options, ServerResponse: Kind }, app as Parameters<typeof createServer>[1]);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const twice = 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const answers = await exchange((server.address() as AddressInfo).port, twice);
  await new Promise((resolve) => server.close(resolve));
  return answers.replace(/^Date: .*\r\n/gm, '');
}

type Step = (res: ServerResponse, told: unknown[]) => void;
const does = (name: string, step: Step): [string, Step] => [name, step];

const name = fc.constantFrom('x-a', 'x-b', 'content-type', 'content-length');
const value = fc.constantFrom('1', '4');
const spelling = fc.constantFrom('x-a', 'X-A', 'x-c', 'Content-Type', 'content-length');
const given = fc.dictionary(spelling, value, { maxKeys: 4, noNullPrototype: true });

const seen = (res: ServerResponse): unknown => ({ ...res.getHeaders(), status: res.statusCode });

/** On the way in. */
const registered = fc.oneof(
  fc
    .uniqueArray(fc.tuple(name, value), { maxLength: 2, selector: ([key]) => key })
    .map((list) => does(`defaults ${list.join()}`, (res) => defaultHeaders(res, list.flat()))),
  fc.tuple(name, value).map(([key, text]) =>
    does(`listener sets ${key}`, (res, told) =>
      beforeHead(res, () => {
        told.push(seen(res));
        res.setHeader(key, text);
      }),
    ),
  ),
  name.map((key) => does(`listener removes ${key}`, (res) => beforeHead(res, () => res.removeHeader(key)))),
  fc.constantFrom(
    does('listener changes the status', (res) => beforeHead(res, () => Object.assign(res, { statusCode: 203 }))),
    does('listener writes the head', (res) =>
      beforeHead(res, () => res.writeHead(203, { 'content-type': 'c/d', 'content-length': 4 })),
    ),
    does('listener fails', (res) =>
      beforeHead(res, () => {
        throw new Error('no head today');
      }),
    ),
    does('somebody wraps writeHead', (res, told) => {
      const { writeHead } = res;
      res.writeHead = ((...args: unknown[]) => {
        told.push(['wrapped', args.length, seen(res)]);
        return Reflect.apply(writeHead, res, args) as ServerResponse;
      }) as typeof res.writeHead;
    }),
    does('somebody wraps writeHead and takes it off', (res) => {
      const { writeHead } = res;
      res.writeHead = () => res;
      res.writeHead = writeHead;
    }),
  ),
);
const head = fc.oneof(
  given.map((headers) => does(`head ${JSON.stringify(headers)}`, (res) => res.writeHead(200, headers))),
  given.map((headers) => does('head as a list', (res) => res.writeHead(200, Object.entries(headers).flat()))),
  given.map((headers) => does('head with a reason', (res) => res.writeHead(201, 'Done', headers))),
  fc.constantFrom(
    does('usual head', (res) => res.writeHead(200, { 'content-type': 'a/b', 'content-length': 4 })),
    does('bare head', (res) => res.writeHead(200)),
    does('hints', (res) => res.writeProcessing()),
    does('head that is refused', (res) => res.writeHead(200, { 'bad name': 'a' })),
    does('values in a list', (res) => res.writeHead(200, { 'x-c': ['1', '2'] as unknown as OutgoingHttpHeader })),
  ),
  fc.tuple(name, value).map(([key, text]) => does(`set ${key}`, (res) => res.setHeader(key, text))),
);

const end = does('end', (res) => res.end('tail'));

test('heads, and what is told of them, are those of a response of Node whose listeners work one by one', async () => {
  const scripts = fc.tuple(fc.array(registered, { maxLength: 4 }), fc.array(head, { maxLength: 2 }));
  await fc.assert(
    fc.asyncProperty(scripts, async ([before, heads]) => {
      const outcome = async (Kind: typeof ServerResponse): Promise<unknown> => {
        const told: unknown[] = [];
        const bytes = await answered(Kind, (_req, res) => {
          const steps = [...before, ...heads, end];
          // Each failing listener fails once.
          for (let at = 0; at < steps.length || !res.writableEnded; at++) {
            try {
              (steps[at] ?? end)[1](res, told);
            } catch (error) {
              told.push((error as Error).message);
            }
          }
          told.push(res.getHeader('X-A'), res.hasHeader('x-b'), res.hasHeader('X-None'));
          if (before.length > 0) told.push(res.getHeaderNames(), seen(res));
        });
        return [bytes, told];
      };
      assert.deepEqual(await outcome(DirectResponse as typeof ServerResponse), await outcome(ServerResponse));
    }),
    { numRuns: Number(process.env.RUNS ?? 300), seed: Number(process.env.SEED ?? 3) },
  );
});

/** What comes of an answer by the response of Portico's server. */
const direct = (app: App, options?: ServerOptions) => answered(DirectResponse as typeof ServerResponse, app, options);
const first = (answer: string): string => answer.slice(0, answer.indexOf('HTTP/1.1', 1));

test('an Express app answers with the headers of the filters around it, and tells them', async () => {
  const told: unknown[] = [];
  const app = express();
  app.get('/', (_req, res) => {
    defaultHeaders(res, ['x-inner', '2']);
    beforeHead(res, () => res.setHeader('x-inmost', '3'));
    res.on('close', () => told.push(res.getHeader('X-Outer'), res.getHeader('x-inner')));
    res.json({});
  });
  const usual = express();
  usual.get('/', (_req, res) => {
    res.on('close', () => told.push(res.getHeader('X-Outer'), res.getHeader('content-type')));
    res.writeHead(200, { 'content-type': 'a/b', 'content-length': 4 }).end('tail');
  });
  const behind =
    (inner: unknown): App =>
    (req, res) => {
      defaultHeaders(res, ['x-outer', '1']);
      return (inner as App)(req, res);
    };
  assert.deepEqual(first(await direct(behind(app))).match(/^x-(?:outer|in\w+): .$/gim), [
    'x-inmost: 3',
    'x-inner: 2',
    'x-outer: 1',
  ]);
  assert.match(first(await direct(behind(usual))), /^x-outer: 1\r$/m);
  assert.deepEqual(told, ['1', '2', '1', '2', '1', 'a/b', '1', 'a/b']);
});

test('what createServer is told about responses holds', async () => {
  const told: unknown[] = [];
  const app: App = (_req, res) => {
    told.push(res.writableHighWaterMark);
    res.statusCode = 204;
    try {
      res.write('body');
    } catch (error) {
      told.push((error as NodeJS.ErrnoException).code);
    }
    res.end();
  };
  await direct(app, { highWaterMark: 1234, rejectNonStandardBodyWrites: true });
  assert.deepEqual(told, [1234, 'ERR_HTTP_BODY_NOT_ALLOWED', 1234, 'ERR_HTTP_BODY_NOT_ALLOWED']);
});

test('an answer after a head that Node refused has the default headers, and none of the head', async () => {
  const answer = await direct((_req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    try {
      res.writeHead(200, { 'cache-control': 'public', 'content-length': 3, 'bad name': '1' });
    } catch {
      res.statusCode = 500;
      res.end('failure');
    }
  });
  assert.match(first(answer), /^HTTP\/1.1 500 /);
  assert.match(first(answer), /^x-id: 7\r$/m);
  assert.doesNotMatch(answer, /cache-control/i);
  assert.match(first(answer), /\r\n\r\nfailure$/);
});

test('headers are told as they were sent, whatever becomes of the object they were given in', async () => {
  const told: unknown[] = [];
  const shared: Record<string, string | number> = { 'Content-Type': 'a/b', 'content-length': 4 };
  await direct((_req, res) => {
    defaultHeaders(res, ['X-Id', '7', 'content-type', 'c/d']);
    shared['content-length'] = 4;
    res.writeHead(200, shared);
    shared['content-length'] = 100;
    told.push(
      res.getHeader('CONTENT-LENGTH'),
      res.getHeader('content-type'),
      res.getHeader('x-id'),
      res.hasHeader('X-ID'),
    );
    told.push(res.hasHeader('x-none'), res.getHeaderNames(), { ...res.getHeaders() });
    res.end('tail');
  });
  const all = { 'content-type': 'a/b', 'content-length': 4, 'x-id': '7' };
  const each = [4, 'a/b', '7', true, false, Object.keys(all), all];
  assert.deepEqual(told, [...each, ...each]);
});

test('a response behind a proxy, and one made from it, tell the headers as it does itself', async () => {
  const told: unknown[] = [];
  await direct((_req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    const others = [new Proxy(res, {}), Object.create(res) as ServerResponse];
    const tell = () =>
      others.map((other) => [
        other.getHeader('x-id'),
        other.hasHeader('x-id'),
        other.getHeaderNames(),
        { ...other.getHeaders() },
      ]);
    told.push(tell());
    res.writeHead(200, { 'content-length': 4 }).end('tail');
    told.push(tell());
  });
  const before = [undefined, false, [], {}];
  const after = ['7', true, ['content-length', 'x-id'], { 'content-length': 4, 'x-id': '7' }];
  assert.deepEqual(told, [
    [before, before],
    [after, after],
    [before, before],
    [after, after],
  ]);
});

test('a head that somebody takes back brings nothing of its filters into other answers', async () => {
  const answer = await direct((req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    if (req.headers.connection === 'close') {
      res.writeHead(200, { 'content-length': 4 }).end('tail');
      return;
    }
    res.writeHead(200, { 'content-length': 4 });
    (res as unknown as { _header: null })._header = null;
    defaultHeaders(res, ['x-secret', '1']);
    res.end('tail');
  });
  assert.doesNotMatch(answer.slice(first(answer).length), /x-secret/);
});
