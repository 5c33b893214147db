import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { afterResponse, beforeHead } from 'portico/app';
import { Server } from 'portico/server';
import { ServedResponse } from '#internal/app';
import { memoryLog } from '../server/memory-log.js';
import { portOf } from '../server/raw-client.js';

type Value = number | string | readonly string[];

/** What a listener of `beforeHead`, or code behind the answer, does with a response. */
type Act =
  | readonly ['set' | 'append', name: string, value: Value]
  | readonly ['remove' | 'get' | 'has', name: string]
  | readonly ['names' | 'all'];

function act(res: ServerResponse, [verb, name = '', value = '']: Act): unknown {
  if (verb === 'set') return void res.setHeader(name, value);
  if (verb === 'append') return void res.appendHeader(name, value as string);
  if (verb === 'remove') return res.removeHeader(name);
  if (verb === 'get') return res.getHeader(name);
  if (verb === 'has') return res.hasHeader(name);
  return verb === 'names' ? res.getHeaderNames() : { ...res.getHeaders() };
}

/** A copy of the result, for Node appends to lists that it has given out; or the code of the error. */
function outcome(run: () => unknown): unknown {
  try {
    return structuredClone(run());
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

interface Case {
  readonly given: OutgoingHttpHeaders;
  readonly inner: readonly Act[];
  readonly outer: readonly Act[];
  readonly after: readonly Act[];
}

/** All that is seen of a case: results of the calls in their order, and the head as the client gets it. */
async function seen({ given, inner, outer, after }: Case, server: HttpServer): Promise<unknown> {
  const results: unknown[] = [];
  const handle = (_req: IncomingMessage, res: ServerResponse): void => {
    res.sendDate = false;
    const ended = once(res, 'close');
    beforeHead(res, () => void results.push(...outer.map((one) => outcome(() => act(res, one)))));
    beforeHead(res, () => void results.push(...inner.map((one) => outcome(() => act(res, one)))));
    const failed = outcome(() => void res.writeHead(200, given));
    results.push(failed);
    if (failed !== undefined) res.writeHead(500, { 'X-Failed': 'yes' });
    res.end('hello');
    void ended.then(() => results.push(...after.map((one) => outcome(() => act(res, one)))));
  };
  server.removeAllListeners('request').once('request', handle);
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: '127.0.0.1', port, agent: false }).end();
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

const name = fc.constantFrom('X-A', 'x-a', 'x-b', 'Content-Type', 'content-type', 'Set-Cookie', 'Vary', 'bad name');
const value = fc.oneof(
  fc.integer({ min: 0, max: 9 }),
  fc.constantFrom('one', 'two', '', 'line\nend'),
  fc.array(fc.constantFrom('one', 'two'), { minLength: 1, maxLength: 3 }),
);
const look: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constantFrom('get' as const, 'has' as const), name),
  fc.tuple(fc.constantFrom('names' as const, 'all' as const)),
);
const change: fc.Arbitrary<Act> = fc.oneof(
  fc.tuple(fc.constantFrom('set' as const, 'append' as const), name, value),
  fc.tuple(fc.constant('remove' as const), name),
);
const acts = fc.array(fc.oneof(look, change), { maxLength: 5 });
const cases: fc.Arbitrary<Case> = fc.record({
  given: fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }) as fc.Arbitrary<OutgoingHttpHeaders>,
  inner: acts,
  outer: acts,
  after: acts,
});

test('MW-7 the headers of a served response behave as those of a response of Node, before its head and after', async (t) => {
  const ofNode = await listening(t, {});
  const served = await listening(t, { ServerResponse: ServedResponse });
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      assert.deepEqual(await seen(one, served), await seen(one, ofNode));
    }),
    { numRuns: 300 },
  );
});

test('MW-7 a head that Node refuses has not run the listeners, so the failure has what they set', async (t) => {
  const log = memoryLog();
  const server = new Server(
    'refused',
    (_req, res) => {
      beforeHead(res, () => res.setHeader('x-request-id', 'r1'));
      res.writeHead(200, { 'x-bad': 'line\nend' }).end();
    },
    { port: 0, host: '127.0.0.1', log },
  );
  await server.start();
  t.after(() => server.stop());
  const [answer] = (await once(request({ port: portOf(server), agent: false }).end(), 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.headers['x-request-id'], 'r1');
  assert.equal(answer.headers['x-bad'], undefined);
});

test('MW-7 what is behind the answer reads the headers that went out', async (t) => {
  const read: unknown[] = [];
  const server = new Server(
    'read',
    (_req, res) => {
      beforeHead(res, () => res.setHeader('x-request-id', 'r1'));
      afterResponse(res, () => void read.push(res.getHeader('content-type'), res.getHeader('X-Request-Id')));
      res.writeHead(200, { 'Content-Type': 'text/plain' }).end('hello');
    },
    { port: 0, host: '127.0.0.1' },
  );
  await server.start();
  t.after(() => server.stop());
  const [answer] = (await once(request({ port: portOf(server), agent: false }).end(), 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'close');
  await server.stop();
  assert.deepEqual(read, ['text/plain', 'r1']);
});
