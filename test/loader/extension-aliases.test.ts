/** Aliases of extensions: the names of factories for Python that a package replaces. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { closedAfter } from '../fixtures/closed-after.js';
import { folderOf } from './folder.js';

const FILES = {
  'own.js': `export const extension = { name: 'own', aliases: {
  'wsgi.audit:factory': './filters.js:audit', 'egg:wsgi#audit': './filters.js:audit paste.filter_factory' } };\n`,
  'filters.js': `const answering = (name) => () => () => (req, res) => res.end(name);
export const audit = answering('audit'), other = answering('other');
export const app = () => (req, res) => res.end('app');\n`,
  'portico.ini': '[DEFAULT]\nextensions = ./own.js\n',
};
const paste = (filter: string, more = ''): string =>
  `${more}[pipeline:main]\npipeline = f a\n[filter:f]\n${filter}\n[app:a]\npaste.app_factory = ./filters.js:app\n`;

for (const [name, filter, more, answer] of [
  ['a name of a factory', 'paste.filter_factory = wsgi.audit:factory', '', 'audit'],
  ['an entry point', 'use = egg:wsgi#audit', '', 'audit'],
  [
    'not what the file has an alias for',
    'paste.filter_factory = wsgi.audit:factory',
    '[portico:aliases]\na = wsgi.audit:factory ./filters.js:other\n',
    'other',
  ],
] as const) {
  test(`an extension replaces ${name}`, async (t) => {
    const folder = folderOf({ ...FILES, 'api-paste.ini': paste(filter, more) });
    const config = await Config.load({ files: [join(folder, 'portico.ini')], argv: false, env: {} });
    const app = closedAfter(t, await new Loader(join(folder, 'api-paste.ini'), { config }).loadApp());
    let text: unknown;
    await app({} as never, { end: (said: unknown) => (text = said) } as never);
    assert.equal(text, answer);
  });
}
