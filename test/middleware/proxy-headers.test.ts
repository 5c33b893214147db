import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { type App, environ, remoteOf } from 'portico/app';
import { proxyHeaders } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';
import { FORWARDING } from './forwarding.js';

interface Seen {
  status: number;
  address?: string;
  port?: number;
  scheme?: string;
  host?: string;
  scriptName?: string;
  headers?: Record<string, string>;
  raw?: string[];
}

/** Returns what an app behind the filter sees of a request with these headers. */
async function seen(headers: Record<string, string>, local: Record<string, string> = {}): Promise<Seen> {
  const app: App = (req, res) => {
    const { scriptName } = environ(req);
    res.end(JSON.stringify({ ...remoteOf(req), scriptName, headers: req.headers, raw: req.rawHeaders }));
  };
  const { made } = await buildFilter(proxyHeaders, { local });
  const response = await request(lint(made(app)), 'GET', '/x', { headers: { host: 'own.example', ...headers } });
  return response.status === 200 ? { status: 200, ...response.json() } : { status: response.status };
}

const LOCAL = { trusted_proxies: 'loopback,10.0.0.0/8' };

test('MW-63.5 X-Forwarded-For from an untrusted peer changes nothing and is gone', async () => {
  const forged = {
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Prefix': '/evil',
    'X-Real-IP': '6.6.6.6',
    X_Forwarded_For: '6.6.6.6',
    Forwarded: 'for=6.6.6.6',
  };
  for (const local of [{}, { trusted_proxies: '192.0.2.0/24' }]) {
    const { address, scheme, host, scriptName, headers, raw } = await seen(forged, local as Record<string, string>);
    assert.deepEqual([address, scheme, host, scriptName], ['127.0.0.1', 'http', 'own.example', '']);
    assert.ok(!JSON.stringify([headers, raw]).includes('6.6.6.6'));
  }
});

test('of an untrusted peer no field about the client is left; others, and Via, are', async () => {
  const { headers = {} } = await seen({ ...Object.fromEntries(FORWARDING), 'X-Realm': 'a' });
  assert.deepEqual(
    Object.keys(headers).filter((name) => /^x-|forwarded|via/.test(name)),
    ['via', 'x-realm'],
  );
});

test('MW-18 the chain is walked from the right over trusted hops: the spoofed left-most entry is ignored', async () => {
  assert.equal((await seen({ 'X-Forwarded-For': '6.6.6.6, 192.0.2.7, 10.0.0.1' }, LOCAL)).address, '192.0.2.7');
  assert.equal((await seen({ 'X-Forwarded-For': '192.0.2.7' }, LOCAL)).address, '192.0.2.7');
  assert.equal((await seen({ 'X-Forwarded-For': '10.0.0.2, 10.0.0.1' }, LOCAL)).address, '10.0.0.2');
  assert.equal((await seen({ 'X-Forwarded-For': '192.0.2.7:4711' }, LOCAL)).port, 4711);
  assert.equal((await seen({ 'X-Forwarded-For': '[2001:db8::7]:80' }, LOCAL)).address, '2001:db8::7');
  assert.equal((await seen({ 'X-Forwarded-For': '::ffff:192.0.2.7' }, LOCAL)).address, '192.0.2.7');
  assert.equal((await seen({ 'X-Forwarded-For': '6.6.6.6, nonsense, 10.0.0.1' }, LOCAL)).address, 'unknown');
});

test('the option of oslo.middleware that trusts every proxy is refused, with the option to write', async () => {
  await assert.rejects(
    async () => buildFilter(proxyHeaders, { local: { enable_proxy_headers_parsing: 'True' } }),
    /enable_proxy_headers_parsing: unknown option[\s\S]*write trusted_proxies/,
  );
});

test('MW-18 an empty header of a trusted proxy counts as none', async () => {
  const names = ['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Prefix'];
  const empty = Object.fromEntries(names.map((name) => [name, '']));
  for (const header_style of ['x-forwarded', 'forwarded', 'auto']) {
    const local = { ...LOCAL, header_style, trust_prefix: 'true' };
    const { address, scheme, host, scriptName } = await seen(empty, local);
    assert.deepEqual([address, scheme, host, scriptName], ['127.0.0.1', 'http', 'own.example', ''], header_style);
  }
  const auto = { ...LOCAL, header_style: 'auto' };
  assert.equal((await seen({ ...empty, Forwarded: 'for=192.0.2.1' }, auto)).address, '192.0.2.1');
});

