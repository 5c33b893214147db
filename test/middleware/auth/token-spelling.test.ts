/** A credential has one spelling: no other one is accepted, has an entry in a cache, or counts as another caller. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { type App, compose, environ, type Filter } from 'portico/app';
import { authToken, basicAuth, jwtAuth, rateLimit, session } from 'portico/middleware';
import { buildFilter, request, type TestResponse } from 'portico/testing';
import {
  isBase64url,
  isCompactJws,
  isKeystoneToken,
  spellingsOf,
  withoutSignature,
} from '../../../dist/middleware/auth/token-spelling.js';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';
import { setUp, token } from '../fake-identity.js';

const app: App = (req, res) => void res.end(JSON.stringify(environ(req).identity ?? null));

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Other texts that a lenient decoder of base64 reads as the same bytes. Blanks at both ends of a header are no part of it. */
function otherSpellings(text: string): string[] {
  const others = ['=', '==', '=A', '.', '!', '%3D', '%3d'].map((tail) => text + tail);
  for (let at = 1; at < text.length; at++) {
    for (const sign of [' ', '\t', '=', ',', '"']) others.push(text.slice(0, at) + sign + text.slice(at));
  }
  others.push(text.replaceAll('-', '+'), text.replaceAll('_', '/'), `"${text}"`, `=${text}`);
  for (const part of text.split('.')) {
    const bytes = Buffer.from(part, 'base64url');
    for (const last of ALPHABET) {
      const other = part.slice(0, -1) + last;
      if (other !== part && Buffer.from(other, 'base64url').equals(bytes)) others.push(text.replace(part, other));
    }
  }
  return [...new Set(others)].filter((other) => other !== text);
}

const send = (inner: App, headers: Record<string, string>): Promise<TestResponse> =>
  request(inner, 'GET', '/', { headers });

async function signed(t: TestContext, alg: string): Promise<{ filter: Filter; text: string }> {
  const claims = { iss: 'https://issuer', aud: 'us', sub: 'u1' };
  const jwt = new SignJWT(claims).setProtectedHeader({ alg }).setExpirationTime('1h');
  const secret = 's'.repeat(64);
  const isSecret = alg.startsWith('HS');
  const pair = isSecret ? undefined : await generateKeyPair(alg);
  const files = await filesUntilEnd(t, { key: pair === undefined ? secret : await exportSPKI(pair.publicKey) });
  await chmod(files.path('key'), 0o600);
  const local: Record<string, string> = { issuer: 'https://issuer', audience: 'us', algorithms: alg };
  local[isSecret ? 'secret_file' : 'public_key_file'] = files.path('key');
  const { made } = await filterUntilEnd(t, jwtAuth, { local });
  return { filter: made, text: await jwt.sign(pair?.privateKey ?? Buffer.from(secret)) };
}

for (const alg of ['RS256', 'PS256', 'ES256', 'ES512', 'EdDSA', 'HS256']) {
  test(`AU-1 a token of ${alg} is accepted in one spelling, and refused in hundreds of others`, async (t) => {
    const { filter, text } = await signed(t, alg);
    const guarded = filter(app);
    const status = async (headers: Record<string, string>) => (await send(guarded, headers)).status;
    assert.equal(await status({ 'x-auth-token': text }), 200);
    assert.equal(await status({ authorization: `Bearer ${text}` }), 200);
    const others = otherSpellings(text);
    assert.ok(others.length > 700, String(others.length));
    // Each sign at the ends and the middle of a part says what all positions do; the test below has them all.
    const some = others.filter((other, at) => at % 97 === 0 || Math.abs(other.length - text.length) !== 1);
    for (const other of [...some, `${text}=`]) {
      assert.equal(await status({ 'x-auth-token': other }), 401, other);
      assert.equal(await status({ authorization: `Bearer ${other}` }), 401, other);
    }
    for (const other of others) assert.ok(/[\s]/.test(other) || !isCompactJws(other), other);
  });
}

