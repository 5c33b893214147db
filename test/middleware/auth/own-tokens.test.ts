/** Tests tokens that an API signs: the accepted ones, the refused ones with their reasons, and the secrets that never appear. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { Config, type PorticoError } from 'portico/config';
import { authToken, jwtAuth, signToken } from 'portico/middleware';
import { buildFilter, captureLog, request, type TestResponse } from 'portico/testing';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';

const SECRET = 'a secret of an API, long enough: 9f8b7c';
const now = (): number => Math.floor(Date.now() / 1000);

const app: App = (req, res) => {
  const { identity, authError } = environ(req);
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({ user: identity?.userId ?? null, error: authError ?? null }));
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Returns a signed token with any header and claims; strings are used unchanged. */
function crafted(header: unknown, claims: unknown, key: string = SECRET, hash = 'sha256'): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
}

const HEADER = { alg: 'HS256', typ: 'JWT' };
const good = (): object => ({ sub: 'u1', exp: now() + 60 });

async function filterOf(
  t: TestContext,
  local: Record<string, string> = {},
): Promise<{ filter: Filter; lines: () => string; reasons: () => unknown[] }> {
  const captured = captureLog();
  const { made } = await filterUntilEnd(t, jwtAuth, {
    local: { secret: SECRET, ...local },
    config: '[auth_token]\nset_headers = false\n',
    log: captured.log,
  });
  return {
    filter: made,
    lines: () => JSON.stringify(captured.lines),
    reasons: () => captured.lines.flatMap(({ reason }) => (reason === undefined ? [] : [reason])),
  };
}

const send = (filter: Filter, authorization?: string): Promise<TestResponse> =>
  request(filter(app), 'GET', '/', authorization === undefined ? {} : { headers: { authorization } });

test('a token that signToken made of the same options is an identity, without issuer and audience', async (t) => {
  const { filter } = await filterOf(t);
  const token = signToken({ sub: 'u1' }, { secret: SECRET, expiresIn: 60 });
  assert.deepEqual((await send(filter, `Bearer ${token}`)).json(), { user: 'u1', error: null });
});

test('signToken reads [jwt] of the configuration: secret_file, issuer, audience, algorithms and typ', async (t) => {
  const secret = 'x'.repeat(64);
  const files = await filesUntilEnd(t, { secret: `${secret}\n` });
  const ini = `[jwt]\nsecret_file = ${files.path('secret')}\nissuer = us\naudience = api\nalgorithms = HS512\ntyp = at+jwt\n`;
  const config = Config.fromText(ini);
  const { made } = await filterUntilEnd(t, authToken, { config, local: { validator: 'jwt', set_headers: 'false' } });
  const token = signToken({ sub: 'u7', roles: ['a'] }, { config, expiresIn: 60 });
  assert.deepEqual((await send(made, `Bearer ${token}`)).json(), { user: 'u7', error: null });
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  assert.deepEqual(JSON.parse(header!), { alg: 'HS512', typ: 'at+jwt' });
  const { iat, exp, ...rest } = JSON.parse(claims!) as Record<string, number>;
  assert.deepEqual(rest, { iss: 'us', aud: 'api', sub: 'u7', roles: ['a'] });
  assert.equal(exp! - iat!, 60);
  for (const other of [
    { issuer: 'them', audience: 'api' },
    { issuer: 'us', audience: 'web' },
    { issuer: 'us' },
    { audience: 'api' },
  ]) {
    const forged = signToken({ sub: 'u7' }, { secret, algorithm: 'HS512', typ: 'at+jwt', expiresIn: 60, ...other });
    assert.equal((await send(made, `Bearer ${forged}`)).status, 401);
  }
});

test('SE-6 a secret_file that is not text is used byte for byte', async (t) => {
  const files = await filesUntilEnd(t, {});
  const filterWith = async (bytes: Uint8Array): Promise<Filter> => {
    writeFileSync(files.path('secret'), bytes);
    const { made } = await filterUntilEnd(t, jwtAuth, {
      local: { secret_file: files.path('secret') },
      config: '[auth_token]\nset_headers = false\n',
    });
    return made;
  };
  // A line feed at the end is a byte as any other.
  const bytes = (first: number): Buffer => Buffer.from([first, ...Array.from({ length: 30 }, () => 0xff), 0x0a]);
  const signed = `${encode(HEADER)}.${encode(good())}`;
  const token = `${signed}.${createHmac('sha256', bytes(0x80)).update(signed).digest('base64url')}`;
  assert.equal((await send(await filterWith(bytes(0x80)), `Bearer ${token}`)).status, 200);
  assert.equal((await send(await filterWith(bytes(0x81)), `Bearer ${token}`)).status, 401);
  await assert.rejects(filterWith(bytes(0x80).subarray(0, 31)), { code: 'PORTICO_JWT_SECRET' });
});

