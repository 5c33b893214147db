import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { FakeClock, lint, request } from 'portico/testing';
import { TokenCache } from '../../../dist/middleware/auth/token-cache.js';
import type { AuthTokenFilter } from '../../../dist/middleware/auth-token.js';
import { HOUR, inMs, serviceToken, setUp, token } from '../fake-identity.js';

const app: App = (_req, res) => void res.end('in');
const status = async (filter: Filter, headers: Record<string, string>, inner = app): Promise<number> =>
  (await request(lint(filter(inner)), 'GET', '/', { headers })).status;

function cacheOf(options: Partial<ConstructorParameters<typeof TokenCache>[0]> = {}) {
  const clock = new FakeClock();
  const wallClock = (): number => 1_000_000 + clock.now();
  const cache = new TokenCache({ lifeS: 300, negativeLifeS: 5, maxEntries: 3, clock, wallClock, ...options });
  return { clock, cache };
}

const BAD = { refused: 'bad' };

test('MW-35 a response is valid for its time, and never longer than the token', async () => {
  const { clock, cache } = cacheOf();
  const short = { roles: [], expiresAt: new Date(1_000_000 + 10_000) };
  cache.set('long', { roles: [] });
  cache.set('short', short);
  cache.set('bad', BAD);
  cache.set('over', { roles: [], expiresAt: new Date(999_999) });
  assert.equal(cache.get('over'), undefined);
  await clock.advance(4999);
  assert.equal(cache.get('bad'), BAD);
  await clock.advance(1);
  assert.equal(cache.get('bad'), undefined);
  assert.equal(cache.get('short'), short);
  await clock.advance(5000);
  assert.equal(cache.get('short'), undefined);
  await clock.advance(289_999);
  assert.deepEqual(cache.get('long'), { roles: [] });
  await clock.advance(1);
  assert.equal(cache.get('long'), undefined);
});

test('MW-35 the time of day is looked at again on reading', () => {
  let now = 0;
  const { cache } = cacheOf({ wallClock: () => now });
  cache.set('a', { roles: [], expiresAt: new Date(1000) });
  assert.notEqual(cache.get('a'), undefined);
  now = 1000;
  assert.equal(cache.get('a'), undefined);
});

test('MW-35 the least recently used goes first, and bad tokens push out no good ones', () => {
  const { cache } = cacheOf();
  for (const key of ['a', 'b', 'c']) cache.set(key, { roles: [key] });
  cache.get('a');
  cache.set('d', { roles: ['d'] });
  assert.equal(cache.get('b'), undefined);
  for (let at = 0; at < 1500; at++) cache.set(`bad-${at}`, BAD);
  assert.equal(cache.get('bad-499'), undefined);
  assert.equal(cache.get('bad-500'), BAD);
  assert.deepEqual(
    ['a', 'c', 'd'].map((key) => cache.get(key)),
    ['a', 'c', 'd'].map((role) => ({ roles: [role] })),
  );
});

test('MW-35 keys are hashes, others with another secret, and apart for expired tokens', () => {
  const keys = [
    cacheOf().cache.keyOf('token', false),
    cacheOf().cache.keyOf('token', true),
    cacheOf({ secretKey: 'k' }).cache.keyOf('token', false),
    cacheOf({ secretKey: 'l' }).cache.keyOf('token', false),
  ];
  assert.equal(new Set(keys).size, 4);
  assert.equal(keys[0], 'PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A');
});

test('MW-35 the identity service is asked once for a token, also by requests at one time', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('good', token());
  const headers = { 'x-auth-token': 'good' };
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  identity.meddle = async ({ method }) => {
    if (method === 'GET') await released;
    return false;
  };
  const linted = lint(filter(app));
  const arrived: Promise<void>[] = [];
  const counted: App[] = [1, 2, 3].map(() => {
    let here = (): void => undefined;
    arrived.push(
      new Promise((resolve) => {
        here = resolve;
      }),
    );
    return (req, res) => {
      setImmediate(here);
      return linted(req, res);
    };
  });
  const answers = counted.map((one) => request(one, 'GET', '/', { headers }));
  await Promise.all(arrived);
  release();
  const statuses = (await Promise.all(answers)).map((answer) => answer.status);
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.equal(await status(filter, headers), 200);
  assert.equal(identity.validations.length, 1);
});

