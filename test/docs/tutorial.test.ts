/** Tests the tutorials step by step, from `api-cli init` on. */
import { type TestContext, test } from 'node:test';
import { typeScriptNode } from '../e2e/packed.js';
import { freePort } from '../e2e/program.js';
import { runPage } from './page.js';

test('the commands of docs/tutorial.md print what it says, and its tests pass', { timeout: 300_000 }, async (t) => {
  const node = await typeScriptNode(t);
  if (node === undefined) return;
  const port = String(await freePort());
  await runPage(t, 'docs/tutorial.md', {
    node,
    replace: { '../library': 'library', '8080': port },
    env: { PORTICO_API_BOOKS__PORT: port },
  });
});

/** Runs the second page in the language that a Node runs, with both workers. */
async function runSecondPage(t: TestContext, node?: string): Promise<void> {
  const [port, admin] = [String(await freePort()), String(await freePort())];
  await runPage(t, 'docs/tutorial-database.md', {
    ...(node !== undefined && { node }),
    replace: { '../lending': 'lending', '8080': port, '9100': admin },
  });
}

test('docs/tutorial-database.md does what it says, in TypeScript', { timeout: 300_000 }, async (t) => {
  const node = await typeScriptNode(t);
  if (node !== undefined) await runSecondPage(t, node);
});

const runsTypes = Boolean((process.features as { readonly typescript?: string | false }).typescript);

test('docs/tutorial-database.md does what it says, in JavaScript', { timeout: 300_000, skip: runsTypes }, (t) =>
  runSecondPage(t),
);
