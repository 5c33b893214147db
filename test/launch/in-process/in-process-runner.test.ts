import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Logger } from 'portico';
import { ServiceLauncher, type ServiceLauncherOptions } from 'portico/launch';
import { Lifecycle, type ServiceBase, ServiceExit, type StopOptions } from 'portico/service';
import { silentLogger } from '#internal/log';
import { InProcessRunner } from '../../../dist/launch/in-process/in-process-runner.js';
import { LauncherCore } from '../../../dist/launch/launcher-core.js';
import { RecordedService } from '../../fixtures/recorded-service.js';

interface Written {
  readonly msg: string;
  readonly level: string;
  readonly [fact: string]: unknown;
}

function logged(): { log: Logger; lines: Written[] } {
  const lines: Written[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Written);
  return { log: createLogger({ level: 'debug', format: 'json', destination: { write } }), lines };
}

function embedded(options: ServiceLauncherOptions = {}): ServiceLauncher {
  return new ServiceLauncher({ log: silentLogger(), signals: false, ...options });
}

test('LC-103 LC-1911 wait is called only after start has settled', async () => {
  const service = new RecordedService('slow');
  let release = (): void => undefined;
  service.onStart = () => new Promise<void>((resolve) => (release = resolve));
  const launcher = embedded();
  const launched = launcher.launchService(service);
  await new Promise(setImmediate);
  assert.deepEqual(service.calls, ['start']);
  release();
  await launched;
  assert.deepEqual(service.calls, ['start', 'wait']);
  await launcher.stop();
});

test('LC-2 verbs that give no promise are taken as well, and what they throw is a rejection', async () => {
  const order: string[] = [];
  const verbs = (name: string, fails = false) => ({
    name,
    start: () => void order.push(`${name} start`),
    stop: () => {
      order.push(`${name} stop`);
      if (fails) throw new Error('it cannot stop');
    },
    wait: () => undefined,
    reset: () => void order.push(`${name} reset`),
  });
  const { log, lines } = logged();
  const launcher = embedded({ log, restartMethod: 'mutate' });
  const plain = verbs('plain') as unknown as ServiceBase;
  await launcher.launchService(plain);
  await launcher.launchService(verbs('failing', true) as unknown as ServiceBase);
  await launcher.restart();
  await launcher.stop();
  assert.deepEqual(order.slice(0, 4), ['plain start', 'failing start', 'plain reset', 'failing reset']);
  assert.deepEqual(order.slice(4).toSorted(), ['failing stop', 'plain stop']);
  assert.equal(await launcher.wait(), 1);
  assert.ok(lines.some(({ level, err }) => level === 'error' && /it cannot stop/.test(JSON.stringify(err))));
  const thrown = Object.assign(verbs('none') as unknown as ServiceBase, {
    start: () => {
      throw new Error('it cannot start');
    },
  });
  await assert.rejects(embedded().launchService(thrown), { message: 'it cannot start' });
});

test('LC-132 LC-1605 services start in the order they were launched, each awaited before the next', async () => {
  const order: string[] = [];
  const launcher = embedded();
  const services = ['a', 'b', 'c'].map((name) => {
    const service = new RecordedService(name);
    service.onStart = async () => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
    };
    return service;
  });
  await Promise.all(services.map((service) => launcher.launchService(service)));
  assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  await launcher.stop();
});

test('LC-132 with concurrent they start side by side, and more than ten run', async () => {
  const launcher = embedded({ concurrent: true });
  let starting = 0;
  let most = 0;
  const services = Array.from({ length: 11 }, (_, i) => new RecordedService(`s${i}`));
  for (const service of services) {
    service.onStart = async () => {
      most = Math.max(most, ++starting);
      await new Promise(setImmediate);
      starting -= 1;
    };
  }
  await Promise.all(services.map((service) => launcher.launchService(service)));
  assert.equal(most, 11);
  await launcher.stop();
});

