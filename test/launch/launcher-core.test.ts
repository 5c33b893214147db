import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import type { ReloadReport } from 'portico/launch';
import { silentLogger } from '#internal/log';
import { Totals } from '../../dist/counts/index.js';
import { LauncherCore } from '../../dist/launch/launcher-core.js';
import { readSettings } from '../../dist/launch/launcher-options.js';
import type { HostProcess } from '../../dist/launch/process/host-process.js';
import type { ReloadRequest, ReloadSteps } from '../../dist/launch/reload/reload.js';
import type { Runner } from '../../dist/launch/runner.js';
import { deferred } from '../../dist/tasks/deferred.js';
import { askSocket } from '../e2e/clients.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';

/** A launcher whose runner fails to end its services, and its log lines. */
function failing(
  ends: Pick<Runner, 'stop' | 'halt'> & Partial<Runner>,
  more: object = { signals: false },
): { core: LauncherCore; logged: unknown[][] } {
  const logged: unknown[][] = [];
  const quiet = (): void => undefined;
  const log = {
    ...silentLogger(),
    debug: quiet,
    info: quiet,
    notice: quiet,
    error: (...line: unknown[]) => logged.push(line),
  };
  const supervisor = { allReady: quiet, summary: () => '', answers: () => true, generation: 1, remaining: '' };
  const runner = {
    ...supervisor,
    settings: readSettings(undefined, {}),
    supervised: false,
    ownServices: [],
    services: [],
    status: () => [],
    name: 'app',
    ...ends,
  };
  const options = { log, ...more };
  return { core: new LauncherCore(options, () => runner as unknown as Runner), logged };
}

/** Steps of an accepted reload, which does this to apply a configuration. */
function stepsThat(applied: (request: ReloadRequest) => unknown): () => ReloadSteps {
  return () => ({
    services: [],
    filesRead: new Map(),
    hasWorkers: true,
    onReload: undefined,
    refuse: (refusals) => Promise.reject(refusals.refusal),
    apply: async (_next, _changes, request) => {
      await applied(request);
      return { outcome: 'accepted' };
    },
  });
}

function fakeHost(exit: (status: number) => unknown): HostProcess {
  const { stdout, stderr } = process;
  const facts = { pid: 1, env: {}, argv: [], platform: 'linux', stdout, stderr, exit };
  return Object.assign(new EventEmitter(), facts) as unknown as HostProcess;
}

for (const [how, fails] of [
  ['rejects', () => Promise.reject(new Error('the runner failed'))],
  [
    'throws',
    () => {
      throw new Error('the runner failed');
    },
  ],
] as const) {
  test(`LC-355 wait() ends with 1, and the log says why, when the stop of the runner ${how}`, async () => {
    const { core, logged } = failing({ stop: fails, halt: async () => undefined });
    const waiting = core.wait();
    await core.stop();
    assert.equal(await waiting, 1);
    assert.deepEqual(
      logged.map((line) => line.at(-1)),
      ['Error stopping services'],
    );
  });
}

test('LC-355 a fast end that fails is logged, and the process ends all the same', async () => {
  const exits: number[] = [];
  const host = fakeHost((status) => exits.push(status));
  const { core, logged } = failing(
    { stop: () => new Promise(() => undefined), halt: () => Promise.reject(new Error('the runner failed')) },
    { host },
  );
  const waiting = core.wait();
  core.process.signalHandler.deliver('SIGINT');
  assert.deepEqual([await waiting, logged.length], [1, 1]);
  while (exits.length === 0) await new Promise(setImmediate);
  assert.deepEqual(exits, [1]);
});

test('LC-518 asked for while one is under way, a reload is done exactly once more', async () => {
  const begun = [deferred(), deferred()];
  const held = [deferred(), deferred()];
  let reloads = 0;
  let isSuperseded: (() => boolean) | undefined;
  const { core } = failing({
    stop: async () => 0,
    halt: async () => undefined,
    reloadSteps: stepsThat(async ({ superseded }) => {
      const at = reloads++;
      isSuperseded = superseded;
      begun[at]?.resolve();
      await held[at]?.promise;
    }),
  });
  const first = core.reload();
  await begun[0]!.promise;
  const others = [core.reload(), core.reload(), core.reload()];
  assert.equal(isSuperseded?.(), true);
  held[0]!.resolve();
  await first;
  await begun[1]!.promise;
  assert.equal(isSuperseded?.(), false);
  held[1]!.resolve();
  await Promise.all(others);
  assert.equal(reloads, 2);
  await core.stop();
});

test('OP-11 a reload that the control socket is asked for during a launch begins when the application waits, and the response is its report', async () => {
  const folder = temporaryFolder('portico-early-reload-');
  const [ini, socket] = [join(folder, 'app.ini'), join(folder, 'control.sock')];
  writeFileSync(ini, `[control]\nsocket = ${socket}\n`);
  const config = await Config.load({ files: [ini], env: {}, argv: [] });
  const order: string[] = [];
  const { core } = failing(
    {
      stop: async () => 0,
      halt: async () => undefined,
      status: () => [],
      counted: () => new Totals([]),
      reloadSteps: stepsThat(() => order.push('reload')),
    },
    { host: fakeHost(() => undefined), config, log: silentLogger() },
  );
  // As `bindAll` does.
  core.takeSignals();
  await until(
    () => askSocket(socket, 'GET', '/status').catch(() => undefined),
    (answer) => answer !== undefined,
  );
  const reported = askSocket<ReloadReport>(socket, 'POST', '/reload');
  await askSocket(socket, 'GET', '/status');
  order.push('wait');
  const waiting = core.wait();
  const { status, body } = await reported;
  assert.deepEqual([order, status, body.outcome], [['wait', 'reload'], 200, 'accepted']);
  await core.stop();
  assert.equal(await waiting, 0);
});
