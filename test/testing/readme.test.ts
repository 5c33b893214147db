/** Tests that the page's example is a test that passes. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

test('the first example of the page runs as it stands', () => {
  const [, text] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(join(root, 'docs/reference/testing.md'), 'utf8'))!;
  const folder = temporaryFolder('readme-', join(root, 'dist-test'));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  writeFileSync(join(folder, 'example.mjs'), ts.transpileModule(text!, { compilerOptions }).outputText);
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  execFileSync(process.execPath, [join(folder, 'example.mjs')], { env, stdio: 'pipe' });
});
