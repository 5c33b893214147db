import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { authToken } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse } from 'portico/testing';
import { closedAfter } from '../../fixtures/closed-after.js';
import { filesUntilEnd, filterUntilEnd } from '../../fixtures/until-end.js';
import { account, FakeIdentity, setUp, token } from '../fake-identity.js';

const app: App = (req, res) => void res.end(JSON.stringify(environ(req).identity));

const send = (filter: Filter, sent: string): Promise<TestResponse> =>
  request(lint(filter(app)), 'GET', '/', { headers: { 'x-auth-token': sent } });

const password = (user: object): object => ({ methods: ['password'], password: { user: { ...user, password: 'x' } } });

const ini = (section: string, options: Record<string, string>): string =>
  `[${section}]\n${Object.entries(options)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`;

test('MW-5 MW-31 what cannot work is refused at load, by name', async () => {
  const working = account('http://127.0.0.1:9');
  const cases: [local: Record<string, string>, code: string, says: RegExp][] = [
    [{}, 'PORTICO_AUTH_TOKEN_ACCOUNT', /needs auth_url, username, password/],
    [{ auth_type: 'v3applicationcredential' }, 'PORTICO_AUTH_TOKEN_ACCOUNT', /application_credential_id, /],
    [{ ...working, validator: 'keystoen' }, 'PORTICO_UNKNOWN_DRIVER', /keystoen/],
    [{ ...working, validator: 'introspection' }, 'PORTICO_UNKNOWN_DRIVER', /introspection/],
    [{ validator: 'static' }, 'PORTICO_DEBUG_OFF', /debug/],
  ];
  for (const [local, code, says] of cases) {
    await assert.rejects(
      async () => buildFilter(authToken, { local }),
      (error: { code?: string; message: string; name: string }) => {
        assert.equal(error.code, code);
        assert.match(error.message, says);
        assert.match(error.message, /test\.ini:\d+/);
        assert.equal(error.name, 'ConfigurationRefused');
        return true;
      },
    );
  }
  await assert.rejects(async () => buildFilter(authToken, { local: { ...working, validator: 'jwks' } }), {
    hint: /keystone, .*static/,
  });
  await assert.rejects(async () => buildFilter(authToken, { local: { ...working, enforce_token_bind: 'kerberos' } }), {
    name: 'ConfigError',
  });
});

test('MW-31 the options may stand in [keystone_authtoken], auth_uri is an old name', async (t) => {
  const { identity, url } = await setUp(t);
  identity.tokens.set('good', token());
  const { www_authenticate_uri: uri, ...rest } = account(url);
  const config = Config.fromText(ini('keystone_authtoken', { ...rest, auth_uri: uri! }));
  const { made } = await filterUntilEnd(t, authToken, { config });
  assert.equal((await send(made, 'good')).json().userId, 'u1');
  assert.equal((await send(made, 'bad')).headers['www-authenticate'], `Keystone uri="${uri}"`);
  const local = { ...rest, auth_uri: uri! };
  const inSection = await buildFilter(authToken, { local });
  t.after(inSection.close);
  assert.equal((await send(inSection.made, 'good')).status, 200);
});

test('MW-31 names of [keystone_authtoken] mean what they mean in keystonemiddleware, have no effect, or are refused', async (t) => {
  const { identity, url } = await setUp(t);
  const logins = (): object[] =>
    identity.asked
      .filter(({ method }) => method === 'POST')
      .map(({ body }) => (JSON.parse(body) as { auth: object }).auth);
  const common = { www_authenticate_uri: url, auth_url: url, password: 'x', token_cache_time: '-1' };
  const cases: [lines: Record<string, string>, auth: object][] = [
    [
      { user_name: 'nova', tenant_name: 'service', auth_plugin: 'password' },
      {
        identity: password({ name: 'nova', domain: { id: 'default' } }),
        scope: { project: { name: 'service', domain: { id: 'default' } } },
      },
    ],
    [
      { username: 'nova', system_scope: 'all', user_domain_name: 'Cloud' },
      { identity: password({ name: 'nova', domain: { name: 'Cloud' } }), scope: { system: { all: true } } },
    ],
    [
      { user_id: 'n1', tenant_id: 'p1' },
      { identity: password({ id: 'n1' }), scope: { project: { id: 'p1' } } },
    ],
    [
      { user_id: 'n1', domain_name: 'Cloud' },
      { identity: password({ id: 'n1' }), scope: { domain: { name: 'Cloud' } } },
    ],
    [
      { user_id: 'n1', application_credential_name: 'c', application_credential_secret: 's' },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: { name: 'c', user: { id: 'n1' }, secret: 's' },
        },
      },
    ],
  ];
  for (const [at, [lines, auth]] of cases.entries()) {
    const config = Config.fromText(ini('keystone_authtoken', { ...common, ...lines }));
    const { made } = await filterUntilEnd(t, authToken, { config });
    await send(made, 'any');
    assert.deepEqual(logins()[at], auth);
  }
});

