import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App, Filter } from 'portico/app';
import { authToken } from 'portico/middleware';
import { lint, request } from 'portico/testing';
import { generate } from 'selfsigned';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';
import { account, FakeIdentity, reply, setUp, token } from '../fake-identity.js';

const app: App = (_req, res) => void res.end('in');

const status = async (filter: Filter, sent: string): Promise<number> =>
  (await request(lint(filter(app)), 'GET', '/', { headers: { 'x-auth-token': sent } })).status;

test('MW-31 failed connections are tried again, responses are not', async (t) => {
  const { identity, filter } = await setUp(t, { http_request_max_retries: '1' });
  identity.tokens.set('good', token());
  let broken = 1;
  identity.meddle = (_asked, res) => broken-- > 0 && Boolean(res.socket?.destroy());
  assert.equal(await status(filter, 'good'), 200);
  assert.equal(identity.loginCount, 2);
  const before = identity.asked.length;
  identity.meddle = (_asked, res) => {
    reply(res, 502, {});
    return true;
  };
  assert.equal(await status(filter, 'other'), 503);
  assert.equal(identity.asked.length, before + 1);
});

test('MW-31 a response that does not come is not waited for, and requested again as for a connection that failed', async (t) => {
  const { identity, filter } = await setUp(t, { http_connect_timeout: '0.05', http_request_max_retries: '1' });
  identity.meddle = () => true;
  assert.equal(await status(filter, 'good'), 503);
  assert.equal(identity.asked.length, 2);
});

test('MW-32 redirects are not followed: tokens would go along', async (t) => {
  const { identity, filter } = await setUp(t);
  const elsewhere = await setUp(t);
  identity.meddle = ({ method, url }, res) => {
    if (method === 'GET') res.writeHead(302, { location: `${elsewhere.url}${url}` }).end();
    return method === 'GET';
  };
  assert.equal(await status(filter, 'good'), 503);
  assert.equal(elsewhere.identity.asked.length, 0);
});

test('MW-31 over TLS with a separate authority, or insecure with a warning', async (t) => {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'identity' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const files = await filesUntilEnd(t, { 'ca.pem': cert });
  const identity = new FakeIdentity();
  identity.tokens.set('good', token());
  const url = await identity.listen({ key, cert });
  t.after(() => identity.close());
  const withLocal = async (local: Record<string, string>): Promise<number> => {
    const { made } = await filterUntilEnd(t, authToken, { local: { ...account(url), ...local } });
    return status(made, 'good');
  };
  assert.equal(await withLocal({ cafile: files.path('ca.pem') }), 200);
  assert.equal(await withLocal({}), 503);
  assert.equal(await withLocal({ insecure: 'true' }), 200);
});

test('MW-32 a token whose limits cannot be read is not accepted', async (t) => {
  const { identity, filter } = await setUp(t, { token_cache_time: '-1' });
  const limits: object[] = [
    { expires_at: undefined },
    { expires_at: null },
    { expires_at: 4_102_444_800 },
    { expires_at: '' },
    { application_credential: 'ac' },
    { application_credential: [] },
    { bind: 'x509' },
  ];
  for (const [at, limit] of limits.entries()) {
    identity.tokens.set(`token-${at}`, token(limit));
    assert.equal(await status(filter, `token-${at}`), 503, JSON.stringify(limit));
  }
  identity.tokens.set('good', token({ application_credential: null, bind: null }));
  assert.equal(await status(filter, 'good'), 200);
});
