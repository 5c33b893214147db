/** Which launcher tells what services are up, and what happens when the database does not answer. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLogger, silentLogger } from 'portico';
import { Config } from 'portico/config';
import { RegisteredServices } from '../../../dist/launch/control/registered-services.js';
import { PostgresqlStore } from '../../../dist/registry/postgresql-store.js';
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

test('SG-57 the exporter that dies is followed by another once its lease has ended; one that is disabled counts', async (t) => {
  if (server === undefined) return t.skip('PostgreSQL is not installed');
  const connection = await server.database();
  const store = new PostgresqlStore(connection);
  t.after(() => store.close());
  await store.migrate();
  await store.insert(announcement(), { disabled: true, state: 'running' });
  await store.insert(announcement({ host: 'two', reportInterval: 0 }), { disabled: false, state: 'running' });
  const launchers = await Promise.all(
    ['one', 'two'].map(async (host) => {
      const config = await configOf(connection, host);
      return new RegisteredServices({
        config,
        log: silentLogger(),
        runner: { generation: 1, fleet: {} },
        registryHooks: {},
      });
    }),
  );
  t.after(() => Promise.all(launchers.map((each) => each.close())));
  const [one, two] = launchers as [RegisteredServices, RegisteredServices];
  // A service that promises no heartbeats is neither up nor down.
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
  const proxy = await TcpProxy.to(connection);
  t.after(() => proxy.close());
  const lines: string[] = [];
  const log = createLogger({ destination: { write: (line: string) => lines.push(line) } });
  const config = await configOf(proxy.url);
  const services = new RegisteredServices({ config, log, runner: { generation: 1, fleet: {} }, registryHooks: {} });
  assert.deepEqual(await services.up(), []);
  proxy.partition();
  const began = performance.now();
  assert.deepEqual(await services.up(), []);
  await assert.rejects(
    services.ask((registry) => registry.list()),
    { code: 'PORTICO_REGISTRY_UNAVAILABLE', message: /did not answer within 2 s/ },
  );
  await services.close();
  assert.ok(performance.now() - began < 5000, 'two questions of 2 s, and an end of half a second');
  assert.deepEqual(lines, []);
});
