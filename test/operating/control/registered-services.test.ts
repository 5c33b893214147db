/** The registry in a launcher: which launcher exports the services, a database that does not respond, changes by operators. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLogger, type Logger } from 'portico';
import { Config, type PorticoError } from 'portico/config';
import { silentLogger } from '#internal/log';
import type { ServiceRegistryOptions } from '../../../dist/extras/registry/index.js';
import { MemoryStore, StoredRegistry } from '../../../dist/extras/registry/internal.js';
import { PostgresqlStore } from '../../../dist/extras/registry/postgresql-store.js';
import { type ControlAnswer, type ControlRequest, statusOf } from '../../../dist/operating/control/control-server.js';
import type { Controlled } from '../../../dist/operating/control/controlled.js';
import { RegisteredServices, serviceRoutes } from '../../../dist/operating/control/registered-services.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { TcpProxy } from '../../fixtures/tcp-proxy.js';
import { announcement } from '../../registry/announcement.js';
import { type Postgresql, startPostgresql } from '../../registry/start-postgresql.js';

let server: Postgresql | undefined;
before(async () => {
  server = await startPostgresql();
});
after(() => server?.stop());

const configOf = (connection: string, host = 'one'): Promise<Config> =>
  Config.load({
    files: [],
    argv: [],
    env: {},
    overrides: {
      'servicegroup.driver': 'postgresql',
      'servicegroup.connection': connection,
      'DEFAULT.host': host,
    },
  });

/** The parts of a launcher that the tests use. */
const launcher = (config: Config, log: Logger) =>
  ({ config, log, runner: { generation: 1, fleet: {} }, registryHooks: {} }) as Controlled;

test('SG-57 the exporter that dies is followed by another once its lease has ended; one that is disabled counts', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL is not installed');
  const connection = await server.database();
  const store = closedAfter(t, new PostgresqlStore(connection));
  await store.migrate();
  await store.insert(announcement(), { disabled: true, state: 'running' });
  await store.insert(announcement({ host: 'two', reportInterval: 0 }), { disabled: false, state: 'running' });
  const launchers = await Promise.all(
    ['one', 'two'].map(async (host) => {
      const config = await configOf(connection, host);
      return new RegisteredServices(launcher(config, silentLogger()));
    }),
  );
  t.after(() => Promise.all(launchers.map((each) => each.close())));
  const [one, two] = launchers as [RegisteredServices, RegisteredServices];
  // A service without heartbeats is neither up nor down.
  const known = [{ binary: 'portico-compute', host: 'one', up: true }];
  assert.deepEqual(await one.up(), known);
  assert.deepEqual(await two.up(), []);
  await server.run(connection, "UPDATE service_leases SET until = until - interval '149 seconds'");
  assert.deepEqual(await two.up(), []);
  await server.run(connection, "UPDATE service_leases SET until = until - interval '2 seconds'");
  assert.deepEqual(await two.up(), known);
  assert.deepEqual(await one.up(), []);
});

test('SG-33 SG-57 a database that hangs holds up neither a scrape nor a page nor the end', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL is not installed');
  const connection = await server.database();
  const store = new PostgresqlStore(connection);
  await store.migrate();
  await store.close();
  const proxy = closedAfter(t, await TcpProxy.to(connection));
  const lines: string[] = [];
  const log = createLogger({ destination: { write: (line: string) => lines.push(line) } });
  const config = await configOf(proxy.url);
  const services = new RegisteredServices(launcher(config, log));
  assert.deepEqual(await services.up(), []);
  proxy.partition();
  const began = performance.now();
  assert.deepEqual(await services.up(), []);
  await assert.rejects(
    services.ask((registry) => registry.list()),
    { code: 'PORTICO_REGISTRY_UNAVAILABLE', message: /did not respond within 2 s/ },
  );
  await services.close();
  assert.ok(performance.now() - began < 5000, 'two questions of 2 s, and an end of half a second');
  assert.deepEqual(lines, []);
});

async function routed(options: ServiceRegistryOptions = {}) {
  const store = new MemoryStore();
  const registry = new StoredRegistry(store, { log: silentLogger(), ...options });
  const record = await store.insert(announcement(), { disabled: false, state: 'running' });
  const routes = serviceRoutes(() => Promise.resolve(registry));
  const ask = async (route: string, { body = {}, query = '' }: { body?: object; query?: string } = {}) => {
    const request = { body, params: { id: record.uuid }, query: new URLSearchParams(query) };
    return routes[route]!(request as ControlRequest);
  };
  return { record, store, ask };
}

/** The status, the code and the message of an operator's refused request. */
async function refusal(asked: Promise<unknown>): Promise<readonly [number, string, string]> {
  try {
    await asked;
  } catch (error) {
    const { code, message } = error as PorticoError;
    return [statusOf(error), code, message];
  }
  throw new assert.AssertionError({ message: 'it was not refused' });
}

test('SG-51 what is no change of a service is refused: nothing at all, unknown names, values of other types', async () => {
  const { ask, store, record } = await routed();
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /nothing to change/],
    [{ forced_dwon: true }, /no "forced_dwon"/],
    [{ forced_down: 'false' }, /forced_down is not true or false/],
    [{ forced_down: 1 }, /forced_down is not true or false/],
    [{ status: 'on' }, /status must be one of enabled, disabled; got "on"/],
    [{ status: true }, /status must be one of/],
    [{ status: 'disabled', disabled_reason: 7 }, /disabled_reason is not a text/],
    [{ status: 'enabled', disabled_reason: 'x' }, /has no disabled_reason/],
  ];
  for (const [body, said] of wrong) {
    const [status, code, message] = await refusal(ask('PUT /services/:id', { body }));
    assert.deepEqual([status, code], [400, 'PORTICO_INVALID_CHANGE'], JSON.stringify(body));
    assert.match(message, said);
  }
  const kept = await store.get(record.uuid);
  assert.deepEqual([kept!.disabled, kept!.forcedDown, kept!.updatedAt], [false, false, null]);
});

test('SG-52 SG-53 an application that refuses responds with 409 and its reason', async () => {
  const refusing = (reason: string) => () => {
    throw new Error(reason);
  };
  const { ask, store, record } = await routed({
    beforeDelete: refusing('it has servers'),
    beforeForceUp: refusing('servers are being moved'),
  });
  await store.update(record.id, { forcedDown: true });
  assert.deepEqual(await refusal(ask('DELETE /services/:id')), [409, 'PORTICO_CHANGE_REFUSED', 'it has servers']);
  assert.deepEqual(await refusal(ask('PUT /services/:id', { body: { forced_down: false } })), [
    409,
    'PORTICO_CHANGE_REFUSED',
    'servers are being moved',
  ]);
});

test('SG-52 a service that is up is deleted by force=true alone', async () => {
  const { ask, store, record } = await routed();
  assert.deepEqual((await refusal(ask('DELETE /services/:id', { query: 'force=false' }))).slice(0, 2), [
    409,
    'PORTICO_SERVICE_UP',
  ]);
  assert.deepEqual((await refusal(ask('DELETE /services/:id', { query: 'force=yes' }))).slice(0, 2), [
    400,
    'PORTICO_CONTROL_QUERY',
  ]);
  assert.notEqual(await store.get(record.uuid), null);
  const answer = await ask('DELETE /services/:id', { query: 'force=true' });
  assert.deepEqual([(answer as ControlAnswer).status, await store.get(record.uuid)], [204, null]);
});
