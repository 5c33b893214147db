/** Tests the resolution of factories: modules, packages and aliases, relative to the file's directory. */

import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import type { PasteError } from '#internal/loader';
import { folderOf } from './folder.js';
import { said, say, TREE } from './modules.js';

const using = (expression: string) => `[app:main]\npaste.app_factory = ${expression}\n`;

test('PD-155 modules: packages, subpaths, files, dotted and default exports, ES modules and CommonJS', async () => {
  const rows: Readonly<Record<string, string>> = {
    './local.js:app': 'local',
    './local.js#app': 'local',
    './local.js': 'local default',
    './local.js:Router.factory': 'dotted',
    '../lib/own.js:app': 'own',
    './old.cjs:app': 'cjs',
    './old.cjs:Deep.app': 'cjs deep',
    './function.cjs': 'cjs default',
    'esm-only:app': 'esm',
    'esm-only': 'esm default',
    'esm-only/sub/one:app': 'esm part',
    'plain:app': 'plain',
    'plain/lib/index:app': 'plain',
    'the-service/own:app': 'own',
  };
  for (const [expression, expected] of Object.entries(rows)) {
    assert.equal(await said(using(expression)), expected, expression);
    if (expression === 'esm-only') continue; // After `call:` a single word is not a module.
    assert.equal(await said(`[app:main]\nuse = call:${expression}\n`), expected, `call:${expression}`);
  }
});

test('PD-155 PD-168 what every object has is no export', async () => {
  for (const name of ['toString', 'constructor', 'Router.call', 'Router.constructor', 'default.bind']) {
    await assert.rejects(said(using(`./local.js:${name}`)), { code: 'PORTICO_PASTE_BAD_FACTORY_EXPRESSION' }, name);
  }
});

test('PD-155 a module without a default export: an export to name', async () => {
  const more = { 'etc/named.js': 'export const app = 1;' };
  await assert.rejects(said(using('./named.js'), {}, more), {
    hint: 'It has: app. Name one of them: ./named.js:app.',
  });
});

test('PD-155 a file URL is absolute', async () => {
  const other = folderOf({ 'package.json': '{"type":"module"}', 'x.js': TREE['etc/local.js'] });
  assert.equal(await said(using(`file://${other}/x.js:app`)), 'local');
});

test('PD-155 relative modules begin in the folder of the file that names them', async () => {
  const more = { 'etc/sub/b.ini': using('./local.js:app'), 'etc/sub/local.js': `export const app = ${say('in sub')};` };
  assert.equal(await said('[app:main]\nuse = config:sub/b.ini\n', {}, more), 'in sub');
});

test('PD-160 packages announce entry points; names are spelt as people like', async () => {
  assert.equal(await said('[app:main]\nuse = egg:@scope/with-points\n'), 'entry point');
  assert.equal(await said('[app:main]\nuse = egg:@scope/With_Points\n'), 'entry point');
  for (const name of ['sample-dotted_name', 'Sample.Dotted-Name', 'sample--dotted__name']) {
    assert.equal(await said(`[app:main]\nuse = egg:${name}#main\n`), 'normalised', name);
  }
  await assert.rejects(said('[app:main]\nuse = egg:@scope/with-points#both\n'), {
    code: 'PORTICO_PASTE_AMBIGUOUS_ENTRY_POINT',
  });
  await assert.rejects(said('[app:main]\nuse = egg:plain\n'), { code: 'PORTICO_PASTE_NO_ENTRY_POINT' });
  await assert.rejects(said('[app:main]\nuse = egg:../etc\n'), { code: 'PORTICO_PASTE_NO_PACKAGE' });
});

test('a package of a linked scope is found by another spelling; hidden files of a scope are no packages', async () => {
  const folder = folderOf({
    'node_modules/@scope/.cache': '',
    'node_modules/@file': '',
    'linked/in-link/package.json':
      '{"name":"@linked/in-link","type":"module","portico":{"paste.app_factory":{"main":"./f.js"}}}',
    'linked/in-link/f.js': `export default ${say('in link')};`,
    'api-paste.ini': '[app:main]\nuse = egg:@linked/In_Link\n[app:hidden]\nuse = egg:@scope/cache\n',
  });
  symlinkSync('../linked', join(folder, 'node_modules/@linked'));
  const loader = new Loader(join(folder, 'api-paste.ini'));
  const app = await (await loader.load('app')).create();
  assert.equal((app as { readonly said?: string }).said, 'in link');
  await assert.rejects(loader.load('app', 'hidden'), (error: PasteError) => !String(error.hint).includes('.cache'));
});

