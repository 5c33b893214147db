/** `api-cli migrate` opens nothing that was closed: authentication, permissions, files, and names that are no code. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from './command.js';
import { check, here, service, written } from './service-to-migrate.js';

test('WI-8 a copy of a paste file has its permissions, and the README names the options that look secret', () => {
  const paste = `[DEFAULT]
admin_token = very-secret
[app:main]
paste.app_factory = shop:make
connection = mysql://shop:very-secret@127.0.0.1/shop
password =
page_size = 20
auth_uri = http://127.0.0.1:5000
`;
  const run = service({
    'shop/api-paste.ini': paste,
    'open/api-paste.ini': '[app:main]\npaste.app_factory = a:b\n',
  });
  const mode = (path: string): string => (statSync(join(here, path)).mode & 0o777).toString(8);
  const rows = [
    ['shop', 0o400, '600'],
    ['shop', 0o640, '640'],
    ['open', 0o644, '644'],
  ] as const;
  for (const [name, own, copied] of rows) {
    chmodSync(join(here, name, 'api-paste.ini'), own);
    const output = `${name}-${copied}`;
    assert.equal(run(`migrate ${name} --output ${output}`).status, 0);
    assert.equal(mode(`${output}/api-paste.ini`), copied);
    const step = /^\d\. Keep what looks secret out of repositories: (.*?)\. /m.exec(written(output, 'README.md'))?.[1];
    const found = '`[DEFAULT] admin_token` of `api-paste.ini`, `[app:main] connection` of `api-paste.ini`';
    assert.equal(step, name === 'shop' ? found : undefined);
    assert.doesNotMatch(written(output, 'README.md'), /very-secret/);
  }
});

test('WI-8 names from a service stay in comments of the code', () => {
  const evil = '*/globalThis.ran=1;/*';
  const main = `[pipeline:main]\npipeline = x${evil} app${evil}\n`;
  const parts = `[filter:x${evil}]
paste.filter_factory = shop:wrap
[app:app${evil}]
use = egg:shop#app${evil}
o${evil} = 1
`;
  const file = `dir${evil}/more.ini`;
  const run = service({
    'shop/paste.ini': `${main}${parts}[composite:all]\nuse = egg:Paste#urlmap\n/: config:${file}#main\n`,
    [`shop/${file}`]: '[app:main]\npaste.app_factory = shop:more\n[filter:gift]\npaste.filter_factory = shop:gift\n',
  });
  const { status, stderr } = run('migrate shop --output new --javascript');
  assert.equal(status, 0, stderr);
  const names = readdirSync(join(here, 'new/app'));
  assert.equal(names.length, 4, names.join(', '));
  for (const name of names) {
    const code = written('new/app', name).replaceAll(/\/\*.*?\*\/|'[^'\n]*'|"[^"\n]*"/gs, '');
    assert.doesNotMatch(code, /globalThis/, name);
  }
});

test('WI-8 a filter may be called as the function of the code that refuses requests', () => {
  const paste = `[pipeline:main]
pipeline = refuse token app
[filter:refuse]
paste.filter_factory = shop:refuse
[filter:token]
paste.filter_factory = shop:token
[app:app]
paste.app_factory = shop:make
`;
  const run = service({ 'shop/api-paste.ini': paste });
  assert.equal(run('migrate shop --output new --javascript').status, 0);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('WI-8 names that every object has are names as others', () => {
  const paste = `[pipeline:constructor]
pipeline = valueOf toString
[filter:valueOf]
paste.filter_factory = shop.constructor:filter_factory
[app:toString]
use = egg:shop#constructor
[filter:hasOwnProperty]
use = egg:mine#constructor
`;
  const run = service({ 'shop/api-paste.ini': paste });
  const { status, stdout, stderr } = run('migrate shop --output new --javascript');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /constructor on port 8080\n/);
  assert.match(written('new/portico.ini'), /^\[api:constructor\]\n# Nothing says .*\nport = 8080$/m);
  assert.match(written('new/portico-paste.ini'), /^ {4}egg:mine#constructor {2,}\.\/app\/filters\.js:hasOwnProperty /m);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('WI-8 names of other applications are read back from portico.ini, whatever characters they have', () => {
  const names = [
    'my$sec,tion',
    "it's",
    '"quoted", and more',
    '#hash',
    ';semi',
    'a\\b',
    'a, #b',
    'x ; y',
    "'",
    '$$',
    ',',
    'é*',
    'b\\',
  ];
  const sections = names.map((name) => `[${name}]\nx = 1\n`).join('');
  const run = service({
    'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n',
    'shop/shop.conf': `[DEFAULT]\nmy$op,tion = 1\n${sections}`,
  });
  assert.equal(run('migrate shop --output new --javascript').status, 0);
  const checked = check('new');
  assert.equal(checked.status, 0, written('new', 'portico.ini') + checked.stdout + checked.stderr);
  assert.doesNotMatch(checked.stdout, /other_names|no section/);
});

test('WI-8 paths in printed commands are words for a shell', () => {
  const run = service({ 'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n' });
  const words = ['migrate', 'shop', '--output', "new; it's"];
  assert.match(command(words, { cwd: here }).stdout, /\n {2}cd 'new; it'\\''s'\n/);
  assert.match(command(words, { cwd: here }).stderr, /: api-cli migrate shop --output 'new; it'\\''s-2'\.\n/);
  assert.match(run('migrate shop').stdout, /\n {2}cd shop-portico\n/);
});

test('WI-8 a file of the service whose name a file of the project has is refused, and nothing is written', () => {
  const app = '[app:main]\npaste.app_factory = shop:make\n';
  const including = (file: string): string => `[composite:main]\nuse = egg:Paste#urlmap\n/: config:${file}#main\n`;
  const taken = ['portico.ini', 'README.md', 'package.json', '.gitignore', 'app/main.js', 'app'];
  const run = service({
    'portico/portico-paste.ini': app,
    ...Object.fromEntries(
      taken.flatMap((file, at) => [
        [`${at}/api-paste.ini`, including(file)],
        [`${at}/${file}`, app],
      ]),
    ),
  });
  for (const [from, file] of [['portico', 'portico-paste.ini'], ...taken.entries()] as const) {
    const { status, stderr } = run(`migrate ${from} --output new --javascript`);
    assert.equal(status, 2, file);
    assert.match(stderr, /^the project has other files of these names: /);
    assert.ok(stderr.split('\n')[0]!.endsWith(`: ${file}`), stderr);
    assert.match(stderr, /\n {2}Migrate a copy of the directory in which they have other names, /);
    assert.equal(existsSync(join(here, 'new')), false);
  }
});

/** An API without authentication beside one whose pipeline `auth_strategy` chooses. */
const OPEN = `[pipeline:status]
pipeline = open status_app
[filter:open]
paste.filter_factory = nova.api.openstack.auth:NoAuthMiddleware.factory
[app:status_app]
paste.app_factory = shop.api:status
`;

