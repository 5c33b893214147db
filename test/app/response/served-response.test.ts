import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  OutgoingMessage,
  request,
  ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type App, beforeHead, compose } from 'portico/app';
import { compression, etag } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { ServedResponse } from '#internal/app';
import { memoryLog } from '../../server/memory-log.js';
import { portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';

type Value = number | string | readonly string[];

/** A call on a response: from a `beforeHead` listener, before the headers, or after the response. */
type Act =
  | readonly ['set' | 'append', name: string, value: Value]
  | readonly ['remove' | 'get' | 'has', name: string]
  | readonly ['names' | 'raw names' | 'all'];

function act(res: ServerResponse, [verb, name = '', value = '']: Act): unknown {
  if (verb === 'set') return void res.setHeader(name, value);
  if (verb === 'append') return void res.appendHeader(name, value as string);
  if (verb === 'remove') return res.removeHeader(name);
  if (verb === 'get') return res.getHeader(name);
  if (verb === 'has') return res.hasHeader(name);
  if (verb === 'raw names') return (res as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames();
  return verb === 'names' ? res.getHeaderNames() : { ...res.getHeaders() };
}

/** Returns a copy of the result, because Node appends to lists that it has returned, or the error's code. */
function outcome(run: () => unknown): unknown {
  try {
    return structuredClone(run());
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

interface Case {
  readonly method: 'GET' | 'HEAD';
  /** Before `writeHead`. */
  readonly before: readonly Act[];
  readonly given: OutgoingHttpHeaders;
  readonly inner: readonly Act[];
  readonly outer: readonly Act[];
  readonly after: readonly Act[];
}

/** Returns the results of the calls in order, and the headers that the client receives. */
async function seen(one: Case, server: HttpServer): Promise<unknown> {
  // A copy, because Node appends to lists that it received.
  const { method, before, given, inner, outer, after } = structuredClone(one);
  const results: unknown[] = [];
  const handle = (_req: IncomingMessage, res: ServerResponse): void => {
    res.sendDate = false;
    const ended = once(res, 'close');
    beforeHead(res, () => void results.push(...outer.map((one) => outcome(() => act(res, one)))));
    beforeHead(res, () => void results.push(...inner.map((one) => outcome(() => act(res, one)))));
    results.push(...before.map((one) => outcome(() => act(res, one))));
    const failed = outcome(() => void res.writeHead(200, given));
    results.push(failed);
    if (failed !== undefined) res.writeHead(500, { 'X-Failed': 'yes' });
    res.end('hello');
    void ended.then(() => results.push(...after.map((one) => outcome(() => act(res, one)))));
  };
  server.removeAllListeners('request').once('request', handle);
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: '127.0.0.1', port, method, agent: false }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'close');
  return { results, status: answer.statusCode, head: answer.rawHeaders };
}

async function listening(t: TestContext, options: object): Promise<HttpServer> {
  const server = createServer(options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close().closeAllConnections());
  return server;
}

const name = fc.constantFrom(
  'X-A',
  'x-a',
  'x-b',
  'Content-Type',
  'content-type',
  'Set-Cookie',
  'Vary',
  'Content-Disposition',
  'bad name',
);
const value = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom('one', 'two', '', 'line\nend', 'r\u00e9sum\u00e9'),
  fc.array(fc.constantFrom('one', 'two'), { minLength: 1, maxLength: 3 }),
);
const look: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constantFrom('get' as const, 'has' as const), name),
  fc.tuple(fc.constantFrom('names' as const, 'raw names' as const, 'all' as const)),
);
const change: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constantFrom('set' as const, 'append' as const), name, value),
  fc.tuple(fc.constant('remove' as const), name),
);
const length: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constant('set' as const), fc.constantFrom('Content-Length', 'content-length'), fc.constantFrom(5, '5')),
  fc.tuple(fc.constantFrom('get' as const, 'has' as const, 'remove' as const), fc.constant('content-length')),
);
const acts = fc.array(fc.oneof(look, change, length), { maxLength: 5 });
const cases: fc.Arbitrary<Case> = fc
  .record({
    method: fc.constantFrom('GET' as const, 'HEAD' as const),
    before: acts,
    given: fc
      .tuple(fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }), fc.constantFrom(undefined, 5, '5'))
      .map(([fields, declared]): OutgoingHttpHeaders => {
        return { ...fields, ...(declared !== undefined && { 'Content-Length': declared }) } as OutgoingHttpHeaders;
      }),
    inner: acts,
    outer: acts,
    after: acts,
  })
  // Node makes bytes of it where a length is declared, and throws for a number.
  .filter((one) => !/"Content-Disposition"[,:]\d/.test(JSON.stringify(one)));

test('MW-7 the headers of a served response behave as those of a response of Node, before its headers and after', async (t) => {
  const ofNode = await listening(t, {});
  const served = await listening(t, { ServerResponse: ServedResponse });
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      assert.deepEqual(await seen(one, served), await seen(one, ofNode));
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000, endOnFailure: true },
  );
});

