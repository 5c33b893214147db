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

test('factories of a file come with their counterparts and sections, and nothing is imported', async () => {
  const { folder } = emptyProject({ 'api-paste.ini': PASTE });
  const factories = await factoriesOf(join(folder, 'api-paste.ini'));
  assert.deepEqual(
    factories.map(({ name, sections, target }) => [name, sections.join(), target]),
    [
      ['nova.api.openstack.urlmap:urlmap_factory', 'main', 'portico/loader:versionedUrlmap'],
      ['shop.api:FaultWrapper.factory', 'wrap', undefined],
      ['egg:Paste#translogger', 'log', 'portico/middleware:requestLog'],
      ['egg:shop#v2', 'app,other', undefined],
    ],
  );
});
