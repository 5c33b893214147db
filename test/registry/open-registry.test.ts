import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Config, type PorticoError } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { openDatabase } from 'portico/sqlite';
import { MemoryStore, membership, RegistryUnavailable, StoredRegistry } from '#internal/extras/registry';
import { silentLogger } from '#internal/log';
import { SqliteStore } from '../../dist/extras/registry/sqlite-store.js';
import { sqlitePath } from '../../dist/modules/index.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { freePort } from '../fixtures/free-port.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { announcement } from './announcement.js';

const log = silentLogger();
const folder = temporaryFolder('registry-');

test('connections are written as SQLAlchemy writes them', () => {
  assert.equal(sqlitePath('sqlite:////var/lib/services.db'), '/var/lib/services.db');
  assert.equal(sqlitePath('sqlite:///services.db'), resolve('services.db'));
  assert.equal(sqlitePath('sqlite://'), ':memory:');
  assert.equal(sqlitePath('sqlite:///:memory:'), ':memory:');
});

test('SG-20 a connection of another driver is refused at its location, without its password', () => {
  for (const group of ['servicegroup', 'database']) {
    const driver = group === 'database' ? '[servicegroup]\ndriver = sqlite\n' : '';
    const config = Config.fromText(`[${group}]\nconnection = postgresql://user:secret@host/db\n${driver}`);
    assert.throws(
      () => openRegistry(config, { log }),
      (error: PorticoError) => {
        assert.equal(error.code, 'PORTICO_REGISTRY_CONNECTION');
        assert.match(
          error.message,
          new RegExp(`^portico\\.ini:2:\\d+: \\[${group}\\] connection: this is not an SQLite`),
        );
        assert.doesNotMatch(error.message, /secret/);
        return true;
      },
    );
  }
});

test('WI-1 without a driver, [database] of another kind is no registry; a Python driver in the URL does not count', () => {
  const openedBy = (text: string) => openRegistry(Config.fromText(text), { log });
  assert.equal(openedBy('[database]\nconnection = mysql+pymysql://user:secret@host/nova\n'), null);
  assert.equal(openedBy('[database]\nconnection = postgresql+psycopg2://user:secret@host/nova\n'), null);
  const driver = '[servicegroup]\ndriver = postgresql\n';
  assert.notEqual(openedBy(`${driver}[database]\nconnection = postgresql+psycopg2://user:secret@host/nova\n`), null);
});

test('SG-20 the registry is the one the configuration names, its own database before the common one; none, none', async () => {
  const load = (overrides: Record<string, unknown>): Promise<Config> =>
    Config.load({ files: [], argv: [], env: {}, overrides });
  assert.equal(openRegistry(await load({}), { log }), null);
  assert.notEqual(openRegistry(await load({ 'servicegroup.driver': 'memory' }), { log }), null);
  const path = join(folder, 'configured.db');
  const config = await load({
    'database.connection': `sqlite:///${path}`,
    'DEFAULT.host': 'named',
    'DEFAULT.report_interval': 7,
  });
  const registry = openRegistry(config, { log })!;
  const member = membership(registry, config, { binary: 'portico-metadata', version: 5, endpoints: ['http://x'], log });
  const record = (await member.register())!;
  assert.deepEqual(
    [record.host, record.binary, record.version, record.reportInterval, record.downTime, record.pid],
    ['named', 'portico-metadata', 5, 7, 60, process.pid],
  );
  await registry.close();
  const store = new SqliteStore(path);
  assert.equal((await store.list()).length, 1);
  await store.close();
});

test('SG-20 a database that is away is reported with the option that names it, without its password', async () => {
  const failure = async (config: Config): Promise<RegistryUnavailable> => {
    const registry = openRegistry(config, { log })!;
    try {
      return await registry.list().then(
        () => assert.fail('it was reached'),
        (error: RegistryUnavailable) => error,
      );
    } finally {
      await registry.close();
    }
  };
  const away = 'postgresql://me:hidden@127.0.0.1:1/x';
  const postgresql = await failure(
    Config.fromText(`[servicegroup]\ndriver = postgresql\n[database]\nconnection = ${away}\n`),
  );
  assert.match(
    postgresql.describe(),
    /^portico\.ini:4:14: \[database\] connection: the service registry is unavailable: connect ECONNREFUSED 127\.0\.0\.1:1\n {2}Check \[database\] connection, and the database that it names\.$/,
  );
  const sqlite = await failure(Config.fromText('[servicegroup]\nconnection = sqlite:////no/such/x.db\n'));
  assert.match(
    sqlite.message,
    /^portico\.ini:2:14: \[servicegroup\] connection: .*cannot open the database \/no\/such\/x\.db/,
  );
  const env = { PORTICO_SERVICEGROUP__DRIVER: 'postgresql', PORTICO_DATABASE__CONNECTION: away };
  const { message, hint = '' } = await failure(await Config.load({ files: [], argv: [], env }));
  assert.match(hint, /^Check \[database\] connection \(env PORTICO_DATABASE__CONNECTION\), /);
  for (const told of [postgresql.describe(), JSON.stringify(postgresql.diagnostics), message, hint]) {
    assert.doesNotMatch(told, /hidden/);
  }
});

test('SG-38 the folder of a registry below state_path is made, another one is not', async () => {
  const opened = async (connection: string) => {
    const overrides = { 'DEFAULT.state_path': join(folder, 'state'), 'database.connection': `sqlite:///${connection}` };
    const registry = openRegistry(await Config.load({ files: [], argv: [], env: {}, overrides }), { log })!;
    try {
      return await registry.list();
    } finally {
      await registry.close();
    }
  };
  assert.deepEqual(await opened(join(folder, 'state', 'deep', 'services.db')), []);
  await assert.rejects(opened(join(folder, 'elsewhere', 'services.db')), { code: 'PORTICO_REGISTRY_UNAVAILABLE' });
});

