/** Tests that the page's periodic tasks run: decorated and compiled, and unchanged in plain JavaScript. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(join(root, 'docs/reference/tasks.md'), 'utf8');
const told = `import { PeriodicTasks as Told } from 'portico/tasks';
console.log('tasks', new Told(new Images()).status().map(({ name, spacing }) => name + ' ' + spacing).join(', '));`;

/** Returns the output of the page's code with periodic tasks in this language. */
function tasksOf(language: 'ts' | 'js', target = ts.ScriptTarget.ES2022): string {
  const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  const [, , text] = blocks.find(([, of, code]) => of === language && code!.includes('periodicTask('))!;
  const compilerOptions = { module: ts.ModuleKind.ESNext, target };
  const program = language === 'js' ? text! : ts.transpileModule(text!, { compilerOptions }).outputText;
  const folder = temporaryFolder('readme-', join(root, 'dist-test'));
  writeFileSync(join(folder, 'program.mjs'), `${program}\n${told}`);
  const output = execFileSync(process.execPath, [join(folder, 'program.mjs')], { encoding: 'utf8', stdio: 'pipe' });
  return output.trim().split('\n').at(-1)!;
}

test('decorated periodic tasks run when compiled for a year, and not for ESNext', () => {
  assert.equal(tasksOf('ts'), 'tasks removeExpired 3600, audit 60');
  assert.throws(() => tasksOf('ts', ts.ScriptTarget.ESNext), /SyntaxError: Invalid or unexpected token/);
});

test('periodic tasks are marked in plain JavaScript, where a class ends', () => {
  assert.equal(tasksOf('js'), 'tasks tick 10');
});
