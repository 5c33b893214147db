/** How factories are found: modules, packages and aliases, seen from the folder of the file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { App } from 'portico/app';
import { Loader, type LoaderOptions } from 'portico/loader';
import { folderOf } from './folder.js';

const say = (name: string) =>
  `() => { const app = () => undefined; return Object.assign(app, { said: ${JSON.stringify(name)} }); }`;

const TREE = {
  'package.json': '{"name":"the-service","type":"module","exports":{"./own":"./lib/own.js"}}',
  'lib/own.js': `export const app = ${say('own')};`,
  'etc/local.js': `
export const app = ${say('local')};
export default ${say('local default')};
export class Router { static prefix = 'dotted'; static factory() { const said = this.prefix; return Object.assign(() => undefined, { said }); } }
`,
  'etc/old.cjs': `exports.app = ${say('cjs')}; exports.Deep = { app: ${say('cjs deep')} };`,
  'etc/function.cjs': `module.exports = ${say('cjs default')};`,
  'node_modules/esm-only/package.json':
    '{"name":"esm-only","type":"module","exports":{".":{"import":"./main.js"},"./sub/*":{"import":"./parts/*.js"}}}',
  'node_modules/esm-only/main.js': `export const app = ${say('esm')}; export default ${say('esm default')};`,
  'node_modules/esm-only/parts/one.js': `export const app = ${say('esm part')};`,
  'node_modules/plain/package.json': '{"name":"plain","main":"lib/index.js"}',
  'node_modules/plain/lib/index.js': `exports.app = ${say('plain')};`,
  'node_modules/@scope/with-points/package.json':
    '{"name":"@scope/with-points","type":"module","portico":{"paste.app_factory":{"main":"./f.js:app","both":"./f.js:app"},"paste.composite_factory":{"both":"./f.js:app"}}}',
  'node_modules/@scope/with-points/f.js': `export const app = ${say('entry point')};`,
  'node_modules/sample-dotted_name/package.json':
    '{"name":"sample-dotted_name","type":"module","portico":{"paste.app_factory":{"main":"./f.js"}}}',
  'node_modules/sample-dotted_name/f.js': `export default ${say('normalised')};`,
};

async function said(t: TestContext, ini: string, options: LoaderOptions = {}, more: Record<string, string> = {}) {
  const folder = folderOf(t, { ...TREE, 'etc/api-paste.ini': ini, ...more });
  const loader = new Loader(join(folder, 'etc', 'api-paste.ini'), options);
  const loaded = await loader.load('app');
  return ((await loaded.create()) as App & { said: string }).said;
}

const using = (expression: string) => `[app:main]\npaste.app_factory = ${expression}\n`;

test('PD-155 modules: packages, subpaths, files, dotted and default exports, ES modules and CommonJS', async (t) => {
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
    assert.equal(await said(t, using(expression)), expected, expression);
    if (expression === 'esm-only') continue; // after call: a lone word is no module
    assert.equal(await said(t, `[app:main]\nuse = call:${expression}\n`), expected, `call:${expression}`);
  }
});

test('PD-155 PD-168 what every object has is no export', async (t) => {
  for (const name of ['toString', 'constructor', 'Router.call', 'Router.constructor', 'default.bind']) {
    await assert.rejects(said(t, using(`./local.js:${name}`)), { code: 'PORTICO_PASTE_BAD_FACTORY_EXPRESSION' }, name);
  }
});

test('PD-155 a file URL is absolute', async (t) => {
  const other = folderOf(t, { 'package.json': '{"type":"module"}', 'x.js': TREE['etc/local.js'] });
  assert.equal(await said(t, using(`file://${other}/x.js:app`)), 'local');
});

test('PD-155 relative modules begin in the folder of the file that names them', async (t) => {
  const more = { 'etc/sub/b.ini': using('./local.js:app'), 'etc/sub/local.js': `export const app = ${say('in sub')};` };
  assert.equal(await said(t, '[app:main]\nuse = config:sub/b.ini\n', {}, more), 'in sub');
});

test('PD-160 packages announce entry points; names are spelt as people like', async (t) => {
  assert.equal(await said(t, '[app:main]\nuse = egg:@scope/with-points\n'), 'entry point');
  for (const name of ['sample-dotted_name', 'Sample.Dotted-Name', 'sample--dotted__name']) {
    assert.equal(await said(t, `[app:main]\nuse = egg:${name}#main\n`), 'normalised', name);
  }
  await assert.rejects(said(t, '[app:main]\nuse = egg:@scope/with-points#both\n'), {
    code: 'PORTICO_PASTE_AMBIGUOUS_ENTRY_POINT',
  });
  await assert.rejects(said(t, '[app:main]\nuse = egg:plain\n'), { code: 'PORTICO_PASTE_NO_ENTRY_POINT' });
  await assert.rejects(said(t, '[app:main]\nuse = egg:../etc\n'), { code: 'PORTICO_PASTE_NO_PACKAGE' });
});

test('PD-157 PD-158 aliases of the file: whole references, modules that keep the attribute, chains, entry points', async (t) => {
  const aliases = `[DEFAULT]
a = hidden no longer
[portico:aliases]
a =
    nova.api.x:App.factory    ./local.js:app
    nova.api.mod              ./local.js
b = chain.one:f               nova.api.x:App.factory
c = egg:My.Company#main       ./local.js:Router.factory
    egg:my-company#other      esm-only:app    paste.app_factory
`;
  const rows: Readonly<Record<string, string>> = {
    'paste.app_factory = nova.api.x:App.factory': 'local',
    'paste.app_factory = nova.api.x : App.factory [extra]': 'local',
    'use = call:nova.api.x:App.factory': 'local',
    'paste.app_factory = nova.api.mod:Router.factory': 'dotted',
    'paste.app_factory = chain.one:f': 'local',
    'use = egg:my_company': 'dotted',
    'use = egg:my.company#other': 'esm',
  };
  for (const [line, expected] of Object.entries(rows)) {
    assert.equal(await said(t, `${aliases}[app:main]\n${line}\n`), expected, line);
  }
});

test('PD-157 the program is asked before the file, the file at hand before the first, all before the built-in ones', async (t) => {
  const more = {
    'etc/sub/b.ini':
      '[app:main]\nuse = call:x.y:z\n[app:paste]\nuse = egg:Paste#static\n[portico:aliases]\na = x.y:z ../local.js:app\n',
  };
  const ini = (name: string) =>
    `[app:main]\nuse = config:sub/b.ini#${name}\n[portico:aliases]\na =\n  x.y:z esm-only:app\n  egg:Paste#static esm-only:app\n`;
  assert.equal(await said(t, ini('main'), {}, more), 'local');
  assert.equal(await said(t, ini('main'), { aliases: { 'x.y:z': 'plain:app' } }, more), 'plain');
  assert.equal(await said(t, ini('paste'), {}, more), 'esm');
});

test('PD-159 the Paste composites are here under their Python names', async (t) => {
  for (const line of [
    'use = egg:Paste#urlmap',
    'use = call:nova.api.openstack.urlmap:urlmap_factory',
    'paste.composite_factory = paste.urlmap:urlmap_factory',
  ]) {
    const folder = folderOf(t, {
      ...TREE,
      'api-paste.ini': `[composite:main]\n${line}\n/ = a\n[app:a]\npaste.app_factory = ./etc/local.js:app\n`,
    });
    const app = await new Loader(join(folder, 'api-paste.ini')).loadApp();
    assert.equal(typeof app, 'function');
  }
});

test('SC-10 use takes a module where no section has the name', async (t) => {
  assert.equal(await said(t, '[app:main]\nuse = ./local.js:app\n'), 'local');
  assert.equal(await said(t, '[app:main]\nuse = esm-only/sub/one:app\n'), 'esm part');
});

test('PD-155 a module that does not parse is refused with what to do: its place, or ES modules in a CommonJS folder', async (t) => {
  const folder = folderOf(t, {
    'package.json': '{"type":"commonjs"}',
    'esm.js': 'export const app = () => () => undefined;',
    'broken.cjs': 'const a = 1;\nconst b = {;\n',
    'api-paste.ini': `${using('./esm.js:app')}\n[app:broken]\npaste.app_factory = ./broken.cjs:app\n`,
  });
  const loader = new Loader(join(folder, 'api-paste.ini'));
  const hintOf = (name: string) =>
    loader.loadApp(name).then(
      () => assert.fail('it loaded'),
      (error: { code: string; hint?: string }) => [error.code, error.hint],
    );
  assert.deepEqual(await hintOf('main'), [
    'PORTICO_PASTE_NO_MODULE',
    'It has the syntax of ES modules: name it .mjs, or say "type": "module" in the package.json above it.',
  ]);
  assert.deepEqual(await hintOf('broken'), [
    'PORTICO_PASTE_NO_MODULE',
    `The mistake stands at ${join(folder, 'broken.cjs')}:2.`,
  ]);
});
