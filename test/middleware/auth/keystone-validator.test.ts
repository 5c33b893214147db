import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App, Filter } from 'portico/app';
import { lint, request } from 'portico/testing';
import { HOUR, inMs, reply, serviceToken, setUp, token } from '../fake-identity.js';

const app: App = (_req, res) => void res.end('in');

const status = async (filter: Filter, sent: string): Promise<number> =>
  (await request(lint(filter(app)), 'GET', '/', { headers: { 'x-auth-token': sent } })).status;

test('MW-32 the service logs in with its account, once', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('a', token());
  identity.tokens.set('b', token());
  assert.deepEqual(await Promise.all([status(filter, 'a'), status(filter, 'b')]), [200, 200]);
  assert.equal(identity.loginCount, 1);
  const domain = { id: 'default' };
  assert.deepEqual(JSON.parse(identity.asked[0]!.body), {
    auth: {
      identity: { methods: ['password'], password: { user: { name: 'nova', domain, password: 's3cret' } } },
      scope: { project: { name: 'service', domain } },
    },
  });
});

test('MW-31 an application credential, domains by name, an account by ids', async (t) => {
  const cases: [Record<string, string>, object][] = [
    [
      { application_credential_id: 'ac', application_credential_secret: 'x' },
      { identity: { methods: ['application_credential'], application_credential: { id: 'ac', secret: 'x' } } },
    ],
    [
      { auth_type: 'password', user_domain_name: 'U', project_domain_name: 'P', application_credential_id: 'ac' },
      {
        identity: {
          methods: ['password'],
          password: { user: { name: 'nova', domain: { name: 'U' }, password: 's3cret' } },
        },
        scope: { project: { name: 'service', domain: { name: 'P' } } },
      },
    ],
    [
      { user_id: 'u', project_id: 'p' },
      {
        identity: { methods: ['password'], password: { user: { id: 'u', password: 's3cret' } } },
        scope: { project: { id: 'p' } },
      },
    ],
  ];
  for (const [local, expected] of cases) {
    const { identity, filter } = await setUp(t, local);
    identity.tokens.set('good', token());
    assert.equal(await status(filter, 'good'), 200);
    assert.deepEqual(JSON.parse(identity.asked[0]!.body), { auth: expected });
  }
});

test('MW-31 the address asked is that of the interface and region in the catalog', async (t) => {
  const { identity, filter, url } = await setUp(t, { auth_url: 'http://127.0.0.1:9/', interface: 'admin' });
  const other = await setUp(t, { interface: 'public', region_name: 'two' });
  const endpoint = (at: string, region: string, kind: string) => ({ url: at, region, interface: kind });
  other.identity.catalog = [
    { type: 'compute', endpoints: [endpoint('http://127.0.0.1:9', 'two', 'public')] },
    {
      type: 'identity',
      endpoints: [endpoint('http://127.0.0.1:9', 'one', 'public'), endpoint(`${url}/`, 'two', 'public')],
    },
  ];
  identity.tokens.set('good', token());
  identity.logins.add('login-1');
  assert.equal(await status(other.filter, 'good'), 200);
  assert.equal(other.identity.validations.length, 0);
  assert.equal(identity.validations.length, 1);
  assert.equal(await status(filter, 'good'), 503);
});

test('MW-30 when the service’s own login is refused it logs in anew, once, and then nobody can tell', async (t) => {
  const { identity, filter } = await setUp(t, { token_cache_time: '-1' });
  identity.tokens.set('a', token());
  identity.tokens.set('b', token());
  assert.equal(await status(filter, 'a'), 200);
  identity.logins.clear();
  assert.equal(await status(filter, 'b'), 200);
  assert.equal(identity.loginCount, 2);
  identity.meddle = ({ method }, res) => {
    if (method === 'GET') reply(res, 401, {});
    return method === 'GET';
  };
  assert.equal(await status(filter, 'c'), 503);
  assert.equal(identity.loginCount, 3);
  assert.equal(identity.validations.length, 5);
});

test('MW-30 an account that is refused gets 503 and no 401: the caller did nothing wrong', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.meddle = ({ method }, res) => {
    if (method === 'POST') reply(res, 401, {});
    return method === 'POST';
  };
  assert.equal(await status(filter, 'good'), 503);
  assert.equal(identity.loginCount, 1);
});

test('MW-32 a login that ends is renewed before', async (t) => {
  const { identity, filter } = await setUp(t, { token_cache_time: '-1' });
  identity.tokens.set('good', token());
  identity.meddle = ({ method }, res) => {
    if (method !== 'POST') return false;
    identity.logins.add('short');
    res.setHeader('x-subject-token', 'short');
    reply(res, 201, { token: { ...serviceToken(), expires_at: inMs(5000) } });
    return true;
  };
  assert.equal(await status(filter, 'good'), 200);
  assert.equal(await status(filter, 'good'), 200);
  assert.equal(identity.loginCount, 2);
});

test('MW-30 the expiry of a token is in UTC if it has no offset, whatever the time zone of the process', async (t) => {
  const { TZ } = process.env;
  t.after(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  const { identity, filter } = await setUp(t);
  identity.meddle = ({ headers }, res) => {
    const found = identity.tokens.get(String(headers['x-subject-token']));
    if (found !== undefined) reply(res, 200, { token: found });
    return found !== undefined;
  };
  for (const zone of ['GMT-5', 'GMT5']) {
    process.env.TZ = zone;
    for (const [name, ms] of Object.entries({ over: -HOUR, good: HOUR })) {
      const end = inMs(ms).replace('Z', '');
      identity.tokens.set(`${name}-${zone}`, token({ expires_at: end }));
      identity.tokens.set(`${name}-space-${zone}`, token({ expires_at: end.replace('T', ' ') }));
      const wanted = ms > 0 ? 200 : 401;
      assert.equal(await status(filter, `${name}-${zone}`), wanted);
      assert.equal(await status(filter, `${name}-space-${zone}`), wanted);
    }
  }
});
