import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as middleware from 'portico/middleware';
import {
  ExportMissing,
  fileOfOwnExport,
  importExport,
  importPeer,
  parseExportReference,
} from '../../dist/modules/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('settled 31: a module and its export are joined by : or #, and the default export needs no name', () => {
  assert.deepEqual(parseExportReference('./a.js:make'), { module: './a.js', name: 'make' });
  assert.deepEqual(parseExportReference('pkg/a#Make'), { module: 'pkg/a', name: 'Make' });
  assert.deepEqual(parseExportReference('pkg : Make.of'), { module: 'pkg', name: 'Make.of' });
  assert.deepEqual(parseExportReference('file:///a/b.js'), { module: 'file:///a/b.js' });
  assert.deepEqual(parseExportReference('@scope/pkg'), { module: '@scope/pkg' });
  assert.deepEqual(parseExportReference('node:fs'), { module: 'node:fs' });
  assert.equal(parseExportReference('two words'), undefined);
  assert.equal(parseExportReference('./a.js:not-a-name'), undefined);
});

test('what a file names of portico/middleware is what the package exports', async () => {
  const index = new URL('../../dist/middleware/index.js', import.meta.url).href;
  for (const [name, value] of Object.entries((await import(index)) as object)) {
    const found = await importExport({ module: 'portico/middleware', name }, index);
    assert.equal(found.value, value, name);
  }
  // Only names that the package exports have a file; other exports of these files do not count.
  const files = new Set<string>();
  for (const name of Object.keys(middleware)) {
    const file = fileOfOwnExport('portico/middleware', index, name);
    assert.ok(file !== undefined && file !== index, name);
    files.add(file);
  }
  for (const file of files) {
    const names = Object.keys((await import(file)) as object).filter((name) => !Object.hasOwn(middleware, name));
    for (const name of [...names, 'toString']) {
      assert.equal(fileOfOwnExport('portico/middleware', index, name), undefined, name);
      await assert.rejects(importExport({ module: 'portico/middleware', name }, index), ExportMissing);
    }
  }
});

test('a package that is linked into node_modules, as by pnpm, has the same files', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const dist = new URL('../../dist/', import.meta.url);
  const link = join(folder, 'portico');
  symlinkSync(fileURLToPath(dist), link);
  const linked = pathToFileURL(join(link, 'middleware/index.js')).href;
  const file = fileOfOwnExport('portico/middleware', linked, 'requestId');
  assert.equal(file, new URL('middleware/request-id.js', dist).href);
  const others = pathToFileURL(join(folder, 'other/middleware/index.js')).href;
  assert.equal(fileOfOwnExport('portico/middleware', others, 'requestId'), undefined);
});

test('filters that no section names are not loaded', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-'));
  t.after(() => rmSync(folder, { recursive: true }));
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
      cwd: ROOT,
      encoding: 'utf8',
    });
    return stdout.trim() || stderr;
  };
  assert.equal(load('stats', 'name = a'), 'true');
  assert.equal(load('requestId'), 'false');
});

const peer = { code: 'PORTICO_NONE_MISSING', neededBy: '[none] on = true', spec: 'no-such-package@3' };

test('a package that is not installed is named, with what needs it and how to install it', async () => {
  const name = 'no-such-package';
  await assert.rejects(
    importPeer(() => import(name), peer),
    {
      code: 'PORTICO_NONE_MISSING',
      message: '[none] on = true needs the package no-such-package, which is not installed',
      hint: 'npm install no-such-package@3',
    },
  );
});

test('a package that is there and cannot be loaded tells why', async () => {
  const broken = 'data:text/javascript,throw new Error("built for another Node")';
  await assert.rejects(
    importPeer(() => import(broken), peer),
    /^Error: built for another Node/,
  );
  const other = 'its-dependency';
  await assert.rejects(
    importPeer(() => import(other), peer),
    { code: 'ERR_MODULE_NOT_FOUND' },
  );
});