test('scheme = Token takes tokens behind that word alone, and says it in the challenge', async (t) => {
  const { filter } = await filterOf(t, { scheme: 'Token' });
  const token = signToken({ sub: 'u1' }, { secret: SECRET, expiresIn: 60 });
  assert.equal((await send(filter, `token ${token}`)).status, 200);
  const refused = await send(filter, `Bearer ${token}`);
  assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'Token realm="api"']);
});

test('delay_auth_decision lets all through, and the application can tell a bad token from none', async (t) => {
  const { filter } = await filterOf(t, { delay_auth_decision: 'true' });
  assert.deepEqual((await send(filter)).json(), { user: null, error: null });
  assert.deepEqual((await send(filter, 'Bearer x.y.z')).json(), { user: null, error: 'invalid' });
  assert.deepEqual((await send(filter, `Bearer ${crafted(HEADER, good())}`)).json(), { user: 'u1', error: null });
});

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

const attacks: readonly (readonly [name: string, token: () => string, reason: RegExp])[] = [
  ['alg none', () => `${encode({ alg: 'none' })}.${encode(good())}.`, /alg is not among/],
  ['alg None, signed', () => crafted({ alg: 'None' }, good()), /alg is not among/],
  ['alg in a list', () => crafted({ alg: ['HS256'] }, good()), /malformed/],
  ['alg __proto__', () => crafted({ alg: '__proto__' }, good()), /alg is not among/],
  ['an algorithm that is not accepted', () => crafted({ alg: 'HS512' }, good(), SECRET, 'sha512'), /alg is not among/],
  ['a public key as a secret', () => crafted(HEADER, good(), pem), /wrong signature/],
  ['alg RS256', () => crafted({ alg: 'RS256' }, good()), /alg is not among/],
  ['another key', () => crafted(HEADER, good(), `${SECRET}.`), /wrong signature/],
  ['no signature', () => `${encode(HEADER)}.${encode(good())}.`, /wrong signature/],
  ['a signature spelt otherwise', () => respelt(crafted(HEADER, good())), /malformed/],
  [
    'a key in the header',
    () => crafted({ ...HEADER, jwk: { kty: 'oct', k: encode('other') } }, good(), 'other'),
    /wrong signature/,
  ],
  ['crit', () => crafted({ ...HEADER, crit: ['b64'], b64: false }, good()), /malformed/],
  ['crit that is empty', () => crafted({ ...HEADER, crit: [] }, good()), /malformed/],
  ['expired', () => crafted(HEADER, { sub: 'u1', exp: now() - 31 }), /^expired$/],
  ['no exp', () => crafted(HEADER, { sub: 'u1' }), /it has no exp/],
  ['exp as a text', () => crafted(HEADER, { sub: 'u1', exp: String(now() + 60) }), /wrong exp/],
  ['exp without end', () => crafted(HEADER, '{"sub":"u1","exp":1e999}'), /expired/],
  ['nbf ahead', () => crafted(HEADER, { ...good(), nbf: now() + 90 }), /nbf/],
  ['nbf as a text', () => crafted(HEADER, { ...good(), nbf: 'now' }), /nbf/],
  ['iat ahead', () => crafted(HEADER, { ...good(), iat: now() + 90 }), /iat/],
  ['iat as a text', () => crafted(HEADER, { ...good(), iat: 'tomorrow' }), /iat/],
  ['exp twice, the last one over', () => crafted(HEADER, `{"sub":"u1","exp":${now() + 60},"exp":1}`), /^expired$/],
  ['alg twice, the last one none', () => crafted('{"alg":"HS256","alg":"none"}', good()), /alg is not among/],
  ['no subject', () => crafted(HEADER, { exp: now() + 60 }), /it names no user/],
  ['claims that are a list', () => crafted(HEADER, [1]), /malformed/],
  ['a header that is no JSON', () => crafted('{', good()), /malformed/],
  ['bytes that are no UTF-8', () => crafted(HEADER, Buffer.from([0x7b, 0xff, 0x7d]).toString('latin1')), /malformed/],
  ['four parts', () => `${crafted(HEADER, good())}.x`, /malformed/],
  ['five parts, as of encryption', () => 'a.b.c.d.e', /malformed/],
  ['oversized', () => crafted(HEADER, { ...good(), pad: 'x'.repeat(9000) }), /too long/],
];

/** Changes an unused bit in the last character of the signature, which has two such bits for 32 bytes. */
function respelt(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) ^ 1]!;
}

for (const [name, token, reason] of attacks) {
  test(`a token is refused: ${name}`, async (t) => {
    const { filter, reasons, lines } = await filterOf(t);
    const sent = token();
    const refused = await send(filter, `Bearer ${sent}`);
    assert.deepEqual(
      [refused.status, refused.headers['www-authenticate']],
      [401, 'Bearer realm="api", error="invalid_token"'],
    );
    assert.match(String(reasons().at(-1)), reason);
    assert.ok(!lines().includes(SECRET));
    assert.ok(!lines().includes(sent));
  });
}

