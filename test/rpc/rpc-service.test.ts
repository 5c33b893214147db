import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { type ManagerContext, openRegistry, type ServiceRegistry } from 'portico/registry';
import { RPCConnection, RPCService, type RPCServiceOptions } from 'portico/rpc';
import type { Manager, ServiceRecord } from 'portico/service';
import { PeriodicTasks, periodicTask } from 'portico/tasks';
import { StoredRegistry } from '#internal/extras/registry';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { leavesTheCallsOfItsTopic } from './disabled-host.js';
import { gate, networkOf } from './services.js';

const folder = temporaryFolder('rpc-');

const { log } = recordedLog();

function create(options: RPCServiceOptions = {}): RPCService {
  return RPCService.create({ binary: 'portico-images', manager: {}, registration: null, log, ...options });
}

async function configured(text: string): Promise<Config> {
  const file = join(folder, `portico-${Math.random()}.ini`);
  writeFileSync(file, text, { mode: 0o600 });
  return Config.load({ files: [file], env: {}, argv: [] });
}

/** Returns a manager that records its hooks; the hook named `fails` throws. */
function recording(events: string[]): Manager {
  const hook = (name: string) => async () => void events.push(name);
  return {
    initHost: hook('initHost'),
    preStartHook: hook('preStartHook'),
    postStartHook: hook('postStartHook'),
    gracefulShutdown: hook('gracefulShutdown'),
    cleanupHost: hook('cleanupHost'),
    reset: hook('reset'),
  };
}

test('names that cannot be part of a topic are refused when the service is made', () => {
  for (const wrong of [{ topic: 'a.b' }, { topic: '' }, { topic: 'x y' }, { host: 'a/b' }]) {
    assert.throws(() => create(wrong), { code: 'PORTICO_RPC_NAME' }, JSON.stringify(wrong));
  }
  assert.throws(() => create({ binary: '' }), { code: 'PORTICO_RPC_NAME' });
});

test('MG-1 LC-1324 LC-1309 the manager: in code, by its option, or of the map from binaries; none is refused', async () => {
  writeFileSync(
    join(folder, 'managers.mjs'),
    'export class Images { constructor(context) { this.context = context; } }\nexport const seven = 7;',
  );
  const config = await configured('[DEFAULT]\nimages_manager = ./managers.mjs:Images\n');
  const { manager: _, ...without } = { manager: undefined };
  const base = { binary: 'portico-images', registration: null, log, ...without };
  const named = RPCService.create({ ...base, config });
  assert.equal(named.manager, undefined);
  await named.start();
  const { context } = named.manager as unknown as { context: ManagerContext };
  assert.deepEqual([context.host, context.serviceName, context.conf], [hostname(), 'images', config]);
  assert.equal(typeof context.drivers.load, 'function');
  await named.stop();

  class Mapped {}
  const managers = { 'portico-images': Mapped, 'portico-imagine': Mapped };
  const mapped = RPCService.create({ ...base, managers });
  await mapped.start();
  assert.ok(mapped.manager instanceof Mapped);
  await mapped.stop();

  assert.throws(() => RPCService.create({ ...base, binary: 'portico-imags', managers }), {
    code: 'PORTICO_MANAGER',
    message: 'portico-imags has no manager: [DEFAULT] imags_manager is not set',
    hint: /Did you mean "portico-images"\?/,
  });
  const broken = await configured('[DEFAULT]\nimages_manager = ./managers.mjs:seven\n');
  await assert.rejects(RPCService.create({ ...base, config: broken }).start(), {
    code: 'PORTICO_MANAGER',
    message: /\.ini:2:18: \[DEFAULT\] images_manager: \.\/managers\.mjs:seven is number, not a manager$/,
  });
});

