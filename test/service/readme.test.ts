import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

// Inside the project, so that the snippets can import the package by its name.
const folder = temporaryFolder('readme-', resolve('dist-test'));

/** The output of the snippets in each page, in order. */
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  'docs/reference/tasks.md': [
    'every ten seconds, and now\ncopied image-1\n',
    'T minus 3\nT minus 2\nT minus 1\nlift-off\n',
    'removing, as admin false\nnext pass in 60\n',
  ],
  'docs/reference/service.md': [
    'cleaning\n',
    'listening, called off: false\nclosing, graceful: true\n',
    '1 on north known before: false\n2 registered as portico-images starting\n3 serving\n4 7\n5 released 1\n',
  ],
  'docs/reference/rpc.md': ['me: a is 7 now\ntrue there is no image b\n'],
  'docs/reference/registry.md': ['false\n'],
};

for (const [file, expected] of Object.entries(PRINTED)) {
  test(`MG-3 MG-5 MG-49 the applications in ${file} run, print what they should, and end by themselves`, () => {
    const snippets = [...readFileSync(file, 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
    assert.equal(snippets.length, expected.length);
    for (const [index, code] of snippets.entries()) {
      const { outputText } = ts.transpileModule(code, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      });
      const program = join(folder, `snippet-${index}.mjs`);
      writeFileSync(program, outputText);
      const run = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 30_000 });
      assert.equal(run.stderr, '');
      assert.equal(run.status, 0);
      assert.equal(run.stdout, expected[index]);
    }
  });
}
