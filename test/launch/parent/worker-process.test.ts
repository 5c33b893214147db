import assert from 'node:assert/strict';
import { cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { workerEnd } from '../../../dist/launch/parent/worker-end.js';
import { WorkerHandle } from '../../../dist/launch/parent/worker-handle.js';
import { mainModule, spawnWorker, workerExecArgv } from '../../../dist/launch/parent/worker-process.js';
import {
  type HostProcess,
  isDaemon,
  masterTitle,
  programName,
  rememberForeground,
  setTitle,
  workerTitle,
} from '../../../dist/launch/process/host-process.js';
import { PROTOCOL } from '../../../dist/launch/protocol.js';
import { describeEnd } from '../../../dist/operating/status.js';
import { root } from '../../e2e/program.js';
import { generation } from '../../fixtures/fake-workers.js';
import { temporaryFolder } from '../../fixtures/keeper.js';

test('LC-1710 each worker’s inspector picks a separate port, and never waits for a debugger', () => {
  assert.deepEqual(workerExecArgv(['--inspect', '--enable-source-maps']), ['--inspect=0', '--enable-source-maps']);
  assert.deepEqual(workerExecArgv(['--inspect-brk=9230']), ['--inspect=0']);
  assert.deepEqual(workerExecArgv(['--inspect=127.0.0.1:9229']), ['--inspect=127.0.0.1:0']);
  assert.deepEqual(workerExecArgv(['--inspect-port', '9300', '--inspect-port=9301']), []);
});

test('options that say what to run are not passed on, and the others are', () => {
  assert.deepEqual(workerExecArgv(['--import', './hooks.js', '--max-old-space-size=100']), [
    '--import',
    './hooks.js',
    '--max-old-space-size=100',
  ]);
  assert.deepEqual(workerExecArgv(['--test', '--watch', '-e', 'code', '--input-type=module']), []);
});

test('workers inherit nothing of a parent that `node --watch` runs', async () => {
  const folder = temporaryFolder('portico-watched-');
  const entry = join(folder, 'main.mjs');
  writeFileSync(entry, 'console.log(1)');
  const env = { PATH: process.env.PATH, WATCH_REPORT_DEPENDENCIES: '1', NODE_CHANNEL_FD: '9' };
  const host = { pid: 1, env, argv: ['node'], execPath: process.execPath, execArgv: ['--watch'] };
  const child = spawnWorker({ host, entry }, { index: 0, folder: process.cwd() });
  const ended = new Promise((resolve) => child.once('close', resolve));
  assert.ok(!child.spawnargs.includes('--watch'));
  const sent: unknown[] = [];
  child.on('message', (message) => sent.push(message));
  const assignment = { service: 'api', index: 0, workers: 1, generation: 1 };
  const protocol = PROTOCOL;
  child.send({ kind: 'configure', protocol, assignment, configuration: undefined, settings: {}, addresses: [] });
  await ended;
  const foreign = sent.filter((message) => (message as { portico?: unknown }).portico !== true);
  assert.deepEqual(foreign, []);
});

test('a worker that cannot be spawned fails to start, and nothing throws', async () => {
  // Node throws for this as it does when the system has no memory left.
  const host = { pid: 1, env: { WORD: 'a\0b' }, argv: ['node', 'main.js'], execPath: process.execPath, execArgv: [] };
  const assignment = { service: 'api', index: 0, workers: 1, generation: 1 };
  const { settings } = generation(1);
  const first = { kind: 'configure', assignment, configuration: undefined, settings, addresses: [] } as const;
  const worker = new WorkerHandle(spawnWorker({ host }, { index: 0, folder: process.cwd() }), first);
  await assert.rejects(worker.ready, /null bytes/);
  worker.terminate();
  assert.deepEqual([worker.pid, (await worker.exited).code], [undefined, null]);
});

test('a worker whose Node was removed fails to start, with the path and the remedy', async () => {
  const gone = join(process.cwd(), 'removed', 'node');
  const host = { pid: 1, env: {}, argv: ['node', 'main.js'], execPath: gone, execArgv: [] };
  const assignment = { service: 'api', index: 0, workers: 1, generation: 1 };
  const { settings } = generation(1);
  const first = { kind: 'configure', assignment, configuration: undefined, settings, addresses: [] } as const;
  const worker = new WorkerHandle(spawnWorker({ host }, { index: 0, folder: process.cwd() }), first);
  const message = `the Node of this service, ${gone}, no longer exists: restart the service with another`;
  await assert.rejects(worker.ready, { message });
  assert.match(
    describeEnd(workerEnd(worker, await worker.exited)),
    /^worker 0 could not be started .* no longer exists/,
  );
});

test('a worker whose package is incomplete, as during npm ci, fails to start with that reason', async () => {
  const folder = temporaryFolder('portico-incomplete-');
  cpSync(join(root, 'lib'), join(folder, 'lib'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const { spawnWorker: spawn } = (await import(join(folder, 'lib/chunks/launch-ahead.mjs'))) as {
    spawnWorker: typeof spawnWorker;
  };
  const host = { pid: 1, env: {}, argv: ['node', 'main.js'], execPath: process.execPath, execArgv: [] };
  const assignment = { service: 'api', index: 0, workers: 1, generation: 1 };
  const { settings } = generation(1);
  const first = { kind: 'configure', assignment, configuration: undefined, settings, addresses: [] } as const;
  for (const missing of ['chunks/launch.mjs', 'launch/worker/worker-bootstrap.js']) {
    rmSync(join(folder, 'lib', missing));
    const worker = new WorkerHandle(spawn({ host }, { index: 0, folder: process.cwd() }), first);
    await assert.rejects(
      worker.ready,
      /the package portico is incomplete: .*\S+\. Workers start when it is installed again/,
    );
    await worker.exited;
  }
});

test('an application without a main module is refused with how to name an entry', () => {
  const host = { argv: ['node'] } as never;
  assert.equal(mainModule({ host }), undefined);
  assert.equal(mainModule({ host, entry: new URL('file:///srv/launch.js') }), '/srv/launch.js');
});

test('LC-1610 titles name the application, its arguments, the service and the worker', () => {
  assert.equal(masterTitle('api', ['--config-file', 'a.ini']), 'api: master process [--config-file a.ini]');
  assert.equal(masterTitle('api', []), 'api: master process');
  assert.equal(workerTitle('api', 'compute', 2), 'api: compute worker(2)');
});

test('LC-1610 a title that does not fit keeps its closing bracket', () => {
  const shown = (room: number, title: string): string => {
    let kept = '';
    const host = {
      get title() {
        return kept;
      },
      set title(text: string) {
        kept = Buffer.from(text).subarray(0, room).toString();
      },
    };
    setTitle(host, title);
    return host.title;
  };
  const title = masterTitle('api', ['--config-file', 'é.ini']);
  assert.equal(shown(100, title), title);
  assert.equal(shown(36, title), 'api: master process [--config-f...]');
  assert.equal(shown(40, masterTitle('api', ['--file=é', 'ééééééééé'])), 'api: master process [--file=é ...]');
  assert.equal(shown(23, title), 'api: master process');
  assert.equal(shown(10, title), 'api: maste');
  assert.equal(shown(22, workerTitle('api', 'a-long-service', 2)), 'api: a-long-service wo');
  assert.equal(shown(29, workerTitle('api', 'a-long-service', 2)), 'api: a-long-service worker(2)');
});

test('LC-535 a daemon is whoever is not in its terminal’s foreground', () => {
  const stat = (group: number, foreground: number): string =>
    `17 (a (strange) name) S 1 ${group} 17 34816 ${foreground} 4194304 0`;
  assert.equal(
    isDaemon(() => stat(17, 17)),
    false,
  );
  assert.equal(
    isDaemon(() => stat(17, 20)),
    true,
  );
  assert.equal(
    isDaemon(() => stat(17, -1)),
    true,
  );
});

test('LC-535 a process whose terminal is gone is what it was while it had one', () => {
  for (const [group, daemon] of [
    [17, false],
    [20, true],
  ] as const) {
    let foreground = 17;
    const asked = rememberForeground(() => `17 (name) S 1 ${group} 17 34816 ${foreground} 4194304 0`);
    assert.equal(asked(), daemon);
    foreground = -1;
    assert.equal(asked(), daemon);
    foreground = 20;
    assert.equal(asked(), group !== 20);
  }
});

test('LC-1610 a process is called as its package calls the command, else as its main module', () => {
  const run = (script: string | undefined) =>
    programName({ argv: ['node', ...(script === undefined ? [] : [script])] } as unknown as HostProcess);
  assert.equal(run(fileURLToPath(new URL('../../../lib/cli/main.js', import.meta.url))), 'api-cli');
  assert.equal(run('/nowhere/volume.mjs'), 'volume');
  assert.equal(run(undefined), 'portico');
});
