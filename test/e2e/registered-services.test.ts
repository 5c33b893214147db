/** Operators list and change the services of the registry through a running launcher. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { type Family, parseExposition } from '../fixtures/exposition.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { brokerTest, brokerUrl, deleteTopic, withBroker } from '../rpc/transport/amqp/broker.js';
import { type Answer, askPort } from './clients.js';
import { emptyProject, type Program, startedOnce, startProject, type UntilEnd, untilFileEnds } from './program.js';

/** Creates a separate registry for a test; `registry/service-store` shows that those of all drivers are alike. */
function registryOf(): string {
  const folder = temporaryFolder('registered-');
  return `sqlite:///${join(folder, 'services.db')}`;
}

interface Launched {
  readonly program: Program;
  readonly folder: string;
  readonly admin: number;
}

interface Row {
  readonly id: string;
  readonly host: string;
  readonly binary: string;
  readonly state: string;
  readonly status: string;
  readonly disabled_reason: string | null;
  readonly forced_down: boolean;
  readonly workers: readonly { readonly state: string }[];
}

/** A launcher with one service on a host of that name. */
async function launched(t: UntilEnd, host: string, connection: string, more = ''): Promise<Launched> {
  const project = emptyProject({
    'portico.ini': `[DEFAULT]
host = ${host}
state_path = .
report_interval = 1
service_down_time = 3
[admin]
listen = 127.0.0.1:0
[metrics]
enabled = true
[service:images]
manager = ./images.js:Images
[servicegroup]
driver = sqlite
connection = ${connection}
${more}`,
    'images.js': 'export class Images {}\n',
  });
  const program = startProject(t, project);
  const admin = await program.adminPort();
  return { program, admin, folder: project.folder };
}

