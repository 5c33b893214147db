/** The real `openstack` command against the sample; skipped, with the reason, where it is not installed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clientMissing, OpenStackSession } from '../fixtures/openstack-session.js';
import { emptyProject, freePort, type Program, startApiCli } from './program.js';

const skip = clientMissing('openstack');

let session: OpenStackSession;
let program: Program;
let endpoint = '';
const project = emptyProject({});

before(async () => {
  if (skip) return;
  session = new OpenStackSession();
  const port = await freePort();
  endpoint = `http://127.0.0.1:${port}/v2.1`;
  program = startApiCli([
    '--enabled-apis',
    'compute',
    '--set',
    `api:compute.port=${port}`,
    '--set',
    'api:compute.workers=2',
    '--set',
    'DEFAULT.report_interval=1',
    '--set',
    'servicegroup.initial_delay_s=0',
    '--set',
    `DEFAULT.state_path=${project.folder}`,
  ]);
  await program.printed(/^compute\b/m);
});

after(async () => {
  session?.close();
  await program?.end();
  project.remove();
});

/** Runs one command as an administrator. Returns its JSON, or undefined if it prints none. */
async function openstack(...words: string[]): Promise<unknown> {
  return client(administrator(), words);
}

function administrator(): string[] {
  return ['--os-auth-type', 'admin_token', '--os-token', 'admin:admin', '--os-endpoint', endpoint];
}

async function client(auth: string[], words: string[]): Promise<unknown> {
  const reads = words.some((word) => ['list', 'show', 'create'].includes(word));
  const stdout = await session.client('openstack', auth)(...words, ...(reads ? ['-f', 'json'] : []));
  return reads ? JSON.parse(stdout) : undefined;
}

type Row = Record<string, unknown>;

test('SC-100 openstack flavor create, list, show, delete', { skip }, async () => {
  const made = (await openstack('flavor', 'create', '--ram', '256', '--disk', '2', '--vcpus', '1', 'e2e.nano')) as Row;
  assert.equal(made.ram, 256);
  const names = ((await openstack('flavor', 'list')) as Row[]).map((row) => row.Name);
  assert.deepEqual(names.sort(), ['e2e.nano', 'm1.medium', 'm1.small', 'm1.tiny']);
  assert.equal(((await openstack('flavor', 'show', 'e2e.nano')) as Row).id, made.id);
  await openstack('flavor', 'delete', 'e2e.nano');
  await assert.rejects(openstack('flavor', 'show', 'e2e.nano'), /No (flavor|Flavor).*found|could not be found/i);
});

test('SC-100 openstack keypair create, list, show, delete', { skip }, async () => {
  const key = await session.client('openstack', administrator())('keypair', 'create', 'e2e-key');
  assert.match(key, /BEGIN (RSA )?PRIVATE KEY/);
  const listed = (await openstack('keypair', 'list')) as Row[];
  assert.deepEqual(
    listed.map((row) => row.Name),
    ['e2e-key'],
  );
  const shown = (await openstack('keypair', 'show', 'e2e-key')) as Row;
  assert.equal(shown.fingerprint, listed[0]!.Fingerprint);
  await openstack('keypair', 'delete', 'e2e-key');
  assert.deepEqual(await openstack('keypair', 'list'), []);
});

test('SC-100 openstack server create, list, show, stop, start, reboot, delete', { skip }, async () => {
  const wanted = ['--flavor', 'm1.tiny', '--image', 'cirros', '--wait'];
  const made = (await openstack('server', 'create', ...wanted, 'e2e-server')) as Row;
  assert.equal(made.status, 'ACTIVE');
  const listed = (await openstack('server', 'list')) as Row[];
  assert.equal(listed[0]!.ID, made.id);
  await openstack('server', 'stop', 'e2e-server');
  await status('SHUTOFF');
  await openstack('server', 'start', 'e2e-server');
  await status('ACTIVE');
  await openstack('server', 'reboot', '--wait', 'e2e-server');
  await status('ACTIVE');
  await openstack('server', 'delete', '--wait', 'e2e-server');
  assert.deepEqual(await openstack('server', 'list'), []);
});

test('SC-59 openstack compute service list and set: the record of the API, and its heartbeat', { skip }, async () => {
  const service = async (binary: string): Promise<Row> => {
    const rows = (await openstack('compute', 'service', 'list', '--long')) as Row[];
    return rows.find((row) => row.Binary === binary)!;
  };
  const first = await service('portico-compute');
  assert.deepEqual([first.Status, first.State], ['enabled', 'up']);
  const host = String(first.Host);
  await openstack('compute', 'service', 'set', '--disable', '--disable-reason', 'why', host, 'portico-compute');
  const disabled = await service('portico-compute');
  assert.deepEqual([disabled.Status, disabled.State, disabled['Disabled Reason']], ['disabled', 'up', 'why']);
  assert.equal((await service('nova-compute')).Status, 'enabled');
  await openstack('compute', 'service', 'set', '--enable', host, 'portico-compute');
  let enabled = await service('portico-compute');
  assert.equal(enabled.Status, 'enabled');
  // The service sends a heartbeat each second.
  for (let tries = 0; tries < TRIES && enabled['Updated At'] === first['Updated At']; tries++) {
    enabled = await service('portico-compute');
  }
  assert.ok(String(enabled['Updated At']) > String(first['Updated At']), 'its heart has beaten');
});

test('SC-37 with --os-auth-type none reading works and flavor create is 403', { skip }, async () => {
  const none = ['--os-auth-type', 'none', '--os-endpoint', endpoint];
  const names = ((await client(none, ['flavor', 'list'])) as Row[]).map((row) => row.Name);
  assert.deepEqual(names.sort(), ['m1.medium', 'm1.small', 'm1.tiny']);
  const create = client(none, ['flavor', 'create', '--ram', '1', '--disk', '1', '--vcpus', '1', 'e2e.no']);
  await assert.rejects(create, /HTTP 403|Policy doesn't allow/);
});

/** The limit of polls for a change; a command takes at least 30 ms. */
const TRIES = 500;

async function status(wanted: string): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const shown = (await openstack('server', 'show', 'e2e-server')) as Row;
    if (shown.status === wanted) return;
  }
  assert.fail(`the server did not become ${wanted}`);
}
