/** `api-cli migrate`: the project that it writes for a service in Python, whose `check` passes, and what it refuses. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyProject } from '../fixtures/project.js';
import { command } from './command.js';

/** The sections of a service like nova, with an app, a filter and a composite of its own. */
const PASTE = `[composite:shop_api]
use = call:nova.api.openstack.urlmap:urlmap_factory
/: versions
/v2: shop_v2

[composite:shop_v2]
use = call:nova.api.auth:pipeline_factory_v21
keystone = http_proxy_to_wsgi faultwrap osprofiler authtoken keystonecontext gift_wrap shop_app
noauth2 = faultwrap noauth2 shop_app

[composite:stock]
use = call:shop.stock:stock_urlmap
/: stock_app

[pipeline:versions]
pipeline = faultwrap versions_app

[app:versions_app]
paste.app_factory = shop.api.versions:Versions.factory

[app:shop_app]
paste.app_factory = shop.api.v2:Router.factory
page_size = 20

[app:stock_app]
use = egg:shop#stock

[filter:http_proxy_to_wsgi]
paste.filter_factory = oslo_middleware.http_proxy_to_wsgi:HTTPProxyToWSGI.factory
[filter:faultwrap]
paste.filter_factory = shop.api:FaultWrapper.factory
[filter:osprofiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory
[filter:noauth2]
paste.filter_factory = nova.api.openstack.auth:NoAuthMiddleware.factory
[filter:gift_wrap]
paste.filter_factory = shop.api.gifts:Wrap.factory
paper = red

[server:main]
use = egg:Paste#http
port = 9000
`;

const CONF = `[DEFAULT]
enabled_apis = shop_api, stock, gone
shop_api_listen_port = 8774
my_ip = 10.0.0.1
rootwrap_config = /etc/shop/rootwrap.conf
log_dir = /var/log/shop

[keystone_authtoken]
www_authenticate_uri = http://127.0.0.1:5000
auth_url = http://127.0.0.1:5000
username = shop
password = very-secret
project_name = service
user_domain_name = Default
project_domain_name = Default

[libvirt]
virt_type = kvm

[api_database]
connection = mysql+pymysql://shop:very-secret@127.0.0.1/shop_api
`;

/** A folder with a service, in which commands run; what is written finds Portico there. */
function service(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): (words: string) => ReturnType<typeof command> {
  const { folder, remove } = emptyProject(files);
  t.after(remove);
  here = folder;
  return (words) => command(words.split(' '), { cwd: folder });
}
let here = '';

const written = (...path: string[]): string => readFileSync(join(here, ...path), 'utf8');

/** Runs the script `check` of a project, but for the compiler. */
function check(folder: string): ReturnType<typeof command> {
  const { scripts } = JSON.parse(written(folder, 'package.json')) as { scripts: { check: string } };
  const words = scripts.check.replace(/^tsc && /, '').replace(/^api-cli /, '');
  return command(words.split(' '), { cwd: join(here, folder), anew: true });
}

test('WI-8 a service of OpenStack becomes a project whose check passes', (t) => {
  const run = service(t, { 'etc/shop/api-paste.ini': PASTE, 'etc/shop/shop.conf': CONF });
  const { status, stdout, stderr } = run('migrate etc/shop');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^A project in \w+.*, from api-paste\.ini and etc\/shop\/shop\.conf\n/);
  assert.match(stdout, /portico\.ini {8,}shop_api on port 8774, stock on port 8080\n/);
  assert.match(stdout, /Of 13 factories: 8 mapped, 3 apps to write; osprofiler, gift_wrap replaced by nothing\.\n/);
  assert.match(stdout, /\n {2}cd shop-portico\n {2}npm install\n/);
  assert.equal(written('shop-portico/api-paste.ini'), PASTE);

  const checked = check('shop-portico');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.doesNotMatch(checked.stdout, /: error:/);
});

