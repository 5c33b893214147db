/** Tests that the workflows of the code host run .ci/run on each promised Node, on both architectures, and release, with actions whose code cannot change. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root } from './fixtures/project.js';

test('the workflow runs .ci/run on every line of Node in engines, on x64 and arm64', () => {
  const { jobs } = parse(readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8')) as {
    jobs: {
      run: {
        strategy: { matrix: { node: number[]; os: string[] } };
        steps: { run?: string }[];
      };
    };
  };
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
  const { matrix } = jobs.run.strategy;
  assert.deepEqual(
    matrix.node,
    [...engines.node.matchAll(/(\d+)\.\d+\.\d+/g)].map(([, line]) => Number(line)),
  );
  assert.deepEqual(matrix.os, ['ubuntu-24.04', 'ubuntu-24.04-arm']);
  const commands = jobs.run.steps.flatMap(({ run }) => run ?? []);
  assert.deepEqual(commands, ['.ci/run']);
  assert.ok(existsSync(join(root, '.ci/run')));
});

test('AU-6 each action of a workflow is pinned to a commit, with its tag in a comment', () => {
  const folder = join(root, '.github/workflows');
  const uses = readdirSync(folder).flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => /\buses:/.test(line)),
  );
  assert.ok(uses.length > 0);
  for (const line of uses) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('a release runs all checks, publishes with provenance and without a token, and has its SBOM', () => {
  const { on, permissions, jobs } = parse(readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')) as {
    on: object;
    permissions: object;
    jobs: { publish: { permissions: object; steps: { run?: string }[] } };
  };
  assert.deepEqual([on, permissions], [{ push: { tags: ['v*'] } }, { contents: 'read' }]);
  assert.deepEqual(jobs.publish.permissions, { contents: 'write', 'id-token': 'write' });
  const [check, files, publish, release] = jobs.publish.steps.flatMap(({ run }) => run ?? []);
  assert.deepEqual([check, files], ['.ci/run', '.ci/release "$GITHUB_REF_NAME"']);
  assert.match(publish!, /^npm publish --provenance .*release\/\*\.tgz$/);
  assert.match(release!, /^gh release create "\$GITHUB_REF_NAME" release\/\* --verify-tag/);
});

test('.ci/release refuses a tag that is not the version, and a changelog without its date', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const refused = (tag: string): string => {
    const { status, stderr } = spawnSync(join(root, '.ci/release'), [tag], { encoding: 'utf8' });
    assert.equal(status, 1, stderr);
    return stderr;
  };
  assert.equal(refused('v9.9.9'), `the tag is v9.9.9, and package.json has ${version}\n`);
  if (readFileSync(join(root, 'CHANGELOG.md'), 'utf8').includes(`## ${version} (unreleased)`))
    assert.match(refused(`v${version}`), /CHANGELOG\.md has no heading/);
});