test('MG-1 LC-1324 LC-517 a restart in place runs the manager that the configuration names by then, and a reload to a bad one is refused', async () => {
  writeFileSync(join(folder, 'two.mjs'), 'export class Old {}\nexport class New {}\nexport const seven = 7;\n');
  const file = join(folder, 'two.ini');
  const named = (text: string): void => writeFileSync(file, `[DEFAULT]\n${text}`, { mode: 0o600 });
  named('images_manager = ./two.mjs:Old\n');
  const config = await Config.load({ files: [file], env: {}, argv: [] });
  const service = RPCService.create({ binary: 'portico-images', registration: null, log, config });
  await service.start();
  assert.equal(service.manager?.constructor.name, 'Old');
  for (const [text, told] of [
    ['images_manager = ./two.mjs:Newer\n', /two\.ini:2:\d+: \[DEFAULT\] images_manager: .*no export "Newer"/],
    ['images_manager = ./two.mjs:seven\n', /two\.ini:2:\d+: .*seven is number, not a manager/],
    ['', /has no manager/],
  ] as const) {
    named(text);
    const next = await config.next();
    await assert.rejects(service.prepare(next.config), { code: 'PORTICO_MANAGER', message: told });
  }
  named('images_manager = ./two.mjs:New\n');
  const next = await config.next();
  await service.prepare(next.config);
  next.accept();
  await service.stop({ graceful: true });
  await service.reset(next.config);
  await service.start();
  assert.equal(service.manager?.constructor.name, 'New');
  await service.stop();
});

/** Starts and stops a service, and returns its record in the registry. */
async function started(options: RPCServiceOptions, text = ''): Promise<{ record: ServiceRecord; delay: number }> {
  const config = await configured(`[servicegroup]\ndriver = memory\n[DEFAULT]\n${text}`);
  const service = RPCService.create({ binary: 'portico-images', log, config, manager: {}, ...options });
  await service.start();
  const registry = openRegistry(config, { log })!;
  const [view] = await registry.list();
  await service.stop();
  return { record: view!.record, delay: 0 };
}

test('MG-1 MG-59 LC-1325 LC-1231 intervals are those of the options; null means that, 0 and false are values', async () => {
  const text = 'report_interval = 7\nservice_down_time = 30\n';
  assert.equal((await started({}, text)).record.reportInterval, 7);
  assert.equal((await started({ reportInterval: null }, text)).record.reportInterval, 7);
  assert.equal((await started({ reportInterval: 3 }, text)).record.reportInterval, 3);
  assert.equal((await started({ reportInterval: 0 }, text)).record.reportInterval, 0);
  assert.equal((await started({})).record.reportInterval, 10);
  for (const wrong of [{ reportInterval: -1 }, { periodicFuzzyDelay: -1 }, { periodicIntervalMax: Number.NaN }]) {
    assert.throws(() => create(wrong), { code: 'PORTICO_INVALID_INTERVAL' });
  }
});

class Cleaner {
  readonly runs: unknown[] = [];
  readonly ran = new Promise<void>((resolve) => {
    this.tell = resolve;
  });
  declare tell: () => void;

  @periodicTask({ spacing: 1, runImmediately: true })
  clean(context: unknown): void {
    this.runs.push(context);
    this.tell();
  }
}

test('MG-8 MG-24 LC-1233 LC-1234 LC-1338 periodic tasks run as an administrator; false and 0 switch them off', async () => {
  const cleaner = new Cleaner();
  const service = create({ manager: cleaner, periodicFuzzyDelay: 0 });
  await service.start();
  await cleaner.ran;
  await service.stop({ graceful: true });
  assert.deepEqual(cleaner.runs[0], { isAdmin: true, roles: ['admin'] });
  assert.deepEqual(service.periodicTasks, []);

  const text = '[DEFAULT]\nperiodic_enable = false\nperiodic_fuzzy_delay = 0\n';
  const config = await configured(text);
  for (const [options, runs] of [
    [{ periodicEnable: false }, false],
    [{ periodicIntervalMax: 0 }, false],
    [{ config }, false],
    [{ config, periodicEnable: true }, true],
    [{ periodicEnable: null }, true],
  ] as const) {
    const each = create({ manager: new Cleaner(), ...options });
    await each.start();
    assert.equal(each.tasks.timers.length > 0, runs, JSON.stringify(Object.keys(options)));
    await each.stop();
  }
});

