/** Tests that the workflow of the code host runs .ci/run on each promised Node, on both processors. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
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
