/** Reloads in a process that runs its services itself: if the new services cannot be built, the old ones continue to serve. */
import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config, defineOptions, string } from 'portico/config';
import { type LaunchRequest, type ReloadReport, ServiceLauncher, type ServiceLauncherOptions } from 'portico/launch';
import { WSGIService } from 'portico/server';
import { ServiceExit } from 'portico/service';
import { PasteError } from '#internal/loader';
import { silentLogger } from '#internal/log';
import { deferred } from '#internal/tasks';
import { removeFolder, temporaryFolder } from '../../fixtures/keeper.js';
import { RecordedService } from '../../fixtures/recorded-service.js';
import { until, untilIs } from '../../fixtures/until.js';

const options = defineOptions({ word: string({ default: 'none', help: 'What the service is told.' }) });

interface Setup {
  readonly folder: string;
  readonly config: Config;
  readonly launcher: ServiceLauncher;
  write(file: string, text: string): void;
}

async function setup(t: TestContext, ini: string, more: ServiceLauncherOptions = {}): Promise<Setup> {
  const folder = temporaryFolder('portico-in-place-');
  // A later reload would warn of its modules, which have changed.
  t.after(() => removeFolder(folder));
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text);
  write('portico.ini', ini);
  const config = await Config.load({ files: [join(folder, 'portico.ini')], env: {}, argv: [] });
  const launcher = new ServiceLauncher({ config, log: silentLogger(), signals: false, ...more });
  t.after(() => launcher.stop());
  return { folder, config, launcher, write };
}

/** A service that records each call of `prepare` with its word. */
class Preparing extends RecordedService {
  built = 0;
  word = 'none';
  work: readonly string[] = [];
  onPrepare: (word: string) => unknown = () => undefined;
  #config: Config;

  constructor(name: string, config: Config) {
    super(name);
    this.#config = config;
    this.onReset = () => {
      this.#config = this.resets.at(-1) ?? config;
    };
    this.onStart = () => {
      this.word = this.#config.group('app', options).word;
      this.built = 0;
    };
  }

  describeWork(): readonly string[] {
    return this.work;
  }

  async prepare(next: Config = this.#config): Promise<() => void> {
    const { word } = next.group('app', options);
    this.calls.push(`prepare ${word}`);
    await this.onPrepare(word);
    this.built += 1;
    return () => {
      this.built -= 1;
    };
  }
}

test('OP-80 OP-81 LC-517 all services build what is new before the first is stopped', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  const services = ['first', 'second'].map((name) => new Preparing(name, config));
  for (const service of services) await launcher.launchService(service);
  const order: string[] = [];
  for (const service of services) {
    service.onPrepare = () => order.push(`prepare ${service.name}`);
    service.onStop = () => order.push(`stop ${service.name}`);
  }
  write('portico.ini', '[app]\nword = new\n');
  await launcher.restart();
  assert.deepEqual(order, ['prepare first', 'prepare second', 'stop first', 'stop second']);
  const words = services.map(({ word }) => word);
  assert.deepEqual(words, ['new', 'new']);
  const [report] = launcher.status().reloads;
  assert.equal(report?.outcome, 'accepted');
  assert.deepEqual(
    report?.changes.map(({ option, old, new: now, effect }) => [option, old, now, effect]),
    // There are no workers here.
    [['app.word', 'old', 'new', 'applied']],
  );
});

test('OP-80 LC-517 what one of them refuses touches none, and what others built is let go of', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  const [first, second] = [new Preparing('first', config), new Preparing('second', config)];
  await launcher.launchService(first);
  await launcher.launchService(second);
  second.onPrepare = () => Promise.reject(new Error('this cannot be built'));
  write('portico.ini', '[app]\nword = new\n');
  await launcher.restart();
  const [report] = launcher.status().reloads;
  assert.equal(report?.outcome, 'refused');
  assert.equal(report?.error, 'this cannot be built');
  assert.deepEqual([first.stops.length, second.stops.length, first.built], [0, 0, 0]);
  assert.equal(config.group('app', options).word, 'old');
});

