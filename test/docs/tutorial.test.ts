/** Tests the tutorials step by step, from `api-cli init` on. */
import { test } from 'node:test';
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

test('docs/tutorial-database.md does what it says, with both workers', { timeout: 300_000 }, async (t) => {
  const node = await typeScriptNode(t);
  if (node === undefined) return;
  const [port, admin] = [String(await freePort()), String(await freePort())];
  await runPage(t, 'docs/tutorial-database.md', {
    node,
    replace: { '../lending': 'lending', '8080': port, '9100': admin },
  });
});