test('LC-133 LC-373 a start that fails is logged with its stack, stops the others and ends with 1', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log });
  const good = new RecordedService('good');
  const bad = new RecordedService('bad');
  bad.onStart = () => Promise.reject(new Error('no such disk'));
  await launcher.launchService(good);
  await assert.rejects(launcher.launchService(bad), /no such disk/);
  assert.deepEqual(good.calls.slice(0, 3), ['start', 'wait', 'stop']);
  assert.equal(await launcher.wait(), 1);
  const [line, ...more] = lines.filter(({ level }) => level === 'error');
  assert.deepEqual(more, []);
  assert.match(line?.msg ?? '', /Error starting service bad/);
  assert.equal(line?.service, 'bad');
  assert.match(JSON.stringify(line?.err), /no such disk\\n\s+at /);
});

test('LC-134 every service is stopped even if an earlier one throws, which is logged, and the status is 1, also without a deadline', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log, settings: { gracefulShutdownTimeoutMs: 0 } });
  const services = ['a', 'b', 'c'].map((name) => new RecordedService(name));
  const order: string[] = [];
  for (const service of services) {
    service.onStop = () => {
      order.push(service.name);
      if (service.name === 'a') throw new Error('cannot');
    };
    await launcher.launchService(service);
  }
  await launcher.stop();
  assert.deepEqual(order, ['a', 'b', 'c']);
  assert.equal(await launcher.wait(), 1);
  assert.match(JSON.stringify(lines.find(({ msg }) => msg === 'Error stopping service a')?.err), /cannot/);
});

test('LC-122 LC-1913 launchers stop gracefully, with the deadline', async () => {
  const launcher = embedded({ settings: { gracefulShutdownTimeoutMs: 5000 } });
  const service = new RecordedService('one');
  await launcher.launchService(service);
  await launcher.stop();
  const [options] = service.stops;
  assert.equal(options?.graceful, true);
  assert.equal(options?.reason, 'stop');
  assert.ok(options?.deadlineMs !== undefined && options.deadlineMs > 4000 && options.deadlineMs <= 5000);
  assert.equal(options.signal?.aborted, false);
  assert.equal(await launcher.wait(), 0);
});

test('LC-4 LC-210 LC-1919 stopping twice, at once and afterwards, is one stop', async () => {
  const launcher = embedded();
  const service = new RecordedService('one');
  await launcher.launchService(service);
  await Promise.all([launcher.stop(), launcher.stop()]);
  await launcher.stop();
  assert.equal(service.stops.length, 1);
  await embedded().stop();
});

test('LC-205 LC-374 a service that asks to exit chooses the status', async () => {
  const launcher = embedded();
  const service = new RecordedService('one');
  service.onStart = () => {
    throw new ServiceExit(42);
  };
  await assert.rejects(launcher.launchService(service));
  assert.equal(await launcher.wait(), 42);
});

for (const [where, restartMethod, ends] of [
  ['stop', 'reload', (launcher: ServiceLauncher) => launcher.stop()],
  ['wait', 'reload', () => undefined],
  ['reset', 'mutate', (launcher: ServiceLauncher) => launcher.restart()],
  ['reset', 'reload', (launcher: ServiceLauncher) => launcher.restart()],
  ['start', 'reload', (launcher: ServiceLauncher) => launcher.restart()],
] as const) {
  test(`LC-205 LC-374 ServiceExit thrown by ${where} of a launched service is the status: ${restartMethod}`, async () => {
    const launcher = embedded({ restartMethod, settings: { gracefulShutdownTimeoutMs: 0 } });
    const service = new RecordedService('one');
    await launcher.launchService(service);
    const leave = (): never => {
      throw new ServiceExit(42);
    };
    if (where === 'stop') service.onStop = leave;
    else if (where === 'reset') service.onReset = leave;
    else if (where === 'start') service.onStart = leave;
    const status = launcher.wait();
    if (where === 'wait') service.die(new ServiceExit(42));
    await ends(launcher);
    assert.equal(await status, 42);
  });
}

