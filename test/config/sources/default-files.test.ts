/** Tests the default files for users that a service manager creates. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { apiCli, emptyProject } from '../../e2e/program.js';

/** A user id without an entry in passwd(5). */
const UNKNOWN = 61_234;

test('a user without HOME and without an entry in passwd runs the program', {
  skip: process.getuid?.() !== 0 && 'only root may become another user',
}, (t) => {
  const project = emptyProject({ 'portico.ini': '[DEFAULT]\nenabled_apis =\n' });
  t.after(() => project.remove());
  chmodSync(project.folder, 0o755);
  const env = { ...process.env, HOME: undefined };
  const { status, stderr } = spawnSync(process.execPath, [apiCli, 'config', 'show', '--config-file', 'portico.ini'], {
    cwd: project.folder,
    env,
    encoding: 'utf8',
    uid: UNKNOWN,
    gid: UNKNOWN,
    timeout: 60_000,
  });
  assert.equal(status, 0, stderr);
});
