import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { lint, request, type TestResponse } from 'portico/testing';
import { rawRequest } from '#internal/testing';
import { setUp, token } from '../fake-identity.js';

/** Responds with what the filter gave it. */
const app: App = (req, res) => {
  const { identity, serviceIdentity, tokenInfo, authError } = environ(req);
  res.end(JSON.stringify({ identity, serviceIdentity, tokenInfo, authError, headers: req.headers }));
};

const send = (filter: Filter, headers: Record<string, string> = {}, path = '/', inner = app): Promise<TestResponse> =>
  request(lint(filter(inner)), 'GET', path, { headers });

test('MW-30 a bearer token is taken where it is accepted, and comes last', async (t) => {
  const { identity, filter } = await setUp(t, { accept_bearer: 'true' });
  identity.tokens.set('good', token());
  assert.equal((await send(filter, { authorization: 'bearer  good' })).status, 200);
  assert.equal((await send(filter, { authorization: 'Basic good' })).status, 401);
  assert.equal((await send(filter, { 'x-auth-token': 'bad', authorization: 'Bearer good' })).status, 401);
});

test('MW-8 a token that came twice gets 400', async (t) => {
  const { filter } = await setUp(t);
  for (const name of ['X-Auth-Token', 'X-Service-Token']) {
    const raw = `GET / HTTP/1.1\r\nHost: a\r\n${name}: a\r\n${name.toLowerCase()}: b\r\nConnection: close\r\n\r\n`;
    assert.match(await rawRequest(lint(filter(app)), raw), /^HTTP\/1.1 400 /);
  }
});
