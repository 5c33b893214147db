/** Work unfinished at the deadline of a stop is reported, whichever part of a service tracks it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceLauncher } from 'portico/launch';
import { Lifecycle, Service, type ServiceBase, type StopOptions } from 'portico/service';
import { TaskGroup } from 'portico/tasks';
import { silentLogger } from '#internal/log';
import { ManagerHooks } from '#internal/service';

const log = silentLogger();

function never(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}

/** A service whose steps end as soon as their signal is aborted. */
function ofLifecycle(): ServiceBase {
  const life = new Lifecycle('of lifecycle', { start: () => undefined, stop: ({ signal }) => never(signal) });
  return {
    start: () => life.start(),
    stop: (options) => life.stop(options),
    wait: () => life.wait(),
    reset: () => undefined,
  };
}

/** A service that passes the options of its stop to its task group. */
function ofGroup(): ServiceBase {
  const tasks = new TaskGroup({ log });
  return {
    start: () => void tasks.spawn(() => never()),
    stop: (options) => tasks.stop(options),
    wait: () => tasks.wait(),
    reset: () => undefined,
  };
}

class Own extends Service {
  override start(): void {
    this.tasks.spawn(() => never());
  }
  override async stop(options: StopOptions = {}): Promise<void> {
    await this.tasks.stop(options);
  }
}

async function stopped(service: ServiceBase, gracefulShutdownTimeoutMs: number): Promise<number> {
  const launcher = new ServiceLauncher({ log, signals: false, settings: { gracefulShutdownTimeoutMs } });
  await launcher.launchService(service);
  const status = launcher.wait();
  await launcher.stop();
  return status;
}

test('RL-83 LC-205 150 stops that cut work off at the deadline all end with 1', async () => {
  for (const make of [ofLifecycle, ofGroup, () => new Own({ log })]) {
    const statuses: number[] = [];
    // Staggered, so that each deadline falls on a different moment of the event loop.
    const stops = Array.from({ length: 50 }, async (_, i) => {
      await new Promise((resolve) => setTimeout(resolve, i * 3));
      statuses.push(await stopped(make(), 20 + (i % 7) + i / 50));
    });
    await Promise.all(stops);
    const others = statuses.filter((status) => status !== 1);
    assert.deepEqual(others, [], make.toString());
  }
});

test('a stop whose caller never raises its signal ends at its deadline all the same', async () => {
  const { signal } = new AbortController();
  const tasks = new TaskGroup({ log });
  tasks.spawn(() => never());
  await tasks.stop({ graceful: true, deadlineMs: 20, signal });
  const life = new Lifecycle('alone', { start: () => undefined, stop: (options) => never(options.signal) });
  await life.start();
  await life.stop({ graceful: true, deadlineMs: 20, signal });
});

test('MG-20 RL-83 tracked work that a stop leaves behind is reported by name, and is no clean stop', async () => {
  const lines: string[] = [];
  const note = (...line: unknown[]): void => void lines.push(String(line.at(-1)));
  const told = { ...silentLogger(), warn: note, error: note };
  const manager: { track?: (name: string, work: Promise<void>) => Promise<void> } = {};
  const hooks = new ManagerHooks({ name: 'images', managers: [manager], tasks: new TaskGroup({ log }), log: told });
  const life = new Lifecycle('images', hooks);
  const service: ServiceBase = {
    name: 'images',
    start: async () => {
      await life.start();
      void manager.track?.('upload', never());
    },
    stop: (options) => life.stop(options),
    wait: () => life.wait(),
    reset: () => undefined,
  };
  const settings = { gracefulShutdownTimeoutMs: 300 };
  const launcher = new ServiceLauncher({ log: told, signals: false, settings });
  await launcher.launchService(service);
  const status = launcher.wait();
  await launcher.stop();
  assert.equal(await status, 1);
  assert.match(lines.join('\n'), /images: .* 1 are unfinished: upload .*\nGraceful shutdown timeout exceeded/);
});
