import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type App, compose, environ, Fault } from 'portico/app';
import { catchErrors, deadline } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';
import { nodeServer } from '../fixtures/node-server.js';

async function within(local: Record<string, string>, app: App): Promise<App> {
  const outer = await buildFilter(catchErrors);
  const { made } = await buildFilter(deadline, { local });
  return compose([outer.made, made], app);
}

test('MW-26 at the deadline the signal fires and the response has 503, though the app goes on', async () => {
  let reason: unknown;
  let late: Promise<unknown> | undefined;
  const app = await within({ default_s: '20ms' }, (req, res) => {
    const { signal } = environ(req);
    late = once(signal!, 'abort').then(async () => {
      reason = signal!.reason;
      await new Promise((resolve) => res.once('close', resolve));
      // A handler that ignores the deadline.
      res.setHeader('x-late', '1');
      res.writeHead(200, { 'content-type': 'text/plain' });
      res.end('late');
    });
  });
  const response = await request(lint(app), 'GET', '/');
  assert.equal(response.status, 503);
  await late;
  assert.ok(reason instanceof Fault);
});

test('MW-26 the response names the time, also one second', async () => {
  const description = (defaultS: number) => deadline.openapi!({ defaultS, overrides: new Map() } as never, {} as never);
  assert.match(JSON.stringify(description(1)), /took longer than 1 second\."/);
  assert.match(JSON.stringify(description(0.5)), /took longer than 0\.5 seconds\."/);
  const app = await within({ default_s: '20ms' }, () => new Promise(() => undefined));
  const { body } = await request(app, 'GET', '/');
  assert.match(String(body), /The request took longer than 0\.02 seconds\./);
});

test('MW-26 after the headers the connection is destroyed', async () => {
  const app = await within({ default_s: '20ms' }, (_req, res) => {
    res.write('half');
  });
  await assert.rejects(request(app, 'GET', '/'), { code: 'ECONNRESET' });
});

test('MW-26 a client may shorten the time, never lengthen it; paths may have their own', async () => {
  const due: Record<string, number> = {};
  const app: App = (req, res) => {
    due[req.url!] = environ(req).deadline! - performance.now();
    res.end();
  };
  const limited = await within({ default_s: '60', overrides: '/images:300,/images/small:5' }, app);
  await request(lint(limited), 'GET', '/shorter', { headers: { 'x-portico-timeout': '10' } });
  await request(lint(limited), 'GET', '/longer', { headers: { 'x-portico-timeout': '600' } });
  await request(lint(limited), 'GET', '/nonsense', { headers: { 'x-portico-timeout': '-1' } });
  await request(lint(limited), 'GET', '/images/1');
  await request(lint(limited), 'GET', '/images/small/1');
  assert.deepEqual(
    Object.values(due).map((ms) => Math.ceil(ms / 1000)),
    [10, 60, 60, 300, 5],
  );
});

test('MW-26 a client that leaves fires the signal', async (t) => {
  const app = await within({}, (req) => {
    environ(req).signal!.addEventListener('abort', () => server.emit('aborted'));
    socket.destroy();
  });
  const { server, port } = await nodeServer(t, app);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(server, 'aborted');
});