test('LC-206 a service that dies is logged with its stack, the others are stopped, and the status is 1', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log });
  const [mortal, other] = [new RecordedService('mortal'), new RecordedService('other')];
  await launcher.launchService(mortal);
  await launcher.launchService(other);
  const status = launcher.wait();
  mortal.die(new Error('out of ideas'));
  assert.equal(await status, 1);
  assert.ok(other.calls.includes('stop'));
  const errors = lines.filter(({ level }) => level === 'error');
  assert.equal(errors.length, 1);
  assert.match(JSON.stringify(errors[0]), /mortal.*out of ideas|out of ideas.*mortal/);
});

test('LC-207 wait goes on when all services ended by themselves, until a stop', async () => {
  const launcher = embedded();
  const service = new RecordedService('brief');
  await launcher.launchService(service);
  let waited = false;
  const status = launcher.wait().then((code) => {
    waited = true;
    return code;
  });
  service.finish();
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
  assert.equal(waited, false);
  await launcher.stop();
  assert.equal(await status, 0);
});

test('LC-207 with exitWhenIdle wait ends with 0 once every service ended', async () => {
  const launcher = embedded({ exitWhenIdle: true });
  const services = [new RecordedService('a'), new RecordedService('b')];
  for (const service of services) await launcher.launchService(service);
  const status = launcher.wait();
  for (const service of services) service.finish();
  assert.equal(await status, 0);
});

test('LC-209 LC-1611 a second launcher of the process cannot wait, except without signals', async () => {
  const first = new ServiceLauncher({ log: silentLogger() });
  const second = new ServiceLauncher({ log: silentLogger() });
  const status = first.wait();
  await assert.rejects(second.wait(), { code: 'PORTICO_LAUNCHER_EXISTS' });
  const third = embedded();
  await third.launchService(new RecordedService('one'));
  await third.stop();
  assert.equal(await third.wait(), 0);
  await first.stop();
  assert.equal(await status, 0);
});

test('LC-507 LC-1709 after wait no listener of the launcher is left on the process', async () => {
  const before = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2'].map((name) =>
    process.listenerCount(name),
  );
  const launcher = new ServiceLauncher({ log: silentLogger() });
  await launcher.launchService(new RecordedService('one'));
  assert.equal(process.listenerCount('SIGTERM'), before[0]! + 1);
  const status = launcher.wait();
  await launcher.stop();
  await status;
  const after = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGTTIN', 'SIGTTOU', 'SIGUSR2'].map((name) =>
    process.listenerCount(name),
  );
  assert.deepEqual(after, before);
});

test('LC-136 LC-515 a restart stops all services and waits, then resets and starts each', async () => {
  const launcher = embedded();
  const services = [new RecordedService('a'), new RecordedService('b')];
  for (const service of services) await launcher.launchService(service);
  await launcher.restart();
  for (const service of services) {
    assert.deepEqual(service.calls, ['start', 'wait', 'stop', 'wait', 'reset', 'start', 'wait']);
    assert.equal(service.stops[0]?.reason, 'reload');
  }
  await launcher.stop();
  assert.equal(await launcher.wait(), 0);
});

test('LC-136 LC-516 with mutate a restart only resets', async () => {
  const launcher = embedded({ restartMethod: 'mutate' });
  const service = new RecordedService('a');
  await launcher.launchService(service);
  await launcher.restart();
  assert.deepEqual(service.calls, ['start', 'wait', 'reset']);
  await launcher.stop();
});

test('LC-517 a service that refuses the new configuration is started again with the old one', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log });
  const service = new RecordedService('a');
  service.onReset = () => Promise.reject(new Error('bad pipeline'));
  await launcher.launchService(service);
  await launcher.restart();
  assert.deepEqual(service.calls.slice(-2), ['start', 'wait']);
  assert.equal(launcher.status().reloads[0]?.outcome, 'incomplete');
  assert.ok(lines.some(({ level, msg }) => level === 'error' && /service a refused the new configuration/.test(msg)));
  await launcher.stop();
});

