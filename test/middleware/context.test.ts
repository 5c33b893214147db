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

test('MW-12 no identity gets 401 where one is required, an anonymous context where not', async () => {
  const strict = await buildFilter(context);
  // JavaScript may write null for nobody.
  for (const nobody of [undefined, null as unknown as undefined]) {
    assert.equal((await request(lint(identified(nobody)(strict.made(who))), 'GET', '/')).status, 401);
  }
  const open = await buildFilter(context, { local: { require_identity: 'false' } });
  const response = await request(lint(identified(undefined)(open.made(who))), 'GET', '/');
  assert.equal(response.json().current, true);
  assert.equal(response.json().userId, undefined);
});

const asked: App = (req, res) => void res.end(JSON.stringify(environ(req).context!.toDict()));

test('MW-12 the context keeps scope, domains and the service that asks for the user', async () => {
  const { made } = await buildFilter(context);
  const seen = async (identity: Identity, serviceIdentity?: Identity) => {
    const app: App = (req, res) => {
      Object.assign(environ(req), { identity, serviceIdentity });
      return made(asked)(req, res);
    };
    const { is_service, service_roles, ...dict } = (await request(lint(app), 'GET', '/')).json();
    return { is_service, service_roles, dict };
  };
  const system = { userId: 'u', userDomainId: 'd', userDomainName: 'D', systemScope: 'all', roles: ['reader'] };
  const ofSystem = await seen(system);
  assert.equal(ofSystem.dict.system_scope, 'all');
  assert.equal(ofSystem.dict.user_domain_id, 'd');
  assert.equal(ofSystem.is_service, false);
  const ofDomain = await seen({ userId: 'u', domainId: 'd', domainName: 'D' });
  assert.deepEqual([ofDomain.dict.domain_id, ofDomain.dict.domain_name], ['d', 'D']);
  const forUser = await seen({ userId: 'u', projectId: 'p' }, { userId: 'glance', projectId: 's', roles: ['service'] });
  assert.deepEqual(
    [forUser.is_service, forUser.service_roles, forUser.dict.service_user_id, forUser.dict.service_project_id],
    [true, ['service'], 'glance', 's'],
  );
  assert.deepEqual([forUser.dict.roles, forUser.dict.is_admin], [[], false], 'the service gives the user no rights');
  const ofOther = await seen({ userId: 'u' }, { userId: 'x', roles: ['member'] });
  assert.deepEqual([ofOther.is_service, ofOther.service_roles], [false, ['member']]);
});

test('MW-12 require_project refuses each caller without a project with 403, and one without identity with 401', async () => {
  const { made } = await buildFilter(context, { local: { require_project: 'true' } });
  const status = async (identity: Identity | undefined) =>
    (await request(lint(identified(identity)(made(asked))), 'GET', '/')).status;
  assert.equal(await status({ userId: 'u', projectId: 'p' }), 200);
  for (const scope of [{}, { domainId: 'd' }, { systemScope: 'all', roles: ['admin'] }, { projectId: '' }]) {
    assert.equal(await status({ userId: 'u', ...scope }), 403, JSON.stringify(scope));
  }
  assert.equal(await status(undefined), 401);
  const open = await buildFilter(context);
  assert.equal((await request(lint(identified({ userId: 'u' })(open.made(asked))), 'GET', '/')).status, 200);
});

test('MW-12 require_project beside require_identity = false is refused where the latter is written', async () => {
  const local = { require_project: 'true', require_identity: 'false' };
  await assert.rejects(buildFilter(context, { local }), { code: 'PORTICO_CONFIG_VALUE', message: /require_identity/ });
});
