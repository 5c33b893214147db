import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importPeer, parseExportReference } from '../../dist/modules/index.js';

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