test('MW-7 headers that Node refuses have not run the listeners, so the failure has what they set', async (t) => {
  const log = memoryLog();
  const server = await startedServer(
    t,
    'refused',
    (_req, res) => {
      beforeHead(res, () => res.setHeader('x-request-id', 'r1'));
      res.writeHead(200, { 'x-bad': 'line\nend' }).end();
    },
    { port: 0, host: '127.0.0.1', log },
  );
  const [answer] = (await once(request({ port: portOf(server), agent: false }).end(), 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.headers['x-request-id'], 'r1');
  assert.equal(answer.headers['x-bad'], undefined);
});

/** Returns a server's response to one request. */
async function answered(
  t: TestContext,
  app: App,
): Promise<{ status: number; headers: OutgoingHttpHeaders; body: string }> {
  const server = await startedServer(t, 'answered', app, { port: 0, host: '127.0.0.1' });
  const answer = await fetch(`http://127.0.0.1:${portOf(server)}/`);
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

test('MW-7 headers that were set and removed before they are sent take none from the response', async (t) => {
  const { headers } = await answered(t, (_req, res) => {
    beforeHead(res, () => res.setHeader('x-request-id', 'r1'));
    res.setHeader('x-gone', 'yes');
    res.removeHeader('x-gone');
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 }).end('ok');
  });
  const { 'content-type': type, 'content-length': length, 'x-request-id': id, 'x-gone': gone } = headers;
  assert.deepEqual([type, length, id, gone], ['text/plain', '2', 'r1', undefined]);
});

test('MW-7 a listener may set headers around the response, as the package cookies does', async (t) => {
  const { headers } = await answered(t, (_req, res) => {
    beforeHead(res, () => void OutgoingMessage.prototype.setHeader.call(res, 'set-cookie', 'a=1'));
    beforeHead(res, () => res.setHeader('x-request-id', 'r1'));
    res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 2 }).end('ok');
  });
  const { 'content-type': type, 'content-length': length, 'x-request-id': id, 'set-cookie': cookie } = headers;
  assert.deepEqual([type, length, id, cookie], ['text/plain', '2', 'r1', 'a=1']);
});

test('MW-7 behind a listener that has thrown, a framework that changes the prototype responds with its own headers', async (t) => {
  const { status, headers, body } = await answered(t, (_req, res) => {
    let calls = 0;
    beforeHead(res, () => {
      if (++calls === 1) throw new Error('on purpose');
    });
    assert.throws(() =>
      res.writeHead(200, { 'content-type': 'text/html', 'content-length': 100, 'set-cookie': 'a=1' }),
    );
    Object.setPrototypeOf(res, ServerResponse.prototype);
    res.statusCode = 500;
    res.removeHeader('set-cookie');
    res.setHeader('content-type', 'application/json').setHeader('content-length', 2).end('{}');
  });
  assert.deepEqual(
    [status, headers['content-type'], headers['set-cookie'], body],
    [500, 'application/json', undefined, '{}'],
  );
});

test('MW-7 a file name in latin1 and a list of values pass a listener', async (t) => {
  const { status, headers } = await answered(t, (_req, res) => {
    beforeHead(res, () => res.setHeader('Content-Disposition', 'attachment; filename="r\u00e9sum\u00e9.txt"'));
    res.writeHead(200, { 'Content-Length': 2, 'x-list': ['a', 'b'] }).end('ok');
  });
  assert.deepEqual([status, headers['x-list']], [200, 'a, b']);
  assert.match(String(headers['content-disposition']), /r.+sum.+\.txt/);
});

test('a chunk that is no text and no bytes is refused before the headers, as by Node', async (t) => {
  const handler: App = (req, res) => {
    const value = { name: 'an object' } as unknown as string;
    if (req.url === '/declared') res.setHeader('content-length', 9);
    try {
      if (req.url === '/end') res.end(value);
      else res.write(value);
    } catch (error) {
      res.removeHeader('content-length');
      res.writeHead(500).end((error as { code: string }).code);
    }
  };
  const filters = await Promise.all([compression, etag].map((factory) => buildFilter(factory)));
  const filtered = compose(
    filters.map(({ made }) => made),
    handler,
  );
  for (const app of [handler, filtered]) {
    const server = await startedServer(t, 'refused', app);
    for (const path of ['/write', '/end', '/declared']) {
      const answer = await fetch(`http://127.0.0.1:${portOf(server)}${path}`);
      assert.deepEqual([answer.status, await answer.text()], [500, 'ERR_INVALID_ARG_TYPE'], path);
    }
  }
});

test('an end with 0 or false has no chunk, as in Node, behind filters that change the body too', async (t) => {
  const handler: App = (req, res) => void res.end((req.url === '/zero' ? 0 : false) as unknown as string);
  const filters = await Promise.all([compression, etag].map((factory) => buildFilter(factory)));
  const server = await startedServer(
    t,
    'ended',
    compose(
      filters.map(({ made }) => made),
      handler,
    ),
  );
  for (const path of ['/zero', '/false']) {
    const answer = await fetch(`http://127.0.0.1:${portOf(server)}${path}`);
    assert.deepEqual([answer.status, await answer.text()], [200, ''], path);
  }
});
