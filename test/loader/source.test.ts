/** Tests the flow of options: hidden by defaults, lost or shared with `use`, and across files. */
import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ContextTree, Loader } from 'portico/loader';
import { loaderOf } from './composed.js';
import { folderOf } from './folder.js';

const nothing = () => () => undefined;
const passing = () => (inner: unknown) => inner;
const factories = { a: nothing, f: passing, g: passing };

const FILTERS = '[filter:f]\npaste.filter_factory = f\n[filter:g]\npaste.filter_factory = g\n';

async function treeOf(ini: string, globalConf?: Record<string, string>): Promise<ContextTree> {
  const loader = loaderOf(ini, factories, globalConf === undefined ? {} : { globalConf });
  return (await loader.load('app')).tree();
}

const conf = (node: ContextTree | undefined) => Object.fromEntries(node!.localConf);

test('PD-48 a default hides an option of that name, whatever the option is', async () => {
  const rows: [name: string, ini: string, code: string | undefined][] = [
    ['use', '[app:main]\nuse = b\n[app:b]\npaste.app_factory = a\n', 'NO_LOADER'],
    ['next', `[filter-app:main]\nnext = b\nuse = f\n[app:b]\npaste.app_factory = a\n${FILTERS}`, 'MISSING_SETTING'],
    ['pipeline', '[pipeline:main]\npipeline = b\n[app:b]\npaste.app_factory = a\n', 'MISSING_SETTING'],
    ['paste.app_factory', '[app:main]\npaste.app_factory = a\n', 'NO_LOADER'],
    ['filter-with', `[app:main]\npaste.app_factory = a\nfilter-with = f\n${FILTERS}`, undefined],
    ['/x', '[composite:main]\npaste.composite_factory = urlmap\n/x = b\n[app:b]\npaste.app_factory = a\n', undefined],
  ];
  for (const [name, ini, code] of rows) {
    for (const [head, globalConf] of [
      [`[DEFAULT]\n${name} = x\n`, undefined],
      ['', { [name]: 'x' }],
    ] as const) {
      const loading = treeOf(head + ini, globalConf);
      if (code === undefined)
        assert.deepEqual([(await loading).type === 'filter-with', conf(await loading)], [false, {}], name);
      else await assert.rejects(loading, { code: `PORTICO_PASTE_${code}` }, name);
    }
  }
});

test('PD-54 PD-66 options and set through use: every way the used section can be made', async () => {
  const explicit = 'paste.app_factory = a\n';
  const used = 'use = deep\n';
  const deep = '[app:deep]\npaste.app_factory = a\nd = deep\n';
  const rows: [
    about: string,
    base: string,
    wrapper: Record<string, string>,
    app: Record<string, string>,
    set: [string, string],
  ][] = [
    [
      'explicit',
      `[app:base]\n${explicit}b = base\n`,
      { b: 'base', m: 'main' },
      { b: 'base', m: 'main' },
      ['main', 'main'],
    ],
    [
      'use',
      `[app:base]\n${used}b = base\n`,
      { b: 'base', m: 'main', d: 'deep' },
      { b: 'base', m: 'main', d: 'deep' },
      ['main', 'main'],
    ],
    [
      'explicit, filter-with',
      `[app:base]\n${explicit}b = base\nfilter-with = f\n`,
      { b: 'base', m: 'main' },
      { b: 'base', m: 'main' },
      ['main', 'main'],
    ],
    [
      'use, filter-with',
      `[app:base]\n${used}b = base\nfilter-with = f\n`,
      { b: 'base', m: 'main' },
      { b: 'base', d: 'deep' },
      ['main', 'base'],
    ],
    [
      'explicit, filter-app',
      '[filter-app:base]\npaste.filter_factory = f\nnext = deep\nb = base\n',
      { b: 'base', m: 'main' },
      { d: 'deep' },
      ['main', 'base'],
    ],
    [
      'use, filter-app',
      '[filter-app:base]\nuse = f\nnext = deep\nb = base\n',
      { b: 'base', m: 'main' },
      { d: 'deep' },
      ['main', 'base'],
    ],
    ['pipeline', '[pipeline:base]\npipeline = f deep\n', { m: 'main' }, { d: 'deep' }, ['main', 'base']],
  ];
  for (const [about, base, wrapper, app, [onWrapper, onApp]] of rows) {
    const ini = `[app:main]\nuse = base\nm = main\nset s = main\n${base}set s = base\n${deep}${FILTERS}`;
    const tree = await treeOf(ini);
    const inner = tree.next ?? tree.app ?? tree;
    assert.deepEqual([conf(tree), conf(inner)], [wrapper, app], about);
    assert.deepEqual([tree.globalConf.get('s'), inner.globalConf.get('s')], [onWrapper, onApp], `${about}: set`);
  }
});

