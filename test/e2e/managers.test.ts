/** Managers in real programs: in a fleet, behind an API and as a separate service, through stops and kills. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask } from './clients.js';
import { emptyProject, freePort, Program, startApiCli } from './program.js';
import { pidApp } from './projects.js';

const MANAGER = `
import { periodicTask } from 'portico/tasks';
const say = (...words) => process.stdout.write(words.join(' ') + '\\n');
export class Manager {
  constructor({ serviceName, host }) { this.name = serviceName; say('made', serviceName, host, process.pid); }
  initHost(record) { say('initHost', record === null); }
  preStartHook(record) { say('preStartHook', record?.binary); }
  postStartHook() {
    void this.track('copy', new Promise((done) => process.once('SIGWINCH', done)), { resourceId: 'image-7' });
    // Said last: a signal that comes before there is a listener is lost.
    say('postStartHook');
  }
  cleanupHost() { say('cleanupHost'); }
  reset() { say('reset'); }
  once() { say('first-worker', process.pid); }
  each() { say('each-worker', process.pid); }
}
periodicTask({ spacing: 1, runImmediately: true, scope: 'first-worker' })(Manager.prototype.once);
periodicTask({ spacing: 1, runImmediately: true })(Manager.prototype.each);
`;

const MAIN = `
import { Config, createLogger } from 'portico';
import { launch } from 'portico/launch';
import { RPCService } from 'portico/rpc';
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json' });
const service = RPCService.create({ binary: 'portico-images', config, log });
const launcher = await launch(service, { config, log, workers: Number(process.argv[2]) });
process.exitCode = await launcher.wait();
`;

function project(t: TestContext, ini: string): string {
  const { folder, remove } = emptyProject({
    'manager.js': MANAGER,
    'main.js': MAIN,
    'app.js': pidApp,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[servicegroup]\nconnection = sqlite:///services.db\n[DEFAULT]\nhost = north\nperiodic_fuzzy_delay = 0\n${ini}`,
  });
  t.after(remove);
  return folder;
}

const count = (program: Program, pattern: RegExp): number => program.stdout.match(pattern)?.length ?? 0;

test('MG-20 MG-8 LC-729 LC-1339 a manager behind an API of two workers: hooks in each, first-worker tasks in one', async (t) => {
  const port = await freePort();
  const ini = `enabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 2\nmanager = ./manager.js:Manager\n`;
  const program = startApiCli([], { cwd: project(t, ini) });
  t.after(() => program.end());
  await program.printed(/^hello\b.*2 workers/m);
  await program.printed(/first-worker[\s\S]*first-worker/);
  const pids = new Set([...program.stdout.matchAll(/each-worker (\d+)/g)].map(([, pid]) => pid));
  await program.printed(/(made hello north \d+\n[\s\S]*){2}/);
  assert.equal(new Set([...program.stdout.matchAll(/first-worker (\d+)/g)].map(([, pid]) => pid)).size, 1);
  assert.ok(!pids.has(String(program.pid)), 'the parent runs no application code');
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  program.kill('SIGTERM');
  // Both wait for their tracked tasks and log them.
  await program.printed(/(1 unfinished task at the shutdown: copy \(on image-7[\s\S]*){2}/);
  for (const pid of pids) process.kill(Number(pid), 'SIGWINCH');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.stderr, /of the tasks at the shutdown 1 completed, 0 failed, 0 are unfinished/);
  for (const hook of ['initHost (true|false)', 'preStartHook portico-hello', 'postStartHook', 'cleanupHost']) {
    assert.equal(count(program, new RegExp(`^${hook}$`, 'gm')), 2, hook);
  }
});

test('MG-20 LC-1331 LC-1332 an RPC service in a fleet and in one process, named by its option; SIGHUP asks its manager', async (t) => {
  for (const workers of [1, 2]) {
    const folder = project(t, 'images_manager = ./manager.js:Manager\nrestart_method = mutate\n');
    const program = new Program(process.execPath, ['main.js', String(workers)], { cwd: folder });
    t.after(() => program.end());
    await program.printed(new RegExp(`(^postStartHook$[\\s\\S]*){${workers}}`, 'm'));
    if (workers === 2) {
      program.kill('SIGHUP');
      await program.printed(/reset[\s\S]*reset/);
    }
    const pids = [...program.stdout.matchAll(/made images north (\d+)/g)].map(([, pid]) => Number(pid));
    for (const pid of pids) process.kill(pid, 'SIGWINCH');
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
    const order = program.stdout.match(/initHost|preStartHook|postStartHook|cleanupHost/g);
    if (workers === 1) assert.deepEqual(order, ['initHost', 'preStartHook', 'postStartHook', 'cleanupHost']);
    assert.equal(count(program, /cleanupHost/g), workers);
  }
});

test('MG-59 LC-1334 a manager whose initHost fails ends the start with 1, and leaves no record', async (t) => {
  const folder = project(t, 'images_manager = ./broken.js:Manager\n');
  const { writeFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  writeFileSync(
    join(folder, 'broken.js'),
    'export class Manager { initHost() { throw new Error("no disk"); } cleanupHost() { process.stdout.write("cleanupHost\\n"); } }',
  );
  const program = new Program(process.execPath, ['main.js', '2'], { cwd: folder });
  t.after(() => program.end());
  assert.equal((await program.ended).code, 1);
  assert.match(program.stderr, /no disk/);
  assert.match(program.stdout, /cleanupHost/);
  const list = startApiCli(['service', 'list', '--json'], { cwd: folder });
  await list.ended;
  assert.deepEqual(JSON.parse(list.stdout), { services: [] });
});
