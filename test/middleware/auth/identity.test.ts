import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { type App, compose, type Filter } from 'portico/app';
import { authToken, basicAuth, catchErrors, noauth, requestId, requestLog, sizelimit } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { IDENTITY_HEADERS } from '../../../dist/middleware/auth/identity.js';
import { filesUntilEnd } from '../../fixtures/until-end.js';

const FORGED = 'forged-by-client';
const SPELLINGS: ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => name.replaceAll('-', '_'),
  (name) => name.replace('-', '_').toUpperCase(),
];
const PASSWORD = `Basic ${Buffer.from('alice:wonderland').toString('base64')}`;

test('MW-63.1 MW-33 no identity header of a client reaches the app, by any authenticator, in any spelling', async (t) => {
  const tokens = '{"devel": {"user_id": "dev", "roles": ["member"]}}';
  const files = await filesUntilEnd(t, { users: `alice:${hashSync('wonderland', 4)}\n`, tokens });
  await chmod(files.path('users'), 0o600);
  const open = await buildFilter(noauth, { config: '[api]\nauth_strategy = noauth\n' });
  const basic = await buildFilter(basicAuth, { local: { user_file: files.path('users') } });
  const tokenOptions = { validator: 'static', static_tokens_file: files.path('tokens') };
  const config = '[DEFAULT]\ndebug = true\n';
  const strict = await buildFilter(authToken, { config, local: tokenOptions });
  const delayed = await buildFilter(authToken, { config, local: { ...tokenOptions, delay_auth_decision: 'true' } });
  for (const { close } of [strict, delayed]) t.after(close);
  t.after(open.close);
  t.after(basic.close);
  const app: App = (req, res) => {
    res.end(JSON.stringify([req.headers, req.rawHeaders, req.headersDistinct]));
  };
  const authenticators: [Filter, Record<string, string>][] = [
    [open.made, { 'x-auth-token': 'alice' }],
    [basic.made, { authorization: PASSWORD }],
    [strict.made, { 'x-auth-token': 'devel' }],
    [delayed.made, { 'x-auth-token': 'devel' }],
    [delayed.made, { 'x-auth-token': 'bad' }],
    [delayed.made, {}],
  ];
  assert.equal(IDENTITY_HEADERS.size, 33);
  for (const [filter, credentials] of authenticators) {
    for (const spell of SPELLINGS) {
      const forged = Object.fromEntries([...IDENTITY_HEADERS].map((name) => [spell(name), FORGED]));
      const response = await request(lint(filter(app)), 'GET', '/', { headers: { ...forged, ...credentials } });
      assert.equal(response.status, 200);
      assert.ok(!response.text().includes(FORGED), spell('x-user-id'));
    }
  }
});

test('MW-63.10 no token, password, cookie or body is in the log, whatever goes wrong', async (t) => {
  const { log, lines, text } = captureLog();
  const files = await filesUntilEnd(t, { users: `alice:${hashSync('wonderland', 4)}\n` });
  await chmod(files.path('users'), 0o600);
  const auth = await buildFilter(basicAuth, { log, local: { user_file: files.path('users') } });
  t.after(auth.close);
  const filters: Filter[] = [
    (await buildFilter(catchErrors, { log, local: { log_headers: 'true' } })).made,
    (await buildFilter(requestId, { log })).made,
    (await buildFilter(requestLog, { log })).made,
    (await buildFilter(sizelimit, { log, local: { max_request_body_size: '100' } })).made,
    auth.made,
  ];
  const app = lint(
    compose(filters, () => {
      throw new Error('the app failed');
    }),
  );
  const secrets = { cookie: 'sid=s3cret', 'x-auth-token': 's3cret' };
  const path = '/login?password=s3cret&token=s3cret&signature=s3cret';
  for (const authorization of [PASSWORD, 'Basic czNjcmV0OnMzY3JldA==', 'Bearer s3cret']) {
    await request(app, 'POST', path, { headers: { ...secrets, authorization }, body: '{"password": "s3cret"}' });
  }
  await request(app, 'POST', path, { headers: secrets, body: 's3cret'.repeat(50) });
  assert.ok(lines.length >= 5);
  for (const secret of ['s3cret', 'wonderland', PASSWORD.slice(6), 'czNjcmV0OnMzY3JldA']) {
    assert.ok(!text().includes(secret), secret);
  }
});