test('PD-66 the filter of a used filter-app gets the options only where it is explicit', async () => {
  const filterOf = async (line: string) => {
    const ini = `[app:main]\nuse = base\nm = main\n[filter-app:base]\n${line}\nnext = deep\n[app:deep]\npaste.app_factory = a\n${FILTERS}`;
    return conf((await treeOf(ini)).filter);
  };
  assert.deepEqual(await filterOf('paste.filter_factory = f'), { m: 'main' });
  assert.deepEqual(await filterOf('use = f'), {});
});

test('PD-38 PD-61 through three files in three folders: here, hidden options, and who wins', async () => {
  const folder = folderOf({
    'package.json': '{"type":"module"}',
    'm.js': 'export const app = () => () => undefined;',
    'a.ini': '[DEFAULT]\nregion = a\n[app:main]\nuse = config:one/b.ini#x\nset where = a\n',
    'one/b.ini': '[DEFAULT]\nregion = b\nzone = b\n[app:x]\nuse = config:../two/c.ini#y\nset where = b\n',
    'two/c.ini':
      '[app:y]\npaste.app_factory = ../m.js:app\npath = %(here)s %(region)s %(zone)s\nwhere = hidden\nregion = hidden\n',
  });
  const { globalConf, localConf } = new Loader(join(folder, 'a.ini')).appConfig();
  assert.deepEqual(Object.fromEntries(localConf), { path: `${folder}/two hidden b` });
  assert.deepEqual(Object.fromEntries(globalConf), {
    here: folder,
    __file__: `${folder}/a.ini`,
    region: 'a',
    zone: 'b',
    where: 'a',
  });
});

test('PD-62 after use the children of a composite are those of the using file', async () => {
  const folder = folderOf({
    'package.json': '{"type":"module"}',
    'm.js': 'export const app = (g, l) => Object.assign(() => undefined, { from: l.get("from") });',
    'a.ini':
      '[composite:main]\nuse = config:b.ini#map\n[app:home]\npaste.app_factory = ./m.js:app\nfrom = a\n[composite:mounted]\nuse = egg:Paste#urlmap\n/ = config:b.ini#map\n',
    'b.ini':
      '[composite:map]\nuse = egg:Paste#urlmap\n/ = home\n[app:home]\npaste.app_factory = ./m.js:app\nfrom = b\n',
  });
  const loader = new Loader(join(folder, 'a.ini'));
  assert.equal((await loader.tree()).children?.[0]?.context.localConf.get('from'), 'a');
  assert.equal((await loader.tree('mounted')).children?.[0]?.context.children?.[0]?.context.localConf.get('from'), 'b');
});

test('PD-169 a folder with a percent sign in its name works', async () => {
  const folder = folderOf({
    '50% done %(x)s/a.ini': '[app:main]\nuse = config:b.ini\n',
    '50% done %(x)s/b.ini': '[app:main]\npaste.app_factory = a\nlog = %(here)s/log\n',
  });
  const { localConf, globalConf } = new Loader(join(folder, '50% done %(x)s/a.ini')).appConfig();
  assert.equal(localConf.get('log'), `${folder}/50% done %(x)s/log`);
  assert.equal(globalConf.get('here'), `${folder}/50% done %(x)s`);
});

test('PD-42 an included path may hold backslashes and percent escapes', async () => {
  const folder = folderOf({
    'a.ini': '[app:main]\nuse = config:sub\\my%%20file.ini\n',
    'sub/my file.ini': '[app:main]\npaste.app_factory = a\nx = 1\n',
  });
  assert.equal(new Loader(join(folder, 'a.ini')).appConfig().localConf.get('x'), '1');
});

