import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose } from 'portico/app';
import { allowedHosts, catchErrors, proxyHeaders } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse } from 'portico/testing';
import { trialServer } from '#internal/server';
import { limitsOf } from '../../dist/server/server-options.js';
import { Client, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const app: App = (_req, res) => void res.end('ok');

type Ask = (headers: Record<string, string>) => Promise<TestResponse>;

async function asking(local: Record<string, string> = {}): Promise<Ask> {
  const outer = await buildFilter(catchErrors);
  const { made } = await buildFilter(allowedHosts, { local });
  const linted = lint(compose([outer.made, made], app));
  return (headers) => request(linted, 'GET', '/', { headers });
}

async function statuses(ask: Ask, name: string, values: readonly string[], more = {}): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const value of values) all[value] = (await ask({ ...more, [name]: value })).status;
  return all;
}

/** The same status for each. */
const each = (values: readonly string[], status: number): Record<string, number> =>
  Object.fromEntries(values.map((value) => [value, status]));

test('by default only names of this machine get a response, with any port; pages of others get 403', async () => {
  const ask = await asking();
  const own = ['localhost', 'LocalHost:3000', '127.0.0.1:3000', '[::1]', '[::1]:3000', '[0:0:0:0:0:0:0:1]'];
  assert.deepEqual(await statuses(ask, 'host', own), each(own, 200));
  const others = [
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '10.0.0.1',
    '[::2]',
  ];
  assert.deepEqual(await statuses(ask, 'host', others), each(others, 421));
  const ownPages = ['http://localhost:3000', 'http://localhost:6274', 'https://127.0.0.1', 'http://[::1]:3000'];
  const host = { host: 'localhost:3000' };
  assert.deepEqual(await statuses(ask, 'origin', ownPages, host), each(ownPages, 200));
  const foreign = [
    'http://evil.example',
    'http://evil.example:3000',
    'http://localhost.evil.example',
    'null',
    'localhost',
    '',
  ];
  assert.deepEqual(await statuses(ask, 'origin', foreign, host), each(foreign, 403));
  assert.deepEqual(await statuses(ask, 'origin', ['http://evil.example'], { host: 'evil.example' }), {
    'http://evil.example': 421,
  });
});

test('the response says what was refused, in the style of the API, and a line at debug does', async () => {
  const { log, lines } = captureLog();
  const outer = await buildFilter(catchErrors);
  const { made } = await buildFilter(allowedHosts, { log });
  const both = lint(compose([outer.made, made], app));
  const host = await request(both, 'GET', '/', { headers: { host: 'evil.example:80' } });
  assert.deepEqual(host.json().error.title, 'Misdirected Request');
  assert.equal(host.json().error.message, 'This service does not respond to the host evil.example:80.');
  const origin = await request(both, 'POST', '/', { headers: { host: 'localhost', origin: 'http://evil.example' } });
  assert.equal(origin.json().error.message, 'This service does not respond to pages of http://evil.example.');
  assert.deepEqual(
    lines.map(({ level, host: named, origin: page }) => [level, named ?? page]),
    [
      ['debug', 'evil.example:80'],
      ['debug', 'http://evil.example'],
    ],
  );
});

test('hosts are names, subdomains and addresses, with a port only on that one; origins are further pages', async () => {
  const ask = await asking({
    hosts: 'api.example, *.sub.example, 10.0.0.1:8080',
    origins: 'https://app.example, http://localhost:5173, https://*.pages.example, chrome-extension://abc',
  });
  const good = ['api.example', 'API.example:8774', 'a.sub.example', 'a.b.sub.example:1', '10.0.0.1:8080'];
  assert.deepEqual(await statuses(ask, 'host', good), each(good, 200));
  const bad = ['sub.example', 'a.api.example', '10.0.0.1', '10.0.0.1:8081', 'localhost'];
  assert.deepEqual(await statuses(ask, 'host', bad), each(bad, 421));
  const host = { host: 'api.example' };
  const pages = [
    'https://app.example',
    'http://localhost:5173',
    'https://a.pages.example',
    'chrome-extension://abc',
    'https://api.example:8443',
  ];
  assert.deepEqual(await statuses(ask, 'origin', pages, host), each(pages, 200));
  const others = [
    'http://app.example',
    'https://app.example:8443',
    'http://localhost',
    'https://pages.example',
    'chrome-extension://abd',
  ];
  assert.deepEqual(await statuses(ask, 'origin', others, host), each(others, 403));
});