test('MW-31 names that have no effect are a warning with what to do, unknown ones an error with the nearest', async (t) => {
  const lines = {
    ...account('http://127.0.0.1:9'),
    signing_dir: '/tmp',
    memcached_servers: 'm:11211',
    admin_user: 'nova',
  };
  for (const section of ['keystone_authtoken', 'auth_token']) {
    const { log, lines: logged } = captureLog();
    const config = Config.fromText(ini(section, lines));
    config.useLogger(log);
    const { close } = await buildFilter(authToken, { config });
    t.after(close);
    const told = logged.filter(({ level }) => level === 'warn').map(({ msg }) => String(msg));
    assert.match(
      told.join('\n'),
      /signing_dir: has no effect here; Remove the line[\s\S]*memcached_servers: has no effect here; Remove the line[\s\S]*admin_user: has no effect here; Write username/,
    );
    const wrong = Config.fromText(ini(section, { ...lines, usrname: 'nova', project_nam: 'x' }));
    await assert.rejects(
      async () => buildFilter(authToken, { config: wrong }),
      (error: Error) => {
        assert.match(
          error.message,
          /usrname: unknown option\n.*'username'[\s\S]*project_nam: unknown option\n.*'project_name'/,
        );
        assert.match(error.message, new RegExp(`\\[${section}\\]`));
        return true;
      },
    );
  }
  const twice = Config.fromText(ini('keystone_authtoken', { ...lines, system_scope: 'all' }));
  await assert.rejects(async () => buildFilter(authToken, { config: twice }), {
    code: 'PORTICO_AUTH_TOKEN_ACCOUNT',
    message: /portico\.ini:1.*2 scopes: project_name, system_scope/,
  });
  const local = { ...account('http://127.0.0.1:9'), signing_dir: '/tmp' };
  await (await buildFilter(authToken, { local })).close();
});

test('MW-31 the account may stand in a separate section', async (t) => {
  const { identity, url } = await setUp(t);
  identity.tokens.set('good', token());
  const { www_authenticate_uri: uri, ...rest } = account(url);
  const config = Config.fromText(ini('nova_account', { ...rest, other: '1' }));
  const separate = await buildFilter(authToken, {
    config,
    local: { auth_section: 'nova_account', www_authenticate_uri: uri! },
  });
  t.after(separate.close);
  assert.equal((await send(separate.made, 'good')).status, 200);
});

test('MW-4 two sections do not share their options', async (t) => {
  const open = await setUp(t, { delay_auth_decision: 'true' });
  const closed = await setUp(t);
  assert.equal((await send(open.filter, 'bad')).status, 200);
  assert.equal((await send(closed.filter, 'bad')).status, 401);
});

test('MW-31 an insecure connection is warned of at every start', async (t) => {
  const { log, lines } = captureLog();
  await setUp(t, { insecure: 'true' }, log);
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 1);
});

test('MW-30 a paste file of an OpenStack service gets this filter', async (t) => {
  const identity = new FakeIdentity();
  const url = await identity.listen();
  t.after(() => identity.close());
  identity.tokens.set('good', token());
  const files = await filesUntilEnd(t, {
    'api-paste.ini': `[pipeline:main]
pipeline = authtoken authtoken2 echo
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:authtoken2]
use = egg:keystonemiddleware#auth_token
[app:echo]
use = call:portico/middleware:echo
`,
  });
  const config = Config.fromText(ini('keystone_authtoken', account(url)));
  const loaded = closedAfter(t, await new Loader(files.path('api-paste.ini'), { config }).loadApp('main'));
  const sent = (name: string): Promise<TestResponse> =>
    request(lint(loaded), 'GET', '/', { headers: { 'x-auth-token': name } });
  assert.equal((await sent('good')).status, 200);
  assert.equal((await sent('bad')).status, 401);
});
