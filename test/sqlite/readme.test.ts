/** Tests that the applications of docs/reference/sqlite.md run. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { AppFactory } from 'portico';
import { buildApp, request } from 'portico/testing';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';

// Inside the project, so that the snippets can import the package by its name.
const folder = temporaryFolder('readme-', resolve('dist-test'));

const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };

/** Runs the application of the page that has this text, and returns its exports. */
async function run(text: string): Promise<Record<string, unknown>> {
  const blocks = [...readFileSync('docs/reference/sqlite.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)];
  const code = blocks.map(([, block]) => block!).find((block) => block.includes(text))!;
  const file = join(folder, `${text}.js`);
  writeFileSync(file, ts.transpileModule(code, { compilerOptions }).outputText);
  return (await import(file)) as Record<string, unknown>;
}

test('S3-8 the first application of the page keeps its promises', async () => {
  await run('loans');
});

test('S3-8 an app of the page has the database that its option names, shared with the others', async () => {
  const { app } = await run('sharedDatabase');
  const { made, close } = await buildApp(app as AppFactory, { config: '[books]\nconnection = sqlite://:memory:\n' });
  assert.equal((await request(made, 'POST', '/books/1/Emma')).status, 200);
  assert.deepEqual((await request(made, 'GET', '/books')).json(), [{ title: 'Emma', seq: 1 }]);
  await close();
});
