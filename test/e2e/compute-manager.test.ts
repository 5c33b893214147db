/** The compute API with its manager: hooks, the periodic task and the record in the service registry. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { openDatabase } from 'portico/sqlite';
import { ask } from './clients.js';
import { until } from './faults/target.js';
import { apiCli, emptyProject, freePort, type Program, root, startApiCli } from './program.js';

const CIRROS = '3f1b2c5e-8a47-4d0b-9b52-6d1f0c7a9e01';
const headers = { 'X-Auth-Token': 'admin:admin', 'OpenStack-API-Version': 'compute 2.79' };

interface Line {
  readonly msg: string;
  readonly pid: number;
  readonly event?: string;
  readonly workerId?: number;
  readonly finished?: number;
}

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
    'servicegroup.initial_delay_s': 0,
    'sample.transition_ms': 1500,
    'api:compute.port': port,
    'api:compute.workers': 2,
  };
  const set = Object.entries(options).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
  program = startApiCli(['--enabled-apis', 'compute', ...set]);
  await program.printed(/^compute\b.*:\d+/m);
});

after(async () => {
  await program.end();
  project.remove();
});

function lines(): Line[] {
  return program.stderr.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      return [];
    }
  });
}

const stepsOf = (pid: number): string[] =>
  lines().flatMap((line) => (line.pid === pid ? (/^compute manager: (\S+)/.exec(line.msg)?.[1] ?? []) : []));

const readyWorkers = (): Line[] => lines().filter(({ event }) => event === 'worker_ready');

/** The services by binary, as the compute API lists them. */
async function services(): Promise<Record<string, Record<string, unknown>>> {
  const { text } = await ask(`${url}/os-services`, { headers });
  const { services } = JSON.parse(text) as { services: { binary: string }[] };
  return Object.fromEntries(services.map((service) => [service.binary, service]));
}

/** The record of the API as `api-cli service list` shows it. */
async function record(): Promise<Record<string, unknown>> {
  const words = [apiCli, 'service', 'list', '--json', '--set', `DEFAULT.state_path=${project.folder}`];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: root });
  const { services } = JSON.parse(stdout) as { services: Record<string, unknown>[] };
  return services.find(({ binary }) => binary === 'portico-compute')!;
}

test('MG-8 MG-20 the hooks of the manager show in the log of each worker, in their order', () => {
  const pids = readyWorkers().map(({ pid }) => pid);
  assert.equal(pids.length, 2);
  for (const pid of pids) {
    assert.deepEqual(stepsOf(pid).slice(0, 3), ['initHost', 'preStartHook', 'postStartHook']);
  }
});

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

test('SC-5 LC-729 the first worker writes transitions down; killed meanwhile, its successor does', async () => {
  const server = { name: 's', flavorRef: '1', imageRef: CIRROS, networks: 'none' };
  const sent = { 'Content-Type': 'application/json', ...headers };
  const made = await ask(`${url}/servers`, { method: 'POST', headers: sent, body: JSON.stringify({ server }) });
  assert.equal(made.status, 202, made.text);
  const { id } = (JSON.parse(made.text) as { server: { id: string } }).server;
  const first = readyWorkers().find(({ workerId }) => workerId === 0)!.pid;
  process.kill(first, 'SIGKILL');
  const status = async (): Promise<string> =>
    (JSON.parse((await ask(`${url}/servers/${id}`, { headers })).text) as { server: { status: string } }).server.status;
  assert.ok(await until(async () => (await status()) === 'ACTIVE'), 'whoever is asked knows it');
  const finished = (): Line | undefined => lines().find(({ msg }) => msg === 'compute manager: finishTransitions');
  assert.ok(await until(() => finished() !== undefined), program.stderr);
  assert.equal(finished()!.finished, 1);
  assert.notEqual(finished()!.pid, first);
  const isFirst = ({ workerId, pid }: Line): boolean => workerId === 0 && pid === finished()!.pid;
  assert.ok(await until(() => readyWorkers().some(isFirst)), 'the successor is the first worker now');
  const db = openDatabase(join(project.folder, 'sample.db'));
  const written = JSON.parse(String(db.prepare('SELECT body FROM servers').get()!.body)) as Record<string, unknown>;
  db.close();
  assert.deepEqual([written.vm_state, written.task], ['active', null]);
});

test('SG-24 MG-20 a stop runs the last hooks and shows at once in the record', async () => {
  const pids = new Set(readyWorkers().map(({ pid }) => pid));
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  const stopped = [...pids].map(stepsOf).filter((steps) => steps.includes('gracefulShutdown'));
  assert.equal(stopped.length, 2);
  for (const steps of stopped) assert.equal(steps.at(-1), 'cleanupHost');
  const { state, lifecycle } = await record();
  assert.deepEqual([state, lifecycle], ['down', 'stopped']);
});