test('RW-11 a service that does not start in a reload is in the report, and is tried again; the others and the process go on', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  const [first, second] = [new Preparing('first', config), new Preparing('second', config)];
  await launcher.launchService(first);
  await launcher.launchService(second);
  const status = () =>
    launcher.status().services.map(({ name, workers: [worker], reloading }) => [name, worker?.state, reloading]);
  const { onStart } = second;
  second.onStart = () => Promise.reject(new Error('no database'));
  write('portico.ini', '[app]\nword = new\n');
  await launcher.restart();
  const { outcome, error } = launcher.status().reloads[0]!;
  assert.deepEqual([outcome, error], ['incomplete', 'service second did not start, and is tried again: no database']);
  assert.deepEqual(status(), [
    ['first', 'ready', undefined],
    ['second', 'reloading', 'did not start in a reload, and is tried again: no database'],
  ]);
  assert.equal(first.word, 'new');
  second.onStart = onStart;
  await untilIs(() => status()[1]?.[1], 'ready');
  assert.equal(second.word, 'new');
  second.onStart = () => Promise.reject(new Error('no database'));
  await launcher.restart();
  second.onStart = onStart;
  await launcher.restart();
  assert.equal(launcher.status().reloads.at(-1)?.outcome, 'accepted');
  assert.equal(status()[1]?.[1], 'ready');
});

test('RW-2 a service whose work takes long delays no other: each starts again by itself', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  const [slow, quick] = [new Preparing('slow', config), new Preparing('quick', config)];
  await launcher.launchService(slow);
  await launcher.launchService(quick);
  let finish = (): void => undefined;
  slow.onStop = () => new Promise<void>((resolve) => (finish = resolve));
  slow.work = ['job resize (since 3 s)'];
  write('portico.ini', '[app]\nword = new\n[DEFAULT]\nreload_pause = 2.5\n');
  const restarted = launcher.restart();
  await until(
    () => quick.word === 'new' && quick.calls.at(-1) === 'wait',
    (isServing) => isServing,
  );
  assert.deepEqual(
    launcher.status().services.map(({ workers: [worker], reloading }) => [worker?.state, reloading]),
    [
      ['reloading', 'waits for job resize (since 3 s)'],
      ['ready', undefined],
    ],
  );
  assert.equal(slow.word, 'old');
  assert.deepEqual(
    slow.stops.map(({ reason, pauseMs }) => [reason, pauseMs]),
    [['reload', 2500]],
  );
  slow.onStop = () => undefined;
  finish();
  await restarted;
  assert.equal(slow.word, 'new');
});

test('LC-136 LC-524 a reload builds, stops all with the reason, then resets and starts each; sockets stay with the services', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  class Listening extends Preparing {
    readonly addresses = [];
    useSockets(): void {}
  }
  const services = [new Listening('first', config), new Preparing('second', config)];
  for (const service of services) await launcher.launchService(service);
  write('portico.ini', '[app]\nword = new\n[DEFAULT]\ndrain_timeout = 7\n');
  await launcher.restart();
  for (const { calls, stops } of services) {
    const after = ['prepare new', 'stop', 'wait', 'reset', 'start', 'wait'];
    assert.deepEqual(calls, ['prepare old', 'start', 'wait', ...after]);
    assert.deepEqual(
      stops.map(({ reason, deadlineMs = 0 }) => [reason, Math.ceil(deadlineMs / 1000)]),
      [['reload', 7]],
    );
  }
  assert.equal(launcher.status().reloads[0]?.outcome, 'accepted');
});

test('RW-11 a service that a reload adds, and that starts only when it is tried again, is announced then, once', async (t) => {
  let wanted: readonly LaunchRequest[] = [];
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n', { onReload: () => wanted });
  const stays = new Preparing('stays', config);
  const comes = new Preparing('comes', config);
  await launcher.launchService(stays);
  comes.onStart = () => Promise.reject(new Error('no database'));
  let announced = 0;
  const added = deferred();
  const tell = (): void => {
    announced += 1;
    added.resolve();
  };
  wanted = [
    { service: stays, workers: 1 },
    { service: comes, workers: 1, added: tell },
  ];
  write('portico.ini', '[app]\nword = new\n');
  await launcher.restart();
  assert.deepEqual([launcher.status().reloads[0]?.outcome, announced], ['incomplete', 0]);
  comes.onStart = () => undefined;
  await added.promise;
  await launcher.restart();
  assert.deepEqual([launcher.status().reloads.at(-1)?.outcome, announced], ['accepted', 1]);
});