test('LC-519 a stop during a restart wins: nothing is started again', async () => {
  const launcher = embedded();
  const service = new RecordedService('a');
  let release = (): void => undefined;
  service.onStop = () => new Promise<void>((resolve) => (release = resolve));
  await launcher.launchService(service);
  const restarted = launcher.restart();
  await new Promise(setImmediate);
  service.onStop = () => undefined;
  const stopped = launcher.stop();
  release();
  await Promise.all([restarted, stopped]);
  assert.equal(service.calls.filter((call) => call === 'start').length, 1);
  assert.equal(await launcher.wait(), 0);
});

test('LC-531 a stop while a service is starting is honoured, and the application goes on to its status', async () => {
  const launcher = embedded();
  const service = new RecordedService('slow');
  let release = (): void => undefined;
  service.onStart = () => new Promise<void>((resolve) => (release = resolve));
  const launched = launcher.launchService(service);
  await new Promise(setImmediate);
  const stopped = launcher.stop();
  release();
  await Promise.all([launched, stopped]);
  await launcher.launchService(new RecordedService('never started'));
  assert.equal(await launcher.wait(), 0);
  assert.ok(service.calls.includes('stop'));
});

test('LC-531 LC-1337 a stop lets a start that takes its time settle, and releases what it acquired', async () => {
  const launcher = embedded({ settings: { gracefulShutdownTimeoutMs: 20_000 } });
  const calls: string[] = [];
  let starting = (): void => undefined;
  const begun = new Promise<void>((resolve) => (starting = resolve));
  const life = new Lifecycle('slow', {
    start: async () => {
      starting();
      await new Promise((resolve) => setTimeout(resolve, 800));
      calls.push('acquired');
    },
    stop: () => void calls.push('released'),
  });
  const service = {
    name: 'slow',
    start: () => life.start(),
    stop: (options: StopOptions) => life.stop(options),
    wait: () => life.wait(),
    reset: () => undefined,
  };
  const launched = launcher.launchService(service);
  await begun;
  await launcher.stop();
  await launched;
  assert.equal(await launcher.wait(), 0);
  assert.deepEqual(calls, ['acquired', 'released']);
});

test('LC-355 a start that is stuck past the deadline is let go, and the status is 1', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log, settings: { gracefulShutdownTimeoutMs: 20 } });
  const service = new RecordedService('stuck');
  service.onStart = () => new Promise(() => undefined);
  void launcher.launchService(service);
  await new Promise(setImmediate);
  await launcher.stop();
  assert.equal(await launcher.wait(), 1);
  assert.deepEqual(lines.find(({ msg }) => msg === 'Graceful shutdown timeout exceeded')?.busy, ['its start']);
});

test('LC-8 LC-355 LC-549 at the deadline the signal is raised, what was at work is named, and the status is 1', async () => {
  const { log, lines } = logged();
  const launcher = embedded({ log, settings: { gracefulShutdownTimeoutMs: 20 } });
  const service = Object.assign(new RecordedService('busy'), { describeWork: () => ['GET /slow'] });
  service.onStop = ({ signal }) =>
    new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  await launcher.launchService(service);
  await launcher.stop();
  assert.equal(await launcher.wait(), 1);
  const line = lines.find(({ msg }) => msg === 'Graceful shutdown timeout exceeded');
  assert.deepEqual(line?.busy, ['GET /slow']);
});

test('a service with only idle things left at the deadline ends well', async () => {
  const launcher = embedded({ settings: { gracefulShutdownTimeoutMs: 20 } });
  const service = Object.assign(new RecordedService('idle'), { describeWork: () => [] });
  service.onStop = ({ signal }) =>
    new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  await launcher.launchService(service);
  await launcher.stop();
  assert.equal(await launcher.wait(), 0);
});