test('TE-2 addresses that clients choose take no memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const { made } = await buildFilter(proxyHeaders, { local: { trusted_proxies: 'loopback,2001:db8::/32' } });
  const app = made(() => {});
  const peer = Object.defineProperty(new Socket(), 'remoteAddress', { value: '127.0.0.1' });
  const ask = (from: number, to: number): number => {
    for (let at = from; at < to; at++) {
      const address = `2001:db8:1111:2222:3333:4444:${(at >> 8).toString(16)}:${(at & 255).toString(16)}`;
      const req = Object.assign(new IncomingMessage(peer), { url: '/', headers: { 'x-forwarded-for': address } });
      void app(req, new ServerResponse(req));
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = ask(0, 2000);
  // Each address alone has 70 bytes and its entry in a map 40.
  assert.ok(ask(2000, 42_000) - before < 1_500_000);
});

test('MW-18 a number of hops is trusted whatever their addresses', async () => {
  const chain = { 'X-Forwarded-For': '6.6.6.6, 192.0.2.7, 198.51.100.1' };
  assert.equal((await seen(chain, { trusted_proxies: '1' })).address, '198.51.100.1');
  assert.equal((await seen(chain, { trusted_proxies: '2' })).address, '192.0.2.7');
  assert.equal((await seen(chain, { trusted_proxies: '9' })).address, '6.6.6.6');
  assert.equal((await seen(chain, { trusted_proxies: '0' })).address, '127.0.0.1');
});

test('MW-18 scheme and host are those of the nearest proxy', async () => {
  const { scheme, host } = await seen(
    {
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Proto': 'http, https',
      'X-Forwarded-Host': 'evil, api.example:8443',
    },
    LOCAL,
  );
  assert.deepEqual([scheme, host], ['https', 'api.example:8443']);
});

for (const [name, value] of [
  ['X-Forwarded-Proto', 'javascript'],
  ['X-Forwarded-Proto', 'http, '],
  ['X-Forwarded-Host', 'user@evil'],
  ['X-Forwarded-Host', 'a/b'],
  ['X-Forwarded-Host', 'a b'],
  ['X-Forwarded-Host', 'a:99999'],
  ['X-Forwarded-Host', '[nonsense]'],
  ['X-Forwarded-Host', 'a'.repeat(256)],
] as const) {
  test(`MW-18 ${name}: ${value.slice(0, 12)} of a trusted proxy gets 400`, async () => {
    assert.equal((await seen({ 'X-Forwarded-For': '192.0.2.7', [name]: value }, LOCAL)).status, 400);
  });
}

const FORWARDED = { ...LOCAL, header_style: 'forwarded' };

test('MW-63.5 MW-18 RFC 7239: quoted IPv6, ports, several elements, obfuscated and unknown identifiers', async () => {
  const forwarded = async (value: string): Promise<Seen> => seen({ Forwarded: value }, FORWARDED);
  const quoted = await forwarded('for=6.6.6.6, For="[2001:db8::7]:4711";Proto=https;Host="api.example:8443"');
  assert.deepEqual(
    [quoted.address, quoted.port, quoted.scheme, quoted.host],
    ['2001:db8::7', 4711, 'https', 'api.example:8443'],
  );
  assert.equal((await forwarded('for=192.0.2.7, for=10.0.0.1')).address, '192.0.2.7');
  assert.equal((await forwarded('for=192.0.2.7, for=_hidden, for=10.0.0.1')).address, '_hidden');
  assert.equal((await forwarded('for=192.0.2.7, for=unknown')).address, 'unknown');
  assert.equal((await forwarded('for="[::1')).status, 400);
});

test('MW-18 the zone of an IPv6 address is no part of it', async () => {
  const one = await seen({ 'X-Forwarded-For': `fe80::1%${'x'.repeat(300)}` }, LOCAL);
  assert.equal(one.address, 'fe80::1');
});

test('MW-18 auto takes Forwarded where there is no X-Forwarded-For', async () => {
  const auto = { ...LOCAL, header_style: 'auto' };
  const both = { Forwarded: 'for=192.0.2.1', 'X-Forwarded-For': '192.0.2.2' };
  assert.equal((await seen({ Forwarded: 'for=192.0.2.1' }, auto)).address, '192.0.2.1');
  assert.equal((await seen(both, auto)).address, '192.0.2.2');
  assert.equal((await seen(both, FORWARDED)).address, '192.0.2.1');
});

test('MW-18 the headers of the other family are removed', async () => {
  const both = { Forwarded: 'for=192.0.2.1', 'X-Forwarded-For': '192.0.2.2' };
  assert.equal((await seen(both, LOCAL)).headers?.forwarded, undefined);
  assert.equal((await seen(both, FORWARDED)).headers?.['x-forwarded-for'], undefined);
});

test('MW-18 a prefix is taken only where it is trusted, and is a path', async () => {
  const trusted = { ...LOCAL, trust_prefix: 'true' };
  const prefix = (value: string, local = trusted): Promise<Seen> =>
    seen({ 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Prefix': value }, local);
  assert.equal((await prefix('/api/v1')).scriptName, '/api/v1');
  assert.equal((await prefix('/api/')).scriptName, '/api');
  assert.equal((await prefix('/')).scriptName, '');
  assert.equal((await prefix('/api', LOCAL as typeof trusted)).scriptName, '');
  for (const bad of ['api', '//evil', '/a/../b', '/a//b', '/a?b', '/..']) {
    assert.equal((await prefix(bad)).status, 400, bad);
  }
});

test('MW-5 a proxy that is no network refuses to load', async () => {
  for (const entry of ['10.0.0.0/33', 'proxy.example', 'loopbak', '1,loopback']) {
    await assert.rejects(async () => buildFilter(proxyHeaders, { local: { trusted_proxies: entry } }), {
      code: 'PORTICO_CONFIG_VALUE',
    });
  }
});

test('MW-18 whatever a client writes, its address is never one it claims through an untrusted peer', async () => {
  const { made } = await buildFilter(proxyHeaders, { local: { trusted_proxies: '10.0.0.0/8' } });
  const app: App = (req, res) => {
    res.end(`${remoteOf(req).address} ${remoteOf(req).scheme} ${Object.keys(req.headers).join()}`);
  };
  const text = fc.stringMatching(/^[!-~]{1,20}$/);
  const name = fc.constantFrom('x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded', 'x-real-ip');
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, text, { noNullPrototype: true }), async (headers) => {
      const response = await request(lint(made(app)), 'GET', '/', { headers });
      assert.equal(response.text(), '127.0.0.1 http host,connection');
    }),
    { numRuns: 40 },
  );
});
