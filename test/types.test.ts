import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorsIn } from './docs/compiler.js';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The compiler and options of each run. `package.test.ts` checks Portico's declarations as those of a library. */
const settings: Readonly<Record<string, readonly string[]>> = {
  'nodenext, TypeScript 6': ['typescript'],
  'bundler, TypeScript 7':
    'typescript-7 --checkers 1 --module esnext --moduleResolution bundler --exactOptionalPropertyTypes true'.split(' '),
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

test('the extras compile against the published declarations', () => {
  const tsc = join(root, 'node_modules/typescript-7/bin/tsc');
  const run = spawnSync(process.execPath, [tsc, '--checkers', '1', '-p', 'src/extras'], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(run.stdout, '');
  assert.equal(run.status, 0);
});

test('a field added to Environ is there whatever order the files come in', () => {
  const declares = "import { environ } from 'portico/app';\nexport type E = ReturnType<typeof environ>;\n";
  const augments =
    "import 'portico/app';\ndeclare module 'portico/app' { interface Environ { tenant?: { id: string } } }\n";
  const uses =
    "import { type App, environ } from 'portico';\nimport { environ as same } from 'portico/app';\n" +
    'export const app: App = (req, res) => { res.end([environ(req).tenant?.id, same(req).tenant?.id, environ(req).bestContentType, environ(req).requestId].join()); };\n';
  const loads = "import 'portico/loader';\nimport 'portico/middleware';\n";
  const parts = { augments, uses, declares, loads };
  for (const order of [
    'augments uses declares loads',
    'uses augments loads declares',
    'loads declares uses augments',
  ]) {
    const names = order.split(' ') as (keyof typeof parts)[];
    const files = Object.fromEntries(names.map((name, at) => [`p${at}-${name}.ts`, parts[name]]));
    assert.equal(errorsIn(files), '', order);
  }
});
