/** `api-cli plan` with code that never ends: nothing is left of it. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { LONGEST_MS, stateFrom } from '../../dist/plan/state-process.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { repository } from '../plan/project.js';
import { apiCli, Program } from './program.js';

const LOOP = "import { writeFileSync } from 'node:fs';\nwriteFileSync('pid', String(process.pid));\nfor (;;);\n";

/** A repository whose working tree has an endless loop, and the pid of the process that is in it. */
function looping() {
  const project = repository();
  writeFileSync(join(project.folder, 'app.js'), LOOP);
  const pid = join(project.folder, 'pid');
  const begun = () => until(() => existsSync(pid) && readFileSync(pid, 'utf8') !== '', Boolean);
  return { ...project, begun, pid: () => Number(readFileSync(pid, 'utf8')) };
}

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test('plan: a signal ends the process that builds a state, and removes the revision', async () => {
  const project = looping();
  const temporary = temporaryFolder('portico-plan-ended-');
  const program = new Program(process.execPath, [apiCli, 'plan', 'main'], {
    cwd: project.folder,
    env: { TMPDIR: temporary },
  });
  await project.begun();
  program.child.kill('SIGINT');
  assert.equal((await program.ended).signal, 'SIGINT');
  await until(() => isGone(project.pid()), Boolean);
  const left = readdirSync(temporary).filter((name) => name.startsWith('portico-plan-'));
  assert.deepEqual(left, []);
  assert.equal(project.git('worktree', 'list').trim().split('\n').length, 1);
});

test('plan: a state that takes too long is refused', async (t) => {
  const project = looping();
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const built = stateFrom({ label: 'main', folder: project.folder, args: [] }, 'key');
  const refused = assert.rejects(built, /main was not built within 300 s/);
  mock.timers.tick(LONGEST_MS);
  await refused;
});
