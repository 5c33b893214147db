import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, environ, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import { authToken, catchErrors, context } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse } from 'portico/testing';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { account, FakeIdentity, HOUR, inMs, reply, serviceToken, setUp, token } from './fake-identity.js';

const CHALLENGE = 'Keystone uri="https://identity.example/v3"';

/** Responds with what the filter gave it. */
const app: App = (req, res) => {
  const { identity, serviceIdentity, tokenInfo, authError } = environ(req);
  res.end(JSON.stringify({ identity, serviceIdentity, tokenInfo, authError, headers: req.headers }));
};

const send = (filter: Filter, headers: Record<string, string> = {}, path = '/', inner = app): Promise<TestResponse> =>
  request(lint(filter(inner)), 'GET', path, { headers });

const identityHeaders = (response: TestResponse): Record<string, string> => {
  const { headers } = response.json() as { headers: Record<string, string> };
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:host|connection|.*-token)$/.test(name)));
};

test('MW-33 a good token becomes an identity, in the environ and in headers', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('good', token());
  const response = await send(filter, { 'x-auth-token': ' good ' });
  assert.equal(response.status, 200);
  assert.deepEqual(identityHeaders(response), {
    'x-identity-status': 'Confirmed',
    'x-user-id': 'u1',
    'x-user-name': 'alice',
    'x-user-domain-id': 'default',
    'x-user-domain-name': 'Default',
    'x-project-id': 'p1',
    'x-project-name': 'blue',
    'x-project-domain-id': 'default',
    'x-project-domain-name': 'Default',
    'x-roles': 'member,reader',
    'x-is-admin-project': 'True',
  });
  const seen = response.json();
  assert.deepEqual(
    [seen.identity.userId, seen.identity.projectId, seen.identity.roles],
    ['u1', 'p1', ['member', 'reader']],
  );
  assert.equal(seen.tokenInfo.userName, 'alice');
  const [asked] = identity.validations;
  assert.equal(asked?.url, '/v3/auth/tokens');
  assert.equal(asked?.headers['x-subject-token'], 'good');
  assert.equal(asked?.headers['x-auth-token'], 'login-1');
  assert.equal(asked?.headers['openstack-identity-access-rules'], '1');
});

test('MW-33 one scope, names in any script, the catalog unless configured otherwise', async (t) => {
  const { identity, filter } = await setUp(t, { legacy_headers: 'true' });
  const domain = { id: 'd1', name: 'Bücher' };
  identity.tokens.set('domain', token({ project: undefined, domain, catalog: [{ type: 'ü' }] }));
  identity.tokens.set('system', token({ project: undefined, system: { all: true }, is_admin_project: true }));
  identity.tokens.set('both', token({ domain, system: { all: true }, roles: [] }));
  const ofDomain = identityHeaders(await send(filter, { 'x-auth-token': 'domain' }));
  assert.equal(ofDomain['x-domain-id'], 'd1');
  assert.equal(ofDomain['x-domain-name'], 'B%C3%BCcher');
  assert.equal(ofDomain['x-service-catalog'], '[{"type":"\\u00fc","endpoints":[]}]');
  assert.equal(ofDomain['x-user'], 'alice');
  assert.equal(ofDomain['x-role'], 'member,reader');
  assert.equal(ofDomain['x-project-id'], undefined);
  assert.equal(identity.validations[0]?.url, '/v3/auth/tokens');
  const ofSystem = identityHeaders(await send(filter, { 'x-auth-token': 'system' }));
  assert.equal(ofSystem['openstack-system-scope'], 'all');
  assert.equal(ofSystem['x-is-admin-project'], 'True');
  assert.equal(ofSystem['x-domain-id'], undefined);
  const ofBoth = identityHeaders(await send(filter, { 'x-auth-token': 'both' }));
  assert.equal(ofBoth['x-tenant-id'], 'p1');
  assert.equal(ofBoth['x-domain-id'], undefined);
  assert.equal(ofBoth['openstack-system-scope'], undefined);
  assert.equal(ofBoth['x-roles'], undefined);
});

test('MW-33 without include_service_catalog a catalog that comes nevertheless stays out of the headers', async (t) => {
  const { identity, filter } = await setUp(t, { include_service_catalog: 'false' });
  identity.tokens.set('good', token({ catalog: [{ type: 'compute', endpoints: [] }] }));
  assert.equal(identityHeaders(await send(filter, { 'x-auth-token': 'good' }))['x-service-catalog'], undefined);
  assert.equal(identity.validations[0]?.url, '/v3/auth/tokens?nocatalog');
});

