/** The factories that a paste file names, with what stands for each: of a file that need not load. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { factoriesOf } from '#internal/loader';
import { emptyProject } from '../fixtures/project.js';

const PASTE = `[composite:main]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: v2
[pipeline:v2]
pipeline = wrap log app
[filter:wrap]
paste.filter_factory = shop.api:FaultWrapper.factory
[filter:log]
use = egg:Paste#translogger
[app:app]
use = egg:shop#v2
page = 20
[app:other]
use = app
[app:broken]
[server:main]
use = egg:Paste#http
`;

test('WI-8 factories of a file come with their counterparts, proposals and sections, and nothing is imported', async () => {
  const { folder } = emptyProject({ 'api-paste.ini': PASTE });
  const found = await factoriesOf(join(folder, 'api-paste.ini'));
  const told = found.map(({ kind, name, protocol, sections, target, proposed }) => [
    `${kind} ${name} ${protocol}`,
    sections.join(),
    target ?? `? ${proposed}`,
  ]);
  assert.deepEqual(told, [
    ['app nova.api.openstack.urlmap:urlmap_factory paste.composit_factory', 'main', 'portico/loader:versionedUrlmap'],
    ['filter shop.api:FaultWrapper.factory paste.filter_factory', 'wrap', '? portico/middleware:catchErrors'],
    ['filter egg:Paste#translogger paste.filter_factory', 'log', 'portico/middleware:requestLog'],
    ['app egg:shop#v2 paste.app_factory', 'app,other', '? ./shop.js:v2'],
  ]);
  assert.deepEqual([...found[3]!.section.options.keys()], ['page']);
});
