import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type App, compose, environ, type Filter } from 'portico/app';
import { captureLog, lint, request } from 'portico/testing';
import { pathTest, TokenCheck } from '../../../dist/middleware/auth/token-check.js';
import { serviceToken, setUp, token } from '../fake-identity.js';

const app: App = (_req, res) => void res.end('in');

const RULE = { id: '1', service: 'compute', method: 'GET', path: '/v2.1/servers/{id}' };
const ruled = (rules: unknown): object => token({ application_credential: { id: 'ac', access_rules: rules } });
const send = async (filter: Filter, method: string, path: string, headers: Record<string, string>): Promise<number> =>
  (await request(lint(filter(app)), method, path, { headers })).status;

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
  for (const [pattern, path, fits] of PATHS) assert.equal(pathTest(pattern)(path), fits, `${pattern} on ${path}`);
});

test('MW-37 a rule says the same as its definition, for any rule and path', () => {
  const rule = fc.array(fc.constantFrom('/', 'a', 'b', '*', '**', '{x}', '{'), { maxLength: 70 });
  const path = fc.array(fc.constantFrom('/', 'a', 'b', '{'), { maxLength: 12 });
  fc.assert(
    fc.property(rule, path, (parts, chars) => {
      // Paths have no empty segments.
      const [pattern, text] = [parts.join('').replace(/\/\/+/g, '/'), chars.join('').replace(/\/\/+/g, '/')];
      assert.equal(pathTest(pattern)(text), definition(pattern).test(text), `${pattern} on ${text}`);
    }),
    { numRuns: 2000 },
  );
});

/** Returns an equivalent expression. It backtracks, so it is only for short texts. */
function definition(pattern: string): RegExp {
  const source = pattern
    .split(/(\*\*|\*|\{[^{}/]*\})/)
    .map((part) => {
      if (part === '**') return '.*';
      if (part === '*' || /^\{.*\}$/.test(part)) return '[^/]+';
      return part.replace(/[{}]/g, String.raw`\$&`);
    })
    .join('')
    .replace(/(?:\.\*)+/g, '.*');
  return new RegExp(`^${source}$`, 's');
}

test('MW-37 a rule and a path in different spellings are the same', () => {
  for (const rule of ['/café/a b', '/caf%C3%A9/a%20b', '/caf%c3%a9//a%20b', '/café/*%20b', '/café%2F{x}']) {
    assert.equal(pathTest(rule)('/café/a b'), true, rule);
  }
  assert.equal(pathTest('/%2A')('/x'), false);
  assert.equal(pathTest('/%2A')('/*'), true);
});

test('MW-37 rules made to be slow are not: 100 of them, on the longest path', async (t) => {
  const { identity, filter } = await setUp(t, { service_type: 'compute' });
  const slow = (path: string): object => ({ ...RULE, path: path.slice(0, 254) });
  const patterns = ['/**'.repeat(80), '**a'.repeat(80), '/**/*a'.repeat(40), '*a*a/**'.repeat(40), '/*'.repeat(120)];
  identity.tokens.set(
    'slow',
    ruled(
      Array.from({ length: 100 }, (_, at) => slow(`${patterns[at % 5]}`)).map((rule) => ({
        ...rule,
        path: `${(rule as { path: string }).path}z`,
      })),
    ),
  );
  for (const path of ['/a'.repeat(4000), `/${'a'.repeat(8000)}`, '/'.repeat(8000), '/aaaaaaa'.repeat(1000)]) {
    assert.equal(await send(filter, 'GET', path, { 'x-auth-token': 'slow' }), 401);
  }
});

test('MW-37 a token with more or longer rules than are checked may do nothing, and the log says so', async (t) => {
  const { log, lines } = captureLog();
  const { identity, filter } = await setUp(t, { service_type: 'compute' }, log);
  const rules = (length: number, rule = RULE): object => ruled(Array.from({ length }, () => rule));
  identity.tokens.set('most', rules(100));
  identity.tokens.set('many', rules(101));
  identity.tokens.set(
    'elsewhere',
    ruled([...Array.from({ length: 200 }, () => ({ ...RULE, service: 'volume' })), RULE]),
  );
  identity.tokens.set('long', ruled([RULE, { ...RULE, path: `/${'x'.repeat(255)}` }]));
  const status = (sent: string): Promise<number> => send(filter, 'GET', '/v2.1/servers/1', { 'x-auth-token': sent });
  assert.deepEqual([await status('most'), await status('elsewhere')], [200, 200]);
  assert.equal(lines.length, 0);
  assert.deepEqual([await status('many'), await status('long'), await status('many')], [401, 401, 401]);
  assert.deepEqual(
    lines.filter(({ level }) => level === 'warn').map(({ msg }) => /100 access rules/.test(String(msg))),
    [true],
  );
});

test('MW-37 rules are compiled once for a token', async (t) => {
  let compiled = 0;
  const rule = {
    service: 'compute',
    method: 'GET',
    get path() {
      compiled++;
      return '/v2.1/**';
    },
  };
  const info = { roles: [], appCredential: { accessRules: [rule] } };
  const validator = { validate: async () => info };
  const validate = new TokenCheck(
    { find: () => validator.validate() } as never,
    { serviceType: 'compute', serviceTokenRoles: [], enforceTokenBind: 'disabled' } as never,
    captureLog().log,
  );
  const checked: App = async (req, res) => {
    const { user } = await validate.validate(req, 'token');
    res.end(user.status);
  };
  for (const path of ['/v2.1/a', '/v2.1/b', '/x']) await request(checked, 'GET', path);
  t.diagnostic(`${compiled} looks at the rule`);
  const once = compiled;
  assert.equal((await request(checked, 'GET', '/v2.1/c')).text(), 'confirmed');
  assert.equal(compiled, once);
});

test('MW-37 a rule for GET lets no method pass that the query puts in its place', async (t) => {
  const { identity, filter } = await setUp(t, { service_type: 'compute' });
  identity.tokens.set('ruled', ruled([RULE]));
  const status = (query: string): Promise<number> =>
    send(filter, 'GET', `/v2.1/servers/1?${query}`, { 'x-auth-token': 'ruled' });
  assert.equal(await status('_method=DELETE'), 401);
  assert.equal(await status('_method=GET'), 200);
});

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
  // The mount does not restore the path, because no other app is tried after it.
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
