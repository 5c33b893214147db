/** The errors of failed requests, as a server notes them. */
import assert from 'node:assert/strict';
import { pipeline, Readable } from 'node:stream';
import { test } from 'node:test';
import { type App, Fault } from '../../../dist/app/index.js';
import { requestId } from '../../../dist/middleware/index.js';
import { Router } from '../../../dist/routing/index.js';
import { Server } from '../../../dist/server/index.js';
import { RequestFailures } from '../../../dist/server/requests/server-failures.js';
import { buildFilter } from '../../../dist/testing/index.js';
import { memoryLog } from '../memory-log.js';
import { exchange, portOf } from '../raw-client.js';

const PLACE = /^dist-test\/server\/requests\/request-failures\.test\.js:\d+$/;

test('a failed request is noted with route, error, place and its request id, one that succeeds or is refused is not', async (t) => {
  const router = await new Router({ log: memoryLog() })
    .connect('/books/{id}', {
      handler: ({ params: { id } }) => {
        if (id === 'missing') throw new Fault(404);
        if (id === 'away') throw new Fault(503, { message: 'the store is closed' });
        if (id === 'well') return 'here';
        throw new RangeError(`no shelf for ${id}`);
      },
    })
    .build();
  const apps: Readonly<Record<string, App>> = {
    '/answered': (_req, res) => void res.writeHead(500).end('failed'),
    '/cut': (_req, res) => {
      res.writeHead(200);
      const source = new Readable({
        read() {
          this.push('begun');
          this.destroy(new Error('the source is gone'));
        },
      });
      pipeline(source, res, () => undefined);
    },
  };
  const { made: filter } = await buildFilter(requestId);
  const app = filter((req, res) => (apps[req.url!] ?? router)(req, res));
  const server = new Server('failing', app, { log: memoryLog() });
  await server.start();
  t.after(() => server.stop());
  const ids: string[] = [];
  for (const path of [
    '/books/secret1',
    '/books/secret2',
    '/books/missing',
    '/books/well',
    '/books/away',
    ...Object.keys(apps),
  ]) {
    const text = await exchange(portOf(server), `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    ids.push(/request-id: (\S+)/i.exec(text)?.[1] ?? '');
  }
  await server.stop();
  const taken = server.failures.take();
  assert.deepEqual(
    taken.map(({ route, error, count, requestId: id }) => [route, error, count, id]),
    [
      ['GET /books/{id}', 'RangeError', 2, ids[1]],
      ['GET /books/{id}', 'Fault 503', 1, ids[4]],
      ['GET -', 'responded with 500 by the application', 1, ids[5]],
      // Its client got no headers.
      ['GET -', 'Error', 1, taken.at(-1)!.requestId],
    ],
  );
  const places = taken.map(({ place }) => place);
  assert.equal(places[2], undefined);
  for (const at of [0, 1, 3]) assert.match(places[at]!, PLACE);
  assert.equal(server.failures.list.length, 4);
  assert.deepEqual(server.failures.take(), []);
});

/** An error that counts how often its stack is read. */
class Costly extends Error {
  static read = 0;
  readonly code: string;
  constructor(code: string) {
    super('costly');
    this.code = code;
    Object.defineProperty(this, 'stack', {
      get: () => {
        Costly.read++;
        return '';
      },
    });
  }
}

test('a flood of errors of one class and code on a route is counted, and ten of them a second are described', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const failures = new RequestFailures();
  const note = (code: string): void => {
    const req = { method: 'GET' };
    failures.note({ req, res: { req, statusCode: 500, errored: new Costly(code) } } as never);
  };
  for (let times = 0; times < 100; times++) note('EMFILE');
  assert.equal(Costly.read, 10);
  note('ENOENT');
  assert.equal(Costly.read, 11);
  t.mock.timers.setTime(1000);
  note('EMFILE');
  assert.equal(Costly.read, 12);
  assert.deepEqual(
    failures.take().map(({ error, count }) => [error, count]),
    [
      ['Costly EMFILE', 101],
      ['Costly ENOENT', 1],
    ],
  );
});

test('WD-9 status and metrics count a method that a route names by its name, and any other as other', async (t) => {
  const fail = (): never => {
    throw new Fault(503);
  };
  const app = await new Router({ log: memoryLog() })
    .route('PROPFIND', '/files', fail)
    .connect('/any', { handler: fail })
    .build();
  const server = new Server('webdav', app, { log: memoryLog() });
  await server.start();
  t.after(() => server.stop());
  for (const start of ['PROPFIND /files', 'PROPFIND /any']) {
    await exchange(portOf(server), `${start} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
  }
  await server.stop();
  const routes = server.failures.take().map(({ route }) => route);
  assert.deepEqual(routes, ['PROPFIND /files', 'other /any']);
});
