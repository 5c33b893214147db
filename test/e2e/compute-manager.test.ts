/** The record of the compute API in the service registry, as the API itself and `api-cli service list` show it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { ask } from './clients.js';
import { until } from './faults/target.js';
import { emptyProject, freePort, type Program, root, startApiCli } from './program.js';

const headers = { 'X-Auth-Token': 'admin:admin', 'OpenStack-API-Version': 'compute 2.79' };

let program: Program;
let url = '';
const project = emptyProject({});

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}/v2.1`;
  const options = {
    'DEFAULT.state_path': project.folder,
    'DEFAULT.periodic_fuzzy_delay': 0,
    'DEFAULT.report_interval': 1,
    'api:compute.port': port,
    'api:compute.workers': 2,
  };
  const set = Object.entries(options).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  program = startApiCli(['--enabled-apis', 'compute', ...set]);
  await program.printed(/^compute\b.*:\d+/m);
});

after(() => program.end());

/** The services by binary, as the compute API lists them. */
async function services(): Promise<Record<string, Record<string, unknown>>> {
  const { text } = await ask(`${url}/os-services`, { headers });
  const { services } = JSON.parse(text) as { services: { binary: string }[] };
  return Object.fromEntries(services.map((service) => [service.binary, service]));
}

/** The record of the API as `api-cli service list` shows it. */
async function record(): Promise<Record<string, unknown>> {
  const words = ['service', 'list', '--json', '--set', `DEFAULT.state_path=${project.folder}`];
  const { stdout } = await commandBeside(words, { cwd: root });
  const { services } = JSON.parse(stdout) as { services: Record<string, unknown>[] };
  return services.find(({ binary }) => binary === 'portico-compute')!;
}

test('SC-59 SG-36 the list of services has the record of the API, whose heartbeat is that of its host', async () => {
  const first = await services();
  assert.deepEqual([first['portico-compute']!.state, first['portico-compute']!.status], ['up', 'enabled']);
  assert.equal(first['nova-compute']!.updated_at, first['portico-compute']!.updated_at);
  assert.ok(
    await until(async () => (await services())['nova-compute']!.updated_at !== first['nova-compute']!.updated_at),
    'the heart beats',
  );
});

test('SC-59 SG-51 an operator disables and forces down the API through itself, in the one record there is', async () => {
  const { id, host } = (await services())['portico-compute']!;
  const put = async (body: object) => {
    const sent = { 'Content-Type': 'application/json', ...headers };
    return ask(`${url}/os-services/${String(id)}`, { method: 'PUT', headers: sent, body: JSON.stringify(body) });
  };
  const disabled = await put({ status: 'disabled', disabled_reason: 'why' });
  assert.equal(disabled.status, 200);
  assert.equal((JSON.parse(disabled.text) as { service: object & { status: string } }).service.status, 'disabled');
  const kept = await record();
  assert.deepEqual([kept.status, kept.disabled_reason, kept.host, kept.state], ['disabled', 'why', host, 'up']);
  assert.equal((await put({ forced_down: true })).status, 200);
  const all = await services();
  assert.deepEqual([all['portico-compute']!.state, all['nova-compute']!.state], ['down', 'down']);
  assert.equal((await put({ status: 'enabled', forced_down: false })).status, 200);
  const again = await record();
  assert.deepEqual([again.status, again.disabled_reason, again.state], ['enabled', null, 'up']);
});