test('RW-2 a service that a reload has removed is in the status until it has ended; its requests and its exit status count', async (t) => {
  const asked = (services: readonly Preparing[]) => services.map((service) => ({ service, workers: 1 }));
  let wanted: readonly Preparing[] = [];
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n[DEFAULT]\nreload_pause = 0\n', {
    onReload: () => asked(wanted),
  });
  class Telling extends Preparing {
    meter = { cutOffRequests: 0, take: () => ({ buckets: [], series: [] }) };
    requestsInFlight = () => [{ method: 'GET', path: '/slow', ageMs: 9000, peer: '10.0.0.7' }];
  }
  const [stays, leaves] = [new Preparing('stays', config), new Telling('leaves', config)];
  for (const service of [stays, leaves]) await launcher.launchService(service);
  wanted = [stays];
  const ends = deferred();
  leaves.onStop = () => ends.promise;
  write('portico.ini', '[app]\nword = new\n[DEFAULT]\nreload_pause = 0\n');
  await launcher.restart();
  const { services, ending, reloads } = launcher.status();
  const names = services.map(({ name }) => name);
  assert.deepEqual(names, ['stays']);
  assert.deepEqual(reloads[0]?.removed, ['leaves']);
  assert.deepEqual(ending, ['leaves was removed by a reload, and waits for GET /slow of 10.0.0.7 since 9s']);
  leaves.meter.cutOffRequests = 2;
  ends.reject(new ServiceExit(7));
  assert.equal(await launcher.wait(), 7);
  assert.equal(launcher.status().ending, undefined);
  assert.equal(launcher.status().reloads[0]?.cutOff, 2);
});

test('LC-519 a stop during the stops of a reload ends the process: nothing starts again', async (t) => {
  const { config, launcher } = await setup(t, '[app]\nword = old\n');
  const service = new Preparing('only', config);
  await launcher.launchService(service);
  const stopping = new Promise<void>((resolve) => {
    service.onStop = () => resolve();
  });
  const restarted = launcher.restart();
  await stopping;
  await Promise.all([launcher.stop(), restarted]);
  assert.equal(launcher.status().reloads[0]?.outcome, 'abandoned');
  assert.equal(service.calls.filter((call) => call === 'start').length, 1);
});

test('OP-80 what takes longer to build than worker_start_timeout is refused, and let go of when it comes', async (t) => {
  const { config, launcher } = await setup(t, '[app]\nword = old\n', { settings: { workerStartTimeoutMs: 20 } });
  const service = new Preparing('slow', config);
  await launcher.launchService(service);
  let finish = (): void => undefined;
  service.onPrepare = () => new Promise<void>((resolve) => (finish = resolve));
  await launcher.restart();
  assert.match(launcher.status().reloads[0]?.error ?? '', /did not load within 0\.02 s/);
  assert.equal(service.stops.length, 0);
  finish();
  await new Promise(setImmediate);
  assert.equal(service.built, 0);
});

test('OP-80 when one never ends building, what others built is let go of at worker_start_timeout', async (t) => {
  const { config, launcher } = await setup(t, '[app]\nword = old\n', { settings: { workerStartTimeoutMs: 20 } });
  const services = ['first', 'endless', 'third'].map((name) => new Preparing(name, config));
  for (const service of services) await launcher.launchService(service);
  const [first, endless, third] = services as [Preparing, Preparing, Preparing];
  let finish = (): void => undefined;
  endless.onPrepare = () => new Promise<void>((resolve) => (finish = resolve));
  await launcher.restart();
  assert.match(launcher.status().reloads[0]?.error ?? '', /did not load within/);
  assert.deepEqual([first.built, first.stops.length], [0, 0]);
  finish();
  await new Promise(setImmediate);
  assert.deepEqual([endless.built, third.calls], [0, ['prepare old', 'start', 'wait']]);
});

