import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { importFailure } from '../../dist/service/import-failure.js';
import { temporaryFolder } from '../fixtures/keeper.js';

test('a process that may have no children tells a mistake of a module without its place', async (t) => {
  const file = join(temporaryFolder('portico-import-'), 'broken.mjs');
  writeFileSync(file, 'export const app = ;\n');
  const url = pathToFileURL(file).href;
  const error: unknown = await import(url).catch((reason: unknown) => reason);
  assert.match(await importFailure(error, url), /^Unexpected token ';', at .+broken\.mjs:1:20$/);
  t.mock.method(childProcess, 'execFile', () => {
    throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  assert.match(await importFailure(error, url), /^Unexpected token ';'/);
});