test('LC-1326 there is no longest time between two passes unless one is given', async () => {
  for (const [options, max] of [
    [{}, null],
    [{ periodicIntervalMax: null }, null],
    [{ periodicIntervalMax: 5 }, 5],
  ] as const) {
    const manager = new Cleaner();
    const service = create({ manager, ...options });
    const maxima: unknown[] = [];
    const add = service.tasks.addDynamicTimer.bind(service.tasks);
    service.tasks.addDynamicTimer = (fn, given) => {
      maxima.push(given?.periodicIntervalMax);
      return add(fn, given);
    };
    await service.start();
    await service.stop();
    assert.deepEqual(maxima, [max]);
  }
});

test('LC-1342 a manager’s periodic tasks can be run by hand: one pass, which gives the seconds to idle', async () => {
  const cleaner = new Cleaner();
  const failing = new PeriodicTasks({}, { log });
  failing.addPeriodicTask(
    () => {
      throw new Error('no disk');
    },
    { runImmediately: true },
  );
  const service = create({ manager: [cleaner, { periodicTasks: failing }], periodicFuzzyDelay: 3600 });
  await service.start();
  const [own, others] = service.periodicTasks;
  assert.equal(await own!.runPeriodicTasks('by hand'), 1);
  assert.deepEqual(cleaner.runs, ['by hand']);
  await assert.rejects(others!.runPeriodicTasks('by hand', { raiseOnError: true }), /no disk/);
  await service.stop();
});

test('SG-2 SG-45 LC-1351 its record has its topic; the services of one process see one another in memory', async () => {
  const config = await configured('[servicegroup]\ndriver = memory\n[DEFAULT]\nhost = here\n');
  const make = (binary: string): RPCService => RPCService.create({ binary, config, log, manager: {}, version: 3 });
  const services = [make('portico-images'), make('portico-volumes')];
  let seen: ServiceRegistry | null = null;
  const asking = RPCService.create({
    binary: 'portico-asking',
    config,
    log,
    manager: ({ registry }: ManagerContext) => {
      seen = registry;
      return {};
    },
  });
  services.push(asking);
  for (const service of services) await service.start();
  const views = await (seen as unknown as ServiceRegistry).list();
  assert.deepEqual(
    views.map(({ record }) => [record.host, record.binary, record.topic, record.version, record.state]),
    [
      ['here', 'portico-asking', 'asking', 0, 'running'],
      ['here', 'portico-images', 'images', 3, 'running'],
      ['here', 'portico-volumes', 'volumes', 3, 'running'],
    ],
  );
  for (const service of services) await service.stop({ graceful: true });
});

test('LC-1336 kill stops and deletes the record; one that is gone already is a warning', async () => {
  const config = await configured('[servicegroup]\ndriver = memory\n');
  const registry = openRegistry(config, { log })!;
  const lines = recordedLog();
  const events: string[] = [];
  const make = (): RPCService =>
    RPCService.create({ binary: 'portico-images', config, log: lines.log, manager: recording(events) });
  const service = make();
  await service.start();
  assert.equal((await registry.list()).length, 1);
  await service.kill({ graceful: true });
  assert.deepEqual(await registry.list(), []);
  assert.ok(events.includes('cleanupHost'));

  const bereft = make();
  await bereft.start();
  await registry.store.remove((await registry.list())[0]!.record.id, 'operator');
  await bereft.kill();
  const warnings = lines.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^portico-images on .* was killed and its record was deleted$/);
});

