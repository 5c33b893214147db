import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SqliteStore } from '../../dist/extras/registry/sqlite-store.js';
import type { ServiceJson } from '../../dist/managers/index.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { announcement } from '../registry/announcement.js';
import { command } from './command.js';

const folder = temporaryFolder('cli-service-');
const file = join(folder, 'portico.ini');
writeFileSync(file, `[servicegroup]\nconnection = sqlite:///${join(folder, 'services.db')}\n`, { mode: 0o600 });

function cli(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return apiCli('service', ...words);
}

function apiCli(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return command(words, { cwd: folder });
}

function json<T>(...words: string[]): T {
  const { status, stdout, stderr } = cli(...words, '--json', '--config-file', file);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('OP-21 SG-55 services are listed, shown, disabled, enabled, forced down and deleted', async () => {
  const store = new SqliteStore(join(folder, 'services.db'));
  const compute = await store.insert(announcement(), { disabled: false, state: 'running' });
  await store.insert(announcement({ binary: 'portico-metadata' }), { disabled: false, state: 'stopped' });
  await store.beat({ serviceId: compute.id, worker: 0, pid: 10, instanceId: 'i', inFlight: 1 });
  await store.close();

  const { services } = json<{ services: ServiceJson[] }>('list');
  assert.deepEqual(
    services.map(({ binary, state, status }) => [binary, state, status]),
    [
      ['portico-compute', 'up', 'enabled'],
      ['portico-metadata', 'down', 'enabled'],
    ],
  );
  assert.equal(json<{ services: ServiceJson[] }>('list', '--state', 'down', '--host', 'one').services.length, 1);
  assert.equal(json<ServiceJson>('show', 'portico-compute').id, compute.uuid);
  assert.equal(json<ServiceJson>('show', 'portico-compute@one').workers.length, 1);
  assert.equal(json<ServiceJson>('disable', compute.uuid, '--reason', 'disk').disabled_reason, 'disk');
  assert.equal(json<{ services: ServiceJson[] }>('list', '--status', 'disabled').services.length, 1);
  assert.equal(json<ServiceJson>('enable', compute.uuid).status, 'enabled');
  assert.equal(json<ServiceJson>('force-down', compute.uuid).state, 'down');
  assert.equal(json<ServiceJson>('force-up', compute.uuid).state, 'up');
  assert.match(json<{ deleted: string }>('delete', 'portico-metadata').deleted, /^[0-9a-f-]{36}$/);
  assert.equal(json<{ services: ServiceJson[] }>('list').services.length, 1);
  assert.deepEqual(json('purge', '--days', '0'), { purged: 1 });
});

test('SG-55 a table without --json; --check ends with 1 when anything is down', () => {
  const up = cli('list', '--check', '--config-file', file);
  assert.equal(up.status, 0);
  assert.match(
    up.stdout,
    /^ID +BINARY +HOST +STATUS +STATE +LIFECYCLE +WORKERS +LAST SEEN\n\S+ +portico-compute +one +enabled +up +running +1\/1 +\d{4}-/,
  );
  assert.match(
    cli('show', 'portico-compute', '--config-file', file).stdout,
    /binary +portico-compute\n[\s\S]*worker 0 +up, pid 10, 1 in flight/,
  );
  cli('force-down', 'portico-compute', '--config-file', file);
  assert.equal(cli('list', '--check', '--config-file', file).status, 1);
  assert.equal(cli('list', '--config-file', file).status, 0);
  cli('force-up', 'portico-compute', '--config-file', file);
});

test('SG-55 what cannot be done is said: a service that is up, one that is not there, a registry that is none', () => {
  const up = cli('delete', 'portico-compute', '--config-file', file);
  assert.deepEqual([up.status, up.stdout], [1, '']);
  assert.match(up.stderr, /portico-compute on one is up/);
  const unknown = cli('show', 'portico-compte', '--config-file', file);
  assert.equal(unknown.status, 1);
  assert.match(
    unknown.stderr,
    /no service is called portico-compte\n +Did you mean "portico-compute"\? Services: portico-compute@one\./,
  );
  assert.match(
    cli('enable', 'portico-compute@on', '--config-file', file).stderr,
    /Did you mean "portico-compute@one"\?/,
  );
  assert.match(cli('enable', 'portico-compute@two', '--config-file', file).stderr, /It runs on one\./);
  for (const command of ['enable', 'disable', 'delete', 'force-down', 'force-up']) {
    assert.equal(cli(command, '00000000-0000-0000-0000-000000000000', '--config-file', file).status, 1, command);
  }
  const wrong = cli('list', '--state', 'dwon', '--config-file', file);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--state must be one of up, down, unknown; got dwon\n +Did you mean "down"\?/);
  const enabled = cli('disable', 'portico-compute', '--reason', '', '--config-file', file, '--json');
  assert.equal((JSON.parse(enabled.stdout) as ServiceJson).disabled_reason, '');
  assert.match(cli('lst', '--config-file', file).stderr, /Did you mean list\?/);
  const empty = join(folder, 'empty.ini');
  writeFileSync(empty, '');
  const none = cli('list', '--config-file', empty);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /no service registry is configured\n.*\[servicegroup\] connection/);
});

