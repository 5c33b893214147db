import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, RequestContext } from 'portico/app';
import { securityHeaders } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

test('MW-25 what an application does not say is said, and X-Powered-By is not', async () => {
  const { made } = await buildFilter(securityHeaders);
  const app: App = (_req, res) => {
    res.writeHead(200, { 'X-Powered-By': 'Express', 'X-Frame-Options': 'SAMEORIGIN' }).end('{}');
  };
  const { headers } = await request(lint(made(app)), 'GET', '/');
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['x-powered-by'], undefined);
  assert.equal(headers['strict-transport-security'], undefined);
  assert.equal(headers['content-security-policy'], undefined);
  assert.equal(headers['cache-control'], undefined);
});

test('MW-25 HSTS on https only, a content policy for HTML only, no-store for authenticated responses', async () => {
  const { made } = await buildFilter(securityHeaders, { local: { hsts_max_age: '60' } });
  const inner: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<p>');
  };
  const app: App = (req, res) => {
    environ(req).remote = { address: '192.0.2.1', port: undefined, scheme: 'https', host: 'a' };
    environ(req).context = new RequestContext({ userId: 'u' });
    return made(inner)(req, res);
  };
  const { headers } = await request(lint(app), 'GET', '/');
  assert.equal(headers['strict-transport-security'], 'max-age=60; includeSubDomains');
  assert.match(String(headers['content-security-policy']), /default-src/);
  assert.equal(headers['cache-control'], 'no-store');
});

test('MW-25 documents get what helmet says about documents, JSON does not', async () => {
  const { made } = await buildFilter(securityHeaders);
  const answering =
    (type: string): App =>
    (_req, res) => {
      res.writeHead(200, { 'content-type': type }).end('x');
    };
  const html = (await request(lint(made(answering('text/html'))), 'GET', '/')).headers;
  assert.equal(html['cross-origin-opener-policy'], 'same-origin');
  assert.equal(html['x-xss-protection'], '0');
  assert.match(String(html['content-security-policy']), /^default-src 'none'; ?frame-ancestors 'none'$/);
  const json = (await request(lint(made(answering('application/json'))), 'GET', '/')).headers;
  assert.equal(json['cross-origin-opener-policy'], undefined);
  assert.equal(json['cross-origin-resource-policy'], 'same-origin');
  assert.equal(json['x-permitted-cross-domain-policies'], 'none');
});

test('MW-25 an empty value sends no header, and a policy needs no default-src', async () => {
  const local = { hsts_max_age: '0', content_security_policy: '' };
  const { made } = await buildFilter(securityHeaders, { local });
  const own = 'frame-ancestors *; Frame-Ancestors none';
  const { made: open } = await buildFilter(securityHeaders, { local: { content_security_policy: own } });
  const app: App = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' }).end('<p>');
  };
  const https: App = (req, res) => {
    environ(req).remote = { address: '192.0.2.1', port: undefined, scheme: 'https', host: 'a' };
    return made(app)(req, res);
  };
  const { headers } = await request(lint(https), 'GET', '/');
  assert.equal(headers['strict-transport-security'], undefined);
  assert.equal(headers['content-security-policy'], undefined);
  const policy = (await request(lint(open(app)), 'GET', '/')).headers['content-security-policy'];
  assert.equal(policy, 'frame-ancestors *');
});

for (const local of [{ content_security_policy: 'default-src self' }, { content_security_policy: '<script>' }]) {
  test(`MW-5 MW-25 ${JSON.stringify(local)} refuses to load`, async () => {
    await assert.rejects(async () => buildFilter(securityHeaders, { local }), { code: 'PORTICO_CONFIG_VALUE' });
  });
}
