/** Tests bodies whose length differs from the declared one: the connection is closed, and the log has one line. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import express from 'express';
import { type App, afterResponse, beforeHead, compose, type ResponseOutcome } from 'portico/app';
import { compression, requestLog } from 'portico/middleware';
import { buildFilter, captureLog } from 'portico/testing';
import { deferred } from '../../dist/tasks/deferred.js';
import { memoryLog } from '../server/memory-log.js';
import { exchange, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';
import { defaultHeaders } from './default-headers.js';

const TWO = 'GET /first?token=secret HTTP/1.1\r\nhost: x\r\n\r\nGET /second HTTP/1.1\r\nhost: x\r\n\r\n';

async function answered(t: TestContext, app: App) {
  const log = memoryLog();
  const outcomes: ResponseOutcome[] = [];
  const { promise: ended, resolve: ends } = deferred<void>();
  const server = await startedServer(
    t,
    'lengths',
    (req, res) => {
      if (req.url === '/second') return void res.setHeader('connection', 'close').end('second');
      afterResponse(res, (outcome) => {
        outcomes.push(outcome);
        ends();
      });
      return app(req, res);
    },
    { log },
  );
  const answer = await exchange(portOf(server), TWO);
  await ended;
  return { answer, outcomes, lines: log.lines.filter(({ level }) => level === 'error'), all: log.lines };
}

const declare = (res: ServerResponse, length: number | string): ServerResponse =>
  res.writeHead(200, { 'content-type': 'text/plain', 'Content-Length': length });

/** Responses that declare five bytes. */
const WRONG: Record<string, App> = {
  'a text that is shorter': (_req, res) => void declare(res, 5).end('abc'),
  'a text that is longer': (_req, res) => void declare(res, '5').end('abcdef HTTP/1.1 200 OK'),
  'bytes that are shorter': (_req, res) => void declare(res, 5).end(Buffer.from('abc')),
  'bytes that are longer': (_req, res) => void declare(res, 5).end(new Uint8Array(6)),
  'characters counted for bytes': (_req, res) => void declare(res, 5).end('grün!'),
  nothing: (_req, res) => void declare(res, 5).end(),
  'a head that was set': (_req, res) => void res.setHeader('content-length', 5).end('abcdef'),
  'a head that was set, and less': (_req, res) => void res.setHeader('content-length', 5).end('abc'),
  'pieces that are shorter': (_req, res) => {
    declare(res, 5).write('ab');
    setImmediate(() => res.end('c'));
  },
  'pieces that are longer': (_req, res) => {
    declare(res, 5).write('abcd');
    setImmediate(() => {
      res.write('efgh');
      res.end('i');
    });
  },
  'a stream that ends early': (_req, res) => void Readable.from(['ab', 'c']).pipe(declare(res, 5)),
  'a stream that does not end in time': (_req, res) => void Readable.from(['abc', 'def']).pipe(declare(res, 5)),
  'a listener for the head': (_req, res) => {
    beforeHead(res, () => res.setHeader('content-length', 5));
    res.end('abcdefg');
  },
  'default headers': (_req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    declare(res, 5).end('abc');
  },
  'an Express app': express().use((_req, res) => void res.set('Content-Length', '5').end('abc')) as App,
  'an Express app that gives more': express().use((_req, res) => {
    res.set('Content-Length', '5').write('abc');
    res.end('def');
  }) as App,
};

for (const [what, app] of Object.entries(WRONG)) {
  test(`${what} instead of the declared length ends the connection, and is logged once`, async (t) => {
    const { answer, outcomes, lines } = await answered(t, app);
    assert.doesNotMatch(answer, /second/);
    const [line, ...more] = lines;
    assert.deepEqual(more, []);
    const { method, path, err } = line!.fields as { method: string; path: string; err: Error & { code: string } };
    assert.deepEqual([method, path, err.code], ['GET', '/first', 'PORTICO_ANSWER_LENGTH']);
    assert.match(err.message, /declared 5 bytes/);
    assert.deepEqual(outcomes, [{ completed: false, error: err }]);
  });
}

const RIGHT: Record<string, App> = {
  'a text': (_req, res) => void declare(res, 4).end('grü'),
  'a text in another encoding': (_req, res) => void declare(res, 2).end('c3bc', 'hex'),
  pieces: (_req, res) => {
    declare(res, 4).write('ab');
    res.write('', () => res.end(Buffer.from('cd')));
  },
  nothing: (_req, res) => void declare(res, 0).end(),
  'no body by its status': (_req, res) => void res.writeHead(304, { 'content-length': 5 }).end(),
  'no declared length': (_req, res) => {
    res.write('abc');
    res.end('def');
  },
  'a text counted by Node': (_req, res) => void res.end('grün'),
};

for (const [what, app] of Object.entries(RIGHT)) {
  test(`a response of ${what} lets its connection go on`, async (t) => {
    const { answer, outcomes, lines } = await answered(t, (req, res) => {
      return app(req, res);
    });
    assert.match(answer, /second$/);
    assert.deepEqual(lines, []);
    assert.deepEqual(outcomes, [{ completed: true }]);
  });
}

test('the callback of an end that did not come gets the reason', async (t) => {
  const told: unknown[] = [];
  const { outcomes } = await answered(t, (_req, res) => {
    declare(res, 5).end('abc', (error?: Error) => told.push(error));
  });
  assert.deepEqual(told, [outcomes[0]?.error]);
});

test('a compressed response has the length of what was compressed', async (t) => {
  const { made: filter } = await buildFilter(compression);
  const { answer, lines } = await answered(
    t,
    compose([filter], (req, res) => {
      req.headers['accept-encoding'] = 'gzip';
      res.writeHead(200, { 'content-type': 'text/plain', 'content-length': 5000 }).end('x'.repeat(5000));
    }),
  );
  assert.match(answer, /content-encoding: gzip/i);
  assert.deepEqual(lines, []);
});

test('the access line of such a response has the bytes that were sent, and says that it was cut', async (t) => {
  const { log, lines } = captureLog();
  const { made: filter } = await buildFilter(requestLog, { log });
  await answered(
    t,
    compose([filter], (_req, res) => {
      declare(res, 5).write('abc');
      setTimeout(() => res.end(), 20);
    }),
  );
  const line = lines.find(({ msg }) => msg === 'request')!;
  assert.deepEqual([line.bytes, line.aborted], [3, 'server']);
});
