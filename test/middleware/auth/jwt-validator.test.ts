import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Logger } from 'portico';
import { type App, environ, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import { authToken, jwtAuth } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse } from 'portico/testing';
import { jwtOptions } from '../../../dist/middleware/auth/auth-token-options.js';
import { issuerKeys } from '../../../dist/middleware/auth/issuer-tokens.js';
import { nodeServer } from '../../fixtures/node-server.js';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';

const app: App = (req, res) => void res.end(JSON.stringify(environ(req).identity));
const { privateKey, publicKey } = await generateKeyPair('ES256');
const other = await generateKeyPair('ES256');

const CLAIMS: JWTPayload = { iss: 'https://issuer', aud: ['us', 'them'], sub: 'u1', scope: 'read write' };

interface Shape {
  readonly header?: object;
  readonly exp?: string | null;
  readonly key?: typeof privateKey;
}

function sign(claims: JWTPayload = {}, { header = {}, exp = '1h', key = privateKey }: Shape = {}): Promise<string> {
  const jwt = new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header });
  if (exp !== null) jwt.setExpirationTime(exp);
  return jwt.sign(key);
}

async function build(t: TestContext, jwt: Record<string, string>, local: Record<string, string> = {}, log?: Logger) {
  const files = await filesUntilEnd(t, {
    'key.pem': await exportSPKI(publicKey),
    'revoked.mjs': "export const isRevoked = (jti) => jti === 'gone';\n",
  });
  const written = { issuer: 'https://issuer', audience: 'us', ...jwt };
  const lines = Object.entries(written).map(
    ([name, value]) => `${name} = ${value.replace('<folder>', files.folder)}\n`,
  );
  const config = Config.fromText(`[jwt]\n${lines.join('')}`);
  const { made } = await filterUntilEnd(t, authToken, {
    config,
    folder: files.folder,
    local: { validator: 'jwt', ...local },
    ...(log === undefined ? {} : { log }),
  });
  return made;
}

const send = (filter: Filter, token: string): Promise<TestResponse> =>
  request(lint(filter(app)), 'GET', '/', { headers: { authorization: `Bearer ${token}` } });

test('MW-40 a signed token for us is an identity', async (t) => {
  const claims = 'user_id:sub,user_name:preferred_username,project_id:tenant.id,roles:realm_access.roles';
  const filter = await build(t, { public_key_file: '<folder>/key.pem', claims });
  const given = { preferred_username: 'alice', tenant: { id: 'p1' }, realm_access: { roles: ['a', 'b'] } };
  assert.deepEqual((await send(filter, await sign(given))).json(), {
    userId: 'u1',
    userName: 'alice',
    projectId: 'p1',
    roles: ['a', 'b'],
    isAdminProject: false,
  });
});

test('MW-40 all others get 401 and invalid_token, and the log at debug says why without the token', async (t) => {
  const { log, lines, text } = captureLog();
  const options = {
    public_key_file: '<folder>/key.pem',
    claims: 'user_id:sub,roles:roles',
    typ: 'at+jwt',
    is_revoked: './revoked.mjs:isRevoked',
  };
  const filter = await build(t, options, {}, log);
  const header = { typ: 'at+jwt' };
  const now = Math.floor(Date.now() / 1000);
  const good = await sign({ iat: now + 20 }, { header });
  assert.equal((await send(filter, good)).status, 200);
  assert.equal((await send(filter, await sign({}, { header, exp: '-20s' }))).status, 200);
  const [head, body] = good.split('.') as [string, string];
  const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url');
  const secret = new TextEncoder().encode(await exportSPKI(publicKey));
  const hmac = await new SignJWT(CLAIMS)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setExpirationTime('1h')
    .sign(secret);
  const bad: Record<string, readonly [token: string, reason: string]> = {
    'no token': ['abc', 'malformed: not a signed token'],
    unsigned: [`${unsigned}.${body}.`, 'its alg is not among the algorithms accepted'],
    'no signature': [`${head}.${body}.`, 'wrong signature'],
    'signed with the public key': [hmac, 'its alg is not among the algorithms accepted'],
    'another key': [await sign({}, { header, key: other.privateKey }), 'wrong signature'],
    'another key, which it brings itself': [
      await sign({}, { header: { ...header, jwk: await exportJWK(other.publicKey) }, key: other.privateKey }),
      'wrong signature',
    ],
    'another issuer': [await sign({ iss: 'https://issuer/' }, { header }), 'wrong issuer (iss)'],
    'another audience': [await sign({ aud: 'them' }, { header }), 'wrong audience (aud)'],
    'another type': [await sign(), 'wrong typ'],
    'no end': [await sign({}, { header, exp: null }), 'it has no exp'],
    expired: [await sign({}, { header, exp: '-40s' }), 'expired'],
    'not yet': [await sign({ nbf: now + 60 }, { header }), 'it is not valid yet (nbf)'],
    'from the future': [await sign({ iat: now + 60 }, { header }), 'it was issued in the future (iat)'],
    'of nobody': [await sign({ sub: '' }, { header }), 'it names no user (sub)'],
    'roles that are no list': [await sign({ roles: 'admin' }, { header }), 'its roles are not a list of names (roles)'],
    revoked: [await sign({ jti: 'gone' }, { header }), 'revoked'],
  };
  for (const [name, [token, reason]] of Object.entries(bad)) {
    const response = await send(filter, token);
    assert.equal(response.status, 401, name);
    assert.equal(response.headers['www-authenticate'], 'Bearer realm="us", error="invalid_token"', name);
    assert.deepEqual([lines.at(-1)?.level, lines.at(-1)?.reason], ['debug', reason], name);
    for (const part of token.split('.')) assert.ok(part === '' || !text().includes(part), name);
  }
});