test('MW-33 the added headers are in the raw ones and in headersDistinct too', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('good', token());
  const response = await send(filter, { 'x-auth-token': 'good', 'X-Roles': 'admin' }, '/', (req, res) => {
    const at = req.rawHeaders.indexOf('x-roles');
    reply(res, 200, [req.rawHeaders[at + 1], req.headersDistinct['x-roles'], req.headersDistinct['x-user-id']]);
  });
  assert.deepEqual(response.json(), ['member,reader', ['member,reader'], ['u1']]);
});

test('AU-6 MW-33 a role with a comma gets 401 and not two roles, and the log says why', async (t) => {
  const { log, lines } = captureLog();
  const { identity, filter } = await setUp(t, {}, log);
  identity.tokens.set('odd', token({ roles: [{ name: 'member,admin' }] }));
  identity.tokens.set('odd-service', serviceToken([{ name: 'service' }, { name: 'a,b' }]));
  identity.tokens.set('good', token());
  for (const headers of [{ 'x-auth-token': 'odd' }, { 'x-auth-token': 'good', 'x-service-token': 'odd-service' }]) {
    for (let sent = 0; sent < 2; sent++) assert.equal((await send(filter, headers)).status, 401);
    assert.equal(lines.at(-1)?.reason, 'a role has a comma');
  }
  const warned = lines.filter(({ level, msg }) => level === 'warn' && String(msg).includes('comma'));
  assert.deepEqual(
    warned.map(({ role, user_id: user }) => [role, user]),
    [['member,admin', 'u1']],
  );
});

test('MW-33 set_headers = false leaves the environ alone to say it', async (t) => {
  const { identity, filter } = await setUp(t, { set_headers: 'false' });
  identity.tokens.set('good', token());
  const response = await send(filter, { 'x-auth-token': 'good', 'x-roles': 'admin' });
  assert.deepEqual(identityHeaders(response), {});
  assert.equal(response.json().identity.userId, 'u1');
});

/** The rows of the table: the headers sent, the status without delay, and the values that the application sees with delay. */
const ROWS: readonly (readonly [
  name: string,
  headers: Record<string, string>,
  status: number,
  seen: { readonly user: string; readonly service?: string; readonly authError?: string },
])[] = [
  ['good', { 'x-auth-token': 'good' }, 200, { user: 'Confirmed' }],
  ['by its other name', { 'x-storage-token': 'good' }, 200, { user: 'Confirmed' }],
  ['none', {}, 401, { user: 'Invalid' }],
  ['empty', { 'x-auth-token': '  ' }, 401, { user: 'Invalid' }],
  ['a bearer where none is accepted', { authorization: 'Bearer good' }, 401, { user: 'Invalid' }],
  ['unknown', { 'x-auth-token': 'unknown' }, 401, { user: 'Invalid' }],
  ['expired', { 'x-auth-token': 'expired' }, 401, { user: 'Invalid' }],
  ['expired, whatever the service says', { 'x-auth-token': 'lies' }, 401, { user: 'Invalid' }],
  ['too long', { 'x-auth-token': 'x'.repeat(8193) }, 401, { user: 'Invalid' }],
  ['not ASCII', { 'x-auth-token': 'caf\u00e9' }, 401, { user: 'Invalid' }],
  [
    'with a service that is none',
    { 'x-auth-token': 'good', 'x-service-token': 'unknown' },
    401,
    { user: 'Confirmed', service: 'Invalid' },
  ],
  [
    'with a user in the place of a service',
    { 'x-auth-token': 'good', 'x-service-token': 'good' },
    401,
    { user: 'Confirmed', service: 'Invalid' },
  ],
  [
    'with a service',
    { 'x-auth-token': 'good', 'x-service-token': 'service' },
    200,
    { user: 'Confirmed', service: 'Confirmed' },
  ],
  [
    'expired with a service',
    { 'x-auth-token': 'expired', 'x-service-token': 'service' },
    200,
    { user: 'Confirmed', service: 'Confirmed' },
  ],
  ['a service alone', { 'x-service-token': 'service' }, 401, { user: 'Invalid', service: 'Confirmed' }],
  ['failing', { 'x-auth-token': 'failing' }, 503, { user: 'Invalid', authError: 'unavailable' }],
  ['no JSON', { 'x-auth-token': 'garbage' }, 503, { user: 'Invalid', authError: 'unavailable' }],
  [
    'with a failing service',
    { 'x-auth-token': 'good', 'x-service-token': 'failing' },
    503,
    { user: 'Confirmed', service: 'Invalid', authError: 'unavailable' },
  ],
];

