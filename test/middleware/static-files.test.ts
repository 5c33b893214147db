import assert from 'node:assert/strict';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type App, environ } from 'portico/app';
import { staticFiles, staticFilesFilter } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildApp, buildFilter, lint, request } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { rawRequest } from '#internal/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { filesUntilEnd } from '../fixtures/until-end.js';

async function folder(t: TestContext): Promise<string> {
  const files = await filesUntilEnd(t, {
    'public/index.html': '<p>index',
    'public/a.txt': '0123456789',
    'public/sub/index.html': '<p>sub',
    'public/.hidden': 'hidden',
    'public/leak/a.txt': 'a',
    'public/none/a.txt': 'a',
    'public/odd/index.html/a.txt': 'a',
    'secret.txt': 'secret',
  });
  await symlink(files.path('secret.txt'), files.path('public/escape.txt'));
  await symlink(files.path('secret.txt'), files.path('public/leak/index.html'));
  await symlink(files.path('public/a.txt'), files.path('public/inside.txt'));
  return files.path('public');
}

test('MW-57 files are served with type, length, ranges and conditions', async (t) => {
  const { made } = await buildApp(staticFiles, { local: { document_root: await folder(t), cache_max_age: '60' } });
  const app = lint(made);
  const file = await request(app, 'GET', '/a.txt');
  assert.equal(file.text(), '0123456789');
  assert.match(String(file.headers['content-type']), /^text\/plain/);
  assert.equal(file.headers['cache-control'], 'max-age=60');
  const range = await request(app, 'GET', '/a.txt', { headers: { range: 'bytes=2-4' } });
  assert.equal(range.status, 206);
  assert.equal(range.text(), '234');
  const beyond = await request(app, 'GET', '/a.txt', { headers: { range: 'bytes=20-' } });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers['content-range'], 'bytes */10');
  const headers = { 'if-none-match': String(file.headers.etag) };
  assert.equal((await request(app, 'GET', '/a.txt', { headers })).status, 304);
  assert.equal((await request(app, 'HEAD', '/a.txt')).headers['content-length'], '10');
  assert.equal((await request(app, 'GET', '/inside.txt')).text(), '0123456789');
});

test('MW-57 folders have an index, and their slash', async (t) => {
  const { made } = await buildApp(staticFiles, { local: { document_root: await folder(t) } });
  assert.equal((await request(lint(made), 'GET', '/')).text(), '<p>index');
  assert.equal((await request(lint(made), 'GET', '/sub/')).text(), '<p>sub');
  const slash = await request(lint(made), 'GET', '/sub?x=1');
  assert.equal(slash.status, 301);
  assert.equal(slash.headers.location, '/sub/?x=1');
  assert.equal((await request(lint(made), 'GET', '//sub?x=1?y')).headers.location, '/sub/?x=1?y');
});

test('a folder without an index, or with one that is a folder or leads outside, gets 404', async (t) => {
  const { made } = await buildApp(staticFiles, { local: { document_root: await folder(t) } });
  for (const path of ['/leak/', '/none/', '/odd/'])
    assert.equal((await request(lint(made), 'GET', path)).status, 404, path);
});

test('AU-2 the path of a mount is redirected to its slash, with its prefix and query', async (t) => {
  const local = { document_root: await folder(t) };
  // As `urlmap` mounts an app.
  const mounted = (app: App): App =>
    lint((req, res) => {
      environ(req).scriptName = '/docs';
      req.url = req.url!.slice('/docs'.length);
      return app(req, res);
    });
  const { made: app } = await buildApp(staticFiles, { local });
  const slash = await request(mounted(app), 'GET', '/docs?x=1');
  assert.deepEqual([slash.status, slash.headers.location], [301, '/docs/?x=1']);
  assert.equal((await request(mounted(app), 'GET', '/docs/')).text(), '<p>index');
  const sub = await request(mounted(app), 'GET', '/docs/sub');
  assert.deepEqual([sub.status, sub.headers.location], [301, '/docs/sub/']);
  const router = closedAfter(t, await new Router({ log: silentLogger() }).mount('/docs', app).build());
  const below = await request(router, 'GET', '/docs?x=1');
  assert.deepEqual([below.status, below.headers.location], [301, '/docs/?x=1']);
  assert.equal((await request(router, 'GET', '/docs/')).text(), '<p>index');
  const { made: filter } = await buildFilter(staticFilesFilter, {
    local: { document_root: join(local.document_root, 'none') },
  });
  const inner: App = (_req, res) => void res.end('app');
  assert.equal((await request(mounted(filter(inner)), 'GET', '/docs')).text(), 'app');
});