test('WI-8 a project turns authentication off only where nothing else depends on it; else its operator decides', () => {
  const guarded = (name: string): string => `${OPEN}
[composite:shop]
use = call:nova.api.auth:pipeline_factory_v21
${name} = status_app
keystone = authtoken status_app
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
`;
  const run = service({
    'alone/api-paste.ini': OPEN,
    'first/api-paste.ini': guarded('noauth'),
    'second/api-paste.ini': guarded('noauth2'),
    'default/api-paste.ini': OPEN,
    'default/default.conf': '[DEFAULT]\nauth_strategy = keystone\n',
    'includes/api-paste.ini': `${OPEN}
[composite:main]
use = egg:Paste#urlmap
/: status
/v2: config:parts.ini#shop
`,
    'includes/parts.ini': guarded('noauth')
      .slice(OPEN.length)
      .replaceAll('status_app', 'shop_app')
      .concat(`
[app:shop_app]
paste.app_factory = shop.api:shop
`),
    'refers/api-paste.ini': OPEN,
    'refers/refers.conf': '[DEFAULT]\nkind = keystone\n[api]\nauth_strategy = $DEFAULT.kind\n',
  });
  const step = (folder: string): string | undefined =>
    /^\d\. Decide on authentication\. .*$/m.exec(written(folder, 'README.md'))?.[0];
  for (const name of ['alone', 'first', 'second', 'default', 'includes', 'refers']) {
    assert.equal(run(`migrate ${name} --output new-${name}`).status, 0);
    const writes = /^auth_strategy/m.test(written(`new-${name}`, 'portico.ini'));
    assert.equal(writes, name === 'alone', name);
    assert.equal(step(`new-${name}`) === undefined, name === 'alone', name);
  }
  assert.match(written('new-includes/portico-paste.ini'), /^ {4}shop\.api:shop {2,}\.\/app\/shop_app\.[jt]s:app$/m);
  assert.match(step('new-first')!, /The filter `open` accepts .* chooses the pipelines of `shop`: /);
  assert.match(step('new-default')!, /`default\/default\.conf` has a value for that option, which is not changed\./);
});