test('WI-8 portico.ini has what the conf leaves open, and the names that other programs read there', (t) => {
  const run = service(t, { 'etc/shop/api-paste.ini': PASTE, 'etc/shop/shop.conf': CONF });
  run('migrate etc/shop');
  const ini = written('shop-portico/portico.ini');
  assert.match(ini, /^# Read after etc\/shop\/shop\.conf,/);
  assert.match(ini, /^enabled_apis = shop_api, stock$/m);
  assert.match(ini, /^fault_style = openstack$/m);
  assert.match(
    ini,
    /^other_names =\n {4}DEFAULT\.my_ip,\n {4}DEFAULT\.rootwrap_config,\n {4}DEFAULT\.log_dir,\n {4}libvirt,\n {4}api_database$/m,
  );
  assert.match(ini, /^\[api:shop_api\]\n# As shop_api_listen_port of etc\/shop\/shop\.conf\..*\nport = 8774$/m);
  const { scripts } = JSON.parse(written('shop-portico/package.json')) as { scripts: Record<string, string> };
  assert.equal(scripts.start, 'exec api-cli --config-file ../etc/shop/shop.conf --config-file portico.ini');
});

test('WI-8 the README names what stands for each factory, what is lost, and what is left to write', (t) => {
  const run = service(t, { 'shop/api-paste.ini': PASTE, 'shop/shop.conf': CONF });
  run('migrate shop --output new');
  const readme = written('new/README.md');
  const part = (title: string): string => readme.split(`## ${title}\n`)[1]!.split('\n## ')[0]!;
  assert.match(part('Apps to write'), /\| shop_app \| `shop\.api\.v2:Router\.factory` \| `app\/shop_app\.[jt]s` \|/);
  assert.match(part('Lost'), /\| gift_wrap \| `shop\.api\.gifts:Wrap\.factory` \|/);
  assert.match(
    part('Lost'),
    /\| osprofiler \| .* \| `portico\/middleware:passThrough` \| requests have no profile of osprofiler/,
  );
  assert.match(
    part('Mapped'),
    /\| authtoken \| `keystonemiddleware\.auth_token:filter_factory` \| `portico\/middleware:authToken` \|/,
  );
  assert.match(
    part('Mapped'),
    /\| faultwrap \| `shop\.api:FaultWrapper\.factory` \| `portico\/middleware:catchErrors`, a guess by name and options \|/,
  );
  assert.match(
    part('Mapped'),
    /\| stock \| `shop\.stock:stock_urlmap` \| `portico\/loader:urlmap`, a guess by name and options \|/,
  );
  assert.match(part('Not served'), /`enabled_apis` names what no paste file has: `gone`/);
});

test('WI-8 no secret of the conf is copied or printed', (t) => {
  const run = service(t, { 'shop/api-paste.ini': PASTE, 'shop/shop.conf': CONF });
  const { stdout, stderr } = run('migrate shop --output new');
  const files = readdirSync(join(here, 'new'), { recursive: true, withFileTypes: true });
  const texts = files.flatMap((each) => (each.isFile() ? readFileSync(join(each.parentPath, each.name), 'utf8') : []));
  assert.ok(texts.length > 8);
  assert.doesNotMatch([stdout, stderr, ...texts].join('\n'), /very-secret/);
});

test('WI-8 a copy of a paste file has its permissions, and the README names the options that look secret', (t) => {
  const paste = `[DEFAULT]
admin_token = very-secret
[app:main]
paste.app_factory = shop:make
connection = mysql://shop:very-secret@127.0.0.1/shop
password =
page_size = 20
auth_uri = http://127.0.0.1:5000
`;
  const run = service(t, {
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

test('WI-8 names from a service stay in comments of the code', (t) => {
  const evil = '*/globalThis.ran=1;/*';
  const main = `[pipeline:main]\npipeline = x${evil} app${evil}\n`;
  const parts = `[filter:x${evil}]
paste.filter_factory = shop:wrap
[app:app${evil}]
use = egg:shop#app${evil}
o${evil} = 1
`;
  const file = `dir${evil}/more.ini`;
  const run = service(t, {
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

test('WI-8 names that every object has are names as others', (t) => {
  const paste = `[pipeline:constructor]
pipeline = valueOf toString
[filter:valueOf]
paste.filter_factory = shop.constructor:filter_factory
[app:toString]
use = egg:shop#constructor
[filter:hasOwnProperty]
use = egg:mine#constructor
`;
  const run = service(t, { 'shop/api-paste.ini': paste });
  const { status, stdout, stderr } = run('migrate shop --output new --javascript');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /constructor on port 8080\n/);
  assert.match(written('new/portico.ini'), /^\[api:constructor\]\n# Nothing says .*\nport = 8080$/m);
  assert.match(written('new/portico-paste.ini'), /^ {4}egg:mine#constructor {2,}\.\/app\/filters\.js:hasOwnProperty /m);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('WI-8 names of other applications are read back from portico.ini, whatever characters they have', (t) => {
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
  const run = service(t, {
    'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n',
    'shop/shop.conf': `[DEFAULT]\nmy$op,tion = 1\n${sections}`,
  });
  assert.equal(run('migrate shop --output new --javascript').status, 0);
  const checked = check('new');
  assert.equal(checked.status, 0, written('new', 'portico.ini') + checked.stdout + checked.stderr);
  assert.doesNotMatch(checked.stdout, /other_names|no section/);
});

test('WI-8 paths in printed commands are words for a shell', (t) => {
  const run = service(t, { 'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n' });
  const words = ['migrate', 'shop', '--output', "new; it's"];
  assert.match(command(words, { cwd: here }).stdout, /\n {2}cd 'new; it'\\''s'\n/);
  assert.match(command(words, { cwd: here }).stderr, /: api-cli migrate shop --output 'new; it'\\''s-2'\.\n/);
  assert.match(run('migrate shop').stdout, /\n {2}cd shop-portico\n/);
});

test('WI-8 with --javascript the project is JavaScript', (t) => {
  const run = service(t, { 'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n' });
  assert.equal(run('migrate shop --output new --javascript').status, 0);
  assert.deepEqual(readdirSync(join(here, 'new')).toSorted(), [
    '.dockerignore',
    '.gitignore',
    'README.md',
    'api-paste.ini',
    'app',
    'package.json',
    'portico-paste.ini',
    'portico.ini',
  ]);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('WI-8 flavors are variants of one API, and files of several services are served together', (t) => {
  const pipelines = (name: string): string => `[pipeline:${name}]
pipeline = app_of_${name}
[pipeline:${name}-keystone]
pipeline = context app_of_${name}
[pipeline:${name}-keystone+caching]
pipeline = context app_of_${name}
[app:app_of_${name}]
paste.app_factory = glance:app
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
`;
  const run = service(t, {
    'glance/glance-api-paste.ini': pipelines('glance-api'),
    'glance/glance-registry-paste.ini': pipelines('glance-registry'),
    'glance/glance-api.conf': '[DEFAULT]\nbind_port = 9999\nbind_host = 0.0.0.0\n[paste_deploy]\nflavor = keystone\n',
    'glance/glance-registry.conf': '[DEFAULT]\nbind_port = 9998\n',
  });
  assert.equal(run('migrate glance --output new').status, 0);
  assert.match(
    written('new/portico-paste.ini'),
    /^\[pipeline:glance-api\]\npipeline = config:glance-api-paste\.ini#glance-api-keystone\n/m,
  );
  assert.match(
    written('new/portico-paste.ini'),
    /^\[pipeline:glance-registry\]\npipeline = config:glance-registry-paste\.ini#glance-registry-keystone\n/m,
  );
  const ini = written('new/portico.ini');
  assert.match(
    ini,
    /^\[api:glance-api\]\n# As bind_port of glance\/glance-api\.conf\..*\nport = 9999\nlisten = 0\.0\.0\.0$/m,
  );
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

test('WI-8 files that a paste file includes come along, also from beside its directory', (t) => {
  const run = service(t, {
    'shop/paste.ini': '[app:main]\nuse = config:parts/base.ini\npage_size = 2\n',
    'shop/parts/base.ini': '[app:main]\npaste.app_factory = shop:make\n',
    'other/paste.ini': '[app:main]\nuse = config:../shop/paste.ini\n',
  });
  assert.equal(run('migrate shop --output new').status, 0);
  assert.equal(statSync(join(here, 'new/parts/base.ini')).isFile(), true);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.equal(run('migrate other --output there').status, 0);
  assert.deepEqual(
    readdirSync(join(here, 'there'), { recursive: true })
      .filter((name) => String(name).endsWith('.ini'))
      .toSorted(),
    ['other/paste.ini', 'portico-paste.ini', 'portico.ini', 'shop/parts/base.ini', 'shop/paste.ini'],
  );
  assert.equal(check('there').status, 0);
});

test('WI-8 nothing is overwritten', (t) => {
  const run = service(t, { 'shop/api-paste.ini': PASTE, 'shop-portico/mine.txt': 'mine' });
  const { status, stderr } = run('migrate shop');
  assert.equal(status, 2);
  assert.equal(
    stderr,
    'shop-portico is not empty: it has mine.txt\n  Choose a new or empty directory: api-cli migrate shop --output shop-portico-2.\n',
  );
  assert.deepEqual(readdirSync(join(here, 'shop-portico')), ['mine.txt']);
});

test('WI-8 a file of the service whose name a file of the project has is refused, and nothing is written', (t) => {
  const app = '[app:main]\npaste.app_factory = shop:make\n';
  const including = (file: string): string => `[composite:main]\nuse = egg:Paste#urlmap\n/: config:${file}#main\n`;
  const taken = ['portico.ini', 'README.md', 'package.json', '.gitignore', 'app/main.js', 'app'];
  const run = service(t, {
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

test('WI-8 a choice is left to the user: which paste file, which conf', (t) => {
  const app = '[app:main]\npaste.app_factory = shop:make\n';
  const run = service(t, {
    'two/development.ini': app,
    'two/production.ini': app,
    'confs/api-paste.ini': app,
    'confs/api.conf': '[DEFAULT]\n',
    'confs/logging.conf': '[loggers]\nkeys = root\n',
    'none/nova.conf': '[DEFAULT]\n',
  });
  mkdirSync(join(here, 'empty'));
  const rows: readonly (readonly [words: string, message: RegExp])[] = [
    ['migrate nowhere', /^there is no directory nowhere\n {2}Name the directory of a service, such as \/etc\/nova\.\n/],
    ['migrate none', /^none has no paste file\n/],
    [
      'migrate two',
      /^two has several paste files: development\.ini, production\.ini\n {2}.*--paste two\/development\.ini or --paste two\/production\.ini/,
    ],
    ['migrate confs', /^confs has several conf files: api\.conf, logging\.conf\n {2}.*--config-file confs\/api\.conf/],
    ['migrate confs --config-file no.conf', /^cannot read no\.conf: /],
  ];
  for (const [words, message] of rows) {
    const { status, stderr } = run(words);
    assert.equal(status, 2, words);
    assert.match(stderr, message);
  }
  assert.equal(run('migrate two --paste two/production.ini --output one').status, 0);
  assert.deepEqual(
    readdirSync(join(here, 'one')).filter((name) => name.endsWith('ion.ini')),
    ['production.ini'],
  );
});

test('WI-8 a counterpart by name has the options too; what seems to protect an app refuses requests until it is written', (t) => {
  const paste = `[pipeline:main]
pipeline = limit tokens open app
[filter:limit]
paste.filter_factory = shop.limits:RateLimit.factory
rps_per_tenant = 20
[filter:tokens]
paste.filter_factory = shop.gate:AuthToken.factory
public_routes = /
[filter:open]
paste.filter_factory = shop.gate:NoAuth.factory
[app:app]
paste.app_factory = shop:make
`;
  const run = service(t, { 'shop/api-paste.ini': paste });
  const { stdout } = run('migrate shop --output new');
  assert.match(stdout, /; limit replaced by nothing; tokens refuses all requests until it is written\.\n/);
  const aliases = written('new/portico-paste.ini');
  assert.match(aliases, /^# Filters that do nothing yet\.\nfilters =\n {4}shop\.limits:RateLimit\.factory .*\n\n/m);
  assert.match(aliases, /^# Filters that refuse all requests until they are written\.\nguards =\n {4}shop\.gate:Auth/m);
  assert.match(
    aliases,
    /^# Factories of Portico that may do the same: guesses by name and options\.\ncounterparts =\n/m,
  );
  const lost = written('new/README.md').split('## Lost\n')[1]!;
  assert.match(
    lost,
    /\| limit \| `shop\.limits:RateLimit\.factory` \| `\.\/app\/filters\.[jt]s:limit` \| all that it does: requests pass \|/,
  );
  assert.match(
    lost,
    /\| tokens \| `shop\.gate:AuthToken\.factory` \| `\.\/app\/filters\.[jt]s:tokens` \| what it decides: it refuses all requests with 501 \|/,
  );
  assert.match(written('new/portico.ini'), /^\[api\]\nauth_strategy = noauth$/m);
  const checked = check('new');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
});

/** An API without authentication beside one whose pipeline `auth_strategy` chooses. */
const OPEN = `[pipeline:status]
pipeline = open status_app
[filter:open]
paste.filter_factory = nova.api.openstack.auth:NoAuthMiddleware.factory
[app:status_app]
paste.app_factory = shop.api:status
`;

test('WI-8 a project turns authentication off only where nothing else depends on it; else its operator decides', (t) => {
  const guarded = (name: string): string => `${OPEN}
[composite:shop]
use = call:nova.api.auth:pipeline_factory_v21
${name} = status_app
keystone = authtoken status_app
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
`;
  const run = service(t, {
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
