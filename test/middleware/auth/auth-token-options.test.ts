import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { authToken } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse, tempConfig } from 'portico/testing';
import { account, FakeIdentity, setUp, token } from '../fake-identity.js';

const app: App = (req, res) => void res.end(JSON.stringify(environ(req).identity));

const send = (filter: Filter, sent: string): Promise<TestResponse> =>
  request(lint(filter(app)), 'GET', '/', { headers: { 'x-auth-token': sent } });

const ini = (section: string, options: Record<string, string>): string =>
  `[${section}]\n${Object.entries(options)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')}`;

test('MW-5 MW-31 what cannot work is refused at load, by name', async () => {
  const working = account('http://127.0.0.1:9');
  const cases: [local: Record<string, string>, code: string, says: RegExp][] = [
    [{}, 'PORTICO_AUTH_TOKEN_ACCOUNT', /www_authenticate_uri, auth_url, username, password/],
    [{ auth_type: 'v3applicationcredential' }, 'PORTICO_AUTH_TOKEN_ACCOUNT', /application_credential_id, /],
    [{ ...working, validator: 'keystoen' }, 'PORTICO_UNKNOWN_DRIVER', /keystoen/],
    [{ ...working, validator: 'introspection' }, 'PORTICO_UNKNOWN_DRIVER', /introspection/],
    [{ ...working, token_cache: 'redis' }, 'PORTICO_TOKEN_CACHE', /memory/],
    [{ ...working, token_cache: 'memcached' }, 'PORTICO_TOKEN_CACHE', /memory/],
    [{ ...working, cache_security: 'mac' }, 'PORTICO_TOKEN_CACHE', /cache_secret_key/],
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
  const config = Config.fromText(ini('keystone_authtoken', { ...rest, auth_uri: uri!, memcached_servers: 'a:1' }));
  const { made, close } = await buildFilter(authToken, { config });
  t.after(close);
  assert.equal((await send(made, 'good')).json().userId, 'u1');
  assert.equal((await send(made, 'bad')).headers['www-authenticate'], `Keystone uri="${uri}"`);
  const local = { ...rest, auth_uri: uri! };
  const inSection = await buildFilter(authToken, { local });
  t.after(inSection.close);
  assert.equal((await send(inSection.made, 'good')).status, 200);
});

test('MW-31 the account may stand in a section of its own, and all options in another group', async (t) => {
  const { identity, url } = await setUp(t);
  identity.tokens.set('good', token());
  const { www_authenticate_uri: uri, ...rest } = account(url);
  const config = Config.fromText(
    `${ini('nova_account', { ...rest, other: '1' })}${ini('auth_two', { ...account(url), auth_url: 'http://127.0.0.1:9' })}`,
  );
  const separate = await buildFilter(authToken, {
    config,
    local: { auth_section: 'nova_account', www_authenticate_uri: uri! },
  });
  t.after(separate.close);
  assert.equal((await send(separate.made, 'good')).status, 200);
  const local = { config_group: 'auth_two', http_request_max_retries: '0' };
  const grouped = await buildFilter(authToken, { config, local });
  t.after(grouped.close);
  assert.equal((await send(grouped.made, 'good')).status, 503);
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
  const files = await tempConfig({
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
  t.after(() => files.remove());
  const config = Config.fromText(ini('keystone_authtoken', account(url)));
  const loaded = await new Loader(files.path('api-paste.ini'), { config }).loadApp('main');
  t.after(() => loaded.close());
  const sent = (name: string): Promise<TestResponse> =>
    request(lint(loaded), 'GET', '/', { headers: { 'x-auth-token': name } });
  assert.equal((await sent('good')).status, 200);
  assert.equal((await sent('bad')).status, 401);
});
