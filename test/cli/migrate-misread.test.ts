/** `api-cli migrate` says what the files of a service mean and its project has not: misspelled APIs, ports, headers, lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, service, written } from './service-to-migrate.js';

const PASTE = `[composite:osapi_compute]
use = egg:Paste#urlmap
/: compute_app
[composite:metadata]
use = egg:Paste#urlmap
/: metadata_app
[app:compute_app]
paste.app_factory = shop:compute
[app:metadata_app]
paste.app_factory = shop:metadata
`;

test('WI-8 a misspelled API is named in the output, the README and portico.ini, with the nearest name', () => {
  const run = service({
    'nova/api-paste.ini': PASTE,
    'nova/nova.conf': '[DEFAULT]\nenabled_apis = metadata,\n    osapi_compte\n',
    'alone/api-paste.ini': PASTE,
    'alone/alone.conf': '[DEFAULT]\nenabled_apis = gone\n',
  });
  const { status, stdout } = run('migrate nova --output new');
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^nova\/nova\.conf:3:5: warning: \[DEFAULT\] enabled_apis: no paste file has osapi_compte\n {2}Did you mean "osapi_compute"\? portico\.ini leaves it out\.\n {8}osapi_compte\n/m,
  );
  assert.match(
    written('new/README.md'),
    /^## Not understood\n\n- `nova\/nova\.conf:3:5: \[DEFAULT\] enabled_apis: no paste file has osapi_compte`\. Did you mean "osapi_compute"\? /m,
  );
  assert.match(written('new/README.md'), /^1\. Decide on each line under \*Not understood\*/m);
  assert.match(
    written('new/portico.ini'),
    /^# nova\/nova\.conf also enables what no paste file has: osapi_compte\.\nenabled_apis = metadata$/m,
  );
  assert.equal(check('new').status, 0);

  assert.match(run('migrate alone --output other').stdout, /: no paste file has gone\n {2}The paste files have osapi_/);
  assert.match(written('other/portico.ini'), /has: gone\.\nenabled_apis = osapi_compute, metadata$/m);
});

test('WI-8 an API that is listed twice is written once, with a warning', () => {
  const run = service({
    'nova/api-paste.ini': PASTE,
    'nova/nova.conf': '[DEFAULT]\nenabled_apis = metadata, osapi_compute, metadata\n',
  });
  const { status, stdout } = run('migrate nova --output new');
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^nova\/nova\.conf:2:41: warning: \[DEFAULT\] enabled_apis: metadata is listed again\n {2}portico\.ini has it once\.\n/m,
  );
  assert.match(written('new/portico.ini'), /^enabled_apis = metadata, osapi_compute$/m);
  assert.equal(check('new').status, 0);
});

test('WI-8 a value that is no port is named with its line, and what the project has in its place', () => {
  const run = service({
    'nova/api-paste.ini': `${PASTE}[server:main]\nport = many\n`,
    'nova/nova.conf':
      '[DEFAULT]\nmetadata_port = 1\nosapi_compute_listen_port = 8774x\nmetadata_listen_port = $metadata_port\n',
  });
  const { status, stdout } = run('migrate nova --output new');
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^nova\/nova\.conf:3:29: warning: \[DEFAULT\] osapi_compute_listen_port: should be a port from 1 to 65535; got 8774x\n {2}portico\.ini has 8774\.\n/m,
  );
  const readme = written('new/README.md');
  assert.match(readme, /^- `nova\/nova\.conf:3:29: .*; got 8774x`\. portico\.ini has 8774\.$/m);
  assert.match(readme, /^- `nova\/nova\.conf:4:24: .*; got \$metadata_port`\. portico\.ini has 8775\.$/m);
  assert.match(readme, /^- `api-paste\.ini:12:8: \[server:main\] port: .*; got many`\. portico\.ini has 8774\.$/m);
  assert.match(
    written('new/portico.ini'),
    /^# The port in osapi_compute_listen_port of nova\/nova\.conf cannot be read\. .*The usual port\. .*\nport = 8774$/m,
  );
});

test('WI-8 lines that are no ini are named, as check names them, with and without a conf', () => {
  const paste = `${PASTE}[filter:cors\npaste.filter_factory = oslo_middleware.cors:filter_factory\n`;
  const run = service({
    'nova/api-paste.ini': paste,
    'nova/nova.conf': '[DEFAULT]\nvery secret\nenabled_apis = metadata\n[broken\nx = 1\n',
    'alone/api-paste.ini': paste,
  });
  const { status, stdout } = run('migrate nova --output new');
  assert.equal(status, 0);
  assert.doesNotMatch(stdout + written('new/README.md'), /very secret/);
  assert.match(stdout, /^nova\/nova\.conf:2:1: error: \[DEFAULT\] no ':' or '=' found in assignment; got \*{4}\n/m);
  assert.match(stdout, /^nova\/nova\.conf:4:\d+: error: /m);
  const header = /^new\/api-paste\.ini:11:1: warning: .*not a section header\.\n.*Write \[filter:cors\]\.\n/m;
  assert.match(stdout, header);
  const readme = written('new/README.md');
  assert.match(readme, /^- `nova\/nova\.conf:2:1: \[DEFAULT\] no ':' or '='/m);
  assert.match(readme, /^- `api-paste\.ini:11:1: .*not a section header`\. .*Write \[filter:cors\]\.$/m);
  assert.match(run('migrate alone --output other').stdout, /^other\/api-paste\.ini:11:1: warning: /m);
});

test('WI-8 an API that listens on loopback, because nothing says where nova listens, has the line to change that', () => {
  const run = service({
    'nova/api-paste.ini': PASTE,
    'nova/nova.conf':
      '[DEFAULT]\nenabled_apis = osapi_compute, metadata\nmetadata_listen = 127.0.0.1\nmetadata_listen_port = 8775\n',
    'local/api-paste.ini': `${PASTE.split('[composite:metadata]')[0]}[app:compute_app]
paste.app_factory = shop:compute
[server:main]
host = localhost
port = 9000
`,
  });
  run('migrate nova --output new');
  const [, compute = '', metadata = ''] = written('new/portico.ini').split('[api:');
  assert.match(compute, /^port = 8774\n# It listens on 127\.0\.0\.1 only, .*\n# listen = ::$/m);
  assert.doesNotMatch(metadata, /listen =/);
  assert.match(
    written('new/README.md'),
    /^\d\. Decide who can connect\. Each API of `\[api:osapi_compute\]` listens on 127\.0\.0\.1 only, .* write `listen = ::` /m,
  );
  run('migrate local --output other');
  assert.doesNotMatch(written('other/portico.ini') + written('other/README.md'), /listen = ::/);
});