test('MW-35 a bad token is asked about once in its time; -1 remembers nothing', async (t) => {
  const { identity, filter } = await setUp(t);
  await status(filter, { 'x-auth-token': 'bad' });
  await status(filter, { 'x-auth-token': 'bad' });
  assert.equal(identity.validations.length, 1);
  const off = await setUp(t, { token_cache_time: '-1' });
  off.identity.tokens.set('good', token());
  for (const sent of ['good', 'good', 'bad', 'bad']) await status(off.filter, { 'x-auth-token': sent });
  assert.equal(off.identity.validations.length, 4);
});

test('MW-63.7 a revoked token is accepted until the cache ends, and refused after', async (t) => {
  const { identity, filter } = await setUp(t, { token_cache_time: '2' });
  const headers = { 'x-auth-token': 'good' };
  identity.tokens.set('good', token());
  assert.equal(await status(filter, headers), 200);
  identity.tokens.delete('good');
  assert.equal(await status(filter, headers), 200);
  const end = Date.now() + 20_000;
  while ((await status(filter, headers)) === 200) assert.ok(Date.now() < end, 'still accepted');
  assert.equal(await status(filter, headers), 401);
});

test('MW-63.7 invalidate refuses a revoked token at once, from outside and from an application', async (t) => {
  const { identity, filter } = await setUp(t);
  const headers = { 'x-auth-token': 'good' };
  identity.tokens.set('good', token());
  assert.equal(await status(filter, headers), 200);
  identity.tokens.delete('good');
  (filter as AuthTokenFilter).invalidate('good');
  assert.equal(await status(filter, headers), 401);

  identity.tokens.set('again', token());
  const logout: App = (req, res) => {
    environ(req).invalidateToken?.('again');
    res.end();
  };
  assert.equal(await status(filter, { 'x-auth-token': 'again' }, logout), 200);
  identity.tokens.delete('again');
  assert.equal(await status(filter, { 'x-auth-token': 'again' }), 401);
});

test('MW-35 a token invalidated while it is asked about is not remembered', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('good', token());
  identity.meddle = ({ method }) => {
    if (method === 'GET') (filter as AuthTokenFilter).invalidate('good');
    return false;
  };
  const headers = { 'x-auth-token': 'good' };
  assert.equal(await status(filter, headers), 200);
  assert.equal(await status(filter, headers), 200);
  assert.equal(identity.validations.length, 2);
});

test('MW-35 what was found for a service’s caller does not count for others', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('service', serviceToken());
  identity.tokens.set('late', token());
  const both = { 'x-auth-token': 'late', 'x-service-token': 'service' };
  assert.equal(await status(filter, both), 200);
  identity.tokens.delete('late');
  assert.equal(await status(filter, both), 200);
  assert.equal(await status(filter, { 'x-auth-token': 'late' }), 401);
});

test('MW-35 an expired token of a service’s caller is remembered too, for token_cache_time', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('service', serviceToken());
  identity.tokens.set('late', token({ expires_at: inMs(-HOUR) }));
  const both = { 'x-auth-token': 'late', 'x-service-token': 'service' };
  assert.deepEqual([await status(filter, both), await status(filter, both)], [200, 200]);
  assert.equal(identity.validations.length, 2);
  assert.equal(await status(filter, { 'x-auth-token': 'late' }), 401);
  const { clock, cache } = cacheOf();
  const over = { roles: [], expiresAt: new Date(0) };
  cache.set('late', over, true);
  await clock.advance(299_999);
  assert.equal(cache.get('late'), over);
  await clock.advance(1);
  assert.equal(cache.get('late'), undefined);
});