for (const delayed of [false, true]) {
  test(`MW-30 the decisions, delay_auth_decision = ${delayed}`, async (t) => {
    const { identity, filter } = await setUp(t, { delay_auth_decision: String(delayed) });
    identity.tokens.set('good', token());
    identity.tokens.set('expired', token({ expires_at: inMs(-HOUR) }));
    identity.tokens.set('service', serviceToken());
    identity.meddle = ({ headers }, res) => {
      const asked = headers['x-subject-token'];
      if (asked === 'failing') reply(res, 500, {});
      else if (asked === 'lies') reply(res, 200, { token: token({ expires_at: inMs(-1) }) });
      else if (asked === 'garbage') res.end('<html>');
      else return false;
      return true;
    };
    for (const [name, headers, status, seen] of ROWS) {
      const response = await send(filter, headers);
      if (delayed) {
        assert.equal(response.status, 200, name);
        const reached = response.json();
        assert.equal(reached.headers['x-identity-status'], seen.user, name);
        assert.equal(reached.headers['x-service-identity-status'], seen.service, name);
        const isBad =
          seen.service === 'Invalid' || (seen.user === 'Invalid' && Boolean(headers['x-auth-token']?.trim()));
        assert.equal(reached.authError, seen.authError ?? (isBad ? 'invalid' : undefined), name);
        assert.equal(reached.identity === undefined, seen.user === 'Invalid', name);
        assert.equal(reached.headers['x-user-id'] === undefined, seen.user === 'Invalid', name);
        assert.equal(reached.headers['x-service-user-id'], seen.service === 'Confirmed' ? 's1' : undefined, name);
        continue;
      }
      assert.equal(response.status, status, name);
      assert.equal(response.headers['www-authenticate'], status === 401 ? CHALLENGE : undefined, name);
      assert.equal(response.headers['retry-after'], status === 503 ? '5' : undefined, name);
      if (status === 401) {
        const { code, title, message } = response.json().error;
        assert.deepEqual([code, title, message], [401, 'Unauthorized', 'The request requires authentication.']);
      }
    }
    const asked = identity.validations.map((one) => String(one.headers['x-subject-token']));
    assert.ok(asked.every((one) => one.length < 10 && /^[a-z]+$/.test(one)));
  });
}

