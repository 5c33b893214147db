/** A response whose body fails after the headers: the connection ends, and the log has the reason once. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type Duplex, PassThrough, Readable, pipeline as withCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import {
  type App,
  afterResponse,
  environ,
  fastifyApp,
  fromConnect,
  fromFetch,
  type ResponseOutcome,
  transformBody,
} from 'portico/app';
import { catchErrors, staticFiles } from 'portico/middleware';
import { Reply, Router } from 'portico/routing';
import { buildApp, buildFilter } from 'portico/testing';
import type { Logger } from '../../../dist/log/log.js';
import { deferred } from '../../../dist/tasks/deferred.js';
import { filesUntilEnd } from '../../fixtures/until-end.js';
import { memoryLog } from '../memory-log.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const failure = new Error('the disk is gone');

/** The stream created last. */
let stream: Duplex;

/** A body that yields its first chunk and then waits. */
function body(): Readable {
  stream = new PassThrough();
  stream.write('first');
  return stream;
}

const webBody = (): ReadableStream => Readable.toWeb(body()) as ReadableStream;

async function router(answer: () => unknown): Promise<App> {
  const made = new Router({ log: memoryLog() });
  made.connect('/', { handler: answer });
  return made.build();
}

const leaf = (answer: () => unknown): Promise<App> =>
  fastifyApp(async (fastify) => void fastify.get('/', (_request, reply) => reply.send(answer())));

const APPS: Readonly<Record<string, () => App | Promise<App>>> = {
  'an action that gives a stream': () => router(body),
  'an action that gives a reply with a stream': () => router(() => new Reply(body(), { status: 201 })),
  'an action that gives a web stream': () => router(webBody),
  'an action that gives a Response': () => router(() => new Response(webBody())),
  'a Fastify plugin that sends a stream': () => leaf(body),
  'a Fastify plugin that sends a web stream': () => leaf(webBody),
  'a Fetch handler': () => fromFetch(() => new Response(webBody())),
  'a listener that waits for its pipeline': () => (_req, res) => pipeline(body(), res),
  'a listener that does not': () => (_req, res) => void withCallback(body(), res, () => undefined),
  'a listener that destroys its response': () => (_req, res) => {
    body()
      .on('error', (error) => res.destroy(error))
      .pipe(res);
  },
  'a stream that a filter put in': () => (_req, res) => {
    transformBody(res, () => {
      stream = new PassThrough();
      return stream;
    });
    res.write('first');
  },
  'a Connect middleware that goes on twice': () => {
    let again: ((error?: unknown) => void) | undefined;
    const twice = fromConnect((_req: never, _res: never, next: (error?: unknown) => void) => {
      again = next;
      next();
    });
    return twice((_req, res) => {
      body()
        .on('error', () => again?.(failure))
        .pipe(res);
    });
  },
};

async function served(t: TestContext, app: App, log: ReturnType<typeof memoryLog>) {
  const { promise: outcome, resolve: ends } = deferred<ResponseOutcome>();
  const server = await startedServer(
    t,
    'streams',
    (req, res) => {
      environ(req).requestId = 'req-7';
      afterResponse(res, ends);
      return app(req, res);
    },
    { log },
  );
  return { port: portOf(server), outcome, stop: () => server.stop() };
}

for (const [what, make] of Object.entries(APPS)) {
  for (const where of ['', ', also within catch_errors']) {
    test(`${what} that fails after the headers is logged once, with the id of the request${where}`, async (t) => {
      const log = memoryLog();
      const { made: filter } = await buildFilter(catchErrors, { log });
      const app = await make();
      const { port, outcome, stop } = await served(t, where === '' ? app : filter(app), log);
      const client = new Client(port);
      client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await client.until(/first/);
      stream.destroy(failure);
      await client.closed;
      const { completed, error } = await outcome;
      await stop();
      assert.equal(completed, false);
      const [line, ...more] = log.lines.filter(({ level }) => level === 'error' || (level === 'debug' && where === ''));
      assert.deepEqual(more, []);
      assert.deepEqual([line?.level, line?.fields.request_id, line?.fields.err], ['error', 'req-7', error]);
      if (!what.includes('twice')) assert.equal(error, failure);
    });
  }
}

for (const [what, make] of Object.entries(APPS)) {
  test(`${what} whose client leaves is no error`, async (t) => {
    const log = memoryLog();
    const { port, outcome, stop } = await served(t, await make(), log);
    const client = new Client(port);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until(/first/);
    client.close();
    assert.deepEqual(await outcome, { completed: false });
    await stop();
    const problems = log.lines.filter(({ level }) => level === 'error' || level === 'warn');
    assert.deepEqual(problems, []);
  });
}

test('a client that leaves while one of its pipelined requests is at work is no error', async (t) => {
  const log = memoryLog();
  const outcomes: ResponseOutcome[] = [];
  const { promise: atWork, resolve: came } = deferred<void>();
  const { promise: over, resolve: ended } = deferred<void>();
  const server = await startedServer(
    t,
    'streams',
    (_req, res) => {
      afterResponse(res, (outcome) => {
        outcomes.push(outcome);
        ended();
      });
      res.write('first');
      came();
    },
    { log },
  );
  const client = new Client(portOf(server));
  client.write('GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n');
  await atWork;
  client.close();
  await over;
  await server.stop();
  assert.deepEqual(outcomes, [{ completed: false }]);
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
});

const FILES: Readonly<Record<string, (folder: string, log: Logger) => App | Promise<App>>> = {
  static_files: async (folder) => (await buildApp(staticFiles, { local: { document_root: folder } })).made,
  'Reply.file': (root, log) =>
    new Router({ log }).get('/{name}', ({ params }) => Reply.file(params.name, { root })).build(),
};

for (const [what, make] of Object.entries(FILES)) {
  const skip = process.platform !== 'linux' && 'only Linux lists the open descriptors';
  test(`RV-3 a file of ${what} whose reading fails after the headers ends its connection only, and is logged once`, {
    skip,
  }, async (t) => {
    // More than the system buffers for a client that does not read.
    const files = await filesUntilEnd(t, { 'large.txt': `first${'x'.repeat(30_000_000)}`, 'small.txt': 'small' });
    const log = memoryLog();
    const { port, outcome } = await served(t, await make(files.path('.'), log), log);
    const client = new Client(port);
    client.write('GET /large.txt HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until(/first/);
    client.socket.pause();
    breakDescriptors(files.path('large.txt'));
    client.socket.resume();
    await client.closed;
    const { completed, error } = await outcome;
    assert.deepEqual([completed, (error as NodeJS.ErrnoException).code], [false, 'EISDIR']);
    assert.ok(client.received.length < 30_000_000);
    const lines = log.lines.filter(({ level }) => level === 'error');
    assert.deepEqual(
      lines.map(({ fields }) => [fields.method, fields.path ?? fields.route, fields.request_id, fields.err]),
      [['GET', what === 'Reply.file' ? '/{name}' : '/large.txt', 'req-7', error]],
    );
    const next = new Client(port);
    next.write('GET /small.txt HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.equal((await next.response()).status, 200);
  });
}

/** Puts a directory in place of an open file of this process, so that its next read fails as one of a disk would. */
function breakDescriptors(path: string): void {
  const listed = '/proc/self/fd';
  const open = readdirSync(listed).filter((fd) => {
    try {
      return readlinkSync(join(listed, fd)) === path;
    } catch {
      return false;
    }
  });
  assert.equal(open.length, 1);
  closeSync(Number(open[0]));
  assert.equal(openSync('/', 'r'), Number(open[0]), 'the lowest free descriptor is the closed one');
}