test('PD-42 a path is absolute only if it is written so, and a blank in front belongs to it', () => {
  const read = (reference: string): string[] => {
    const paths: string[] = [];
    const readFile = (path: string) => {
      paths.push(path);
      return Buffer.from(paths.length > 1 ? '[app:main]\npaste.app_factory = a\n' : `[app:main]\nuse = ${reference}\n`);
    };
    new Loader('/etc/api/a.ini', { readFile }).appConfig();
    return paths.slice(1);
  };
  assert.deepEqual(read('config:/b.ini'), ['/b.ini']);
  assert.deepEqual(read('config:b.ini #main'), ['/etc/api/b.ini']);
  assert.deepEqual(read('config: b.ini'), ['/etc/api/ b.ini']);
  assert.deepEqual(read('config: /b.ini'), ['/etc/api/ /b.ini']);
  assert.deepEqual(read('config:\\b.ini'), ['/etc/api/b.ini']);
  assert.deepEqual(read('config:%%2Fb.ini'), ['/etc/api/b.ini']);
});

test('PD-42 ".." after a symbolic link is the folder above the target of the link', async () => {
  const included = (where: string) =>
    `[app:main]\npaste.app_factory = a\nx = ${where}\nhere = %(here)s\nfile = %(__file__)s\n`;
  const folder = folderOf({
    'releases/1/etc/a.ini': '[app:main]\nuse = config:../common.ini\n[app:above]\nuse = config:../../shared/b.ini\n',
    'releases/1/common.ini': included('release'),
    'releases/shared/b.ini': included('above the release'),
    'shared/b.ini': included('above the link'),
  });
  symlinkSync(join('releases', '1'), join(folder, 'current'));
  const main = join(folder, 'current/etc/a.ini');
  const confOf = (name: string) => {
    const loader = new Loader(main);
    return Object.fromEntries(loader.appConfig(name).localConf);
  };
  // Both spellings mean the same file, so it keeps the name that code used.
  assert.deepEqual(confOf('main'), { x: 'release', file: join(folder, 'current/common.ini') });
  assert.equal(confOf('above').x, 'above the release');
  assert.deepEqual(
    new Loader(main).files(),
    ['current/etc/a.ini', 'current/common.ini', 'releases/shared/b.ini'].map((file) => join(folder, file)),
  );
  rmSync(join(folder, 'releases/shared'), { recursive: true });
  assert.throws(() => confOf('above'), { code: 'PORTICO_PASTE_NO_FILE' });
});

test('PD-38 PD-51 a value handed in that is called set or get acts in every section', async () => {
  const ini = '[app:main]\npaste.app_factory = a\nset y = own\n';
  const handed = { 'set x': 'out', 'set y': 'out', 'get z': 'x' };
  const { globalConf, localConf } = await treeOf(ini, handed);
  assert.deepEqual([globalConf.get('x'), globalConf.get('y'), localConf.get('z')], ['out', 'own', 'out']);
});

test('PD-166 a Loader reads through what it is given, and two share nothing', async (t) => {
  const read: string[] = [];
  const texts: Record<string, string> = {
    '/etc/a.ini': '[app:main]\nuse = config:b.ini\n',
    '/etc/b.ini': '[app:main]\npaste.app_factory = a\nx = 1\n',
  };
  const readFile = (path: string) => {
    read.push(path);
    return Buffer.from(texts[path]!);
  };
  const first = new Loader('/etc/a.ini', { readFile });
  assert.equal(first.appConfig().localConf.get('x'), '1');
  texts['/etc/b.ini'] = texts['/etc/b.ini']!.replace('x = 1', 'x = 2');
  assert.equal(new Loader('/etc/a.ini', { readFile }).appConfig().localConf.get('x'), '2');
  assert.deepEqual(read, ['/etc/a.ini', '/etc/b.ini', '/etc/a.ini', '/etc/b.ini']);
  t.diagnostic('each file once a load');
});
