/** `pipeline` and `explain` show a paste file of a service in Python before anything of it is moved. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const PASTE = `[composite:main]
use = call:other.api.urlmap:urlmap_factory
/: versions
/v1: api

[composite:api]
use = call:other.api.auth:pipeline_factory
keystone = faultwrap judge proxy own
noauth = faultwrap own

[pipeline:unused]
pipeline = judge versions

[filter:faultwrap]
paste.filter_factory = nova.api.openstack:FaultWrapper.factory

[filter:judge]
paste.filter_factory = other.api.acl:Judge.factory

[filter:proxy]
use = egg:swift#proxy_logging

[app:versions]
paste.app_factory = other.api.versions:Versions.factory

[app:own]
use = egg:other#api
`;

function shown(...words: readonly string[]) {
  const project = emptyProject({ 'api-paste.ini': PASTE, 'portico.ini': '[DEFAULT]\n' });
  return command(words, { cwd: project.folder });
}

test('WI-6 pipeline draws a file whose factories are not installed, and shows what stands for a Python name', () => {
  const { status, stdout, stderr } = shown('pipeline', 'main');
  assert.deepEqual([status, stderr], [0, '']);
  assert.equal(
    stdout,
    `main  composite  call:other.api.urlmap:urlmap_factory (not installed)  api-paste.ini:1
├─ / → versions  app  other.api.versions:Versions.factory (not installed)  api-paste.ini:23
└─ /v1 → api  composite  call:other.api.auth:pipeline_factory (not installed)  api-paste.ini:6
   ├─ keystone → faultwrap  filter  nova.api.openstack:FaultWrapper.factory → portico/middleware:catchErrors  api-paste.ini:14
   │      mask_headers = 
   │      mask_query = 
   │      log_headers = false
   ├─ keystone → judge  filter  other.api.acl:Judge.factory (not installed)  api-paste.ini:17
   ├─ keystone → proxy  filter  egg:swift#proxy_logging → portico/middleware:requestLog  api-paste.ini:20
   │      format = auto
   │      skip_paths = /healthcheck
   │      slow_ms = 0
   │      sample = 1
   │      mask_query = 
   └─ keystone → own  app  egg:other#api (not installed)  api-paste.ini:26
`,
  );
});

test('WI-6 pipeline --json has the name of each factory', () => {
  const { apps } = JSON.parse(shown('pipeline', 'unused', '--json').stdout) as {
    apps: { children: { name: string; factory: string; isUnknown: boolean }[] }[];
  };
  assert.deepEqual(
    apps[0]!.children.map(({ name, factory, isUnknown }) => [name, factory, isUnknown]),
    [
      ['judge', 'other.api.acl:Judge.factory', true],
      ['versions', 'other.api.versions:Versions.factory', true],
    ],
  );
});

test('WI-6 explain runs a request through what is there, and names what is not', () => {
  const { status, stdout, stderr } = shown('explain', 'GET', '/v1/things', '--api', 'main');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^ {2}filter judge: is not installed: passes the request on/m);
  assert.match(stdout, /^ {2}app own: is not installed; would be called {2}\[script name "\/v1", path "\/things"\]/m);
});

test('WI-6 an error in the file itself is an error as before', () => {
  const project = emptyProject({
    'api-paste.ini': '[pipeline:main]\npipeline = gone app\n[app:app]\nuse = egg:other\n',
  });
  const { status, stderr } = command(['pipeline', 'main'], { cwd: project.folder });
  assert.equal(status, 78);
  assert.match(stderr, /no filter is called "gone"/);
});
