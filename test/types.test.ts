import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The compiler and options of each run. `package.test.ts` checks Portico's declarations as those of a library. */
const settings: Readonly<Record<string, readonly string[]>> = {
  'nodenext, TypeScript 6': ['typescript'],
  'bundler, TypeScript 7':
    'typescript-7 --module esnext --moduleResolution bundler --exactOptionalPropertyTypes true'.split(' '),
};

for (const [name, [compiler, ...options]] of Object.entries(settings)) {
  test(`RT-200 RT-201 params, names, bodies and queries have the types their templates and schemas say: ${name}`, () => {
    const tsc = join(root, 'node_modules', compiler!, 'bin/tsc');
    const run = spawnSync(process.execPath, [tsc, '-p', 'test/types/tsconfig.json', ...options], {
      cwd: root,
      encoding: 'utf8',
    });
    assert.equal(run.stdout, '');
    assert.equal(run.status, 0);
  });
}

test('84: the extras compile against the published declarations', () => {
  const tsc = join(root, 'node_modules/typescript-7/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '-p', 'src/extras'], { cwd: root, encoding: 'utf8' });
  assert.equal(run.stdout, '');
  assert.equal(run.status, 0);
});