test('LC-1336 kill closes the registry that it deletes the record in, also after contract()', async (t) => {
  const config = await configured('[servicegroup]\ndriver = memory\n');
  const service = RPCService.create({ binary: 'portico-images', config, log, manager: {} });
  const { mock } = t.mock.method(StoredRegistry.prototype, 'close');
  await service.start();
  await service.stop();
  await service.contract();
  await service.kill();
  const [stopped, asked, killed] = mock.calls.map((call) => call.this as unknown);
  assert.notEqual(stopped, asked);
  assert.equal(killed, stopped);
});

test('LC-1327 MG-9 what the manager has is not the service’s: it is reached by service.manager', async () => {
  const manager = { shrink: () => 'smaller' };
  const service = create({ manager });
  assert.equal((service as unknown as { shrink?: unknown }).shrink, undefined);
  assert.equal((service.manager as typeof manager).shrink(), 'smaller');
});

test('MG-7 LC-1347 endpoints: the main manager, the base endpoint, others, what managers add before they serve', async () => {
  const late: object[] = [];
  const added = { added: true };
  const second = {};
  const manager: Manager = {
    additionalEndpoints: late,
    preStartHook: () => void late.push(added),
    postStartHook: () => void late.push({ tooLate: true }),
  };
  const service = create({ manager: [manager, second] });
  await service.start();
  const { endpoints } = service;
  assert.equal(endpoints.length, 4);
  assert.equal(endpoints[0], manager);
  assert.equal(endpoints[1]!.constructor.name, 'BaseEndpoint');
  assert.deepEqual(endpoints.slice(2), [second, added]);
  assert.throws(() => (endpoints as object[]).push({}), TypeError);
  await service.stop();
});

test('NI-9 dead letters of a service are in its status, also without metrics', async (t) => {
  const { serve, transport } = networkOf(t);

  const service = await serve({});
  assert.deepEqual(service.meter.troubles(), []);
  const connection = new RPCConnection({ transport, log, config: Config.fromText('') });
  const broker = await connection.connected(5000);
  const route = { exchange: connection.settings.exchange, topic: 'images' };
  await broker.publish(route, { id: 'x', body: Buffer.from('no envelope') });
  await until(service.meter.troubles, ({ length }) => length > 0);
  await connection.close();
  assert.deepEqual(service.meter.troubles(), [
    'calls of images became dead letters: api-cli rpc dead list --topic images',
  ]);
});

test('NI-6 a disabled host leaves the calls of its topic to others, and says so', (t) =>
  leavesTheCallsOfItsTopic(networkOf(t)));

test('RP-15 a service starts and stops once however often it is asked; its wait settles when what ran has ended, and a start behind that serves anew', async (t) => {
  const { transport, client } = networkOf(t);

  const [begun, draining, go] = [gate(), gate(), gate()];
  const events: string[] = [];
  class Images {
    initHost = (): void => void events.push('initHost');
    reset = (): void => void events.push('reset');
    gracefulShutdown = (): void => draining.open();
    cleanupHost = (): void => void events.push('cleanupHost');
    async work(_context: unknown, { id }: { id: string }): Promise<void> {
      events.push(id);
      begun.open();
      await go.opened;
      events.push(`${id} done`);
    }
  }
  const lines = recordedLog();
  const service = create({ manager: new Images(), transport, log: lines.log, version: 4 });
  const waited = service.wait().then(() => void events.push('waited'));
  await Promise.all([service.start(), service.start()]);
  assert.equal(lines.messages()[0], 'Starting images node (version 4)');
  await service.reset();
  const first = client().call({}, 'work', { id: 'first' });
  await begun.opened;
  const stopped = [service.stop({ graceful: true }), service.stop({ graceful: true })];
  await draining.opened;
  const second = client().call({}, 'work', { id: 'second' });
  go.open();
  await Promise.all([first, waited, ...stopped]);
  assert.deepEqual(events.splice(0), ['initHost', 'reset', 'first', 'first done', 'cleanupHost', 'waited']);
  await service.start();
  await second;
  await Promise.all([service.stop(), service.wait()]);
  assert.deepEqual(events, ['initHost', 'second', 'second done', 'cleanupHost']);
});