test('AU-1 the pattern for base64url is what encoding again finds, for each length and each last character', () => {
  const again = (text: string): boolean => Buffer.from(text, 'base64url').toString('base64url') === text;
  for (const start of ['', 'A', '-_', 'AAA', 'AAAA', 'AAAAA', 'zzzzzz', '0000000']) {
    for (const last of [...ALPHABET.split(''), '=', ' ', '+', '/', '.', 'é', '']) {
      assert.equal(isBase64url(start + last), again(start + last), start + last);
    }
  }
});

test('AU-1 a token of ECDSA and its twin count as one caller, and both are forgotten together', async (t) => {
  for (const alg of ['ES256', 'ES384', 'ES512']) {
    const { filter, text } = await signed(t, alg);
    const [same, twin, ...more] = spellingsOf(text);
    assert.deepEqual([same, more], [text, []]);
    assert.notEqual(twin, text);
    assert.deepEqual(spellingsOf(twin!), [twin, text]);
    assert.equal((await send(filter(app), { 'x-auth-token': twin! })).status, 200, alg);
    assert.equal(withoutSignature(twin!), withoutSignature(text));
  }
  const others = ['v2.public.abcd', 'opaque', 'a.b', 'a.b.c.d', `ey.ey.${'A'.repeat(86)}`];
  for (const other of others) assert.deepEqual(spellingsOf(other), [other]);
  assert.equal(withoutSignature('v2.public.abcd'), 'v2.public.abcd');
});

const FERNET = `gAAAAABm${Buffer.alloc(97, 'zü').toString('base64url')}`;
const UUID = '0123456789abcdef0123456789abcdef';

test('AU-1 a token of Keystone is sent to it in one spelling', async (t) => {
  const { identity, filter } = await setUp(t, { accept_bearer: 'true' });
  for (const name of [FERNET, UUID]) {
    identity.tokens.set(name, token());
    const others = name === FERNET ? otherSpellings(name) : [...otherSpellings(name).slice(0, 160), name.toUpperCase()];
    assert.ok(others.length > 150);
    // An identity service that is as lenient as Python's decoder.
    for (const other of others) identity.tokens.set(other, token());
    for (const other of others) {
      assert.ok(!isKeystoneToken(other) || other.includes(' '), other);
      assert.equal((await send(filter(app), { 'x-auth-token': other })).status, 401, other);
    }
    assert.equal(identity.validations.length, name === FERNET ? 0 : 1);
    assert.equal((await send(filter(app), { 'x-auth-token': name })).status, 200);
    assert.equal((await send(filter(app), { authorization: `BEARER  ${name}` })).status, 200);
  }
  assert.equal(identity.validations.length, 2);
});

test('AU-1 a password is accepted in one spelling of Basic', async (t) => {
  const files = await filesUntilEnd(t, { users: `ada:${hashSync('pass', 4)}\nadá:${hashSync('wörd\u{fffd}', 4)}\n` });
  await chmod(files.path('users'), 0o600);
  const { made } = await filterUntilEnd(t, basicAuth, { local: { user_file: files.path('users') } });
  const status = async (credentials: string) =>
    (await send(made(app), { authorization: `Basic ${credentials}` })).status;
  for (const pair of ['ada:pass', 'adá:wörd\u{fffd}']) {
    const text = Buffer.from(pair).toString('base64');
    assert.equal(await status(text), 200);
    const unpadded = text.replace(/=+$/, '');
    const others = [unpadded, `${text}=`, `${text}==`, ...otherSpellings(unpadded).filter((one) => one !== text)];
    for (const other of others) assert.equal(await status(other), 401, other);
  }
  const raw = Buffer.concat([Buffer.from('adá:wörd'), Buffer.from([0xff])]).toString('base64');
  assert.equal(await status(raw), 401, 'bytes that are no UTF-8 would be one character');
});

