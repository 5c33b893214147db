import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Loader } from 'portico/loader';
import type { PasteError } from '#internal/loader';
import { importModuleExport } from '#internal/service';
import { importFailure } from '../../dist/modules/index.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { folderOf } from '../loader/folder.js';

const NO_TYPESCRIPT = (process.features as { typescript?: string | false }).typescript ? false : 'this Node reads none';

/** Modules that Node cannot read as TypeScript, and the messages for them. */
const ERRORS = [
  ['first.ts', 'enum A { a }\n', 'TypeScript enum is not supported in strip-only mode, at FILE:1:1'],
  [
    'later.ts',
    'let a = 1;\nlet b = 2;\n\nexport enum A { a }\n',
    'TypeScript enum is not supported in strip-only mode, at FILE:4:8',
  ],
  ['long.ts', 'let a = 1;\nenum A {\n  a,\n}\n', 'TypeScript enum is not supported in strip-only mode, at FILE:2'],
  [
    'tabs.ts',
    'class A {\n\tconstructor(\tprivate x: number) {}\n}\n',
    'TypeScript parameter property is not supported in strip-only mode, at FILE:2:23',
  ],
  ['javascript.ts', 'let a = 1;\n\tlet a: number = 2;\n', "Identifier 'a' has already been declared, at FILE:2:6"],
] as const;

test('a process that may have no children tells an error of a module without its location', async (t) => {
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

test('an error in TypeScript that Node reads by itself is reported with its location', {
  skip: NO_TYPESCRIPT,
}, async () => {
  const folder = temporaryFolder('portico-import-ts-');
  for (const [name, text, told] of ERRORS) {
    const file = join(folder, name);
    writeFileSync(file, text);
    const outer = join(folder, `outer-${name}`);
    writeFileSync(outer, `import './${name}';\n`);
    const url = pathToFileURL(outer).href;
    const error: unknown = await import(url).catch((reason: unknown) => reason);
    assert.equal(await importFailure(error, url), told.replace('FILE', file));
  }
});

test('a Node that reads no TypeScript is reported with what to do', { skip: !NO_TYPESCRIPT }, async () => {
  const file = join(temporaryFolder('portico-import-ts-'), 'app.ts');
  writeFileSync(file, 'export const app = 1;\n');
  const url = pathToFileURL(file).href;
  const error: unknown = await import(url).catch((reason: unknown) => reason);
  assert.equal(
    await importFailure(error, url),
    `Unknown file extension ".ts" for ${file}: Node ${process.versions.node} cannot run TypeScript; compile it, or use Node 22.18 or newer`,
  );
});

test('PD-155 a module that cannot be imported is refused with its own place, beside that in the paste file', async () => {
  const files = {
    'package.json': '{"type":"module"}',
    'broken.js': 'const a = 1;\nexport const app = () => { return ) };\n',
    'outer.js': "import './broken.js';\nglobalThis.ran = true;\nexport const app = 1;\n",
    'broken.cjs': 'const a = 1;\nconst b = {;\n',
    'wanting.js': "import { nobody } from './fine.js';\nexport const app = nobody;\n",
    'fine.js': 'globalThis.ran = true;\nexport const app = 1;\n',
    'throws.js': 'export const app = 1;\n  undefinedThing();\n',
    'lost.js': "export const app = 1;\nimport one from 'no-such-thing/part';\n",
    'gone.js': "import './nowhere.js';\n",
  };
  const rows: Readonly<Record<string, [place: string, what: string]>> = {
    './broken.js': ['broken.js:2:35', "Unexpected token ')'"],
    './outer.js': ['broken.js:2:35', "Unexpected token ')'"],
    './broken.cjs': ['broken.cjs:2:12', "Unexpected token ';'"],
    './wanting.js': ['wanting.js:1:10', "'./fine.js' does not provide an export named 'nobody'"],
    './throws.js': ['throws.js:2:3', 'undefinedThing is not defined'],
    './lost.js': ['lost.js:2:17', "Cannot find package 'no-such-thing'"],
    './gone.js': ['gone.js:1:8', 'Cannot find module'],
  };
  for (const [module, [place, what]] of Object.entries(rows)) {
    const folder = folderOf({ ...files, 'api-paste.ini': `[app:main]\npaste.app_factory = ${module}:app\n` });
    const file = join(folder, 'api-paste.ini');
    await assert.rejects(new Loader(file).loadApp('main'), (error: PasteError) => {
      assert.equal(error.code, 'PORTICO_PASTE_NO_MODULE');
      assert.ok(error.message.startsWith(`${file}:2:21: [app:main] paste.app_factory: `), error.message);
      assert.ok(error.message.includes(what), error.message);
      assert.ok(error.message.includes(join(folder, place)), error.message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    await assert.rejects(importModuleExport(`${module}:app`, { folder }), (error: Error) => {
      assert.ok(error.message.includes(join(folder, place)), error.message);
      return true;
    });
  }
  // Finding the locations has not run the module.
  assert.equal((globalThis as { ran?: boolean }).ran, undefined);
});
