import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { type App, currentContext, environ } from 'portico/app';
import { Config, defineOptions, listen } from 'portico/config';
import { context, noauth, proxyHeaders } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { FORWARDING } from './forwarding.js';

const CONFIG = '[api]\nauth_strategy = noauth\n';

const who: App = async (req, res) => {
  await new Promise((resolve) => setImmediate(resolve));
  const { userId, projectId, isAdmin, remoteAddress } = environ(req).context ?? {};
  const current = currentContext() === environ(req).context;
  res.end(JSON.stringify({ userId, projectId, isAdmin, remoteAddress, current, headers: req.headers }));
};

test('MW-39 a token is user and project; admin is an administrator', async (t) => {
  const { made } = await filterUntilEnd(t, noauth, { config: CONFIG });
  const tokens: [string, unknown][] = [
    ['alice:blue', { userId: 'alice', projectId: 'blue', isAdmin: false }],
    ['alice', { userId: 'alice', projectId: 'alice', isAdmin: false }],
    ['alice:', { userId: 'alice', projectId: 'alice', isAdmin: false }],
    ['admin:red', { userId: 'admin', projectId: 'red', isAdmin: true }],
    ['admin:a:b', { userId: 'admin', projectId: 'a:b', isAdmin: true }],
  ];
  for (const [token, expected] of tokens) {
    const response = await request(lint(made(who)), 'GET', '/', { headers: { 'X-Auth-Token': token } });
    const { userId, projectId, isAdmin, current } = response.json();
    assert.deepEqual({ userId, projectId, isAdmin }, expected);
    assert.equal(current, true);
  }
});

test('a caller of noauth is one for auth: true of a route, and for context', async (t) => {
  const { made, close } = await buildFilter(noauth, { config: CONFIG });
  const behind = await buildFilter(context);
  t.after(close);
  t.after(behind.close);
  const router = new Router({ auth: true });
  router.get('/who', ({ context: caller }) => ({
    userId: caller?.userId,
    projectId: caller?.projectId,
    isAdmin: caller?.isAdmin,
  }));
  const app = closedAfter(t, await router.build());
  const expected = { userId: 'admin', projectId: 'red', isAdmin: true };
  for (const pipeline of [made(app), made(behind.made(app))]) {
    const response = await request(pipeline, 'GET', '/who', { headers: { 'X-Auth-Token': 'admin:red' } });
    assert.deepEqual(response.json(), expected);
  }
});

test('MW-39 without a token: 204 with one, and the address to go to', async (t) => {
  const local = { allowed_hosts: 'api.example' };
  const { made } = await filterUntilEnd(t, noauth, { config: '[api]\nauth_strategy = noauth2\n', local });
  const app: App = (req, res) => {
    environ(req).scriptName = '/v2.1';
    req.url = (req.url ?? '').slice('/v2.1'.length);
    return made(who)(req, res);
  };
  const response = await request(lint(app), 'GET', '/v2.1/', {
    headers: { host: 'api.example:8774', 'X-Auth-User': 'bob', 'X-Auth-Project-Id': 'green' },
  });
  assert.equal(response.status, 204);
  assert.equal(response.headers['x-auth-token'], 'bob:green');
  assert.equal(response.headers['x-server-management-url'], 'http://api.example:8774/v2.1');
  const nobody = await request(lint(app), 'GET', '/v2.1/');
  assert.equal(nobody.headers['x-auth-token'], 'admin:admin');
});

