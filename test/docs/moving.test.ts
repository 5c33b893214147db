/** Tests the pages about moving from other frameworks or from Python's libraries: each page runs. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../e2e/program.js';
import { runPage } from './page.js';

/** The packages that each page needs. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  express: ['express'],
  fastify: ['@fastify/cookie'],
  nestjs: [],
  'oslo-config': [],
  'oslo-service': [],
  pastedeploy: [],
  routes: [],
};

for (const [page, packages] of Object.entries(PAGES)) {
  test(`docs/moving/${page}.md moves over what it shows`, { timeout: 240_000 }, async (t) => {
    await runPage(t, `docs/moving/${page}.md`, { packages, ports: [8080] });
  });
}

test('every page of docs/moving is run', () => {
  assert.deepEqual(
    readdirSync(join(root, 'docs/moving')).toSorted(),
    // The test of nova.md needs services in Python.
    [...Object.keys(PAGES), 'nova'].map((page) => `${page}.md`).toSorted(),
  );
});
