/** Tests URL maps with real requests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Filter, requestPath } from 'portico/app';
import { Router } from 'portico/routing';
import { lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';
import { composed } from '../composed.js';
import { APPS, INI, reached } from './mounted.js';

test('PD-82 PD-84 PD-85 the longest mount takes the path at a boundary; its prefix moves to the script name', async (t) => {
  const rows: [path: string, name: string, scriptName: string, url: string][] = [
    ['/', 'root', '', '/'],
    ['/v2', 'v2', '/v2', '/'],
    ['/v2?limit=1', 'v2', '/v2', '/?limit=1'],
    ['/v2/', 'v2', '/v2', '/'],
    ['/v2/servers?a=//b', 'v2', '/v2', '/servers?a=//b'],
    ['//v2///servers//7', 'v2', '/v2', '/servers/7'],
    ['/v2x', 'root', '', '/v2x'],
    ['/v2.1/servers', 'v21', '/v2.1', '/servers'],
    ['/v2/deep', 'deep', '/v2/deep', '/'],
    ['/v2/deeper', 'v2', '/v2', '/deeper'],
    ['/V2/servers', 'root', '', '/V2/servers'],
    ['/%76%32/servers', 'root', '', '/%76%32/servers'],
    ['/v2/../x', 'v2', '/v2', '/../x'],
  ];
  for (const [path, name, scriptName, url] of rows) {
    assert.deepEqual(await reached(INI, path, {}, t), { name, scriptName, url, originalUrl: path }, path);
  }
});

test('at a mount itself a Router has its `/`, unless a route has the empty path, and rules by path see the path that was sent', async (t) => {
  const seen: string[] = [];
  const paths = (): Filter => (inner) => (req, res) => {
    seen.push(requestPath(req));
    return inner(req, res);
  };
  const ini = `[composite:main]
paste.composite_factory = urlmap
/: root
/api: api
[pipeline:api]
pipeline = paths router
[filter:paths]
paste.filter_factory = paths
[app:router]
paste.app_factory = router
${APPS}`;
  const at = async (router: Router, path: string) => {
    const main = await composed(t, ini, { paths, router: () => router.build() });
    const { status, headers, text } = await request(main, 'GET', path);
    return [status, headers.location ?? text(), seen.pop()];
  };
  const index = () => new Router().get('/', () => 'index');
  assert.deepEqual(await at(index(), '/api'), [200, '"index"', '/api']);
  assert.deepEqual(await at(index(), '/api?limit=1'), [200, '"index"', '/api']);
  assert.deepEqual(await at(index(), '/api/'), [200, '"index"', '/api/']);
  assert.deepEqual(
    await at(
      new Router().redirect('', '/').get('/', () => 'index'),
      '/api',
    ),
    [302, '/api/', '/api'],
  );
});

test('PD-85 nested maps add up', async (t) => {
  const ini = `[composite:main]\npaste.composite_factory = urlmap\n/a: inner\n[composite:inner]\npaste.composite_factory = urlmap\n/b: root\n${APPS}`;
  const { scriptName, url } = await reached(ini, '/a/b/c', {}, t);
  assert.deepEqual([scriptName, url], ['/a/b', '/c']);
});

test('PD-87 without a match not_found_app responds with the path as it came, else 404', async (t) => {
  const none = await composed(t, `[composite:main]\npaste.composite_factory = urlmap\n/a: root\n${APPS}`);
  const answer = await request(lint(none), 'GET', '//x//y');
  assert.equal(answer.status, 404);
  assert.match(answer.headers['content-type'] ?? '', /json/);
  const long = await request(lint(none), 'GET', `/${'x'.repeat(5000)}`);
  assert.ok(long.text().length < 400, long.text());
  const ini = `[composite:main]\npaste.composite_factory = urlmap\nnot_found_app = v2\n/a: root\n${APPS}`;
  assert.deepEqual(await reached(ini, '//x//y', {}, t), {
    name: 'v2',
    scriptName: '',
    url: '//x//y',
    originalUrl: '//x//y',
  });
});

test('PD-84 a target that is no path is refused with 400', async (t) => {
  const main = await composed(t, INI);
  const answer = await rawRequest(main, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 400 /);
});