test('AU-2 a redirect to the slash leads to no other host', async (t) => {
  const files = await filesUntilEnd(t, { 'public/\\evil.test/a.txt': '', 'public/evil.test/a.txt': '' });
  const { made: app } = await buildApp(staticFiles, { local: { document_root: files.path('public') } });
  for (const path of ['//evil.test', '/\\evil.test', '/\\/evil.test']) {
    const answer = await rawRequest(app, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const [, location] = /^location: (.*)\r$/im.exec(answer) ?? [];
    assert.ok(location === undefined || /^\/[^/\\]/.test(location), location);
  }
});

test('a fallback serves paths without a file, where the client asks for HTML', async (t) => {
  const local = { document_root: await folder(t), fallback: 'index.html' };
  const { made: app } = await buildApp(staticFiles, { local });
  const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };
  const page = await request(lint(app), 'GET', '/books/7?tab=1', html);
  assert.deepEqual([page.status, page.text(), page.headers.vary], [200, '<p>index', 'Accept']);
  assert.match(String(page.headers['content-type']), /^text\/html/);
  assert.equal((await request(app, 'GET', '/a.txt', html)).text(), '0123456789');
  const missing = await request(app, 'GET', '/missing.js', { headers: { accept: '*/*' } });
  assert.deepEqual([missing.status, missing.headers.vary], [404, 'Accept']);
  assert.equal((await request(app, 'POST', '/books/7', html)).status, 405);
  const { made: filter } = await buildFilter(staticFilesFilter, { local });
  const filtered = lint(filter((_req, res) => void res.end('app')));
  assert.equal((await request(filtered, 'GET', '/books/7', html)).text(), '<p>index');
  assert.equal((await request(filtered, 'GET', '/books/7')).text(), 'app');
  await buildApp(staticFiles, { local: { ...local, fallback: './index.html' } });
  await assert.rejects(buildApp(staticFiles, { local: { ...local, fallback: 'app.html' } }), {
    code: 'PORTICO_DOCUMENT_ROOT',
    message: /there is no file app\.html/,
  });
});

test('MW-57 nothing outside of the folder, nothing hidden, no other methods', async (t) => {
  const { made } = await buildApp(staticFiles, { local: { document_root: await folder(t) } });
  const app = lint(made);
  for (const path of [
    '/escape.txt',
    '/.hidden',
    '/leak/index.html',
    '/leak/',
    '/missing',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/a%00.txt',
    '/%zz',
  ]) {
    const answer = await rawRequest(app, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.equal(answer.slice(9, 12), '404', path);
    assert.ok(!/secret$|hidden$/.test(answer));
  }
  assert.equal((await request(app, 'POST', '/a.txt')).status, 405);
});

test('MW-57 as a filter, what is no file goes on', async (t) => {
  const { made } = await buildFilter(staticFilesFilter, { local: { document_root: await folder(t) } });
  const inner: App = (_req, res) => {
    res.end('app');
  };
  assert.equal((await request(lint(made(inner)), 'GET', '/a.txt')).text(), '0123456789');
  assert.equal((await request(lint(made(inner)), 'GET', '/missing')).text(), 'app');
  assert.equal((await request(lint(made(inner)), 'POST', '/a.txt')).text(), 'app');
});

test('MW-57 a folder that is not there refuses to load', async () => {
  await assert.rejects(async () => buildApp(staticFiles, { local: { document_root: '/nowhere/at/all' } }), {
    code: 'PORTICO_DOCUMENT_ROOT',
  });
});
