import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type App, compose, environ } from 'portico/app';
import { healthcheck, healthcheckFilter, proxyHeaders } from 'portico/middleware';
import { buildApp, buildFilter, captureLog, lint, request, tempConfig } from 'portico/testing';
import { serverState } from '#internal/app';

/** The app as urlmap mounts it. */
const mounted =
  (app: App): App =>
  (req, res) => {
    environ(req).scriptName = '/healthcheck';
    req.url = (req.url ?? '').slice('/healthcheck'.length);
    return app(req, res);
  };

/** A server of its own, closed at the end of the test: for what depends on the port, or counts requests. */
async function serve(t: TestContext, app: App): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer((req, res) => void app(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}/healthcheck` };
}

async function checking(local: Record<string, string> = {}): Promise<App & { close?: () => Promise<void> }> {
  const { made, close } = await buildApp(healthcheck, { local: { cache_ms: '0', ...local } });
  return Object.assign(mounted(lint(made)), { close });
}

test('MW-43 GET is 200, HEAD 204, anything else 405; nothing is cached by others', async () => {
  const app = await checking();
  const get = await request(app, 'GET', '/healthcheck');
  assert.equal(get.status, 200);
  assert.equal(get.text(), 'OK');
  assert.equal(get.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(get.headers['cache-control'], 'no-store');
  const head = await request(app, 'HEAD', '/healthcheck');
  assert.equal(head.status, 204);
  for (const method of ['DELETE', 'POST', 'OPTIONS']) {
    const other = await request(app, method, '/healthcheck');
    assert.equal(other.status, 405);
    assert.equal(other.headers.allow, 'GET, HEAD');
  }
  assert.equal((await request(app, 'GET', '/healthcheck/other')).status, 404);
});

test('MW-43 the body is what the client accepts, text when it accepts nothing of ours', async () => {
  const app = await checking();
  const body = async (accept: string): Promise<string> =>
    (await request(app, 'GET', '/healthcheck', { headers: { accept } })).text();
  assert.equal(await body('application/json'), '{"detailed":false,"reasons":["OK"]}');
  assert.match(await body('text/html'), /<li>OK<\/li>/);
  assert.equal(await body('image/png'), 'OK');
  assert.equal(await body('*/*'), 'OK');
});

test('MW-44 disable_by_file: unavailable while the file exists', async (t) => {
  const files = await tempConfig();
  t.after(() => files.remove());
  const app = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('down') });
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
  await files.write('down', '');
  const down = await request(app, 'GET', '/healthcheck');
  assert.equal(down.status, 503);
  assert.equal(down.text(), 'DISABLED BY FILE');
  assert.equal((await request(app, 'HEAD', '/healthcheck')).status, 503);
  await rm(files.path('down'));
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
});

test('MW-44 an unset file is OK, and warned of once', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildApp(healthcheck, { log, local: { backends: 'disable_by_file', cache_ms: '0' } });
  await request(mounted(lint(made)), 'GET', '/healthcheck');
  await request(mounted(lint(made)), 'GET', '/healthcheck');
  assert.equal(lines.length, 1);
});

test('MW-44 disable_by_files_ports: the file of the port the request came in on', async (t) => {
  const files = await tempConfig({ down: '' });
  t.after(() => files.remove());
  let app: App = () => undefined;
  const { port, url } = await serve(t, (req, res) => app(req, res));
  const paths = `1:${files.path('other')},${port}:${files.path('down')}`;
  app = await checking({ backends: 'disable_by_files_ports', disable_by_file_paths: paths });
  assert.equal((await fetch(url)).status, 503);
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
});

test('MW-44 enable_by_files: unavailable while one is missing, and not together with the others', async (t) => {
  const files = await tempConfig({ a: '' });
  t.after(() => files.remove());
  const paths = `${files.path('a')},${files.path('b')}`;
  const app = await checking({ backends: 'enable_by_files', enable_by_file_paths: paths });
  assert.equal((await request(app, 'GET', '/healthcheck')).text(), 'FILE PATH MISSING');
  await files.write('b', '');
  assert.equal((await request(app, 'GET', '/healthcheck')).text(), 'OK');
  await assert.rejects(checking({ backends: 'enable_by_files,disable_by_file' }), {
    code: 'PORTICO_HEALTHCHECK_BACKENDS',
  });
});

test('MW-43 a plugin that throws or hangs is unavailable, not a 500; its answer is cached and asked for once', async (t) => {
  const files = await tempConfig({
    'plugins.mjs': `
      let asked = 0;
      export const counting = { check: () => ({ available: true, reason: String(++asked) }) };
      export class Failing { check() { throw new Error('no <b>disk</b>'); } }
      export const hanging = { check: () => new Promise(() => {}) };
    `,
    'package.json': '{"type": "module"}',
  });
  t.after(() => files.remove());
  const build = async (name: string, local: Record<string, string>): Promise<App> => {
    const backends = `${files.path('plugins.mjs')}:${name}`;
    const { made } = await buildApp(healthcheck, { local: { backends, ...local }, folder: files.folder });
    return mounted(lint(made));
  };
  const failing = await build('Failing', { detailed: 'true', cache_ms: '0' });
  const failed = await request(failing, 'GET', '/healthcheck', { headers: { accept: 'text/html' } });
  assert.equal(failed.status, 503);
  assert.match(failed.text(), /no &#60;b&#62;disk/);
  const hanging = await request(await build('hanging', { timeout_ms: '1', cache_ms: '0' }), 'GET', '/healthcheck');
  assert.equal(hanging.text(), 'TIMEOUT');
  const counting = await serve(t, await build('counting', { cache_ms: '60000' }));
  await Promise.all([1, 2, 3].map(() => fetch(counting.url)));
  assert.equal(await (await fetch(counting.url)).text(), '1');
});

test('MW-45 live asks only the event loop, ready and the plain path ask all', async (t) => {
  const files = await tempConfig({ down: '' });
  t.after(() => files.remove());
  const backends = 'disable_by_file,event_loop';
  const local = { backends, disable_by_file_path: files.path('down'), max_delay_ms: '60000' };
  const app = await checking(local);
  assert.equal((await request(app, 'GET', '/healthcheck/live')).status, 200);
  assert.equal((await request(app, 'GET', '/healthcheck/ready')).status, 503);
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 503);
  await app.close?.();
});

test('MW-44 a server that drains is not ready, and still live', async (t) => {
  const { server, url } = await serve(t, await checking());
  assert.equal((await fetch(url)).status, 200);
  serverState(server).draining = true;
  const response = await fetch(url);
  assert.equal(response.status, 503);
  assert.equal(await response.text(), 'DRAINING');
  assert.equal((await fetch(`${url}/live`)).status, 200);
});

test('MW-43 callers outside the ranges, and proxied requests, get 404; the address is the connection’s', async () => {
  const outside = await checking({ allowed_source_ranges: '10.0.0.0/8' });
  const forged = { headers: { 'x-forwarded-for': '10.0.0.1' } };
  assert.equal((await request(outside, 'GET', '/healthcheck', forged)).status, 404);
  const inside = await checking({ allowed_source_ranges: '10.0.0.0/8,127.0.0.0/8' });
  assert.equal((await request(inside, 'GET', '/healthcheck')).status, 200);
  const direct = await checking({ ignore_proxied_requests: 'true' });
  assert.equal((await request(direct, 'GET', '/healthcheck')).status, 200);
  for (const name of ['x-forwarded-for', 'x-forwarded-proto', 'forwarded']) {
    assert.equal((await request(direct, 'GET', '/healthcheck', { headers: { [name]: 'for=a' } })).status, 404);
  }
});

test('MW-43 the detailed form tells about plugins, machine and process', async () => {
  const app = await checking({ detailed: 'true', backends: 'disable_by_file' });
  const response = await request(app, 'GET', '/healthcheck', { headers: { accept: 'application/json' } });
  const { detailed, reasons, hostname, node_version: version, pid } = response.json();
  assert.equal(detailed, true);
  assert.deepEqual(reasons, [{ class: 'disable_by_file', reason: 'OK', details: '' }]);
  assert.ok(hostname);
  assert.equal(version, process.version);
  assert.equal(pid, process.pid);
});

test('MW-63.8 MW-4 two health checks with different options in one process do not share them', async (t) => {
  const files = await tempConfig({ down: '' });
  t.after(() => files.remove());
  const closed = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('down') });
  const open = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('up') });
  assert.equal((await request(closed, 'GET', '/healthcheck')).status, 503);
  assert.equal((await request(open, 'GET', '/healthcheck')).status, 200);
  assert.equal((await request(closed, 'GET', '/healthcheck')).status, 503);
});

test('MW-43 as a filter it answers at its path and hands on everything else', async (t) => {
  const files = await tempConfig();
  t.after(() => files.remove());
  await writeFile(files.path('x'), '');
  const { made } = await buildFilter(healthcheckFilter, { local: { path: '/probe' } });
  const app = lint(
    made((_req, res) => {
      res.end('app');
    }),
  );
  assert.equal((await request(app, 'GET', '/probe')).text(), 'OK');
  assert.equal((await request(app, 'GET', '/probe/live')).text(), 'OK');
  assert.equal((await request(app, 'GET', '/prober')).text(), 'app');
  assert.equal((await request(app, 'GET', '/')).text(), 'app');
});

test('MW-43 a proxied request is refused also behind proxy_headers, which takes unknown headers off', async () => {
  for (const trusted of ['', '127.0.0.0/8']) {
    const proxy = await buildFilter(proxyHeaders, { local: trusted === '' ? {} : { trusted_proxies: trusted } });
    const health = await buildFilter(healthcheckFilter, { local: { ignore_proxied_requests: 'true' } });
    const app = compose([proxy.made, health.made], (_req, res) => void res.end());
    for (const headers of [{ 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }]) {
      assert.equal((await request(app, 'GET', '/healthcheck', { headers })).status, 404);
    }
    assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
  }
});
