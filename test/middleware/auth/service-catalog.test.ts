import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authToken } from 'portico/middleware';
import { captureLog, request } from 'portico/testing';
import { filterUntilEnd } from '../../fixtures/until-end.js';
import { account, FakeIdentity, setUp, token } from '../fake-identity.js';

test('MW-33 X-Service-Catalog has the form of version 2: the addresses of a region together', async (t) => {
  const { identity, filter } = await setUp(t);
  const endpoint = (kind: string, region?: string): object => ({
    interface: kind,
    url: `http://${kind}`,
    region,
    id: 'x',
  });
  const catalog = [
    {
      type: 'compute',
      name: 'nova',
      id: 'c',
      endpoints: [endpoint('public', 'one'), endpoint('Internal', 'one'), endpoint('admin', 'two')],
    },
    { type: 'image', endpoints: [endpoint('public'), { ...endpoint('admin'), region: null }] },
    { type: 'empty' },
    'no service',
  ];
  identity.tokens.set('good', token({ catalog }));
  const app = filter((req, res) => void res.end(req.headers['x-service-catalog']));
  assert.deepEqual((await request(app, 'GET', '/', { headers: { 'x-auth-token': 'good' } })).json(), [
    {
      type: 'compute',
      name: 'nova',
      endpoints: [
        { region: 'one', publicURL: 'http://public', internalURL: 'http://Internal' },
        { region: 'two', adminURL: 'http://admin' },
      ],
    },
    { type: 'image', endpoints: [{ publicURL: 'http://public', adminURL: 'http://admin' }] },
    { type: 'empty', endpoints: [] },
  ]);
  assert.equal(identity.validations[0]?.url, '/v3/auth/tokens');
  const { identity: other, filter: without } = await setUp(t, { include_service_catalog: 'false' });
  await request(without(app), 'GET', '/', { headers: { 'x-auth-token': 'good' } });
  assert.equal(other.validations[0]?.url, '/v3/auth/tokens?nocatalog');
});

test('MW-31 a catalog whose address has moved is asked for anew; interface may be internalURL', async (t) => {
  const moved = new FakeIdentity();
  const second = await moved.listen();
  t.after(() => moved.close());
  const gone = new FakeIdentity();
  const first = await gone.listen();
  const { identity, filter } = await setUp(t, { interface: 'internalURL', http_request_max_retries: '0' });
  const catalogWith = (url: string): object[] => [{ type: 'identity', endpoints: [{ interface: 'internal', url }] }];
  const status = async (name: string): Promise<number> =>
    (
      await request(
        filter((_req, res) => void res.end()),
        'GET',
        '/',
        { headers: { 'x-auth-token': name } },
      )
    ).status;
  for (const each of [gone, moved]) {
    each.logins.add('login-1').add('login-2');
    each.tokens.set('good', token()).set('other', token());
  }
  identity.catalog = catalogWith(first);
  assert.equal(await status('good'), 200);
  assert.equal(gone.validations.length, 1);
  await gone.close();
  identity.catalog = catalogWith(second);
  assert.equal(await status('other'), 200);
  assert.deepEqual([identity.loginCount, moved.validations.length, identity.validations.length], [2, 1, 0]);
});

test('MW-31 without www_authenticate_uri callers are sent to auth_url, and the log warns', async (t) => {
  const identity = new FakeIdentity();
  const url = await identity.listen();
  t.after(() => identity.close());
  const { log, lines } = captureLog();
  const { www_authenticate_uri: _, ...local } = account(url);
  const { made } = await filterUntilEnd(t, authToken, { local, log });
  const answer = await request(
    made((_req, res) => void res.end()),
    'GET',
    '/',
  );
  assert.equal(answer.headers['www-authenticate'], `Keystone uri="${url}"`);
  assert.match(String(lines.find(({ level }) => level === 'warn')?.msg), /www_authenticate_uri is not set/);
});