test('MW-30 every 401 gets the challenge, whoever says it, beside others', async (t) => {
  const { identity, filter } = await setUp(t);
  identity.tokens.set('good', token());
  const bare = await send(filter, { 'x-auth-token': 'good' }, '/', (_req, res) => void res.writeHead(401).end());
  assert.equal(bare.headers['www-authenticate'], CHALLENGE);
  const own = await send(filter, { 'x-auth-token': 'good' }, '/', (_req, res) => {
    res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  assert.equal(own.headers['www-authenticate'], `Basic realm="x", ${CHALLENGE}`);
  const other = await send(filter, { 'x-auth-token': 'good' }, '/', (_req, res) => void res.writeHead(403).end());
  assert.equal(other.headers['www-authenticate'], undefined);
});

test('MW-30 MW-12 an undecided request is refused by the context filter, with the challenge', async (t) => {
  const { filter } = await setUp(t, { delay_auth_decision: 'true' });
  const inner = await buildFilter(context);
  const response = await request(lint(compose([filter, inner.made], app)), 'GET', '/');
  assert.equal(response.status, 401);
  assert.equal(response.headers['www-authenticate'], CHALLENGE);
});

test('MW-30 fault_style = openstack: a 401 has the body of keystonemiddleware', async (t) => {
  const identity = new FakeIdentity();
  const url = await identity.listen();
  t.after(() => identity.close());
  const config = Config.fromText('[DEFAULT]\nfault_style = openstack\n');
  const { made } = await filterUntilEnd(t, authToken, { config, local: account(url) });
  const response = await send(made, { 'x-auth-token': 'unknown' });
  assert.deepEqual(
    [response.status, response.headers['content-type'], response.headers['www-authenticate']],
    [401, 'application/json', CHALLENGE],
  );
  const message = 'The request you have made requires authentication.';
  assert.deepEqual(response.json(), { error: { code: 401, title: 'Unauthorized', message } });
  const head = await request(lint(made(app)), 'HEAD', '/');
  assert.deepEqual([head.status, head.text()], [401, '']);
});

test('MW-34 a service token without a role is a line at level warn, with its user and the roles', async (t) => {
  const { log, lines } = captureLog('info');
  const { identity, filter } = await setUp(t, {}, log);
  identity.tokens.set('good', token());
  for (let time = 0; time < 3; time++) await send(filter, { 'x-auth-token': 'good', 'x-service-token': 'good' });
  const [line, ...others] = lines.filter(({ level }) => level === 'warn');
  assert.deepEqual(others, []);
  assert.match(String(line?.msg), /the token of a service is refused: .*service_token_roles/);
  assert.deepEqual([line?.user_name, line?.service_token_roles, line?.requests], ['alice', ['service'], 1]);
});

test('MW-34 without roles a service token counts only where none are required, and lets nothing expire', async (t) => {
  const { identity, filter } = await setUp(t, { service_token_roles_required: 'false', service_token_roles: 'a, b' });
  identity.tokens.set('good', token());
  identity.tokens.set('expired', token({ expires_at: inMs(-HOUR) }));
  identity.tokens.set('weak', serviceToken());
  identity.tokens.set('strong', serviceToken([{ name: 'b' }]));
  const status = async (user: string, service: string): Promise<number> =>
    (await send(filter, { 'x-auth-token': user, 'x-service-token': service })).status;
  assert.equal(await status('good', 'weak'), 200);
  assert.equal(await status('expired', 'weak'), 401);
  assert.equal(await status('expired', 'strong'), 200);
  assert.equal(await status('revoked', 'strong'), 401);
  const service = identityHeaders(await send(filter, { 'x-auth-token': 'good', 'x-service-token': 'strong' }));
  assert.deepEqual([service['x-service-roles'], service['x-roles']], ['b', 'member,reader']);
});

test('MW-63.6 the identity service is not there: 503 and not 401; with delay the environ says so', async (t) => {
  const { identity, filter, url } = await setUp(t, { http_request_max_retries: '1' });
  const delayed = await setUp(t, { delay_auth_decision: 'true', auth_url: url, http_request_max_retries: '0' });
  await identity.close();
  const response = await send(filter, { 'x-auth-token': 'good' });
  assert.equal(response.status, 503);
  assert.equal(response.headers['retry-after'], '5');
  assert.equal(response.headers['www-authenticate'], undefined);
  const reached = (await send(delayed.filter, { 'x-auth-token': 'good' })).json();
  assert.equal(reached.authError, 'unavailable');
  assert.equal(reached.headers['x-identity-status'], 'Invalid');
  const inner = await buildFilter(context);
  const decided: [name: string, response: TestResponse][] = [
    ['context', await send((made) => compose([delayed.filter, inner.made], made), { 'x-auth-token': 'good' })],
    ['app', await send(delayed.filter, { 'x-auth-token': 'good' }, '/', (_req, res) => void res.writeHead(401).end())],
  ];
  for (const [name, { status, headers }] of decided) {
    assert.deepEqual([status, headers['retry-after'], headers['www-authenticate']], [503, '5', undefined], name);
  }
  const without = await send((made) => compose([delayed.filter, inner.made], made));
  assert.deepEqual([without.status, without.headers['www-authenticate']], [401, CHALLENGE]);
});

test('MW-63.6 a request whose service token cannot be validated waits for one token, not for both', async (t) => {
  const { identity, filter } = await setUp(t);
  const delayed = await setUp(t, { delay_auth_decision: 'true' });
  for (const each of [identity, delayed.identity]) {
    each.tokens.set('good', token());
    each.meddle = ({ headers }, res) => {
      const broken = headers['x-subject-token'] === 'strong';
      if (broken) res.writeHead(500).end();
      return broken;
    };
  }
  const both = { 'x-auth-token': 'good', 'x-service-token': 'strong' };
  assert.equal((await send(filter, both)).status, 503);
  assert.equal(identity.validations.length, 1);
  const reached = identityHeaders(await send(delayed.filter, both));
  assert.deepEqual([reached['x-identity-status'], reached['x-service-identity-status']], ['Confirmed', 'Invalid']);
});

test('MW-63.6 an outage is one line with its reason, and one with the number of requests when it is over', async (t) => {
  const { log, lines, text } = captureLog();
  const { identity, filter } = await setUp(t, { http_request_max_retries: '0' }, log);
  const caught = await buildFilter(catchErrors, { log });
  identity.tokens.set('good', token());
  identity.meddle = (_asked, res) => Boolean(res.socket?.destroy());
  const ask = (name: string): Promise<TestResponse> =>
    send((made) => compose([caught.made, filter], made), { 'x-auth-token': name });
  for (const name of ['a', 'b', 'c']) assert.equal((await ask(name)).status, 503);
  identity.meddle = () => false;
  assert.equal((await ask('good')).status, 200);
  const told = lines.filter(({ level }) => level !== 'debug');
  assert.deepEqual(
    told.map(({ level, requests }) => [level, requests]),
    [
      ['error', 1],
      ['info', 2],
    ],
  );
  assert.match(String(told[0]?.reason), /^POST http:[^:]*:\d+\/v3\/auth\/tokens: socket hang up$/);
  assert.doesNotMatch(text(), /"stack"|\bat .*:\d+:\d+/);
});
