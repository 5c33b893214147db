/** Tests the access log, the outcome and the failures of responses that were not sent whole. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type App, compose } from 'portico/app';
import { requestLog } from 'portico/middleware';
import type { ServerOptions } from 'portico/server';
import { buildFilter, captureLog } from 'portico/testing';
import { until } from '../../fixtures/until.js';
import { portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const WHOLE = Buffer.alloc(20_000_000, 'x');
const apps: Record<string, App> = {
  '/whole': (_req, res) => void res.end(WHOLE),
  '/silent': () => {},
  '/close': (_req, res) => void res.setHeader('connection', 'close').end('done'),
  '/kept': (_req, res) => void res.end('done'),
};

async function started(t: TestContext, options: ServerOptions = {}) {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(requestLog, { log });
  let begun = 0;
  let read = 0;
  const app: App = (req, res) => {
    begun++;
    return apps[req.url ?? '']!(req, res);
  };
  const server = await startedServer(t, 'aborted', compose([made], app), options);
  /** A client that does not read: what it gets stays in the buffers of the system. */
  const ask = async (path: string): Promise<Socket> => {
    const socket = connect(portOf(server), '127.0.0.1').on('error', () => {});
    t.after(() => socket.destroy());
    const before = begun;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until(
      () => begun,
      (count) => count > before,
    );
    return socket;
  };
  const told = async (): Promise<unknown> => {
    await until(
      () => lines.length,
      (count) => count > read,
    );
    const { target, status, aborted } = lines[read++]!;
    return [target, status, aborted];
  };
  return { server, ask, told };
}

test('a whole response that a stop cuts off, and a request without one, get 503 that the server has aborted', async (t) => {
  for (const path of ['/whole', '/silent']) {
    const { server, ask, told } = await started(t);
    await ask(path);
    await assert.rejects(server.stop({ graceful: true, deadlineMs: 50 }), { code: 'PORTICO_STOP_DEADLINE' });
    assert.deepEqual(await told(), [path, 503, 'server']);
    assert.equal(server.failures.list.length, 1);
  }
});

test('a response that the app of a former configuration has not ended gets 503 that the server has aborted', async (t) => {
  const { server, ask, told } = await started(t);
  await ask('/whole');
  await server.replaceApp(apps['/kept']!, { deadlineMs: 50 });
  assert.deepEqual(await told(), ['/whole', 503, 'server']);
});

test('a client that leaves within a whole response has the status of its headers, before them 499', async (t) => {
  const { server, ask, told } = await started(t);
  (await ask('/whole')).destroy();
  assert.deepEqual(await told(), ['/whole', 200, 'client']);
  (await ask('/whole')).resetAndDestroy();
  assert.deepEqual(await told(), ['/whole', 200, 'client']);
  (await ask('/silent')).destroy();
  assert.deepEqual(await told(), ['/silent', 499, 'client']);
  assert.deepEqual(server.failures.list, []);
});

test('a client that does not read within send_timeout gets 408, and no failure of the API', async (t) => {
  const { server, ask, told } = await started(t, { sendTimeout: 1 });
  await ask('/whole');
  assert.deepEqual(await told(), ['/whole', 408, 'server']);
  assert.deepEqual(server.failures.list, []);
});

test('a response that was sent whole is not aborted, whether its connection stays or ends', async (t) => {
  const { ask, told } = await started(t);
  for (const path of ['/kept', '/close']) {
    (await ask(path)).resume();
    assert.deepEqual(await told(), [path, 200, undefined]);
  }
  const socket = await ask('/kept');
  socket.end();
  assert.deepEqual(await told(), ['/kept', 200, undefined]);
});