async function ask(
  port: number,
  method: string,
  path: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return askPort(port, path, {
    method,
    ...(headers && { headers }),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

async function list(admin: number, query = ''): Promise<readonly Row[]> {
  const { status, text } = await ask(admin, 'GET', `/services${query}`);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { services: readonly Row[] }).services;
}

/** The services in the metrics, with their values. */
async function told(admin: number): Promise<Readonly<Record<string, number>>> {
  const { status, text } = await ask(admin, 'GET', '/metrics');
  assert.equal(status, 200, text);
  const family: Family | undefined = parseExposition(text).get('portico_service_up');
  return Object.fromEntries(
    (family?.samples ?? []).map(({ labels, value }) => [`${labels.binary}@${labels.host}`, value]),
  );
}

const file = untilFileEnds();

/** Two launchers for the tests that follow one another, of which the second one ends the first launcher. */
const both = startedOnce(async () => {
  const registry = registryOf();
  return { one: await launched(file, 'one', registry), two: await launched(file, 'two', registry) };
});

test('SG-50 SG-54 the admin listener lists the services of all hosts; more may not be asked for', async () => {
  const { one } = await both();
  const rows = await list(one.admin);
  assert.deepEqual(
    rows.map(({ binary, host, state, status, workers }) => [binary, host, state, status, workers.length]),
    [
      ['portico-images', 'one', 'up', 'enabled', 1],
      ['portico-images', 'two', 'up', 'enabled', 1],
    ],
  );
  for (const query of ['host=two', 'host=two&binary=portico-images&topic=images&state=up&status=enabled']) {
    const hosts = (await list(one.admin, `?${query}`)).map(({ host }) => host);
    assert.deepEqual(hosts, ['two'], query);
  }
  assert.deepEqual(await list(one.admin, '?state=down'), []);
  for (const [query, said] of [
    ['hots=two', /hots.*Did you mean \\"host\\"/s],
    ['state=dwon', /dwon.*Did you mean \\"down\\"/s],
    ['status=on', /enabled, disabled/],
    ['host=one&host=two', /host is repeated/],
  ] as const) {
    const { status, text } = await ask(one.admin, 'GET', `/services?${query}`);
    assert.equal(status, 400, query);
    assert.match(text, said);
  }
});

test('SG-57 one exporter of all tells which services are up, and another one once it has ended', async () => {
  const { one, two } = await both();
  const all = { 'portico-images@one': 1, 'portico-images@two': 1 };
  for (let scrape = 0; scrape < 3; scrape++) {
    assert.deepEqual(await told(one.admin), all);
    assert.deepEqual(await told(two.admin), {});
  }
  one.program.kill();
  assert.equal((await one.program.ended).code, 0, one.program.output());
  assert.deepEqual(await told(two.admin), { 'portico-images@one': 0, 'portico-images@two': 1 });
});

test('SG-51 SG-52 SG-54 an operator on the machine changes a service; by a proxy it can only be read', async () => {
  const { admin } = (await both()).two;
  const [{ id }] = (await list(admin, '?host=two')) as [Row];
  const put = (body: unknown, headers = {}) => ask(admin, 'PUT', `/services/${id}`, { body, headers });
  const proxied = { 'x-forwarded-for': '203.0.113.9' };
  assert.equal((await ask(admin, 'GET', '/services', { headers: proxied })).status, 200);
  for (const refused of [
    await put({ status: 'disabled' }, proxied),
    await ask(admin, 'DELETE', `/services/${id}?force=true`, { headers: proxied }),
  ]) {
    assert.equal(refused.status, 403);
    assert.match(refused.text, /PORTICO_ADMIN_REMOTE/);
  }
  const disabled = await put({ status: 'disabled', disabled_reason: 'new disks' });
  assert.equal(disabled.status, 200);
  const { status, disabled_reason: reason, state } = JSON.parse(disabled.text) as Row;
  assert.deepEqual([status, reason, state], ['disabled', 'new disks', 'up']);
  assert.equal((JSON.parse((await put({ forced_down: true })).text) as Row).state, 'down');
  assert.equal((JSON.parse((await put({ forced_down: false })).text) as Row).forced_down, false);
  const up = await ask(admin, 'DELETE', `/services/${id}`);
  assert.equal(up.status, 409);
  assert.match(up.text, /PORTICO_SERVICE_UP/);
  assert.equal((await ask(admin, 'DELETE', `/services/${id}?force=true`)).status, 204);
  const gone = await ask(admin, 'DELETE', `/services/${id}`);
  assert.equal(gone.status, 404);
  assert.match(gone.text, /PORTICO_RECORD_NOT_FOUND/);
});

test('SG-33 SG-54 SG-57 while the registry is away nothing is said of other services, and everything else is served', async (t) => {
  const registry = registryOf();
  const { admin } = await launched(t, 'one', registry);
  assert.deepEqual(await told(admin), { 'portico-images@one': 1 });
  const path = registry.replace('sqlite:///', '');
  assert.ok(existsSync(path));
  renameSync(path, `${path}.away`);
  const listed = await ask(admin, 'GET', '/services');
  assert.equal(listed.status, 503);
  assert.match(listed.text, /PORTICO_REGISTRY_UNAVAILABLE/);
  assert.deepEqual(await told(admin), {});
  assert.match(listed.text, /the service registry is unavailable/);
  assert.equal((await ask(admin, 'GET', '/status')).status, 200);
  renameSync(`${path}.away`, path);
  assert.deepEqual(await told(admin), { 'portico-images@one': 1 });
});

/** The hosts in the list that have a queue. A failed declaration closes the channel, so each host has a separate one. */
async function queuesOf(exchange: string, hosts: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const host of hosts) {
    const declared = withBroker((broker) =>
      broker.queueDeclare({ queue: `${exchange}.images.${host}`, passive: true }),
    );
    if (await declared.catch(() => undefined)) found.push(host);
  }
  return found;
}

brokerTest('SG-52 with the record of a service goes the queue of its host, while others stay', async (t) => {
  const registry = registryOf();
  const exchange = `registered-${randomUUID().slice(0, 8)}`;
  const hosts = ['one', 'two', 'three'];
  t.after(() => deleteTopic(exchange, 'images', hosts));
  const more = `[rpc]\ntransport_url = ${brokerUrl}\nexchange = ${exchange}\n`;
  const [one, two, three] = (await Promise.all(hosts.map((host) => launched(t, host, registry, more)))) as [
    Launched,
    Launched,
    Launched,
  ];
  for (const { program } of [two, three]) program.kill();
  await Promise.all([two, three].map(({ program }) => program.ended));
  assert.deepEqual(await queuesOf(exchange, hosts), hosts);
  const gone = (await list(one.admin)).find(({ host }) => host === 'two')!;
  assert.equal((await ask(one.admin, 'DELETE', `/services/${gone.id}`)).status, 204);
  assert.deepEqual(await queuesOf(exchange, hosts), ['one', 'three']);
  await one.program.printed(/An operator deleted the record of portico-images on two/);
  const { status, stderr } = await commandBeside(['service', 'delete', 'portico-images@three'], { cwd: one.folder });
  assert.equal(status, 0, stderr);
  assert.deepEqual(await queuesOf(exchange, hosts), ['one']);
  assert.equal((await ask(one.admin, 'GET', '/readyz')).status, 200);
});

test('SG-54 without a registry the response says so', async (t) => {
  const none = emptyProject({
    'portico.ini': '[admin]\nlisten = 127.0.0.1:0\n[service:images]\nmanager = ./images.js:Images\n',
    'images.js': 'export class Images {}\n',
  });
  const program = startProject(t, none, ['--set', 'servicegroup.driver=sqlite']);
  const admin = await program.adminPort();
  const { status, text } = await ask(admin, 'GET', '/services');
  assert.equal(status, 404, text);
  assert.match(text, /PORTICO_NO_REGISTRY/);
  assert.match(text, /no service registry is configured/);
});
