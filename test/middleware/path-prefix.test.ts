import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, Fault, remoteOf } from 'portico/app';
import { pathPrefix, proxyHeaders } from 'portico/middleware';
import { Router } from 'portico/routing';
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

test('the template of a route begins with what mounts have taken, and with nothing that a client or a proxy wrote', async () => {
  const template: App = (req, res) => res.end(environ(req).route?.template) && undefined;
  const inner = await new Router().connect('/b/{id}', { handler: ({ req, res }) => template(req, res) }).build();
  const outer = await new Router().mount('/{project}/a', inner).build();
  const { made: prefixed } = await buildFilter(pathPrefix, { local: { prefix: '/v2' } });
  const { made: proxied } = await buildFilter(proxyHeaders, {
    local: { trusted_proxies: '127.0.0.0/8', trust_prefix: 'true' },
  });
  const headers = { 'x-forwarded-prefix': '/proxy', 'x-forwarded-for': '192.0.2.1' };
  const answer = await request(lint(proxied(prefixed(outer))), 'GET', '/v2/secret/a/b/7', { headers });
  assert.equal(answer.text(), '/v2/{project}/a/b/{id}');
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
