/** Tests the first steps of README.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, root } from '../e2e/program.js';
import { blocksOf, runPage } from './page.js';

test('the commands of README.md make a project, test it, serve it and ask it', { timeout: 240_000 }, async (t) => {
  const port = String(await freePort());
  await runPage(t, 'README.md', {
    replace: { '../library': 'library', '8080': port },
    env: { PORTICO_API_BOOKS__PORT: port },
  });
});

test('README.md has the two commands of a clone, which install and serve the sample, and install and test', () => {
  const commands = blocksOf('README.md').map(({ text }) => text);
  assert.ok(commands.includes('npm ci && npm start\n') && commands.includes('npm ci && npm test\n'));
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  assert.deepEqual([scripts.start, scripts.test], ['exec node lib/cli/main.js', 'node test/run.mjs --compile --fast']);
});
