/** A manager behind an API of a fleet. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from './clients.js';
import { emptyProject, freePort, type Program, startApiCli, untilEnd } from './program.js';
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
  once() { say('first-worker', process.pid); }
  each() { say('each-worker', process.pid); }
}
periodicTask({ spacing: 1, runImmediately: true, scope: 'first-worker' })(Manager.prototype.once);
periodicTask({ spacing: 1, runImmediately: true })(Manager.prototype.each);
`;

function project(ini: string): string {
  const { folder } = emptyProject({
    'manager.js': MANAGER,
    'app.js': pidApp,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[servicegroup]\nconnection = sqlite:///services.db\n[DEFAULT]\nhost = north\nperiodic_fuzzy_delay = 0\n${ini}`,
  });
  return folder;
}

const count = (program: Program, pattern: RegExp): number => program.stdout.match(pattern)?.length ?? 0;

test('MG-20 MG-8 LC-729 LC-1339 a manager behind an API of two workers: hooks in each, first-worker tasks in one', async (t) => {
  const port = await freePort();
  const ini = `enabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 2\nmanager = ./manager.js:Manager\n`;
  const program = untilEnd(t, startApiCli([], { cwd: project(ini) }));
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
