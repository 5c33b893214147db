/** The compute API with a real Keystone: the `openstack` command through its catalog. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { clientMissing, OpenStackSession } from '../fixtures/openstack-session.js';
import { Keystone, keystoneMissing } from '../keystone/keystone.js';
import { load, pasteWithTokens, sampleConfig, serve } from './sample-api.js';

type Undo = () => unknown;

let keystone: Keystone;
const undo: Undo[] = [];
/** A test context for resources of the whole file: only `after`. */
const file = { after: (work: Undo) => void undo.unshift(work) } as unknown as Parameters<typeof serve>[0];

before(async () => {
  if (keystoneMissing !== false) return;
  keystone = await Keystone.start();
  undo.push(() => keystone.end());
  await keystone.user('ann', [{ role: 'member', project: 'blue' }]);
  const folder = temporaryFolder();
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
  const port = await serve(file, await load(file, 'compute', config, pasteWithTokens(folder)));
  const url = `http://127.0.0.1:${port}/v2.1`;
  await keystone.service('compute', 'nova', url);
  // Below 2.36 the compute API also has images.
  await keystone.service('image', 'glance', url);
});

after(async () => {
  for (const work of undo) await work();
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
    const session = closedAfter(t, new OpenStackSession());
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
