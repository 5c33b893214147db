import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, Fault, remoteOf } from 'portico/app';
import { pathPrefix } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

const where: App = (req, res) => {
  res.end(JSON.stringify({ url: req.url, script: environ(req).scriptName, ...remoteOf(req) }));
};

for (const [path, url] of [
  ['/v2/servers?x=1', '/servers?x=1'],
  ['/v2', '/'],
  ['/v2/', '/'],
  ['/v2?x=1', '/?x=1'],
  ['/v2x', '/v2x'],
  ['/other', '/other'],
] as const) {
  test(`PD-159 prefix /v2 makes ${url} of ${path}`, async () => {
    const { made } = await buildFilter(pathPrefix, { local: { prefix: '/v2/' } });
    const seen = (await request(lint(made(where)), 'GET', path)).json();
    assert.equal(seen.url, url);
    assert.equal(seen.script, '/v2');
  });
}

test('PD-159 port and scheme of the addresses an application makes can be forced', async () => {
  const { made } = await buildFilter(pathPrefix, { local: { force_port: '8443', scheme: 'https' } });
  const seen = (await request(lint(made(where)), 'GET', '/', { headers: { host: 'api.example:80' } })).json();
  assert.deepEqual([seen.host, seen.scheme, seen.script], ['api.example:8443', 'https', '']);
});

test('an app that fails leaves the path as it was, for another app to be tried', async () => {
  const { made } = await buildFilter(pathPrefix, { local: { prefix: '/v2', scheme: 'https' } });
  const failing: App[] = [
    () => {
      throw new Fault(404);
    },
    () => Promise.reject(new Fault(404)),
  ];
  for (const app of failing) assert.equal((await request(lint(made(app)), 'GET', '/v2/x')).status, 404);
});
