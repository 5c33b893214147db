import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { rateLimit } from 'portico/middleware';
import { buildFilter, lint, request, tempConfig } from 'portico/testing';
import { TokenBuckets } from '../../dist/middleware/rates/token-buckets.js';

const app: App = (_req, res) => {
  res.end();
};
const from =
  (address: string, inner: App): App =>
  (req, res) => {
    environ(req).remote = { address, port: undefined, scheme: 'http', host: undefined };
    return inner(req, res);
  };

test('MW-20 a bucket gives its burst at once, then one a time, and forgets the longest idle key', () => {
  const buckets = new TokenBuckets({ rate: 2, burst: 3, maxKeys: 2 });
  const take = (key: string, now: number): boolean => buckets.take(key, now).granted;
  assert.deepEqual([take('a', 0), take('a', 0), take('a', 0), take('a', 0)], [true, true, true, false]);
  assert.equal(buckets.take('a', 0).waitMs, 500);
  assert.equal(take('a', 500), true);
  assert.equal(take('a', 500), false);
  assert.equal(take('b', 500), true);
  assert.equal(take('c', 500), true);
  assert.equal(take('a', 500), true, 'a was forgotten');
});

test('MW-20 over the limit: 429, Retry-After, and the limit on every answer', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 1/m 2' } });
  const linted = lint(made(app));
  const first = await request(linted, 'GET', '/');
  assert.equal(first.headers['ratelimit-policy'], '"all";q=2;w=120');
  assert.match(String(first.headers.ratelimit), /^"all";r=1;t=\d+$/);
  assert.equal((await request(linted, 'GET', '/')).status, 200);
  const refused = await request(linted, 'GET', '/');
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) > 50);
  assert.match(String(refused.headers.ratelimit), /r=0/);
});

test('MW-20 IPv6 callers count by /64, each address of IPv4 by itself', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 1/h 1' } });
  const limited = made(app);
  const status = async (address: string): Promise<number> =>
    (await request(lint(from(address, limited)), 'GET', '/')).status;
  assert.equal(await status('2001:db8::1'), 200);
  assert.equal(await status('2001:db8:0:0:ffff::1'), 429);
  assert.equal(await status('2001:db8:0:1::1'), 200);
  assert.equal(await status('192.0.2.1'), 200);
  assert.equal(await status('192.0.2.2'), 200);
  assert.equal(await status('192.0.2.1'), 429);
});

test('MW-20 rules hold for their methods, paths and kinds of caller', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'boot project 1/h 1 POST,PUT /servers/*/action' } });
  const limited = made(app);
  const as =
    (projectId: string | undefined): App =>
    (req, res) => {
      environ(req).context = new RequestContext({ projectId });
      return limited(req, res);
    };
  const status = async (project: string | undefined, method: string, path: string): Promise<number> =>
    (await request(lint(as(project)), method, path)).status;
  assert.equal(await status('blue', 'POST', '/servers/1/action'), 200);
  assert.equal(await status('blue', 'PUT', '/servers/2/action/x'), 429);
  assert.equal(await status('blue', 'GET', '/servers/1/action'), 200);
  assert.equal(await status('blue', 'POST', '/servers/1'), 200);
  assert.equal(await status('red', 'POST', '/servers/1/action'), 200);
  assert.equal(await status(undefined, 'POST', '/servers/1/action'), 200);
});

test('MW-20 allowed networks are not limited, denied ones get 403', async () => {
  const local = { rules: 'all address 1/h 1', allow: '10.0.0.0/8', deny: '192.0.2.0/24' };
  const { made } = await buildFilter(rateLimit, { local });
  const limited = made(app);
  for (let sent = 0; sent < 3; sent++) {
    assert.equal((await request(lint(from('10.1.1.1', limited)), 'GET', '/')).status, 200);
  }
  assert.equal((await request(lint(from('192.0.2.9', limited)), 'GET', '/')).status, 403);
});

test('MW-20 a small excess may be delayed instead of refused', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 100/s 1', sleep_ms: '1000' } });
  const linted = lint(made(app));
  for (let sent = 0; sent < 3; sent++) assert.equal((await request(linted, 'GET', '/')).status, 200);
});

for (const rule of [
  'x',
  'all addres 1 1',
  'all address 0 1',
  'all address 1/y 1',
  'all address 1 0',
  'a address 1 1 GET /x y',
]) {
  test(`MW-5 the rule "${rule}" refuses to load`, async () => {
    await assert.rejects(async () => buildFilter(rateLimit, { local: { rules: rule } }), { code: 'PORTICO_RATE_RULE' });
  });
}

test('MW-20 a changed configuration leaves the counts of the rules that stay', async (t) => {
  const text = (rules: string): string => `[rate_limit]\nrules = all address 1/h 1\n${rules}`;
  const files = await tempConfig({ 'portico.ini': text('') });
  t.after(() => files.remove());
  const config = await Config.load({ argv: ['--config-file', files.path('portico.ini')], env: {} });
  const { made, close } = await buildFilter(rateLimit, { config });
  t.after(close);
  const limited = lint(made(app));
  assert.equal((await request(limited, 'GET', '/')).status, 200);
  await files.write('portico.ini', text('rules = other address 5/s 5\n'));
  await config.reload({ method: 'mutate' });
  const refused = await request(limited, 'GET', '/');
  assert.equal(refused.status, 429);
  assert.match(String(refused.headers.ratelimit), /"all";r=0/);
  const { headers } = await request(from('192.0.2.7', limited), 'GET', '/');
  assert.match(String(headers['ratelimit-policy']), /"other";q=5;w=1/);
});
