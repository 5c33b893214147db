import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { compose } from 'portico/app';
import { healthcheckFilter, proxyHeaders } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';
import { shareState } from '#internal/app';
import { filesUntilEnd } from '../fixtures/until-end.js';
import { checking, serve } from './checking.js';
import { FORWARDING } from './forwarding.js';

test('MW-43 GET gets 200, HEAD 204, anything else 405; nothing is cached by others', async () => {
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

test('MW-44 a server that drains is not ready, and still live', async (t) => {
  const { server, url } = await serve(t, await checking());
  assert.equal((await fetch(url)).status, 200);
  shareState(server, { draining: true });
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
  for (const [name, value] of FORWARDING) {
    assert.equal((await request(direct, 'GET', '/healthcheck', { headers: { [name]: value } })).status, 404, name);
  }
  assert.equal((await request(direct, 'GET', '/healthcheck', { headers: { 'x-realm': 'a' } })).status, 200);
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

test('MW-43 as a filter it responds at its path and hands on everything else', async (t) => {
  const files = await filesUntilEnd(t);
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
    for (const [name, value] of FORWARDING) {
      assert.equal((await request(app, 'GET', '/healthcheck', { headers: { [name]: value } })).status, 404, name);
    }
    assert.equal((await request(app, 'GET', '/healthcheck')).status, 200);
  }
});
