import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { ConfigNotFound, PasteAppNotFound } from '#internal/loader';
import { folderOf } from './folder.js';

const PASTE = `
[composite:main]
use = egg:Paste#urlmap
/ = home
/v2: api

[pipeline:api]
pipeline = outer
    inner leaf

[filter:outer]
paste.filter_factory = ./filters.js:filter

[filter:inner]
use = call:./filters.js:slow

[app:leaf]
paste.app_factory = ./filters.js:app
name = api

[app:home]
use = leaf
name = home
`;

test('PD-102 PD-170 a file or an app that is not there has an error of its own; has() asks without loading', async (t) => {
  const folder = folderOf(t, { 'api-paste.ini': PASTE });
  assert.throws(() => new Loader(`${folder}/nowhere.ini`), ConfigNotFound);
  const loader = new Loader(`${folder}/api-paste.ini`);
  assert.deepEqual([loader.has('api'), loader.has('outer'), loader.has('nope')], [true, false, false]);
  await assert.rejects(loader.loadApp('hmoe'), (error: unknown) => {
    assert.ok(error instanceof PasteAppNotFound);
    assert.equal(error.code, 'PORTICO_PASTE_NO_SECTION');
    assert.match(error.describe(), /no app is called "hmoe"\.\n {2}Did you mean "home"\?/);
    return true;
  });
});
