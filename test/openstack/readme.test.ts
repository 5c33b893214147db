import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the application of the page runs', async () => {
  const readme = readFileSync(join(root, 'docs/reference/openstack.md'), 'utf8');
  const [, program] = /^```ts\n(.*?)^```$/ms.exec(readme)!;
  const folder = temporaryFolder('readme-', join(root, 'dist-test'));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const file = join(folder, 'program.mjs');
  writeFileSync(file, ts.transpileModule(program!, { compilerOptions }).outputText);
  const [status] = (await once(fork(file), 'exit')) as [number];
  assert.equal(status, 0);
});