test('LC-1603 a service has its own deadline; null is the launcher’s, and 0 is none', async () => {
  for (const [own, expected] of [
    [null, 5000],
    [2, 2000],
    [0, 0],
  ] as const) {
    const launcher = embedded({ settings: { gracefulShutdownTimeoutMs: 5000 } });
    const service = new RecordedService('one');
    service.gracefulShutdownTimeout = own;
    await launcher.launchService(service);
    await launcher.stop();
    const given = service.stops[0]?.deadlineMs ?? -1;
    assert.ok(given <= expected && given >= expected - 500, `${own}: ${given}`);
  }
});

test('LC-359 an aborted wait is a graceful stop', async () => {
  const launcher = embedded();
  const service = new RecordedService('one');
  await launcher.launchService(service);
  const controller = new AbortController();
  const status = launcher.wait({ signal: controller.signal });
  controller.abort();
  assert.equal(await status, 0);
  assert.equal(service.stops[0]?.graceful, true);
});

test('LC-540 after markDraining a stop waits for drain_delay', async () => {
  const launcher = embedded({ settings: { drainDelayMs: 30 } });
  const events: string[] = [];
  const service = Object.assign(new RecordedService('one'), { markDraining: () => events.push('draining') });
  service.onStop = () => events.push('stop');
  await launcher.launchService(service);
  const stopped = launcher.stop();
  assert.deepEqual(events, ['draining']);
  await stopped;
  assert.deepEqual(events, ['draining', 'stop']);
});

test('LC-540 a process that was never ready has no drain_delay', async () => {
  const launcher = embedded({ settings: { drainDelayMs: 600_000, gracefulShutdownTimeoutMs: 0 } });
  const service = new RecordedService('slow');
  let release = (): void => undefined;
  service.onStart = () => new Promise<void>((resolve) => (release = resolve));
  service.onStop = () => release();
  const launched = launcher.launchService(service);
  await new Promise(setImmediate);
  await launcher.stop();
  await launched;
  assert.equal(await launcher.wait(), 0);
});

test('LC-549 one clock for the whole stop: drain_delay is part of it', async () => {
  const launcher = embedded({ settings: { drainDelayMs: 300, gracefulShutdownTimeoutMs: 2000 } });
  const service = new RecordedService('one');
  await launcher.launchService(service);
  await launcher.stop();
  const left = service.stops[0]?.deadlineMs ?? 0;
  assert.ok(left > 0 && left <= 1701, String(left));
  // A delay longer than the deadline ends at the deadline.
  const hasty = embedded({ settings: { drainDelayMs: 600_000, gracefulShutdownTimeoutMs: 50 } });
  await hasty.launchService(new RecordedService('two'));
  await hasty.stop();
});

test('a stop that leaves less time shortens the present one, and does not begin drain_delay again', async () => {
  const settings = { drainDelayMs: 20, gracefulShutdownTimeoutMs: 60_000 };
  const options = { log: silentLogger(), signals: false, settings };
  const launcher = new LauncherCore<InProcessRunner>(options, (core) => new InProcessRunner(core, options));
  const service = new RecordedService('one');
  const asked = new Promise<void>((resolve) => {
    service.onStop = ({ signal }) => {
      resolve();
      return new Promise<void>((over) => signal?.addEventListener('abort', () => over()));
    };
  });
  await launcher.runner.launchService(service);
  const status = launcher.wait();
  void launcher.stop();
  await asked;
  void launcher.drain({ reason: 'stop', timeoutMs: 50 });
  while (service.stops.length < 2) await new Promise(setImmediate);
  // One that leaves more time changes nothing.
  void launcher.drain({ reason: 'stop', timeoutMs: 70_000 });
  assert.equal(await status, 1);
  assert.equal(service.stops.length, 2);
});