test('LC-519 a stop does not wait for what is being built', async (t) => {
  const { config, launcher } = await setup(t, '[app]\nword = old\n');
  const service = new Preparing('endless', config);
  await launcher.launchService(service);
  const building = new Promise<void>((resolve) => {
    service.onPrepare = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  const restarted = launcher.restart();
  await building;
  await Promise.all([launcher.stop(), restarted]);
  assert.equal(launcher.status().reloads[0]?.outcome, 'abandoned');
  assert.equal(service.calls.filter((call) => call === 'start').length, 1);
});

test('RL-66 OP-80 an API of a single process goes on as it is when its paste file, app or manager is broken', async (t) => {
  const paste = (factory: string): string => `[app:hello]\npaste.app_factory = ${factory}\n`;
  const ini = (more = ''): string => `[DEFAULT]\n[api:hello]\nport = 0\nworkers = 1\n${more}`;
  const { config, launcher, write } = await setup(t, ini());
  const app = (text: string): string => `export const app = () => (req, res) => res.end('${text}');\n`;
  write('app.mjs', app('old'));
  write('broken.mjs', "export const app = () => { throw new Error('this factory is broken'); };\n");
  write('newer.mjs', app('new'));
  write('api-paste.ini', paste('./app.mjs:app'));
  const service = new WSGIService('hello', config, { log: silentLogger() });
  await launcher.launchService(service);
  const answer = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${service.port}/`, { headers: { connection: 'close' } })).text();
  const refusals: [file: string, text: string, error: RegExp][] = [
    ['api-paste.ini', paste('./missing.mjs:app'), /api-paste\.ini:2:\d+: .*missing\.mjs/s],
    ['api-paste.ini', paste('./broken.mjs:app'), /api-paste\.ini:1:\d+: .*this factory is broken.*broken\.mjs:1/s],
    ['api-paste.ini', '[app:other]\npaste.app_factory = ./app.mjs:app\n', /hello/],
    [
      'portico.ini',
      ini('manager = ./app.mjs:Manager\n'),
      /portico\.ini:5:\d+: error: \[api:hello\] manager: .*Manager/,
    ],
  ];
  for (const [file, text, error] of refusals) {
    write('api-paste.ini', paste('./app.mjs:app'));
    write('portico.ini', ini());
    write(file, text);
    await launcher.restart();
    const report = launcher.status().reloads.at(-1);
    assert.equal(report?.outcome, 'refused');
    assert.match(report?.error ?? '', error);
    assert.equal(await answer(), 'old');
  }
  write('portico.ini', ini());
  write('api-paste.ini', paste('./newer.mjs:app'));
  await launcher.restart();
  assert.equal(launcher.status().reloads.at(-1)?.outcome, 'accepted');
  assert.equal(await answer(), 'new');
});

test('OP-80 LC-517 what is wrong with the service file, and with what a service plans, is reported at once', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n[DEFAULT]\nworker_start_timeout = 9\n');
  class Looking extends Preparing {
    plan(next: Config): never {
      throw next.listOptions('app').length > 0 ? new PasteError('PORTICO_X', { message: `${this.name} cannot` }) : 0;
    }
  }
  const services = ['first', 'second'].map((name) => new Looking(name, config));
  for (const service of services) await launcher.launchService(service);
  write('portico.ini', '[app]\nword = new\n[DEFAULT]\nworker_start_timeout = soon\nworker_timeout = later\n');
  await launcher.restart();
  const [{ outcome, error = '', changes } = {}] = launcher.status().reloads as [Partial<ReloadReport>?];
  assert.equal(outcome, 'refused');
  assert.deepEqual(changes, []);
  for (const each of [/:4:24: .*soon/, /:5:18: .*later/, /^error: first cannot$/m, /^error: second cannot$/m])
    assert.match(error, each);
  assert.equal(error.match(/got soon/g)?.length, 1);
  assert.ok(services.every(({ word }) => word === 'old'));
  // An already refused reload reports only refusals.
  write('portico.ini', '[DEFAULT]\nworker_start_timeout = soon\n');
  await launcher.restart();
  assert.match(
    launcher.status().reloads[1]?.error ?? '',
    /^\S+:2:24: .*soon[^\n]*\n {4}worker_start_timeout = soon\n +\^$/,
  );
});

test('OP-80 a reload warns of a file of the application that has changed: Node does not load it again', async (t) => {
  const { folder, config, launcher, write } = await setup(t, '[app]\nword = old\n');
  write('app.mjs', 'export const version = 1;\n');
  const file = join(folder, 'app.mjs');
  // The file's date is before the start of the process.
  utimesSync(file, 1, 1);
  await import(file);
  await launcher.launchService(new Preparing('first', config));
  await launcher.restart();
  assert.deepEqual(launcher.status().reloads.at(-1)?.warnings, []);
  write('app.mjs', 'export const version = 2;\n');
  await launcher.restart();
  const changed = launcher.status().reloads.at(-1);
  assert.equal(changed?.outcome, 'accepted');
  assert.match(changed?.warnings.join() ?? '', /app\.mjs: warning: this file has changed since the process started/);
});

test('OP-80 a refused reload has the warnings of its configuration', async (t) => {
  const { config, launcher, write } = await setup(t, '[app]\nword = old\n');
  const service = new Preparing('first', config);
  await launcher.launchService(service);
  service.onPrepare = () => {
    throw new Error('no table');
  };
  write('portico.ini', '[app]\nword = new\n[DEFAULT]\nstate_path = a\nstate_path = b\n');
  await launcher.restart();
  const { outcome, warnings } = launcher.status().reloads.at(-1)!;
  assert.equal(outcome, 'refused');
  assert.match(warnings.join(), /state_path: set more than once/);
});
