import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import { type TestContext, test } from 'node:test';
import { type App, compose, readBody } from 'portico/app';
import { compression, etag } from 'portico/middleware';
import { buildFilter } from 'portico/testing';
import { deferred } from '../../../dist/tasks/deferred.js';
import { memoryLog } from '../memory-log.js';
import { Client, exchange, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

async function connected(t: TestContext, app: App): Promise<Client> {
  const server = await startedServer(t, 'empty', app);
  return new Client(portOf(server));
}

/** The events of a request without a body that no caller reads. */
function watched(req: IncomingMessage): string[] {
  const seen: string[] = [];
  for (const event of ['end', 'close']) req.on(event, () => seen.push(event));
  return seen;
}

test('a request without body ends once it has a response, though nobody reads it', async (t) => {
  let seen: string[] = [];
  let closed: Promise<unknown> | undefined;
  const one = await connected(t, (req, res) => {
    seen = watched(req);
    closed = once(req, 'close');
    res.end('ok');
  });
  for (const _ of [1, 2]) {
    one.write(GET);
    assert.equal((await one.response()).body, 'ok');
    await closed;
    assert.deepEqual(seen, ['end', 'close']);
  }
  one.close();
});

test('whoever reads a request without body finds its end, before its response and after', async (t) => {
  let after: Promise<unknown> | undefined;
  const one = await connected(t, async (req, res) => {
    const before = await readBody(req);
    res.on('finish', () => {
      after = readBody(req).then(
        () => 'empty',
        (error: Error) => error.message,
      );
    });
    res.end(String(before.length));
  });
  one.write(GET.replace('\r\n\r\n', '\r\ncontent-length: 0\r\n\r\n'));
  assert.equal((await one.response()).body, '0');
  assert.equal(typeof (await after), 'string');
  one.close();
});

test('a response that comes later ends its request too, and one before its body is read away as ever', async (t) => {
  const closed: Promise<unknown>[] = [];
  const one = await connected(t, (req, res) => {
    closed.push(once(req, 'close'));
    setImmediate(() => res.end(req.method));
  });
  one.write(`${GET}POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody${GET}`);
  const bodies = [await one.response(), await one.response(), await one.response()].map(({ body }) => body);
  assert.deepEqual(bodies, ['GET', 'POST', 'GET']);
  await Promise.all(closed);
  one.close();
});

test('a request that nobody listens to is ended, closed and destroyed once it has a response', async (t) => {
  const ended = (req: IncomingMessage): boolean[] => [
    req.readableEnded,
    req.closed,
    req.destroyed,
    req.readableAborted,
  ];
  let first: IncomingMessage | undefined;
  let before: boolean[] = [];
  const one = await connected(t, (req, res) => {
    first ??= req;
    before = ended(req);
    res.end('ok');
  });
  for (const _ of [1, 2]) {
    one.write(GET);
    assert.equal((await one.response()).body, 'ok');
    assert.deepEqual(before, [false, false, false, false]);
  }
  assert.deepEqual(ended(first!), [true, true, true, false]);
  await finished(first!);
  one.close();
});

test('whoever waits for a request without body to be readable, or to end, learns of it before its response', async (t) => {
  const told: string[] = [];
  let closed: Promise<unknown> | undefined;
  const one = await connected(t, async (req, res) => {
    req.on('readable', () => {
      told.push('readable');
      req.read();
    });
    closed = once(req, 'close');
    req.on('end', () => told.push('end'));
    req.on('close', () => told.push('close'));
    await once(req, 'end');
    res.end('ok');
  });
  one.write(GET);
  await one.response();
  await closed;
  assert.deepEqual(told, ['readable', 'end', 'close']);
  one.close();
});

/** Listeners added after the response was given, or after it was sent. */
const LATE: Record<string, (res: ServerResponse, listen: () => void) => void> = {
  'in the next tick': (res, listen) => {
    res.end('ok');
    process.nextTick(listen);
  },
  'at the end of the answer': (res, listen) => void res.once('finish', listen).end('ok'),
  'when the answer is told to be out': (res, listen) => void res.end('ok', listen),
  'when the answer is closed': (res, listen) => void res.once('close', listen).end('ok'),
};

for (const [when, answer] of Object.entries(LATE)) {
  test(`whoever begins to listen to a request ${when} learns that it closes`, async (t) => {
    let heard: Promise<unknown> | undefined;
    const one = await connected(t, (req, res) => {
      heard = new Promise((resolve) => answer(res, () => void req.once('close', () => resolve('closed'))));
    });
    one.write(GET);
    assert.equal((await one.response()).body, 'ok');
    assert.equal(await heard, 'closed');
    one.close();
  });
}

for (const [what, act] of Object.entries({
  'a second end with data': (res: ServerResponse): unknown => res.end('more'),
  'a write': (res: ServerResponse): unknown => res.write('more'),
  'each of two writes in one tick and one in the next': (res: ServerResponse): unknown => {
    process.nextTick(() => setImmediate(() => res.write('more')));
    return [res.write('more'), res.write('more')];
  },
})) {
  test(`RW-15 ${what} behind the end of a response is dropped and logged, and ends no process`, async (t) => {
    const log = memoryLog();
    const app: App = (req, res) => {
      if (req.url === '/listens') res.once('error', () => heard.resolve());
      res.end('whole');
      act(res);
      res.end();
    };
    const heard = deferred<void>();
    const filters = await Promise.all([etag, compression].map((factory) => buildFilter(factory)));
    const behind = compose(
      filters.map(({ made }) => made),
      app,
    );
    for (const each of [app, behind]) {
      log.lines.length = 0;
      const server = await startedServer(t, 'ends', each, { log });
      const sent = await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      assert.match(sent, /whole$/);
      const failed = log.lines.filter(({ level }) => level === 'error');
      for (const { message } of failed) assert.equal(message, 'the app wrote after the end of its response');
      if (each === app) assert.equal(failed.length, 1);
      else assert.ok(failed.length <= 1);
      // An app that listens gets the event.
      if (each === app) await exchange(portOf(server), 'GET /listens HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    }
    await heard.promise;
  });
}