test('RL-71 LC-540 an error that nobody handles ends drain_delay, and its own deadline stands', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const settings = { drainDelayMs: 3000, gracefulShutdownTimeoutMs: 12_000 };
  const options = { log: silentLogger(), signals: false, settings };
  const launcher = new LauncherCore<InProcessRunner>(options, (core) => new InProcessRunner(core, options));
  const service = new RecordedService('one');
  let end = (): void => undefined;
  service.onStop = () => new Promise<void>((resolve) => (end = resolve));
  await launcher.runner.launchService(service);
  const status = launcher.wait();
  const stopped = launcher.stop();
  void launcher.crash(new Error('nobody handles this'));
  for (let i = 0; i < 10; i++) await Promise.resolve();
  t.mock.timers.tick(4000);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  const [only, ...more] = service.stops;
  assert.deepEqual(more, []);
  assert.ok(only?.deadlineMs !== undefined && only.deadlineMs <= 5000, String(only?.deadlineMs));
  end();
  await stopped;
  assert.equal(await status, 2);
});

test('a process that serves all itself limits the time of its description', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const options = { log: silentLogger(), signals: false };
  const launcher = new LauncherCore<InProcessRunner>(options, (core) => new InProcessRunner(core, options));
  launcher.runner.questions.answer('topic', () => new Promise(() => undefined));
  const described = launcher.runner.describe('one', 'topic', {});
  t.mock.timers.tick(10_000);
  assert.equal((await described)?.error, 'no reply within 10000 ms');
});

test('LC-106 the backdoor port is written before start', async () => {
  const launcher = embedded();
  let seen: unknown;
  const service = Object.assign(new RecordedService('one'), { backdoorPort: 'unset' as string | null });
  service.onStart = () => {
    seen = service.backdoorPort;
  };
  await launcher.launchService(service);
  assert.equal(seen, null);
  await launcher.stop();
});

test('a process responds to its topics, and reports one that nobody responds to', async () => {
  const launcher = embedded();
  const dispose = launcher.answer('requests', (body) => ({ seen: body }));
  const bodies = (await launcher.ask('requests', 7)).map(({ body }) => body);
  assert.deepEqual(bodies, [{ seen: 7 }]);
  dispose();
  assert.match((await launcher.ask('requests'))[0]?.error ?? '', /this process does not know "requests"/);
});

test('OP-52 of 300 requests under way with long paths the 200 oldest are reported, and fit into a sign of life', async () => {
  const service = Object.assign(new RecordedService('busy'), {
    requestsInFlight: () =>
      Array.from({ length: 300 }, (_, n) => ({
        method: 'GET',
        path: `/${n}/${'x'.repeat(8000)}`,
        ageMs: n,
        requestId: `req-${n}${'y'.repeat(300)}`,
        route: `/:id/${'z'.repeat(300)}`,
        peer: '2001:db8:1111:2222:3333:4444:5555:6666',
      })),
  });
  const launcher = embedded();
  await launcher.launchService(service);
  const { facts } = launcher.status().services[0]!.workers[0]!;
  const { requests } = facts as unknown as { requests: { path: string; ageMs: number }[] };
  assert.equal(requests.length, 200);
  assert.equal(requests[0]!.ageMs, 299);
  assert.match(requests[0]!.path, /^\/299\/x{100,}\.\.\.$/);
  await launcher.stop();
});

test('what an application adds to the facts is shown as data, whatever it is, and ends no process', async () => {
  const round: Record<string, unknown> = {};
  round.self = round;
  const launcher = embedded();
  await launcher.launchService(new RecordedService('telling'));
  launcher.addFacts(() => ({ rows: 12n, hook: () => 1, round, since: new Date(0), none: undefined }));
  launcher.addFacts(() => undefined as never);
  const { rows, hook, round: shown, since } = launcher.status().services[0]!.workers[0]!.facts;
  assert.deepEqual([rows, hook, since], ['12', undefined, '1970-01-01T00:00:00.000Z']);
  assert.match(String(shown), /^\[not JSON: TypeError: Converting circular structure/);
  await launcher.stop();
});
