/** Compares auth_token with the real keystonemiddleware: both have the same paste file, configuration and Keystone. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { freePort } from '../e2e/program.js';
import { AuthTokenPeer, Keystone, keystoneMissing } from './keystone.js';

const skip = keystoneMissing;

const PASTE = `[pipeline:main]
pipeline = authtoken echo
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[app:echo]
paste.app_factory = auth_token_app:echo_factory
[portico:aliases]
echo = auth_token_app:echo_factory ./echo.mjs:app
`;

const ECHO = `export const app = () => (req, res) => {
  const told = Object.entries(req.headers).filter(([name]) => /^(?:x|openstack)-/.test(name));
  res.statusCode = Number((req.url.split('?')[1] ?? '200').slice(0, 3));
  res.end(JSON.stringify(Object.fromEntries(told)));
};
`;

let keystone: Keystone;
let peer: AuthTokenPeer;
const tokens: Record<string, string> = { garbage: 'garbage', blank: ' ' };

before(async () => {
  if (skip !== false) return;
  [keystone, peer] = await Promise.all([Keystone.start(), AuthTokenPeer.start()]);
  await keystone.user(
    'nova',
    [
      { role: 'service', project: 'service' },
      { role: 'service', system: true },
    ],
    'pa$word',
  );
  await keystone.user('alice', [
    { role: 'member', project: 'blue' },
    { role: 'reader', domain: true },
    { role: 'reader', system: true },
  ]);
  tokens.project = await keystone.token({ user: 'alice', project: 'blue' });
  tokens.unscoped = await keystone.token({ user: 'alice' });
  tokens.domain = await keystone.token({ user: 'alice', domain: 'default' });
  tokens.system = await keystone.token({ user: 'alice', system: true });
  tokens.service = await keystone.token({ user: 'nova', password: 'pa$word', project: 'service' });
  tokens.expired = await keystone.expiredToken('alice', 'blue');
  tokens.revoked = await keystone.token({ user: 'alice', project: 'blue' });
  await keystone.revoke(tokens.revoked);
});

after(async () => {
  await Promise.all([keystone?.end(), peer?.end()]);
});

interface Sent {
  readonly user?: string;
  readonly service?: string;
  /** The status of the application. */
  readonly status?: string;
}

interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly told: Record<string, unknown>;
}

/** Headers of older services, which Portico sets with `legacy_headers = true`. */
const LEGACY = /^x-(?:user|tenant(?:-id|-name)?|role|(?:auth|service)-token)$/;

function comparable(text: string): Record<string, unknown> {
  const told = Object.entries(JSON.parse(text) as Record<string, unknown>);
  // Python's middleware sets absent headers to None, and roles to an empty text.
  return Object.fromEntries(
    told
      .filter(([name, value]) => !LEGACY.test(name) && value !== null && value !== '')
      .map(([name, value]) => [name, name === 'x-service-catalog' ? (JSON.parse(String(value)) as unknown) : value]),
  );
}

/** Sends a request to both applications, or to one of them. */
interface Both {
  (sent: Sent): Promise<[portico: Answer, python: Answer]>;
  portico(sent: Sent): Promise<Answer>;
  python(sent: Sent): Promise<Answer>;
}

/** Starts the same application with both, by name. `lines` are options of `[keystone_authtoken]`. */
async function both(name: string, lines: string): Promise<Both> {
  const text = `[DEFAULT]\nfault_style = openstack\n[keystone_authtoken]\n${lines}\n`;
  const folder = peer.serve(name, PASTE, text);
  writeFileSync(join(folder, 'echo.mjs'), ECHO);
  const config = await Config.load({ files: [join(folder, 'service.conf')] });
  const app = await new Loader(join(folder, 'api-paste.ini'), { config }).loadApp('main');
  after(() => app.close());
  const sendable = ({ user, service, status }: Sent): { headers: Record<string, string>; query: string } => ({
    headers: {
      ...(user !== undefined && { 'x-auth-token': tokens[user]! }),
      ...(service !== undefined && { 'x-service-token': tokens[service]! }),
    },
    query: status === undefined ? '' : `?${encodeURIComponent(status)}`,
  });
  // A 503 of Python's middleware is an HTML page.
  const told = (status: number, text: string): Record<string, unknown> => (status === 503 ? {} : comparable(text));
  const portico = async (sent: Sent): Promise<Answer> => {
    const { headers, query } = sendable(sent);
    const answer = await request(app, 'GET', `/${query}`, { headers });
    const challenge = answer.headers['www-authenticate'] as string | undefined;
    return { status: answer.status, challenge, told: told(answer.status, answer.text()) };
  };
  const python = async (sent: Sent): Promise<Answer> => {
    const { headers, query } = sendable(sent);
    const answer = await fetch(`${peer.url}/${name}/${query}`, { headers });
    const challenge = answer.headers.get('www-authenticate') ?? undefined;
    return { status: answer.status, challenge, told: told(answer.status, await answer.text()) };
  };
  return Object.assign(async (sent: Sent): Promise<[Answer, Answer]> => Promise.all([portico(sent), python(sent)]), {
    portico,
    python,
  });
}

