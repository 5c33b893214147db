/** `api-cli migrate`: the project that it writes for a service in Python, whose `check` passes, and what it refuses. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { check, here, service, written } from './service-to-migrate.js';

/** The sections of a service like nova, with an app, its own filter and composite. */
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

test('WI-8 a service of OpenStack becomes a project whose check passes', () => {
  const run = service({ 'etc/shop/api-paste.ini': PASTE, 'etc/shop/shop.conf': CONF });
  const { status, stdout, stderr } = run('migrate etc/shop');
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    /^A project in \w+, from api-paste\.ini and etc\/shop\/shop\.conf(: Node \S+ does not run TypeScript.*)?\n/,
  );
  assert.match(stdout, /portico\.ini {8,}shop_api on port 8774, stock on port 8080\n/);
  assert.match(stdout, /Of 13 factories: 8 mapped, 3 apps to write; osprofiler, gift_wrap replaced by nothing\.\n/);
  assert.match(stdout, /\n {2}cd shop-portico\n {2}npm install\n/);
  assert.equal(written('shop-portico/api-paste.ini'), PASTE);

  const checked = check('shop-portico');
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  assert.doesNotMatch(checked.stdout, /: error:/);
});

test('WI-8 portico.ini has what the conf leaves open, and the names that other applications read there', () => {
  const run = service({ 'etc/shop/api-paste.ini': PASTE, 'etc/shop/shop.conf': CONF });
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

test('WI-8 the README names what stands for each factory, what is lost, and what is left to write', () => {
  const run = service({ 'shop/api-paste.ini': PASTE, 'shop/shop.conf': CONF });
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
  assert.match(
    part('Not understood'),
    /^- `shop\/shop\.conf:2:33: \[DEFAULT\] enabled_apis: no paste file has gone`\. The paste files have shop_api, stock\. /m,
  );
});

test('WI-8 names of the conf that have another name here are listed, with what to write', () => {
  const limits = '[oslo_middleware]\nenable_proxy_headers_parsing = true\nmax_request_body_size = 1000\n';
  const run = service({ 'shop/api-paste.ini': PASTE, 'shop/shop.conf': `${CONF}\n${limits}` });
  const { stdout } = run('migrate shop --output new');
  assert.match(
    stdout,
    /\[oslo_middleware\].*\n.*max_request_body_size in \[sizelimit\], trusted_proxies in \[proxy_headers\]/,
  );
  assert.match(stdout, /\[DEFAULT\] log_dir.*\n.*log_file/);
  const readme = written('new/README.md');
  const part = readme.split('## Without effect\n')[1]!.split('\n## ')[0]!;
  assert.match(part, /^- `shop\/shop\.conf:\d+:1: \[oslo_middleware\] .*`\. write its options .* in \[sizelimit\]/m);
  assert.match(part, /^- `shop\/shop\.conf:\d+:1: \[DEFAULT\] log_dir: .*`\. The log goes to standard error/m);
  assert.doesNotMatch(part, /libvirt/);
  assert.match(readme, /Decide on each name under \*Without effect\*/);
  assert.match(
    written('new/portico.ini'),
    /# Names in shop\/shop\.conf that are not read here: see \*Without effect\* in README\.md\.\n/,
  );
  assert.equal(check('new').status, 0);
});

test('WI-8 no secret of the conf is copied or printed', () => {
  const run = service({ 'shop/api-paste.ini': PASTE, 'shop/shop.conf': CONF });
  const { stdout, stderr } = run('migrate shop --output new');
  const files = readdirSync(join(here, 'new'), { recursive: true, withFileTypes: true });
  const texts = files.flatMap((each) => (each.isFile() ? readFileSync(join(each.parentPath, each.name), 'utf8') : []));
  assert.ok(texts.length > 8);
  assert.doesNotMatch([stdout, stderr, ...texts].join('\n'), /very-secret/);
});

test('WI-8 with --javascript the project is JavaScript', () => {
  const run = service({ 'shop/api-paste.ini': '[app:main]\npaste.app_factory = shop:make\n' });
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

test('WI-8 flavors are variants of one API, and files of several services are served together', () => {
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
  const run = service({
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

test('WI-8 files that a paste file includes come along, also from beside its directory', () => {
  const run = service({
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

test('WI-8 nothing is overwritten', () => {
  const run = service({ 'shop/api-paste.ini': PASTE, 'shop-portico/mine.txt': 'mine' });
  const { status, stderr } = run('migrate shop');
  assert.equal(status, 2);
  assert.equal(
    stderr,
    'shop-portico is not empty: it has mine.txt\n  Choose a new or empty directory: api-cli migrate shop --output shop-portico-2.\n',
  );
  assert.deepEqual(readdirSync(join(here, 'shop-portico')), ['mine.txt']);
});

test('WI-8 a choice is left to the user: which paste file, which conf', () => {
  const app = '[app:main]\npaste.app_factory = shop:make\n';
  const run = service({
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

test('WI-8 a counterpart by name has the options too; what seems to protect an app refuses requests until it is written', () => {
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
  const run = service({ 'shop/api-paste.ini': paste });
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
