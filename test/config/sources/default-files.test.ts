/** Tests the default files for users that a service manager creates. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCli, emptyProject } from '../../e2e/program.js';

/** A user id without an entry in passwd(5). */
const UNKNOWN = 61_234;

test('a user without HOME and without an entry in passwd can run an application', {
  skip: process.getuid?.() !== 0 && 'only root may become another user',
}, () => {
  const project = emptyProject({ 'portico.ini': '[DEFAULT]\nenabled_apis =\n' });
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

test('OP-3 a working folder that this user may not enter is the cause that is reported, with and without --config-file', {
  skip: process.getuid?.() !== 0 && 'only root may become another user',
}, () => {
  const project = emptyProject({ 'portico.ini': '[api:hello]\nport = 0\n' });
  const other = emptyProject({ 'portico.ini': '[api:hello]\nport = 0\n' });
  chmodSync(project.folder, 0o700);
  chmodSync(other.folder, 0o755);
  const run = (...words: string[]): string => {
    const user = { uid: UNKNOWN, gid: UNKNOWN, env: { ...process.env, HOME: undefined } };
    const options = { cwd: project.folder, encoding: 'utf8' as const, timeout: 60_000, ...user };
    const { status, stdout, stderr } = spawnSync(process.execPath, [apiCli, ...words], options);
    assert.equal(status, 78, stdout + stderr);
    return stdout + stderr;
  };
  const alone = run();
  assert.match(alone, /error: cannot read config file portico\.ini \(.*\): permission denied \(EACCES\)/);
  assert.match(alone, new RegExp(`This user may not enter ${project.folder}:`));
  assert.doesNotMatch(alone, /No configuration file|spawn/);
  const said = run('check', '--config-file', join(other.folder, 'portico.ini'));
  assert.match(
    said,
    new RegExp(`no worker can be started: this user may not enter its working directory, ${project.folder}`),
  );
});
