import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { folderOf } from './folder.js';

test('PD-47 PD-48 appConfig tells what a factory would be given, without importing anything', () => {
  const folder = folderOf({
    'api-paste.ini':
      '[DEFAULT]\ndebug = no\n[app:main]\npaste.app_factory = ./nowhere.js:app\nset debug = yes\na = %(here)s/a\n',
  });
  const { globalConf, localConf } = new Loader(`${folder}/api-paste.ini`, {
    globalConf: { region: 'north' },
  }).appConfig();
  assert.deepEqual([...localConf], [['a', `${folder}/a`]]);
  assert.deepEqual([...globalConf].slice(2), [
    ['debug', 'yes'],
    ['region', 'north'],
  ]);
});
