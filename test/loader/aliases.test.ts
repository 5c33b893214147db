import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import type { PasteError } from '#internal/loader';
import { folderOf } from './folder.js';
import { said, say, TREE } from './modules.js';

test('PD-157 PD-158 aliases of the file: whole references, modules that keep the attribute, chains, entry points', async () => {
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
    assert.equal(await said(`${aliases}[app:main]\n${line}\n`), expected, line);
  }
});

test('PD-157 aliases from code come before those of the file, the file at hand before the first, all before the built-in ones', async () => {
  const more = {
    'etc/sub/b.ini':
      '[app:main]\nuse = call:x.y:z\n[app:paste]\nuse = egg:Paste#static\n[portico:aliases]\na = x.y:z ../local.js:app\n',
  };
  const ini = (name: string) =>
    `[app:main]\nuse = config:sub/b.ini#${name}\n[portico:aliases]\na =\n  x.y:z esm-only:app\n  egg:Paste#static esm-only:app\n`;
  assert.equal(await said(ini('main'), {}, more), 'local');
  assert.equal(await said(ini('main'), { aliases: { 'x.y:z': 'plain:app' } }, more), 'plain');
  assert.equal(await said(ini('paste'), {}, more), 'esm');
});

test('PD-157 aliases of an included file see what code passes, and nothing of the including file', async () => {
  const more = { 'etc/sub/b.ini': '[app:main]\nuse = call:x.y:z\n[portico:aliases]\na = x.y:z %(to)s\n' };
  const ini = '[DEFAULT]\nto = esm-only:app\n[app:main]\nuse = config:sub/b.ini\n';
  assert.equal(await said(ini, { globalConf: { to: '../local.js:app' } }, more), 'local');
  await assert.rejects(said(ini, {}, more), { code: 'PORTICO_PASTE_INTERPOLATION_MISSING' });
});

test('PD-159 the Paste composites are here under their Python names', async () => {
  for (const line of [
    'use = egg:Paste#urlmap',
    'use = call:nova.api.openstack.urlmap:urlmap_factory',
    'paste.composite_factory = paste.urlmap:urlmap_factory',
  ]) {
    const folder = folderOf({
      ...TREE,
      'api-paste.ini': `[composite:main]\n${line}\n/ = a\n[app:a]\npaste.app_factory = ./etc/local.js:app\n`,
    });
    const app = await new Loader(join(folder, 'api-paste.ini')).loadApp();
    assert.equal(typeof app, 'function');
  }
});

test('names of Python in any script are taken for what they are', async () => {
  const alias = '[portico:aliases]\na = módulo.app:fábrica ./local.js:app\n';
  const main = '[app:main]\npaste.app_factory = módulo.app:fábrica\n';
  assert.equal(await said(main + alias), 'local');
  await assert.rejects(said(main), (error: PasteError) => {
    assert.match(
      error.hint ?? '',
      /It looks like a Python module\..*módulo\.app:fábrica {4}\.\/módulo\/app\.js:fábrica/s,
    );
    return true;
  });
  // A Python module name cannot begin with a digit, but a file name can.
  await assert.rejects(said('[app:main]\npaste.app_factory = 1mod.app:app\n'), (error: PasteError) => {
    assert.equal(error.code, 'PORTICO_PASTE_NO_MODULE');
    assert.ok(!/Python/.test(error.hint ?? ''));
    return true;
  });
  const file = { 'etc/1.js': `export const fábrica = ${say('a digit')};` };
  assert.equal(await said('[app:main]\npaste.app_factory = ./1.js:fábrica\n', {}, file), 'a digit');
  assert.equal(await said('[app:main]\nuse = ./1.js:fábrica\n', {}, file), 'a digit');
});

test('a module of a package that is written with dots, as in Python, gets its name with slashes', async () => {
  for (const word of ['sizelimit', 'authToken'])
    await assert.rejects(said(`[app:main]\npaste.app_factory = portico.middleware:${word}\n`), (error: PasteError) => {
      assert.equal(error.code, 'PORTICO_PASTE_NO_MODULE');
      assert.match(error.hint ?? '', new RegExp(`^Did you mean "portico/middleware:${word}"\\?`));
      return true;
    });
});
