import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { createServer, request as sendSecurely } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { App, Filter } from 'portico/app';
import { authToken } from 'portico/middleware';
import { captureLog, lint, request, type TestResponse } from 'portico/testing';
import { generate } from 'selfsigned';
import { answerFault, asFault } from '#internal/app';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';
import { serviceToken, setUp, token } from '../fake-identity.js';

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
    [{ 'x-auth-token': 't-ünknown' }, CALLER, 'malformed: too long, or not printable ASCII without blanks'],
    [{ 'x-auth-token': `t-${'x'.repeat(8191)}` }, CALLER, 'malformed: too long, or not printable ASCII without blanks'],
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
  const files = await filesUntilEnd(t, {
    'mine.mjs': `export class Mine {
  challenge() { return 'bearer realm="mine"'; }
  async validate(token) {
    if (token === 'over') return { userId: 'u', roles: [], expiresAt: new Date(0) };
    return token === 'null' ? null : { refused: 'no ticket for ' + token + '\\n' };
  }
}`,
  });
  const local = { validator: './mine.mjs:Mine', token_cache_time: '-1' };
  const { made } = await filterUntilEnd(t, authToken, { folder: files.folder, log, local });
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

test('MW-36 a bound token is good for the connection it is bound to', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'client' }], { keyType: 'ec' });
  const digest = createHash('sha256').update(new X509Certificate(cert).raw);
  const hex = digest.copy().digest('hex');
  const other = createHash('sha256').update('other').digest('hex');
  const binds: Record<string, object | undefined> = {
    free: undefined,
    hex: { x509: hex },
    colons: { x509: hex.toUpperCase().replace(/..(?=.)/g, '$&:') },
    base64url: { x509: digest.digest('base64url') },
    other: { x509: other },
    number: { x509: 1 },
    foreign: { kerberos: 'USER' },
    both: { kerberos: 'USER', x509: hex },
  };
  /** The accepted tokens of each mode. */
  const modes: Record<string, string> = {
    disabled: 'free hex colons base64url other number foreign both',
    permissive: 'free hex colons base64url foreign both',
    strict: 'free hex colons base64url',
    required: 'hex colons base64url',
    x509: 'hex colons base64url',
  };
  for (const [mode, expected] of Object.entries(modes)) {
    const { identity, filter } = await setUp(t, { enforce_token_bind: mode });
    for (const [name, bind] of Object.entries(binds)) identity.tokens.set(name, token({ bind }));
    const linted = lint(filter(app));
    const server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (req, res) => {
      Promise.resolve(linted(req, res)).catch((error: unknown) =>
        answerFault(req, res, asFault(error), { onFailure: () => undefined }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const status = (name: string, tls: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { 'x-auth-token': name };
        const outgoing = sendSecurely({
          host: '127.0.0.1',
          port,
          headers,
          agent: false,
          rejectUnauthorized: false,
          ...tls,
        });
        outgoing.on('response', (incoming) => resolve(incoming.resume().statusCode));
        outgoing.on('error', reject).end();
      });
    const accepted: string[] = [];
    for (const name of Object.keys(binds)) if ((await status(name, { key, cert })) === 200) accepted.push(name);
    assert.equal(accepted.join(' '), expected, mode);
    if (mode === 'strict') assert.equal(await status('hex', {}), 401);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