test('times have a leeway of clock_skew_s', async (t) => {
  const { filter } = await filterOf(t);
  const claims = { sub: 'u1', exp: now() - 20, nbf: now() + 20, iat: now() + 20 };
  assert.equal((await send(filter, `Bearer ${crafted(HEADER, claims)}`)).status, 200);
});

const SHORT = 'thirty-one bytes are too few...';

const issues: readonly (readonly [name: string, local: Record<string, string>, told: RegExp])[] = [
  ['a short secret', { secret: SHORT }, /shorter than 32 bytes/],
  ['a secret too short for HS512', { secret: SECRET, algorithms: 'HS512' }, /shorter than 64 bytes/],
  ['a secret beside public keys', { secret: SECRET, public_key_file: '/nowhere.pem' }, /not with public keys/],
  ['a secret with RS256', { secret: SECRET, algorithms: 'HS256,RS256' }, /not with RS256/],
  ['two secrets', { secret: SECRET, secret_file: '/nowhere' }, /both secret and secret_file/],
  ['a file that is not there', { secret_file: '/nowhere/secret' }, /cannot be read from \/nowhere\/secret/],
  [
    'a relative file that is not there',
    { secret_file: 'no-secret' },
    /cannot be read from \/.+\/no-secret: .*\n.*working directory/,
  ],
  ['HS256 without a secret', { algorithms: 'HS256' }, /requires a secret/],
];

for (const [name, local, told] of issues) {
  test(`a start is refused: ${name}`, async () => {
    await assert.rejects(buildFilter(jwtAuth, { local }), (error: Error & { code: string; describe(): string }) => {
      assert.equal(error.code, 'PORTICO_JWT_SECRET');
      assert.match(error.describe(), told);
      assert.ok(![SECRET, SHORT].some((secret) => error.describe().includes(secret)));
      return true;
    });
  });
}

test('signToken refuses what would make a token that nobody accepts', () => {
  const options = { secret: SECRET, expiresIn: 60 };
  assert.throws(() => signToken({ sub: 7 as unknown as string }, options), { code: 'PORTICO_JWT_CLAIMS' });
  assert.throws(() => signToken({ sub: 'u' }, { ...options, expiresIn: Number.NaN }), { code: 'PORTICO_JWT_CLAIMS' });
  assert.throws(() => signToken({ sub: 'u' }, { ...options, secret: SHORT }), { code: 'PORTICO_JWT_SECRET' });
  assert.throws(() => signToken({ sub: 'u' }, { ...options, algorithm: 'RS256' }), { code: 'PORTICO_JWT_SECRET' });
  assert.throws(() => signToken({ sub: 'u' }, { config: new Config(), expiresIn: 60 }), { code: 'PORTICO_JWT_SECRET' });
});

test('[jwt] claims without user_id is refused with the location and the whole value, for no token could pass', async () => {
  for (const [claims, hint] of [
    ['roles:roles', 'write claims = user_id:sub, roles:roles: the value replaces the default'],
    ['', 'write claims = user_id:sub: the value replaces the default'],
    ['user_id:,roles:r.s', 'write claims = user_id:sub, roles:r.s: the value replaces the default'],
    ['user_id:sub,role:roles', "did you mean 'roles'?"],
  ] as const) {
    const config = Config.fromText(`[jwt]\nsecret = ${SECRET}\nclaims = ${claims}\n`);
    await assert.rejects(buildFilter(jwtAuth, { config, local: {} }), (error: Error) => {
      assert.match(error.message, /portico\.ini:3:\d+: error: \[jwt\] claims: /);
      assert.ok(error.message.includes(hint), error.message);
      return true;
    });
  }
});

test('NI-11 what [jwt] has wrong is placed at its line of the service configuration, without the secret', async () => {
  const cases: readonly (readonly [config: string, place: string])[] = [
    [`secret = ${SHORT}`, 'portico.ini:2:10'],
    ['secret_file = /nowhere/secret', 'portico.ini:2:15'],
    ['algorithms = HS256', 'portico.ini:2:14'],
    ['issuer = a\naudience = b\npublic_key_file = /nowhere/key.pem', 'portico.ini:4:19'],
    ['jwks_file = /nowhere/keys', 'portico.ini:2:13'],
  ];
  for (const [config, place] of cases) {
    await assert.rejects(buildFilter(jwtAuth, { config: `[jwt]\n${config}\n` }), (error: PorticoError) => {
      assert.equal(error.diagnostics[0]?.location?.detail, place);
      assert.ok(!error.describe().includes(SHORT));
      return true;
    });
  }
});