test('SG-35 SG-41 takeover, also by its old name, lets a service start that is refused else', async () => {
  const cases = [
    ['takeover', { version: 1, machineId: 'another' }, 'PORTICO_HOST_TAKEN'],
    ['allow_old', { host: 'two', version: 5 }, 'PORTICO_SERVICE_TOO_OLD'],
  ] as const;
  for (const [option, other, code] of cases) {
    const store = new MemoryStore();
    const binary = 'portico-images';
    await store.insert(announcement({ binary, ...other }), { disabled: false, state: 'running' });
    const registry = new StoredRegistry(store, { log });
    const member = (ini: string) => {
      const config = Config.fromText(`[servicegroup]\n${ini}`);
      return membership(registry, config, { binary, host: 'one', version: 1, log });
    };
    await assert.rejects(member('').register(), { code });
    assert.equal((await member(`${option} = true\n`).register())?.host, 'one');
  }
});

test('SG-29 a process that replaces one which was forced down waits for the registry, if it is fenced', async () => {
  const registry = openRegistry(Config.fromText('[servicegroup]\ndriver = memory\n'), { log })!;
  const kept = new Map<string, unknown>();
  const config = Config.fromText('[servicegroup]\nfence_on_forced_down = true\n');
  const member = () => membership(registry, config, { binary: 'portico-images', log, kept, startWait: 0 });
  const first = member();
  const { uuid } = (await first.register())!;
  const { find } = registry.store;
  const away = async () => {
    registry.store.find = () => Promise.reject(new RegistryUnavailable(new Error('connection refused')));
    try {
      return await member().read();
    } finally {
      registry.store.find = find;
    }
  };
  assert.equal((await away())?.uuid, uuid);
  await first.leave();
  await registry.update(uuid, { forcedDown: true });
  await member().register();
  await assert.rejects(away(), { code: 'PORTICO_REGISTRY_UNAVAILABLE' });
  await registry.close();
});

test('NI-3 a service starts and serves with a registry that is locked, damaged or refused, and says why it is not registered', async (t) => {
  const locked = join(folder, 'locked.db');
  const other = closedAfter(t, openDatabase(locked));
  const damaged = join(folder, 'damaged.db');
  writeFileSync(damaged, 'no database'.repeat(1000));
  const away: Readonly<Record<string, RegExp>> = {
    [`connection = sqlite:///${locked}\n[DEFAULT]\nreport_interval = 1`]: /database is locked/,
    [`connection = sqlite:///${damaged}`]: /file is not a database/,
    [`driver = postgresql\nconnection = postgresql://127.0.0.1:${await freePort()}/x`]: /ECONNREFUSED/,
  };
  other.exec('BEGIN EXCLUSIVE');
  for (const [ini, why] of Object.entries(away)) {
    const registry = openRegistry(Config.fromText(`[servicegroup]\n${ini}\n`), { log })!;
    const member = membership(registry, Config.fromText(''), { binary: 'portico-hello', log });
    assert.deepEqual([await member.read(), await member.register()], [null, null]);
    await member.join();
    assert.match(member.trouble()!, /^it serves, not registered since/);
    assert.match(member.trouble()!, why);
    await member.leave();
    await registry.close();
  }
});

test('RW-9 records in memory outlive a reload, whose configuration is another one, and leases have an owner each', async () => {
  const config = await Config.load({ files: [], argv: [], env: {}, overrides: { 'servicegroup.driver': 'memory' } });
  const first = openRegistry(config, { log })!;
  const before = membership(first, config, { binary: 'portico-metadata', log });
  await before.register();
  assert.equal(await before.lease('sweep', 60), true);
  const later = await config.readAgain();
  const second = openRegistry(later, { log })!;
  assert.deepEqual(
    (await second.list()).map(({ record }) => record.binary),
    ['portico-metadata'],
  );
  // In a reload that takes too long the next run registers before the tasks of the former one have ended.
  await before.leave({ keepsLeases: true });
  const after = membership(second, later, { binary: 'portico-metadata', log });
  await after.register();
  await after.join();
  assert.equal(await after.lease('sweep', 60), false);
  await before.leave();
  assert.equal(await after.lease('sweep', 60), true);
  const [{ record } = assert.fail()] = await second.list();
  assert.deepEqual([record.state, record.configGeneration], ['running', 2]);
  await after.leave();
  await first.close();
  await second.close();
});

test('NI-9 a registry file that is overwritten while the service runs is in its status, as in the list', async () => {
  const path = join(folder, 'overwritten.db');
  const registry = openRegistry(Config.fromText(`[servicegroup]\nconnection = sqlite:///${path}\n`), { log })!;
  const config = Config.fromText('[DEFAULT]\nreport_interval = 1\n');
  const member = membership(registry, config, { binary: 'portico-hello', log });
  await member.register();
  await member.join();
  assert.equal(member.trouble(), undefined);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(512, 'x'));
  closeSync(file);
  // The heartbeat alone does not keep the process alive.
  const alive = setInterval(() => {}, 1000);
  const text = await until(
    () => member.trouble(),
    (trouble) => trouble !== undefined,
  );
  clearInterval(alive);
  assert.match(
    text!,
    /^its record cannot be written since .*overwritten\.db is damaged: it is not a database any more/,
  );
  await member.leave();
  await registry.close();
});