test('SC-10 use takes a module where no section has the name', async () => {
  assert.equal(await said('[app:main]\nuse = ./local.js:app\n'), 'local');
  assert.equal(await said('[app:main]\nuse = esm-only/sub/one:app\n'), 'esm part');
});

test('PD-155 the syntax of ES modules in a CommonJS folder is refused with what to do', async () => {
  const folder = folderOf({
    'package.json': '{"type":"commonjs"}',
    'esm.js': 'export const app = () => () => undefined;',
    'api-paste.ini': using('./esm.js:app'),
  });
  await assert.rejects(new Loader(join(folder, 'api-paste.ini')).loadApp('main'), {
    code: 'PORTICO_PASTE_NO_MODULE',
    hint: 'It is an ES module: rename it to .mjs, or set "type": "module" in its package.json.',
  });
});

test('an import that leaves the ending out, or has that of the compiled file, is refused with the file there is', async () => {
  const more = {
    'etc/parts/one.js': '',
    'etc/parts/two.ts': '',
    'etc/bare.js': "import './parts/one';",
    'etc/compiled.js': "import './parts/two.js';",
  };
  for (const [module, there] of [
    ['bare', 'one.js'],
    ['compiled', 'two.ts'],
  ]) {
    await assert.rejects(
      said(`[app:main]\npaste.app_factory = ./${module}.js:app\n`, {}, more),
      (error: PasteError) => {
        assert.equal(error.code, 'PORTICO_PASTE_NO_MODULE');
        assert.equal(error.hint, `There is ${there}: an import needs the file extension.`);
        return true;
      },
    );
  }
});

test('a module that lies beside the file, without "./" in front, is named with it', async () => {
  const rows: [expression: string, hint: string][] = [
    ['local.js:app', 'Relative modules begin with "./": write ./local.js:app.'],
    ['local:app', 'Relative modules begin with "./": write ./local.js:app.'],
    ['local.js', 'Relative modules begin with "./": write ./local.js.'],
    ['old.cjs:Deep.app', 'Relative modules begin with "./": write ./old.cjs:Deep.app.'],
    ['parts/one.js:app', 'Relative modules begin with "./": write ./parts/one.js:app.'],
  ];
  const more = { 'etc/parts/one.js': '' };
  for (const [expression, hint] of rows) {
    await assert.rejects(said(`[app:main]\npaste.app_factory = ${expression}\n`, {}, more), (error: PasteError) => {
      assert.equal(error.code, 'PORTICO_PASTE_NO_MODULE');
      assert.equal(error.hint, hint);
      return true;
    });
  }
});

test('of many exports the first ten are reported, and how many more there are', async () => {
  const names = Array.from({ length: 13 }, (_, at) => `export${at}`);
  const more = { 'etc/many.js': names.map((name) => `export const ${name} = 1;`).join('\n') };
  await assert.rejects(said('[app:main]\npaste.app_factory = ./many.js:other\n', {}, more), (error: PasteError) => {
    assert.equal(error.code, 'PORTICO_PASTE_BAD_FACTORY_EXPRESSION');
    assert.match(error.hint ?? '', /^It has: export0, export1, (export\d+, ){7}export\d+ and 3 more\.$/);
    return true;
  });
});

test('packages are looked for in the project of a command in node_modules/.bin, and that folder is not reported', async (t) => {
  const project = folderOf({ 'node_modules/.bin/api-cli': '' });
  const script = process.argv[1]!;
  t.after(() => {
    process.argv[1] = script;
  });
  process.argv[1] = join(project, 'node_modules/.bin/api-cli');
  await assert.rejects(said(using('not-there-1:app')), (error: PasteError) => {
    assert.match(error.hint ?? '', new RegExp(`node_modules of .*, ${project}, `));
    assert.doesNotMatch(error.hint ?? '', /\.bin/);
    return true;
  });
});