test('MW-39 it responds only to names of this machine: another name may be a foreign page that leads here', async (t) => {
  const status = async (host: string, local: Record<string, string> = {}): Promise<number> => {
    const { made } = await filterUntilEnd(t, noauth, { config: CONFIG, local });
    return (await request(lint(made(who)), 'GET', '/', { headers: { host, 'x-auth-token': 'admin' } })).status;
  };
  for (const host of ['localhost', 'LocalHost:8774', '127.0.0.1:80', '127.9.9.9', '[::1]', '[::1]:8774']) {
    assert.equal(await status(host), 200, host);
  }
  const foreign = [
    'evil.example',
    'evil.example:8774',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.0.2.1',
  ];
  for (const host of [...foreign, '127.0.0.1@evil.example', 'evil.example:80:127.0.0.1', '[::2]', '0.0.0.0']) {
    assert.equal(await status(host), 403, host);
  }
  assert.equal(await status('Box.example:8774', { allowed_hosts: 'box.EXAMPLE, other' }), 200);
  assert.equal(await status('a.box.example', { allowed_hosts: '*.box.example:80' }), 200);
  assert.equal(await status('evil.example', { allowed_hosts: 'box.example' }), 403);
  assert.equal(await status('evil.example', { i_know_this_is_open: 'true' }), 200);
});

test('MW-39 it refuses forwarded requests, also where proxy_headers has removed the headers that show it', async (t) => {
  const { made } = await filterUntilEnd(t, noauth, { config: CONFIG });
  const open = await buildFilter(noauth, { config: CONFIG, local: { i_know_this_is_open: 'true' } });
  t.after(open.close);
  const proxied = await buildFilter(proxyHeaders);
  for (const [name, value] of FORWARDING) {
    const headers = { 'x-auth-token': 'admin', [name]: value };
    for (const app of [made(who), proxied.made(made(who))]) {
      assert.equal((await request(lint(app), 'GET', '/', { headers })).status, 403, name);
    }
    assert.equal((await request(lint(open.made(who)), 'GET', '/', { headers })).status, 200, name);
  }
});

test('MW-39 on a Unix socket any Host is as good: no browser opens one', async (t) => {
  const { made } = await filterUntilEnd(t, noauth, { config: CONFIG });
  const folder = temporaryFolder('portico-');
  const server = createServer((req, res) => void made(who)(req, res));
  const socketPath = join(folder, 'a.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  t.after(() => server.close());
  const headers = { host: 'anything', 'x-auth-token': 'admin' };
  const status = await new Promise((resolve, reject) => {
    get({ socketPath, headers, agent: false }, (res) => resolve(res.resume().statusCode)).once('error', reject);
  });
  assert.equal(status, 200);
});

test('MW-39 it loads only where the strategy says so', async () => {
  for (const config of ['', '[api]\nauth_strategy = keystone\n']) {
    await assert.rejects(async () => buildFilter(noauth, { config }), {
      code: 'PORTICO_NOAUTH_STRATEGY',
      hint: 'Write auth_strategy = noauth in [api] of portico.ini, for all APIs: each byOption composite then uses its pipeline noauth. Or use another filter.',
    });
  }
});

test('MW-39 it refuses to load for an API that listens for others, unless configured', async (t) => {
  const listenOptions = defineOptions({ listen: listen({ default: '127.0.0.1', help: 'Where.' }) });
  const configured = (address: string): Config => {
    const config = Config.fromText(`${CONFIG}[api:compute]\nlisten = ${address}\n`);
    config.group('api:compute', listenOptions);
    return config;
  };
  for (const address of ['0.0.0.0', '192.0.2.1:80', '[::]:80', 'host.example']) {
    await assert.rejects(
      async () => buildFilter(noauth, { config: configured(address), service: 'compute' }),
      { code: 'PORTICO_NOAUTH_OPEN' },
      address,
    );
  }
  for (const address of ['127.0.0.1', '127.1.2.3:80', '[::1]:80', 'localhost', 'unix:/run/a.sock']) {
    const { close } = await buildFilter(noauth, { config: configured(address), service: 'compute' });
    await close();
  }
  const local = { i_know_this_is_open: 'true' };
  const { close } = await buildFilter(noauth, { config: configured('0.0.0.0'), service: 'compute', local });
  t.after(close);
});

test('MW-39 it warns at start', async (t) => {
  const { log, lines } = captureLog();
  const { close } = await buildFilter(noauth, { config: CONFIG, log });
  t.after(close);
  assert.equal(lines[0]?.level, 'warn');
});
