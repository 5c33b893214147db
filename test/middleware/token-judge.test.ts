import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App, Filter } from 'portico/app';
import { authToken } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse, tempConfig } from 'portico/testing';
import { serviceToken, setUp, token } from './fake-identity.js';

const app: App = (_req, res) => void res.end('in');
const send = (filter: Filter, headers: Record<string, string>): Promise<TestResponse> =>
  request(lint(filter(app)), 'GET', '/', { headers });

const CALLER = 'the token of a caller is refused';
const SERVICE = 'the token of a service is refused';

test('why a token was refused is in the log at debug, also out of the cache, and the token is not', async (t) => {
  const { log, lines, text } = captureLog();
  const { identity, filter } = await setUp(t, { enforce_token_bind: 'x509', service_type: 'compute' }, log);
  const bind = { x509: 'ab' };
  const rules = [{ service: 'compute', method: 'POST', path: '/servers' }];
  identity.tokens.set('t-bound', token({ bind }));
  identity.tokens.set('t-unbound', token());
  identity.tokens.set('t-service', serviceToken([{ name: 'reader' }]));
  const unknown = 'the identity service does not accept it: unknown, expired or revoked';
  const unbound = 'it is not bound to the certificate of this connection';
  const rows: [Record<string, string>, string, string][] = [
    [{}, CALLER, 'missing'],
    [{ 'x-auth-token': 't-ünknown' }, CALLER, 'malformed: too long, or not printable ASCII'],
    [{ 'x-auth-token': `t-${'x'.repeat(8191)}` }, CALLER, 'malformed: too long, or not printable ASCII'],
    [{ 'x-auth-token': 't-unknown' }, CALLER, unknown],
    [{ 'x-auth-token': 't-unknown' }, CALLER, unknown],
    [{ 'x-auth-token': 't-bound' }, CALLER, unbound],
    [{ 'x-auth-token': 't-unbound' }, CALLER, unbound],
    [{ 'x-auth-token': 't-unknown', 'x-service-token': 't-other' }, SERVICE, unknown],
  ];
  for (const [headers, message, reason] of rows) {
    assert.equal((await send(filter, headers)).status, 401);
    const { level, msg, reason: told } = lines.at(-1) ?? {};
    assert.deepEqual([level, msg, told], ['debug', message, reason]);
  }
  const lax = await setUp(t, { service_type: 'compute' }, log);
  lax.identity.tokens.set('t-service', serviceToken([{ name: 'reader' }]));
  lax.identity.tokens.set('t-good', token());
  lax.identity.tokens.set('t-ruled', token({ application_credential: { access_rules: rules } }));
  const more: [Record<string, string>, string][] = [
    [{ 'x-auth-token': 't-good', 'x-service-token': 't-service' }, 'it has none of the roles in service_token_roles'],
    [{ 'x-auth-token': 't-ruled' }, 'its access rules do not allow this request'],
  ];
  for (const [headers, reason] of more) {
    assert.equal((await send(lax.filter, headers)).status, 401);
    assert.deepEqual([lines.at(-1)?.level, lines.at(-1)?.reason], ['debug', reason]);
  }
  assert.ok(!text().includes('t-'));
});

test('what a validator of one’s own gives as the reason is in the log, without the token', async (t) => {
  const { log, lines, text } = captureLog();
  const files = await tempConfig({
    'mine.mjs': `export class Mine {
  challenge() { return 'bearer realm="mine"'; }
  async validate(token) {
    if (token === 'over') return { userId: 'u', roles: [], expiresAt: new Date(0) };
    return token === 'null' ? null : { refused: 'no ticket for ' + token + '\\n' };
  }
}`,
  });
  t.after(() => files.remove());
  const local = { validator: './mine.mjs:Mine', token_cache_time: '-1' };
  const { made, close } = await buildFilter(authToken, { folder: files.folder, log, local });
  t.after(close);
  const refused = await send(made, { 'x-auth-token': 's3cret' });
  assert.equal(refused.headers['www-authenticate'], 'bearer realm="mine", error="invalid_token"');
  assert.equal(lines.at(-1)?.reason, 'no ticket for …\\u000a');
  await send(made, { 'x-auth-token': 'null' });
  assert.equal(lines.at(-1)?.reason, 'the validator does not accept it');
  await send(made, { 'x-auth-token': 'over' });
  assert.equal(lines.at(-1)?.reason, 'expired');
  assert.ok(!text().includes('s3cret'));
});

test('above debug nothing is said of refused tokens', async (t) => {
  const { log, lines } = captureLog('info');
  const { filter } = await setUp(t, {}, log);
  await send(filter, { 'x-auth-token': 'unknown' });
  assert.deepEqual(lines, []);
});