test('MW-40 a caller without a token gets no error (RFC 6750 §3.1)', async (t) => {
  const { log, lines } = captureLog();
  const filter = await build(t, { public_key_file: '<folder>/key.pem' }, {}, log);
  for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Bearer ' }]) {
    const response = await request(lint(filter(app)), 'GET', '/', { headers });
    assert.deepEqual([response.status, response.headers['www-authenticate']], [401, 'Bearer realm="us"']);
    assert.deepEqual([lines.at(-1)?.level, lines.at(-1)?.reason], ['debug', 'missing']);
  }
});

test('MW-40 a token of a key that its issuer does not have is distinguished in the log', async (t) => {
  const files = await filesUntilEnd(t, {
    'keys.json': JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] }),
  });
  const { log, lines } = captureLog();
  const filter = await build(t, { jwks_file: files.path('keys.json') }, {}, log);
  assert.equal((await send(filter, await sign())).status, 200);
  assert.equal((await send(filter, await sign({}, { header: { kid: 'k2' } }))).status, 401);
  assert.equal(lines.at(-1)?.reason, 'unknown key: the issuer has no key for its kid and alg');
});

test('MW-40 without the scope that is required: 403 and insufficient_scope', async (t) => {
  const filter = await build(t, { public_key_file: '<folder>/key.pem', required_scope: 'write' });
  assert.equal((await send(filter, await sign())).status, 200);
  const response = await send(filter, await sign({ scope: 'writer' }));
  assert.equal(response.status, 403);
  assert.match(String(response.headers['www-authenticate']), /error="insufficient_scope", scope="write"/);
});

test('MW-40 keys are found by discovery, read again for a new one, and missing ones get 503', async (t) => {
  let up = false;
  let kid = 'k1';
  const jwk = await exportJWK(publicKey);
  let reads = 0;
  const { url: issuer } = await nodeServer(t, (req, res) => {
    const keys = req.url === '/keys';
    if (keys) reads++;
    res.statusCode = up ? 200 : 500;
    res.end(JSON.stringify(keys ? { keys: [{ ...jwk, kid }] } : { issuer, jwks_uri: `${issuer}/keys` }));
  });
  const filter = await build(t, { issuer }, { token_cache_time: '-1' });
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  assert.equal((await send(filter, await sign({ iss: issuer }))).status, 503);
  up = true;
  t.mock.timers.tick(31_000);
  assert.equal((await send(filter, await sign({ iss: issuer }))).status, 200);
  kid = 'k2';
  t.mock.timers.tick(31_000);
  assert.equal((await send(filter, await sign({ iss: issuer }, { header: { kid: 'k2' } }))).status, 200);
  assert.equal(reads, 2);
});

test('AU-6 a discovery document cannot bring its keys itself, or name what is no web address', async (t) => {
  const { log, lines } = captureLog();
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] });
  let uri: unknown;
  const { url: issuer } = await nodeServer(t, (_req, res) => res.end(JSON.stringify({ issuer, jwks_uri: uri })));
  const filter = await build(t, { issuer }, { token_cache_time: '-1' }, log);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  for (uri of [
    `data:application/json,${encodeURIComponent(keys)}`,
    'file:///etc/keys',
    'blob:x',
    '/keys',
    7,
    undefined,
  ]) {
    assert.equal((await send(filter, await sign({ iss: issuer }))).status, 503, String(uri));
    t.mock.timers.tick(31_000);
  }
  assert.equal(
    lines[0]?.reason,
    `keys: the jwks_uri in the document of ${issuer} does not begin with http:// or https://`,
  );
});

