/** The compute API with a real Keystone: the `openstack` command through its catalog, and tokens of each scope. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clientMissing, OpenStackSession } from '../fixtures/openstack-session.js';
import { Keystone, keystoneMissing } from '../keystone/keystone.js';
import { type Answer, ask, CIRROS, load, pasteWithTokens, sampleConfig, serve, temporaryFolder } from './sample-api.js';

type Undo = () => unknown;

let keystone: Keystone;
let port = 0;
const undo: Undo[] = [];
/** A test context for resources of the whole file: only `after`. */
const file = { after: (work: Undo) => void undo.unshift(work) } as unknown as Parameters<typeof serve>[0];

before(async () => {
  if (keystoneMissing !== false) return;
  keystone = await Keystone.start();
  undo.push(() => keystone.end());
  await keystone.user('ann', [
    { role: 'member', project: 'blue' },
    { role: 'reader', domain: true },
  ]);
  await keystone.user('eve', [{ role: 'reader', system: true }]);
  const folder = temporaryFolder(file);
  const account = `[keystone_authtoken]
www_authenticate_uri = ${keystone.url}
auth_url = ${keystone.url}
username = admin
password = ${Keystone.password}
project_name = admin
user_domain_id = default
project_domain_id = default
`;
  const config = sampleConfig(folder, 'transition_ms = 0', account);
  port = await serve(file, await load(file, 'compute', config, pasteWithTokens(folder)));
  const url = `http://127.0.0.1:${port}/v2.1`;
  await keystone.service('compute', 'nova', url);
  // Below 2.36 the compute API also has images.
  await keystone.service('image', 'glance', url);
});

after(async () => {
  for (const work of undo) await work();
});

const status = (answer: Promise<Answer>): Promise<number> => answer.then((it) => it.status);

test('SC-13 MW-12 tokens of a real Keystone: one without a project sees the servers of its user', {
  skip: keystoneMissing,
}, async () => {
  const server = { name: 's', flavorRef: '1', imageRef: CIRROS };
  const tokens = {
    ann: await keystone.token({ user: 'ann', project: 'blue' }),
    annUnscoped: await keystone.token({ user: 'ann' }),
    annInDomain: await keystone.token({ user: 'ann', domain: 'default' }),
    eveOfSystem: await keystone.token({ user: 'eve', system: true }),
    adminOfSystem: await keystone.token({ user: 'admin', system: true }),
  };
  const made = await ask(port, 'POST /v2.1/servers', { token: tokens.ann, body: { server } });
  assert.equal(made.status, 202, made.text);
  const { id } = made.json.server;
  const seen = async (token: string, query = '') => {
    const answer = await ask(port, `GET /v2.1/servers/detail${query}`, { token });
    return answer.status === 200 ? answer.json.servers.length : answer.status;
  };
  assert.deepEqual([await seen(tokens.ann), await seen(tokens.annUnscoped), await seen(tokens.annInDomain)], [1, 1, 1]);
  assert.deepEqual([await seen(tokens.eveOfSystem), await seen(tokens.eveOfSystem, '?all_tenants=1')], [0, 403]);
  assert.deepEqual([await seen(tokens.adminOfSystem), await seen(tokens.adminOfSystem, '?all_tenants=1')], [0, 1]);
  for (const token of [tokens.annUnscoped, tokens.annInDomain, tokens.eveOfSystem]) {
    assert.equal(await status(ask(port, 'POST /v2.1/servers', { token, body: { server } })), 403);
    assert.equal(await status(ask(port, `GET /v2.1/servers/${id}`, { token })), 403);
    assert.equal(await status(ask(port, `DELETE /v2.1/servers/${id}`, { token })), 403);
  }
  assert.equal(await status(ask(port, `DELETE /v2.1/servers/${id}`, { token: tokens.ann })), 204);
});

/** Commands of an administrator that need the catalog, projects and users, in order. A pattern after `!` is the expected error. */
const COMMANDS = `versions show --service compute
flavor create --private --project blue --ram 256 --vcpus 1 --disk 2 fp
flavor set --project blue fp ! 409
flavor unset --project blue fp
flavor set --project blue fp
server create --flavor m1.tiny --image cirros --min 2 --max 2 --wait s
server list --project admin --user admin --long
server migration list
limits show --absolute --project blue
quota show --default
quota set --instances 1 admin ! already used.*HTTP 400
quota set --instances 5 --cores 7 blue
quota set --class --ram 60000 default
quota list --compute
quota list --compute --detail --project blue
usage list
usage show --project admin --start 2026-01-01 --end 2026-12-31
host list --zone nova
host show host1
compute agent list ! HTTP 410
server delete s-1 s-2`.split('\n');

const skip = keystoneMissing || clientMissing('openstack');

test('SC-100 the openstack command works through the catalog of a real Keystone', { skip }, async (t) => {
  // One process for each user, because clients in one process keep the first login.
  const clientOf = (who: { user: string; project: string }) => {
    const session = new OpenStackSession();
    t.after(() => session.close());
    return session.client('openstack', [], keystone.environment(who));
  };
  const admin = clientOf({ user: 'admin', project: 'admin' });
  const ann = clientOf({ user: 'ann', project: 'blue' });
  for (const line of COMMANDS) {
    const [command = '', failure] = line.split(' ! ');
    const ran = admin(...command.split(' '));
    if (failure === undefined) await ran;
    else await assert.rejects(ran, new RegExp(failure), line);
  }

  const blue = await keystone.id('projects', 'blue');
  const json = async (run: typeof ann, command: string) => JSON.parse(await run(...command.split(' '), '-f', 'json'));
  assert.deepEqual((await json(admin, 'flavor show fp')).access_project_ids, [blue]);
  const names = (await json(ann, 'flavor list')).map((row: { Name: string }) => row.Name);
  assert.ok(names.includes('fp'), 'the project of the access list sees the flavor');
  const quotas = await json(ann, 'quota show');
  assert.deepEqual([quotas.project, quotas.instances, quotas.cores, quotas.ram], [blue, 5, 7, 60_000]);
  await json(ann, 'usage show');
  await assert.rejects(ann('usage', 'list'), /HTTP 403/);
  await assert.rejects(ann('host', 'list'), /HTTP 403/);
});
