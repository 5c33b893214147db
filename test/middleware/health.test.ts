/** Tests the plugins of health checks and their requests. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { healthcheck } from 'portico/middleware';
import { buildApp, captureLog, lint, request, type TestResponse } from 'portico/testing';
import type { ConfigurationRefused } from '#internal/config';
import { filesUntilEnd } from '../fixtures/until-end.js';
import { checking, mounted, serve } from './checking.js';

test('MW-44 disable_by_file: unavailable while the file exists', async (t) => {
  const files = await filesUntilEnd(t);
  // A new app each time, because one caches its results.
  const ask = async (method = 'GET'): Promise<TestResponse> => {
    const app = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('down') });
    return request(app, method, '/healthcheck');
  };
  assert.equal((await ask()).status, 200);
  await files.write('down', '');
  const down = await ask();
  assert.equal(down.status, 503);
  assert.equal(down.text(), 'DISABLED BY FILE');
  assert.equal((await ask('HEAD')).status, 503);
  await rm(files.path('down'));
  assert.equal((await ask()).status, 200);
});

test('MW-44 an unset file is OK, and warned of once', async (t) => {
  const { log, lines } = captureLog();
  const { made } = await buildApp(healthcheck, { log, local: { backends: 'disable_by_file' } });
  // Each port has its own results.
  for (const _ of [1, 2]) assert.equal((await fetch((await serve(t, mounted(lint(made)))).url)).status, 200);
  assert.equal(lines.length, 1);
});

test('MW-44 disable_by_files_ports: the file of the port the request came in on', async (t) => {
  const files = await filesUntilEnd(t, { down: '' });
  let app: App = () => undefined;
  const { port, url } = await serve(t, (req, res) => app(req, res));
  const paths = `1:${files.path('other')},${port}:${files.path('down')}`;
  app = await checking({ backends: 'disable_by_files_ports', disable_by_file_paths: paths });
  assert.equal((await fetch(url)).status, 503);
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
});

test('MW-44 enable_by_files: unavailable while one is missing, and not together with the others', async (t) => {
  const files = await filesUntilEnd(t, { a: '' });
  const paths = `${files.path('a')},${files.path('b')}`;
  const ask = async (): Promise<string> => {
    const app = await checking({ backends: 'enable_by_files', enable_by_file_paths: paths });
    return (await request(app, 'GET', '/healthcheck')).text();
  };
  assert.equal(await ask(), 'FILE PATH MISSING');
  await files.write('b', '');
  assert.equal(await ask(), 'OK');
  await assert.rejects(checking({ backends: 'enable_by_files,disable_by_file' }), {
    code: 'PORTICO_HEALTHCHECK_BACKENDS',
  });
});

test('MW-43 a plugin that throws or hangs is unavailable, not a 500; its response is cached and asked for once', async (t) => {
  const files = await filesUntilEnd(t, {
    'plugins.mjs': `
      let asked = 0;
      export const counting = { check: () => ({ available: true, reason: String(++asked) }) };
      export class Failing { check() { throw new Error('no <b>disk</b>'); } }
      export const hanging = { check: () => new Promise(() => {}) };
    `,
    'package.json': '{"type": "module"}',
  });
  const build = async (name: string, local: Record<string, string> = {}): Promise<App> => {
    const backends = `${files.path('plugins.mjs')}:${name}`;
    const { made } = await buildApp(healthcheck, { local: { backends, ...local }, folder: files.folder });
    return mounted(lint(made));
  };
  const failing = await build('Failing', { detailed: 'true' });
  const failed = await request(failing, 'GET', '/healthcheck', { headers: { accept: 'text/html' } });
  assert.equal(failed.status, 503);
  assert.match(failed.text(), /no &#60;b&#62;disk/);
  const hanging = await request(await build('hanging'), 'GET', '/healthcheck');
  assert.equal(hanging.text(), 'TIMEOUT');
  const counting = await serve(t, await build('counting'));
  await Promise.all([1, 2, 3].map(() => fetch(counting.url)));
  assert.equal(await (await fetch(counting.url)).text(), '1');
});

test('MW-45 live asks only the event loop, ready and the plain path ask all', async (t) => {
  const files = await filesUntilEnd(t, { down: '' });
  const backends = 'disable_by_file,event_loop';
  const local = { backends, disable_by_file_path: files.path('down'), max_delay_ms: '60000' };
  const app = await checking(local);
  assert.equal((await request(app, 'GET', '/healthcheck/live')).status, 200);
  assert.equal((await request(app, 'GET', '/healthcheck/ready')).status, 503);
  assert.equal((await request(app, 'GET', '/healthcheck')).status, 503);
  await app.close?.();
});

test('MW-63.8 MW-4 two health checks with different options in one process do not share them', async (t) => {
  const files = await filesUntilEnd(t, { down: '' });
  const closed = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('down') });
  const open = await checking({ backends: 'disable_by_file', disable_by_file_path: files.path('up') });
  assert.equal((await request(closed, 'GET', '/healthcheck')).status, 503);
  assert.equal((await request(open, 'GET', '/healthcheck')).status, 200);
  assert.equal((await request(closed, 'GET', '/healthcheck')).status, 503);
});

test('MW-43 backends of the configuration are refused at their line there', async () => {
  for (const backends of ['nothing', 'enable_by_files, disable_by_file']) {
    const config = `[healthcheck]\ndetailed = true\nbackends = ${backends}\n`;
    await assert.rejects(
      async () => buildApp(healthcheck, { config }),
      ({ origin }: ConfigurationRefused) => origin?.section === 'healthcheck' && origin.line === 3,
    );
  }
});