/** Serves an issuer's keys, with a fake clock. */
async function issued(t: TestContext, answer: () => { readonly status: number; readonly text: string }) {
  t.mock.timers.enable({ apis: ['Date'] });
  let reads = 0;
  const { url } = await nodeServer(t, (_req, res) => {
    reads++;
    const { status, text } = answer();
    res.writeHead(status).end(text);
  });
  const config = Config.fromText(`[jwt]\nissuer = https://issuer\naudience = us\njwks_uri = ${url}/keys\n`);
  const keyFor = issuerKeys(config.group('jwt', jwtOptions));
  const find = async (kid: string) => keyFor({ alg: 'ES256', kid }, { payload: '', signature: '' });
  return { find, reads: () => reads };
}

const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] });

test('MW-40 keys: one read in the cooldown, again when they are old, stale for a while', async (t) => {
  let up = true;
  const { find, reads } = await issued(t, () => ({ status: up ? 200 : 500, text: keySet }));
  await Promise.all([find('k1'), find('k1')]);
  assert.equal(reads(), 1);
  await assert.rejects(find('k2'), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  assert.equal(reads(), 1);
  t.mock.timers.tick(30_000);
  await assert.rejects(find('k2'), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  await assert.rejects(find('k3'), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  assert.equal(reads(), 2);
  up = false;
  t.mock.timers.tick(600_000);
  await find('k1');
  await find('k1');
  assert.equal(reads(), 3);
  t.mock.timers.tick(3_600_000);
  await assert.rejects(find('k1'), { code: 'PORTICO_VALIDATOR_UNAVAILABLE' });
});

test('MW-40 keys that cannot be read at the start are asked for once in the cooldown, however many tokens come', async (t) => {
  let up = false;
  const { find, reads } = await issued(t, () => ({ status: up ? 200 : 500, text: keySet }));
  for (let token = 0; token < 20; token++) await assert.rejects(find('k1'), { code: 'PORTICO_VALIDATOR_UNAVAILABLE' });
  assert.equal(reads(), 1);
  up = true;
  t.mock.timers.tick(30_000);
  await find('k1');
  assert.equal(reads(), 2);
});

test('MW-40 keys of more than 1 MiB, and what are no keys, are not read', async (t) => {
  let text = keySet.padEnd(1024 * 1024 + 1);
  const { find } = await issued(t, () => ({ status: 200, text }));
  await assert.rejects(find('k1'), /keys: http.*\/keys responds with more than 1048576 bytes/);
  for (text of ['{}', '[', 'null']) {
    t.mock.timers.tick(30_000);
    await assert.rejects(find('k1'), { code: 'PORTICO_VALIDATOR_UNAVAILABLE' });
  }
});

test('MW-5 MW-40 keys that cannot be read, HMAC, and a missing issuer refuse to load', async (t) => {
  await assert.rejects(async () => build(t, { public_key_file: '/nowhere.pem' }), { code: 'PORTICO_JWT_KEYS' });
  await assert.rejects(async () => build(t, { jwks_file: '/nowhere.json' }), { code: 'PORTICO_JWT_KEYS' });
  await assert.rejects(async () => build(t, { algorithms: 'HS256' }), /HS256 requires a secret/);
  await assert.rejects(async () => buildFilter(authToken, { local: { validator: 'jwt' } }), /issuer/);
});

test('MW-40 jwt_auth is a separate filter, with its options in its section', async (t) => {
  const files = await filesUntilEnd(t, { 'key.pem': await exportSPKI(publicKey) });
  const local = { issuer: 'https://issuer', audience: 'us', public_key_file: files.path('key.pem') };
  const { made } = await filterUntilEnd(t, jwtAuth, { local, config: '[auth_token]\nset_headers = false\n' });
  assert.equal((await send(made, await sign())).json().userId, 'u1');
  const refused = await send(made, await sign({ aud: 'them' }));
  assert.deepEqual(
    [refused.status, refused.headers['www-authenticate']],
    [401, 'Bearer realm="us", error="invalid_token"'],
  );
});
