/** `portico plan` in a hook of git: the commit has what its user staged. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { apiCli } from '../fixtures/project.js';
import { repository } from '../plan/project.js';

/** Runs git as a user does: without variables of a hook in which the tests may run. */
function git(folder: string, ...words: readonly string[]): string {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const names = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.org', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', [...names, ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Writes a pre-commit hook that compares HEAD with the working tree, and keeps the output and the status in a file. */
function hook(folder: string, report: string): void {
  const hooks = join(git(folder, 'rev-parse', '--path-format=absolute', '--git-common-dir').trim(), 'hooks');
  mkdirSync(hooks, { recursive: true });
  const file = join(hooks, 'pre-commit');
  writeFileSync(
    file,
    `#!/bin/sh\n'${process.execPath}' '${apiCli}' plan HEAD --prepare 'git status --short > /dev/null' > '${report}' 2>&1\necho "status $?" >> '${report}'\n`,
  );
  chmodSync(file, 0o755);
}

const NEEDS_GUEST = /body\.guest is required now[\s\S]*^status 3$/m;

/** Changes a file of the project in a folder, as {@link repository} has it. */
function requireGuest(folder: string): void {
  const file = join(folder, 'app.js');
  writeFileSync(file, readFileSync(file, 'utf8').replace("required: ['room']", "required: ['room', 'guest']"));
}

/** The names of changed files of the last commit, and of the working tree after it. */
function changed(folder: string): readonly string[] {
  return [git(folder, 'show', '--format=', '--name-only', 'HEAD'), git(folder, 'status', '--short', '-uno')].map(
    (text) => text.trim(),
  );
}

for (const [what, words] of [
  ['git commit -a', ['commit', '-q', '-a', '-m', 'guest']],
  ['git commit of what is staged', ['commit', '-q', '-m', 'guest']],
  ['git commit of a named file', ['commit', '-q', '-m', 'guest', 'app.js']],
] as const) {
  test(`in a pre-commit hook the commit is whole: ${what}`, () => {
    const { folder } = repository();
    const report = join(temporaryFolder('portico-hook-'), 'report');
    hook(folder, report);
    requireGuest(folder);
    if (what === 'git commit of what is staged') git(folder, 'add', 'app.js');
    git(folder, ...words);
    assert.match(readFileSync(report, 'utf8'), NEEDS_GUEST);
    assert.deepEqual(changed(folder), ['app.js', '']);
    assert.equal(git(folder, 'worktree', 'list').trim().split('\n').length, 1);
  });
}

for (const bare of [false, true]) {
  test(`in a pre-commit hook of a linked working tree${bare ? ' of a bare repository' : ''} the commit is whole`, () => {
    const main = repository().folder;
    const place = temporaryFolder('portico-hook-');
    const from = bare ? join(place, 'bare.git') : main;
    if (bare) git(place, 'clone', '-q', '--bare', main, from);
    const folder = join(place, 'linked');
    git(from, 'worktree', 'add', '-q', '-b', 'linked', folder);
    symlinkSync(join(main, 'node_modules'), join(folder, 'node_modules'));
    const report = join(place, 'report');
    hook(folder, report);
    requireGuest(folder);
    git(folder, 'add', 'app.js');
    const staged = git(main, 'status', '--short', '-uno');
    git(folder, 'commit', '-q', '-m', 'guest');
    assert.match(readFileSync(report, 'utf8'), NEEDS_GUEST);
    assert.deepEqual(changed(folder), ['app.js', '']);
    assert.equal(git(main, 'status', '--short', '-uno'), staged);
  });
}

test('in a pre-commit hook of a submodule the commit is whole', () => {
  const module = repository().folder;
  const above = temporaryFolder('portico-above-');
  git(above, 'init', '-q');
  git(above, 'submodule', 'add', '-q', module, 'api');
  git(above, 'commit', '-q', '-m', 'begin');
  const folder = join(above, 'api');
  symlinkSync(join(module, 'node_modules'), join(folder, 'node_modules'));
  const report = join(temporaryFolder('portico-hook-'), 'report');
  hook(folder, report);
  requireGuest(folder);
  git(folder, 'commit', '-q', '-a', '-m', 'guest');
  assert.match(readFileSync(report, 'utf8'), NEEDS_GUEST);
  assert.deepEqual(changed(folder), ['app.js', '']);
});