test('SG-55 a list that is empty says why, on standard error, and is an empty list as JSON', () => {
  const host = cli('list', '--host', 'onee', '--config-file', file);
  assert.equal(host.status, 0);
  assert.match(host.stdout, /^ID +BINARY[^\n]*\n$/);
  assert.equal(host.stderr, 'No service matches. no host is called onee. Did you mean "one"?\n');
  assert.equal(cli('list', '--state', 'unknown', '--config-file', file).stderr, 'No service matches.\n');
  assert.deepEqual(json('list', '--host', 'onee'), { services: [] });
});

test('SG-55 a binary that runs on several hosts has to be said with its host', async () => {
  const store = new SqliteStore(join(folder, 'services.db'));
  await store.insert(announcement({ host: 'two' }), { disabled: false, state: 'running' });
  await store.close();
  const both = cli('disable', 'portico-compute', '--config-file', file);
  assert.equal(both.status, 1);
  assert.match(both.stderr, /runs on 2 hosts\n +Write binary@host.* portico-compute@one, portico-compute@two\./);
  assert.equal(json<ServiceJson>('disable', 'portico-compute@two').status, 'disabled');
  assert.match(json<{ deleted: string }>('delete', 'portico-compute@two', '--force').deleted, /^[0-9a-f-]{36}$/);
});

test('OP-21 SG-19 db sync makes the tables, and says so when there is nothing to do', () => {
  const empty = join(folder, 'nothing.ini');
  writeFileSync(empty, '');
  assert.match(apiCli('db', 'sync', '--config-file', empty).stdout, /no database is configured/);
  const synced = apiCli('db', 'sync', '--config-file', file);
  assert.deepEqual([synced.status, synced.stdout], [0, 'the tables are up to date\n']);
  const wrong = join(folder, 'wrong.ini');
  writeFileSync(wrong, '[servicegroup]\ndriver = postgresql\nconnection = sqlite:///x.db\n', { mode: 0o600 });
  const refused = apiCli('db', 'sync', '--config-file', wrong);
  assert.equal(refused.status, 78);
  assert.match(refused.stderr, /not a PostgreSQL connection: sqlite:…\n.*postgresql:\/\/user@host/);
});

test('SG-55 a database that is not there is not made: the commands say which one they looked for', () => {
  const state = join(folder, 'elsewhere');
  const set = ['--set', `servicegroup.connection=sqlite:///${join(state, 'services.db')}`];
  for (const words of [['list'], ['show', 'portico-compute'], ['purge']]) {
    const { status, stderr } = cli(...words, ...set);
    assert.equal(status, 1, stderr);
    assert.ok(stderr.includes(join(state, 'services.db')), stderr);
  }
  assert.equal(existsSync(state), false);
});
