/** A registry that is away: workers start, come back and are replaced, serve, say what they wait for, and register when it is back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { until } from '../fixtures/until.js';
import { type Postgresql, startPostgresql } from '../registry/start-postgresql.js';
import { emptyProject, freePort, startProject } from './program.js';

let server: Postgresql | undefined;
before(async () => {
  server = await startPostgresql();
});
after(() => server?.stop());

const ini = (connection: string, port: number) => `[DEFAULT]
host = host1
state_path = .
report_interval = 1
service_down_time = 3
api_paste_config = api-paste.ini
[api:hello]
port = ${port}
workers = 1
[service:images]
manager = ./images.js:Images
[servicegroup]
driver = postgresql
connection = ${connection}
`;

interface Worker {
  readonly pid: number;
  readonly generation: number;
  readonly state: string;
}

test('NI-3 while the registry is silent, an API starts, killed workers come back and a reload applies; then they register', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL is not installed');
  const connection = await server.database();
  const proxy = closedAfter(t, await TcpProxy.to(connection));
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': ini(proxy.url, port),
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'app.js': 'export const app = () => (req, res) => res.end(String(process.pid));\n',
    'images.js':
      'export class Images {\n  initHost(record) {\n    console.log("known", record?.host ?? "none");\n  }\n}\n',
  });
  const command = (...words: string[]) => commandBeside(words, { cwd: project.folder, env: { NO_COLOR: '1' } });
  const direct = emptyProject({ 'portico.ini': ini(connection, port), 'images.js': '', 'app.js': '' });
  assert.equal((await commandBeside(['db', 'sync'], { cwd: direct.folder })).status, 0);
  const served = (): Promise<number | undefined> =>
    fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
      async (response) => Number(await response.text()),
      () => undefined,
    );
  const workers = async (name: string): Promise<Worker[]> => {
    const { stdout } = await command('status', '--json');
    const { services } = JSON.parse(stdout) as { services: { name: string; workers: Worker[] }[] };
    return services.find((service) => service.name === name)!.workers;
  };
  const says = (text: RegExp) =>
    until(
      async () => (await command('status')).stdout,
      (stdout) => text.test(stdout),
    );

  // The first start.
  proxy.partition();
  const program = startProject(t, project);
  await program.printed(/This service serves, and registers when the service registry is back/);
  await program.printed(/known none/);
  await program.printed(/Ready after/);
  await until(served, (pid) => pid !== undefined);
  const rows = async (): Promise<readonly { readonly lifecycle: string; readonly state: string }[]> => {
    const { status, stdout } = await commandBeside(['service', 'list', '--json'], { cwd: direct.folder });
    return status === 0 ? JSON.parse(stdout).services : [];
  };
  const areUp = async (): Promise<boolean> => {
    const all = await rows();
    return all.length === 2 && all.every(({ lifecycle, state }) => lifecycle === 'running' && state === 'up');
  };
  proxy.heal();
  await until(areUp, Boolean);

  // Workers that die come back, with the record that their predecessors had.
  proxy.partition();
  await program.printed(/Lost connection to the service registry/);
  for (const name of ['hello', 'images']) {
    const [{ pid }] = (await workers(name)) as [Worker];
    process.kill(pid, 'SIGKILL');
    await until(
      () => workers(name),
      (all) => all.length === 1 && all[0]!.pid !== pid && all[0]!.state === 'ready',
    );
  }
  await until(served, (pid) => pid !== undefined);
  assert.match(program.output(), /known host1/);
  await says(
    /hello.*it serves, not registered since \d{4}-\d\d-\d\dT\d\d:\d\dZ: .*the service registry is unavailable/s,
  );

  // A reload applies.
  const reload = await command('reload');
  assert.equal(reload.status, 0, reload.stdout + reload.stderr);
  await until(served, (pid) => pid !== undefined);

  proxy.heal();
  await until(areUp, Boolean);
  await program.stop();
});
