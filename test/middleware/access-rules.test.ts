import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, environ, type Filter } from 'portico/app';
import { captureLog, lint, request } from 'portico/testing';
import { matchesPath } from '../../dist/middleware/auth/access-rules.js';
import { serviceToken, setUp, token } from './fake-identity.js';

const app: App = (_req, res) => void res.end('in');

const PATHS: readonly (readonly [pattern: string, path: string, fits: boolean])[] = [
  ['/v2.1/servers', '/v2.1/servers', true],
  ['/v2.1/servers', '/v2x1/servers', false],
  ['/v2.1/servers', '/v2.1/servers/', false],
  ['/v2.1/servers', '/v2.1/servers/1', false],
  ['/v2.1/servers/*', '/v2.1/servers/1', true],
  ['/v2.1/servers/*', '/v2.1/servers/', false],
  ['/v2.1/servers/*', '/v2.1/servers/1/action', false],
  ['/v2.1/servers/{id}/action', '/v2.1/servers/a-b/action', true],
  ['/v2.1/servers/{id}/action', '/v2.1/servers/a/b/action', false],
  ['/v2.1/{a}/{b}', '/v2.1/x/y', true],
  ['/v2.1/**', '/v2.1/servers/1/action', true],
  ['/v2.1/**', '/v2.1/', true],
  ['/v2.1/**', '/v2.0/servers', false],
  ['/**/action', '/v2.1/servers/1/action', true],
  ['/**/action', '/v2.1/servers/1', false],
  ['**', '/anything/at/all', true],
  ['/a(b)+', '/ab', false],
  ['/a(b)+', '/a(b)+', true],
  ['/{', '/{', true],
  ['/{', '/x', false],
  ['', '', true],
  ['', '/', false],
];

test('MW-37 a rule’s path: one segment, anything, and all else as it is', () => {
  for (const [pattern, path, fits] of PATHS) assert.equal(matchesPath(pattern, path), fits, `${pattern} on ${path}`);
});

test('MW-37 a rule made to be slow is not', () => {
  assert.equal(matchesPath(`${'**a'.repeat(40)}b`, 'a'.repeat(8000)), false);
});

const send = async (filter: Filter, method: string, path: string, headers: Record<string, string>): Promise<number> =>
  (await request(lint(filter(app)), method, path, { headers })).status;

const ruled = (rules: unknown): object => token({ application_credential: { id: 'ac', access_rules: rules } });
const RULE = { id: '1', service: 'compute', method: 'GET', path: '/v2.1/servers/{id}' };

test('MW-37 a token with access rules is good for what they say', async (t) => {
  const { identity, filter } = await setUp(t, { service_type: 'compute' });
  identity.tokens.set('ruled', ruled([{ ...RULE, service: 'volume', path: '**' }, RULE]));
  identity.tokens.set('nothing', ruled([]));
  identity.tokens.set('odd', ruled('all'));
  identity.tokens.set('free', ruled(undefined));
  identity.tokens.set('service', serviceToken());
  const status = (sent: string, method = 'GET', path = '/v2.1/servers/1?a=/', more = {}): Promise<number> =>
    send(filter, method, path, { 'x-auth-token': sent, ...more });
  assert.equal(await status('ruled'), 200);
  assert.equal(await status('ruled', 'DELETE'), 401);
  assert.equal(await status('ruled', 'GET', '/v2.1/flavors/1'), 401);
  assert.equal(await status('nothing'), 401);
  assert.equal(await status('odd'), 401);
  assert.equal(await status('free', 'DELETE'), 200);
  assert.equal(await status('nothing', 'DELETE', '/', { 'x-service-token': 'service' }), 200);
});

test('MW-37 the path is the whole one, below a mount too', async (t) => {
  const { identity, filter } = await setUp(t, { service_type: 'compute' });
  identity.tokens.set('ruled', ruled([RULE]));
  const mount: Filter = (inner) => (req, res) => {
    environ(req).scriptName = '/v2.1';
    req.url = (req.url ?? '').slice('/v2.1'.length);
    return inner(req, res);
  };
  const mounted = compose([mount, filter], app);
  const headers = { 'x-auth-token': 'ruled' };
  // The mount is left moved on purpose: nothing else is tried after it.
  assert.equal((await request(mounted, 'GET', '/v2.1/servers/1', { headers })).status, 200);
});

test('MW-37 without service_type such tokens are refused, with one warning', async (t) => {
  const { log, lines } = captureLog();
  const { identity, filter } = await setUp(t, {}, log);
  identity.tokens.set('ruled', ruled([RULE]));
  const headers = { 'x-auth-token': 'ruled' };
  assert.equal(await send(filter, 'GET', '/v2.1/servers/1', headers), 401);
  assert.equal(await send(filter, 'GET', '/v2.1/servers/1', headers), 401);
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
});