async function same(
  ask: (sent: Sent) => Promise<[Answer, Answer]>,
  rows: readonly [sent: Sent, status: number][],
): Promise<void> {
  await Promise.all(
    rows.map(async ([sent, status]) => {
      const [ours, theirs] = await ask(sent);
      assert.deepEqual(ours, theirs, JSON.stringify(sent));
      assert.equal(ours.status, status, JSON.stringify(sent));
    }),
  );
}

const account = (url = keystone.url): string =>
  `auth_type = password\nauth_url = ${url}\nusername = nova\npassword = pa$$word\nproject_name = service\nhttp_connect_timeout = 60\nuser_domain_name = Default\nproject_domain_name = Default\n`;

test('MW-30 MW-33 tokens of each scope, bad ones and those of services: how keystonemiddleware responds', {
  skip,
}, async () => {
  const ask = await both(
    'plain',
    `${account()}www_authenticate_uri = http://identity.example\nservice_token_roles_required = true`,
  );
  await same(ask, [
    [{ user: 'project' }, 200],
    [{ user: 'unscoped' }, 200],
    [{ user: 'domain' }, 200],
    [{ user: 'system' }, 200],
    [{ user: 'project', status: '401 Unauthorized' }, 401],
    [{}, 401],
    [{ user: 'blank' }, 401],
    [{ user: 'garbage' }, 401],
    [{ user: 'expired' }, 401],
    [{ user: 'revoked' }, 401],
    [{ user: 'project', service: 'service' }, 200],
    [{ user: 'project', service: 'garbage' }, 401],
    [{ user: 'project', service: 'project' }, 401],
    [{ user: 'garbage', service: 'service' }, 401],
    [{ service: 'service' }, 401],
  ]);
  await same(ask, [[{ user: 'expired', service: 'service' }, 200]]);
});

test('MW-31 names and forms of [keystone_authtoken]: a login for the system, old names, no address for callers', {
  skip,
}, async () => {
  const old = account()
    .replace('username', 'user_name')
    .replace('project_name', 'tenant_name')
    .replace('auth_type', 'auth_plugin');
  const [system, named, open] = await Promise.all([
    both(
      'system',
      `${account().replace(/project_.*\n/g, '')}system_scope = all\nservice_token_roles_required = true\n`,
    ),
    both('named', `${old}interface = publicURL\ninclude_service_catalog = false`),
    both('open', `${account()}service_token_roles_required = false\ndelay_auth_decision = true`),
  ]);
  await Promise.all([
    same(system, [
      [{ user: 'project' }, 200],
      [{ user: 'garbage' }, 401],
    ]),
    same(named, [[{ user: 'project' }, 200]]),
    same(open, [
      [{}, 200],
      [{ user: 'garbage' }, 200],
      [{ user: 'expired' }, 200],
      [{ user: 'garbage', status: '401 Unauthorized' }, 401],
      [{ user: 'project', service: 'project' }, 200],
      [{ user: 'project', service: 'garbage' }, 200],
      [{ user: 'expired', service: 'project' }, 200],
    ]),
  ]);
});

test('MW-63.6 Keystone is away: 503 in both; where the application decides, 503 in the place of 401', {
  skip,
}, async () => {
  const away = `${account(`http://127.0.0.1:${await freePort()}`)}www_authenticate_uri = http://identity.example\nhttp_request_max_retries = 0\n`;
  const [strict, delayed] = await Promise.all([
    both('away', away),
    both('delayed', `${away}delay_auth_decision = true\n`),
  ]);
  await same(strict, [
    [{ user: 'project' }, 503],
    [{}, 401],
  ]);
  await same(delayed, [[{ user: 'project' }, 200]]);
  const [ours, theirs] = await delayed({ user: 'project', status: '401 Unauthorized' });
  assert.deepEqual([ours.status, theirs.status], [503, 401]);
});