test('* is any host, whose own pages get a response, or any origin', async () => {
  const anyHost = await asking({ hosts: '*' });
  const own = { host: 'a.example:80', origin: 'http://A.example:80' };
  assert.equal((await anyHost(own)).status, 200);
  assert.equal((await anyHost({ ...own, host: 'b.example' })).status, 403, 'what was right with another host');
  assert.equal((await anyHost({ host: 'a.example', origin: 'null' })).status, 403);
  const anyOrigin = await asking({ hosts: 'a.example', origins: '*' });
  assert.equal((await anyOrigin({ host: 'a.example', origin: 'null' })).status, 200);
  assert.equal((await anyOrigin({ host: 'b.example', origin: 'null' })).status, 421);
});

test('behind a proxy the host and the scheme are those of the client, if the proxy is trusted', async () => {
  const outer = await buildFilter(catchErrors);
  const { made } = await buildFilter(allowedHosts, { local: { hosts: 'api.example:443' } });
  const send = async (trusted: string, headers: Record<string, string>): Promise<number> => {
    const proxied = await buildFilter(proxyHeaders, { local: { trusted_proxies: trusted } });
    return (await request(lint(compose([outer.made, proxied.made, made], app)), 'GET', '/', { headers })).status;
  };
  const client = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example' };
  assert.equal(await send('loopback', { host: 'backend:8080', ...client }), 200);
  assert.equal(await send('loopback', { host: 'api.example', ...client, 'x-forwarded-host': 'evil.example' }), 421);
  assert.equal(await send('loopback', { host: 'backend:8080', ...client, 'x-forwarded-proto': 'http' }), 421);
  assert.equal(await send('10.0.0.0/8', { host: 'evil.example', ...client }), 421, 'forged');
});

test('a request that names no host passes, and a WebSocket of a foreign page does not', async (t) => {
  const { made } = await buildFilter(allowedHosts);
  const server = await startedServer(t, 'hosts', made(app));
  const statusOf = async (head: string): Promise<number> => {
    const client = new Client(portOf(server));
    client.write(`${head}\r\n\r\n`);
    const { status } = await client.response();
    client.close();
    return status;
  };
  assert.equal(await statusOf('GET / HTTP/1.0'), 200);
  assert.equal(await statusOf('GET http://evil.example/ HTTP/1.0'), 421);
  const upgrade = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\nsec-websocket-version: 13';
  assert.equal(await statusOf(`GET / HTTP/1.1\r\nhost: localhost\r\norigin: http://evil.example\r\n${upgrade}`), 403);
  assert.equal(await statusOf(`GET / HTTP/1.1\r\nhost: evil.example\r\n${upgrade}`), 421);
  const twice = 'origin: http://localhost\r\norigin: http://evil.example';
  assert.equal(await statusOf(`GET / HTTP/1.1\r\nhost: localhost\r\n${twice}`), 403);
});

test('a replay, which does not know the host, passes, and says what the filter would do', async () => {
  const { made } = await buildFilter(allowedHosts, { local: { hosts: 'api.example' } });
  const tries = trialServer(made(app), limitsOf({}));
  const url = { method: 'GET', url: '/', headers: { host: ['localhost'] }, secure: false };
  assert.equal((await tries(url)).status, 421);
  assert.equal((await tries({ ...url, unknown: ['headers'] })).status, 200);
});

test('a host or an origin that is none is refused with its location, and so is a list without one', async () => {
  for (const [local, said] of [
    [{ hosts: '.example' }, /hosts: item 1 should be a host such as/],
    [{ hosts: 'https://api.example' }, /hosts: item 1 should be a host/],
    [{ hosts: '' }, /hosts: /],
    [{ origins: 'app.example' }, /origins: item 1 should be an origin such as https:\/\/app\.example\.org/],
    [{ origins: 'https://app.example/' }, /origins: item 1 should be an origin/],
    [{ allowed_hosts: 'a' }, /did you mean 'hosts'/],
    [{ allowed_origins: 'a' }, /did you mean 'origins'/],
  ] as const) {
    await assert.rejects(buildFilter(allowedHosts, { local }), said);
  }
});
