import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, currentContext, environ } from 'portico/app';
import { context, type Identity } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

const who: App = async (req, res) => {
  await new Promise((resolve) => setImmediate(resolve));
  const { userId, projectId, isAdmin, remoteAddress } = environ(req).context ?? {};
  const current = currentContext() === environ(req).context;
  res.end(JSON.stringify({ userId, projectId, isAdmin, remoteAddress, current, headers: req.headers }));
};

const identified =
  (identity: Identity | undefined) =>
  (app: App): App =>
  (req, res) => {
    if (identity !== undefined) environ(req).identity = identity;
    return app(req, res);
  };

test('MW-12 the context is built from identity, ids and address, and is the current one', async () => {
  const { made } = await buildFilter(context, { local: { admin_roles: 'boss' } });
  const app = identified({ userId: 'u', projectId: 'p', roles: ['boss'] })(made(who));
  const seen = (await request(lint(app), 'GET', '/', { headers: { 'x-auth-token': 'secret' } })).json();
  assert.equal(seen.userId, 'u');
  assert.equal(seen.isAdmin, true);
  assert.equal(seen.current, true);
});

test('MW-12 no identity is 401 where one is required, an anonymous context where not', async () => {
  const strict = await buildFilter(context);
  assert.equal((await request(lint(identified(undefined)(strict.made(who))), 'GET', '/')).status, 401);
  const open = await buildFilter(context, { local: { require_identity: 'false' } });
  const response = await request(lint(identified(undefined)(open.made(who))), 'GET', '/');
  assert.equal(response.json().current, true);
  assert.equal(response.json().userId, undefined);
});
