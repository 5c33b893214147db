/** A registry on PostgreSQL whose server, connections, network or clocks fail: heartbeats resume, and reports stay true. */
import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { silentLogger } from '#internal/log';
import { commandBeside } from '../cli/command.js';
import { closedAfter } from '../fixtures/closed-after.js';
import type { Outcome } from '../fixtures/project.js';
import { TcpProxy } from '../fixtures/tcp-proxy.js';
import { until } from '../fixtures/until.js';
import { type Postgresql, startPostgresql } from '../registry/start-postgresql.js';
import { emptyProject, type Program, startProject } from './program.js';

let server: Postgresql | undefined;
before(async () => {
  server = await startPostgresql();
});
after(() => server?.stop());

const ini = (connection: string) => `[DEFAULT]
host = host1
state_path = .
report_interval = 1
service_down_time = 3
periodic_fuzzy_delay = 0
[service:images]
manager = ./images.js:Images
[servicegroup]
driver = postgresql
connection = ${connection}
`;

interface Row {
  readonly state: string;
  readonly report_count: number;
  readonly lifecycle: string;
  readonly last_seen_up: string;
}

interface Started {
  readonly proxy: TcpProxy;
  readonly connection: string;
  readonly program: Program;
  /** Waits until the record satisfies the check, as seen by another machine with a direct connection to the server. */
  seen(is: (row: Row) => boolean): Promise<Row>;
  /** The output of `api-cli service list` on the service's machine. */
  ownList(): Promise<Outcome>;
}

/** A service whose connection to the server can be cut. */
async function started(t: TestContext): Promise<Started | undefined> {
  if (server === undefined) {
    t.skip('PostgreSQL is not installed');
    return undefined;
  }
  const connection = await server.database();
  const proxy = closedAfter(t, await TcpProxy.to(connection));
  const others = emptyProject({ 'portico.ini': ini(connection) });
  const sync = await commandBeside(['db', 'sync'], { cwd: others.folder });
  assert.equal(sync.status, 0, sync.stderr);
  const project = emptyProject({ 'portico.ini': ini(proxy.url), 'images.js': 'export class Images {}\n' });
  const program = startProject(t, project);
  await program.printed(/Ready after/);
  const list = (folder: string) => commandBeside(['service', 'list', '--json'], { cwd: folder });
  // A server that is busy may respond too late: then the command prints an error.
  const rows = async (): Promise<Row[]> => {
    const { status, stdout } = await list(others.folder);
    return status === 0 ? (JSON.parse(stdout) as { services: Row[] }).services : [];
  };
  const seen = async (is: (row: Row) => boolean): Promise<Row> =>
    (await until(rows, ([row]) => row !== undefined && is(row)))[0]!;
  const ownList = () => list(project.folder);
  return { proxy, connection, program, seen, ownList };
}

/** Waits for two more heartbeats. */
async function beatsOn({ seen }: Started): Promise<void> {
  const { report_count: count } = await seen(() => true);
  await seen((row) => row.report_count >= count + 2 && row.state === 'up');
}

async function endsWell({ program }: Started): Promise<void> {
  await program.stop();
}

const times = (program: Program, pattern: RegExp): number =>
  program.output().match(new RegExp(pattern, 'g'))?.length ?? 0;

test('SG-25 SG-33 a network that loses everything: others see the service as down, it calls no other down, and it comes back', async (t) => {
  const service = await started(t);
  if (service === undefined) return;
  await beatsOn(service);
  service.proxy.partition();
  await service.program.printed(/Lost connection to the service registry/);
  const { lifecycle } = await service.seen(({ state }) => state === 'down');
  assert.equal(lifecycle, 'running');
  const list = await service.ownList();
  assert.deepEqual([list.status, list.stdout], [1, '']);
  assert.match(list.stderr, /the service registry is unavailable/);
  service.proxy.heal();
  await service.program.printed(/Recovered from being unable to report status, after/);
  await beatsOn(service);
  assert.equal(times(service.program, /Lost connection/), 1);
  await endsWell(service);
});

test('SG-39 a server that cannot be connected to in time is asked once, not again and again', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL is not installed');
  const proxy = closedAfter(t, await TcpProxy.to(await server.database()));
  proxy.partition();
  const registry = openRegistry(Config.fromText(ini(proxy.url)), { log: silentLogger() })!;
  t.after(() => registry.close());
  await assert.rejects(registry.list(), { code: 'PORTICO_REGISTRY_UNAVAILABLE' });
  assert.equal(proxy.connections, 1);
});
