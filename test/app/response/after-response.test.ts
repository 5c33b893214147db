import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { afterResponse, type ResponseOutcome } from 'portico/app';
import { lint, request } from 'portico/testing';
import { abortResponse } from '#internal/app';
import { nodeServer } from '../../fixtures/node-server.js';

test('MW-7 the end of a response is reported once, in reverse order', async () => {
  const told: [string, ResponseOutcome][] = [];
  await request(
    lint((_req, res) => {
      afterResponse(res, (outcome) => told.push(['outer', outcome]));
      afterResponse(res, (outcome) => told.push(['inner', outcome]));
      res.end('x');
    }),
    'GET',
    '/',
  );
  assert.deepEqual(told, [
    ['inner', { completed: true }],
    ['outer', { completed: true }],
  ]);
});

test('MW-7 behind another server, errors of listeners are uncaught exceptions, and the others run', async (t) => {
  const told: string[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => told.push(error.message));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  await request(
    (_req, res) => {
      afterResponse(res, () => told.push('outer'));
      for (const name of ['second', 'first']) {
        afterResponse(res, () => {
          throw new Error(name);
        });
      }
      res.end();
    },
    'GET',
    '/',
  );
  while (told.length < 3) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, ['outer', 'first', 'second']);
});

test('a listener that is registered after the end runs in a microtask', async () => {
  const outcome = new Promise<ResponseOutcome>((resolve) => {
    void request(
      (_req, res) => {
        res.on('close', () => afterResponse(res, resolve));
        res.end();
      },
      'GET',
      '/',
    );
  });
  assert.deepEqual(await outcome, { completed: true });
});

test('a response broken off by us says why', async () => {
  let told: ResponseOutcome | undefined;
  const reason = new Error('disk');
  const answer = request(
    (_req, res) => {
      afterResponse(res, (outcome) => {
        told = outcome;
      });
      res.write('half');
      abortResponse(res, reason);
    },
    'GET',
    '/',
  );
  await assert.rejects(answer);
  assert.deepEqual(told, { completed: false, error: reason });
});

test('MW-7 that a client leaves is reported to every response of its connection, also to those that wait', async (t) => {
  const told: string[] = [];
  let done: () => void;
  const both = new Promise<void>((resolve) => {
    done = resolve;
  });
  const { port } = await nodeServer(t, (req, res) => {
    afterResponse(res, ({ completed }) => {
      told.push(`${req.url} ${completed}`);
      if (told.length === 2) done();
    });
    if (req.url === '/second') {
      res.end('answered, but behind the first');
      socket.destroy();
    }
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  await both;
  assert.deepEqual(told.sort(), ['/first false', '/second false']);
});