test('AU-1 a cookie of a session is read in one spelling', async () => {
  const { made } = await buildFilter(session, { local: { secrets: '1'.repeat(32), secure: 'false' } });
  const begin: App = async (req, res) => {
    if (req.method === 'POST') await environ(req).session!.begin({ userId: 'ada' });
    res.end(environ(req).identity?.userId ?? 'nobody');
  };
  const [set] = (await request(made(begin), 'POST', '/')).headers['set-cookie'] as string[];
  const [name, text] = set!.split(';', 1)[0]!.split('=') as [string, string];
  const caller = async (value: string) => (await send(made(begin), { cookie: `${name}=${value}` })).text();
  assert.equal(await caller(text), 'ada');
  const others = otherSpellings(text).filter((other) => !/^"|[\s]/.test(other));
  for (const other of others) assert.equal(await caller(other), 'nobody', other);
});

// The caller of a rate limit.

async function limited(t: TestContext, ...inner: Filter[]): Promise<App> {
  const { made } = await filterUntilEnd(t, rateLimit, { local: { rules: 'mine token-hash 1/h 3' } });
  return compose([...inner, made], app);
}

/** Returns how many of these requests were served. */
async function served(limitedApp: App, all: readonly Record<string, string>[]): Promise<number> {
  const statuses: number[] = [];
  for (const headers of all) statuses.push((await send(limitedApp, headers)).status);
  return statuses.filter((status) => status === 200).length;
}

test('AU-1 a caller has one bucket, however it spells its token', async (t) => {
  const { filter, text } = await signed(t, 'ES256');
  const spelled = [...spellingsOf(text), ...otherSpellings(text).slice(0, 200)];
  const all = spelled.flatMap((one) => [{ 'x-auth-token': one }, { authorization: `Bearer ${one}` }]);
  assert.equal(await served(await limited(t, filter), all), 3);
});

test('AU-2 a caller is who a filter has authenticated, whatever other credentials it sends', async (t) => {
  const files = await filesUntilEnd(t, { users: `ada:${hashSync('pass', 4)}\n` });
  await chmod(files.path('users'), 0o600);
  const basic = await buildFilter(basicAuth, { local: { user_file: files.path('users') } });
  t.after(basic.close);
  const authorization = `Basic ${Buffer.from('ada:pass').toString('base64')}`;
  const all = Array.from({ length: 20 }, (_, at) => ({
    authorization,
    'x-auth-token': `random-${at}`,
    'x-storage-token': `random-${at}`,
    'x-service-token': `random-${at}`,
  }));
  assert.equal(await served(await limited(t, basic.made), all), 3);

  const { identity, filter } = await setUp(t, {});
  for (const name of ['one', 'two']) identity.tokens.set(name, token());
  const more = (name: string) =>
    Array.from({ length: 9 }, (_, at) => ({ 'x-auth-token': name, authorization: `Bearer ${at}` }));
  const counted = await limited(t, filter);
  assert.deepEqual([await served(counted, more('one')), await served(counted, more('two'))], [3, 3]);
});

test('AU-2 who is not authenticated has no bucket by token', async (t) => {
  const counted = await limited(t);
  const all = Array.from({ length: 9 }, () => ({ 'x-auth-token': 'same' }));
  assert.equal(await served(counted, all), 9);
  const { filter } = await setUp(t, { delay_auth_decision: 'true' });
  assert.equal(await served(await limited(t, filter), all), 9);
});

test('AU-1 a JWT and its twin are both forgotten by invalidateToken', async (t) => {
  let asked = 0;
  const validator = { validate: async () => ({ userId: `u${++asked}`, roles: [] }) };
  (globalThis as { spelled?: unknown }).spelled = () => validator;
  const files = await filesUntilEnd(t, { 'v.mjs': 'export const made = () => globalThis.spelled();\n' });
  const { made } = await filterUntilEnd(t, authToken, {
    folder: files.folder,
    local: { validator: './v.mjs:made' },
  });
  const { text } = await signed(t, 'ES256');
  const all = spellingsOf(text);
  const callers = async () =>
    Promise.all(all.map(async (one) => (await send(made(app), { 'x-auth-token': one })).json().userId as string));
  const first = await callers();
  assert.deepEqual(await callers(), first);
  (made as unknown as { invalidate(token: string): void }).invalidate(text);
  assert.equal(new Set([...first, ...(await callers())]).size, 4);
});
