import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

const settings: Readonly<Record<string, readonly string[]>> = {
  nodenext: [],
  'bundler, with all libraries checked':
    '--module esnext --moduleResolution bundler --exactOptionalPropertyTypes true --skipLibCheck false'.split(' '),
};

for (const [name, options] of Object.entries(settings)) {
  test(`RT-200 RT-201 params, names, bodies and queries have the types their templates and schemas say: ${name}`, () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const run = spawnSync(process.execPath, [compiler, '-p', 'test/types/tsconfig.json', ...options], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(run.stdout, '');
    assert.equal(run.status, 0);
  });
}
