/** The compute API behind auth_token and context, with tokens of each scope of an identity service. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ask, load, makeServer, pasteWithTokens, type SampleApi, sampleConfig, serve } from './sample-api.js';

const member = { roles: ['member', 'reader'] };
const TOKENS = {
  'ann-in-p1': { user_id: 'ann', project_id: 'p1', ...member },
  'ann-in-p2': { user_id: 'ann', project_id: 'p2', ...member },
  'bob-in-p1': { user_id: 'bob', project_id: 'p1', ...member },
  'ann-unscoped': { user_id: 'ann' },
  'eve-unscoped': { user_id: 'eve' },
  'eve-for-domain': { user_id: 'eve', domain: { id: 'default' }, roles: ['reader'] },
  'eve-for-system': { user_id: 'eve', system_scope: 'all', roles: ['reader'] },
  'root-for-system': { user_id: 'root', system_scope: 'all', roles: ['admin'] },
  'root-in-p9': { user_id: 'root', project_id: 'p9', roles: ['admin'] },
};
type Token = keyof typeof TOKENS;
const NO_PROJECT: Token[] = ['eve-unscoped', 'eve-for-domain', 'eve-for-system'];

/** Serves the shipped pipelines with `auth_token context` instead of noauth. */
async function startScoped(t: TestContext): Promise<SampleApi> {
  const folder = temporaryFolder();
  const tokens = join(folder, 'tokens.json');
  writeFileSync(tokens, JSON.stringify(TOKENS));
  const more = `[auth_token]\nvalidator = static\nstatic_tokens_file = ${tokens}\n`;
  const config = sampleConfig(folder, 'transition_ms = 0', more);
  // Static tokens need debug mode.
  config.setOverride('DEFAULT', 'debug', true);
  const port = await serve(t, await load(t, 'compute', config, pasteWithTokens(folder)));
  return { port, url: `http://127.0.0.1:${port}`, compute: (line, asked) => ask(port, line, asked) };
}

test('SC-13 a token without a project sees no records of projects: servers are those of the user', async (t) => {
  const api = await startScoped(t);
  const group = { server_group: { name: 'g', policies: ['affinity'] } };
  const ids = new Map<Token, string>();
  for (const token of ['ann-in-p1', 'ann-in-p2', 'bob-in-p1'] as Token[]) {
    ids.set(token, await makeServer(api, { name: token }, { token }));
    assert.equal((await api.compute('POST /v2.1/os-server-groups', { token, body: group })).status, 200);
    assert.equal(
      (await api.compute('POST /v2.1/os-keypairs', { token, body: { keypair: { name: token } } })).status,
      200,
    );
  }
  const names = async (token: Token, line: string) => {
    const { status, json } = await api.compute(`GET /v2.1/${line}`, { token });
    return status === 200 ? json.servers.map(({ name }: { name: string }) => name).sort() : status;
  };
  const groups = async (token: Token, query = '') =>
    (await api.compute(`GET /v2.1/os-server-groups${query}`, { token })).json.server_groups.length;

  for (const list of ['servers', 'servers/detail']) {
    assert.deepEqual(await names('ann-in-p1', list), ['ann-in-p1', 'bob-in-p1']);
    assert.deepEqual(await names('ann-unscoped', list), ['ann-in-p1', 'ann-in-p2'], 'as nova filters by user');
    for (const token of NO_PROJECT) {
      assert.deepEqual(await names(token, list), [], `${token}: ${list}`);
      assert.equal(await names(token, `${list}?all_tenants=1`), 403, token);
    }
    assert.deepEqual(await names('root-for-system', list), [], 'all only with all_tenants');
    assert.equal((await names('root-for-system', `${list}?all_tenants=1`)).length, 3);
    assert.equal((await names('root-in-p9', `${list}?all_projects=1`)).length, 3);
  }
  assert.equal(await groups('ann-in-p1'), 2);
  for (const token of [...NO_PROJECT, 'ann-unscoped', 'root-for-system'] as Token[])
    assert.equal(await groups(token), 0);
  assert.equal(await groups('eve-for-system', '?all_projects=1'), 0);
  assert.equal(await groups('root-for-system', '?all_projects=1'), 3);

  const { json } = await api.compute('GET /v2.1/os-keypairs', { token: 'eve-for-system' });
  assert.deepEqual(json.keypairs, [], 'key pairs are those of the user, whatever the token is for');
});

test('SC-13 a token without a project makes and changes nothing that belongs to one', async (t) => {
  const api = await startScoped(t);
  const id = await makeServer(api, {}, { token: 'ann-in-p1' });
  const made = await api.compute('POST /v2.1/os-server-groups', {
    token: 'ann-in-p1',
    body: { server_group: { name: 'g', policies: ['affinity'] } },
  });
  const group = made.json.server_group.id as string;
  const server = { name: 'x', flavorRef: '1', imageRef: '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01' };
  const requests: [string, object?][] = [
    ['POST /v2.1/servers', { server }],
    ['POST /v2.1/os-server-groups', { server_group: { name: 'h', policies: ['affinity'] } }],
    [`GET /v2.1/servers/${id}`],
    [`PUT /v2.1/servers/${id}`, { server: { name: 'y' } }],
    [`POST /v2.1/servers/${id}/action`, { 'os-stop': null }],
    [`POST /v2.1/servers/${id}/action`, { 'os-getConsoleOutput': {} }],
    [`GET /v2.1/servers/${id}/metadata`],
    [`GET /v2.1/servers/${id}/os-instance-actions`],
    [`GET /v2.1/servers/${id}/os-volume_attachments`],
    [`DELETE /v2.1/servers/${id}`],
    [`GET /v2.1/os-server-groups/${group}`],
    [`DELETE /v2.1/os-server-groups/${group}`],
    ['GET /v2.1/limits'],
  ];
  for (const token of [...NO_PROJECT, 'ann-unscoped'] as Token[]) {
    for (const [line, body] of requests) {
      const answer = await api.compute(line, { token, body });
      assert.equal(answer.status, 403, `${token}: ${line} ${answer.text}`);
    }
  }
  const byRoot = await api.compute('POST /v2.1/servers', { token: 'root-for-system', body: { server } });
  assert.equal(byRoot.status, 403, 'an administrator needs a project too');
  assert.match(byRoot.json.forbidden.message, /os_compute_api:servers:create .* for no project/);
  const shown = await api.compute(`GET /v2.1/servers/${id}`, { token: 'root-for-system' });
  assert.equal(shown.status, 200, 'administrators see each');
});
