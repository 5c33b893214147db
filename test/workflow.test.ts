/** Tests that the workflow of the code host runs .ci/run on each promised Node, on both processors, with actions whose code cannot change. */
import assert from 'node:assert/strict';
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
