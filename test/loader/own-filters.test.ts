/** Tests the list of Portico's filters, of which a paste file loads only those that it names. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as middleware from 'portico/middleware';
import { FILTERS } from '../../dist/filters.js';
import { ownFilter } from '../../dist/loader/own-filters.js';
import { temporaryFolder } from '../fixtures/keeper.js';

const LIB = new URL('../../lib/', import.meta.url);
const INDEX = new URL('middleware/index.js', LIB).href;
const named = (name: string) => ({ module: 'portico/middleware', name });

test('the list has each export of portico/middleware but for that of an extension, and its file has no other value of that name', async () => {
  const { session: _, ...own } = middleware;
  assert.deepEqual(Object.keys(FILTERS).toSorted(), Object.keys(own).toSorted());
  for (const [name, value] of Object.entries(own)) {
    const file = (await ownFilter(named(name), INDEX)?.()) as Record<string, unknown>;
    assert.equal(file[name], value, name);
  }
  // Other exports of these files do not count.
  for (const name of ['describeCors', 'toString', 'cors.name']) assert.equal(ownFilter(named(name), INDEX), undefined);
});

test('a package that is linked into node_modules, as by pnpm, has the same files', async () => {
  const folder = temporaryFolder('portico-own-filters-');
  const link = join(folder, 'portico');
  symlinkSync(fileURLToPath(LIB), link);
  const linked = pathToFileURL(join(link, 'middleware/index.js')).href;
  assert.equal(ownFilter(named('requestId'), linked), FILTERS.requestId);
  const others = pathToFileURL(join(folder, 'other/middleware/index.js')).href;
  assert.equal(ownFilter(named('requestId'), others), undefined);
});

test('filters that no section names are not loaded', () => {
  const folder = temporaryFolder('portico-own-filters-');
  const file = join(folder, 'api-paste.ini');
  const load = (filter: string, option = ''): string => {
    writeFileSync(
      file,
      `[pipeline:main]\npipeline = it app\n[filter:it]\npaste.filter_factory = portico/middleware:${filter}\n${option}\n` +
        '[app:app]\npaste.app_factory = portico/middleware:echo\n',
    );
    // Only the filter stats loads node:dgram.
    const program =
      "import { Loader } from 'portico/loader';" +
      `const app = await new Loader(${JSON.stringify(file)}).loadApp(); await app.close();` +
      "console.log(process.moduleLoadList.includes('NativeModule dgram'));";
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    });
    return stdout.trim() || stderr;
  };
  assert.equal(load('stats', 'name = a'), 'true');
  assert.equal(load('requestId'), 'false');
});
