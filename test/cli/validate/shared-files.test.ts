/** Configuration files that services in Python read too: one line, which `check` prints, and they pass. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const PASTE = '[app:hello]\npaste.app_factory = portico/middleware:echo\n';
const OWN = '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\n';

/** Small files with names that services of OpenStack have, as an operator writes them. */
const FILES: Readonly<Record<string, string>> = {
  'nova.conf': `[DEFAULT]
my_ip = 10.0.0.11
transport_url = rabbit://nova:secret@10.0.0.11:5672,nova:secret@10.0.0.12:5672/
log_dir = /var/log/nova
state_path = var
compute_driver = libvirt.LibvirtDriver
rpc_response_timeout = 90
control_exchange = nova
host_subset_size = 3
metadata_workers = 2
[wsgi]
api_paste_config = api-paste.ini
secure_proxy_ssl_header = HTTP_X_FORWARDED_PROTO
[api]
auth_strategy = keystone
metadata_cache_expiration = 15
[api_database]
connection = mysql+pymysql://nova:secret@10.0.0.11/nova_api
[database]
connection = mysql+pymysql://nova:secret@10.0.0.11/nova
backend = sqlalchemy
max_pool_size = 5
[vnc]
enabled = true
[paste_deploy]
flavor = keystone
`,
  'keystone.conf': `[DEFAULT]
admin_token = secret
[database]
connection = postgresql+psycopg2://keystone:secret@10.0.0.11/keystone
[oauth1]
driver = sql
[token]
provider = fernet
[cache]
backend = dogpile.cache.memory
`,
  'glance-api.conf': `[DEFAULT]
bind_host = 0.0.0.0
bind_port = 9292
workers = 4
[database]
backend = sqlalchemy
connection = sqlite:///glance.sqlite
[glance_store]
stores = file,http
`,
};

function checked(folder: string, shared: string): { status: number | null; stdout: string } {
  return command(['check', '--config-file', shared, '--config-file', 'own.ini'], { cwd: folder });
}

function projectOf(files: Readonly<Record<string, string>>): string {
  return emptyProject({ 'api-paste.ini': PASTE, 'own.ini': OWN, ...files }).folder;
}

/** Returns the line that ends a report. */
function suggestedLine(stdout: string): string {
  return /^ {2}(other_names = .*)$/m.exec(stdout)?.[1] ?? '';
}

test('WI-1 WI-2 WI-3 the line that check prints is enough for a file of nova, keystone or glance', () => {
  for (const [name, text] of Object.entries(FILES)) {
    const folder = projectOf({ [name]: text });
    const first = checked(folder, name);
    assert.equal(first.status, 78, name);
    const line = suggestedLine(first.stdout);
    assert.notEqual(line, '', first.stdout);
    writeFileSync(join(folder, 'own.ini'), OWN.replace('[api:', `${line}\n[api:`));
    const second = checked(folder, name);
    assert.equal(second.status, 0, `${name}: ${line}\n${second.stdout}`);
    assert.doesNotMatch(second.stdout, /matches no section|covers/, line);
  }
});

test('WI-2 the line has no option of the operator with a wrong value, and a name of one there is a warning', () => {
  const wrong = `[DEFAULT]
workers = many
[oslo_policy]
enforce_scope = perhaps
[servicegroup]
driver = sqllite
[database]
connection = /var/lib/shop.sqlite
[nova]
`;
  const folder = projectOf({ 'nova.conf': wrong });
  const { stdout } = checked(folder, 'nova.conf');
  assert.equal(suggestedLine(stdout), 'other_names = nova');
  const line = 'other_names = DEFAULT.workers, nova, oslo_policy.enforce_scope, api:hello.port\n';
  writeFileSync(join(folder, 'own.ini'), OWN.replace('[api:', `${line}[api:`));
  const unread = [...checked(folder, 'nova.conf').stdout.matchAll(/^(own\.ini:3:\d+: warning: .*)\n {2}(.*)$/gm)];
  const said = (column: number, name: string, where: string): string =>
    `own.ini:3:${column}: warning: [DEFAULT] other_names: ${name} is an option of this application too, and is not read here: ${where}`;
  assert.deepEqual(
    unread.map(([, warning]) => warning),
    [
      said(15, 'DEFAULT.workers', 'nova.conf:2'),
      said(38, 'oslo_policy.enforce_scope', 'nova.conf:4'),
      said(65, 'api:hello.port', 'own.ini:5'),
    ],
  );
  for (const [, , hint] of unread)
    assert.equal(hint, 'remove it from other_names if the value is meant for this application');
});

test('WI-1 the line has the name of a value that only another application can read', () => {
  const shared = `[DEFAULT]
workers = 4
[servicegroup]
driver = db
[database]
connection = mysql://nova:secret@one/nova
[nova]
`;
  const line = (text: string): string => suggestedLine(checked(projectOf({ 'nova.conf': text }), 'nova.conf').stdout);
  assert.equal(line(shared), 'other_names = DEFAULT.workers, servicegroup.driver, nova');
  const kept = shared.replace('driver = db', 'driver = sqlite');
  for (const scheme of ['mysql', 'mysql+pymysql', 'postgresql+psycopg2'])
    assert.equal(
      line(kept.replace('mysql', scheme)),
      'other_names = DEFAULT.workers, database.connection, nova',
      scheme,
    );
  // One that Portico can read may be meant for it.
  assert.equal(line(kept.replace('mysql', 'postgresql')), 'other_names = DEFAULT.workers, nova');
});

test('WI-2 a name that Portico has in another section is in the line, a misspelled one of the same section is not', () => {
  const text = `[DEFAULT]\nmy_ip = ::1\nlog_levle = info\nheaders_timeout = 3\n[vnc]\n[database]\npool_sise = 3\n`;
  const folder = projectOf({ 'nova.conf': text });
  const { stdout } = checked(folder, 'nova.conf');
  assert.equal(suggestedLine(stdout), 'other_names = DEFAULT.my_ip, DEFAULT.headers_timeout, vnc');
  assert.match(stdout, /log_levle: unknown option\n {2}did you mean 'log_level'\?/);
  assert.match(stdout, /pool_sise: unknown option\n {2}did you mean 'pool_size'\?/);
  // Without any name of another application, it is an error.
  writeFileSync(join(folder, 'nova.conf'), '[DEFAULT]\nheaders_timeout = 3\n');
  const alone = checked(folder, 'nova.conf');
  assert.equal(suggestedLine(alone.stdout), '');
  assert.match(alone.stdout, /did you mean 'headers_timeout' of \[wsgi\]\?/);
});

test('WI-3 no name is proposed that only looks alike', () => {
  const folder = projectOf({ 'keystone.conf': '[oauth1]\ndriver = sql\n[database]\nbackend = sqlalchemy\n' });
  const { stdout } = checked(folder, 'keystone.conf');
  assert.doesNotMatch(stdout, /did you mean/);
  assert.equal(suggestedLine(stdout), 'other_names = oauth1, database.backend');
});

test('WI-2 the locations that oslo.messaging and nova read are read here too', async () => {
  const config = Config.fromText(`[DEFAULT]
transport_url = rabbit://user:secret@one,user:secret@two:5673/nova
rpc_response_timeout = 90
control_exchange = nova
[wsgi]
api_paste_config = /etc/nova/api-paste.ini
`);
  const { rpcOptions } = await import('../../../dist/extras/rpc/rpc-options.js');
  const { messagingSettings, notificationSettings } = await import('../../../dist/extras/rpc/messaging-options.js');
  const { servingOptions } = await import('../../../dist/server/api/api-options.js');
  const { exchange, responseTimeout } = config.group('rpc', rpcOptions);
  assert.deepEqual([exchange, responseTimeout], ['nova', 90]);
  const notices = Config.fromText('[oslo_messaging_notifications]\ntransport_url = rabbit://user:secret@one/\n');
  const noticed = notificationSettings(notices);
  assert.deepEqual([noticed.transportUrl, noticed.topics], ['oslo+rabbit://user:secret@one/', ['notifications']]);
  assert.doesNotMatch(JSON.stringify(noticed), /secret/);
  const { url, settings } = messagingSettings(config);
  assert.deepEqual([url, settings.isOslo], ['oslo+rabbit://user:secret@one,user:secret@two:5673/nova', true]);
  assert.equal(config.group('DEFAULT', servingOptions, { partial: true }).apiPasteConfig, '/etc/nova/api-paste.ini');
  // In the section of Portico, rabbit:// is what it was.
  const own = Config.fromText('[rpc]\ntransport_url = rabbit://one/\n');
  assert.equal(messagingSettings(own).settings.isOslo, false);
});

test('WI-1 what other_names names is not read here, in files; from the command line it is', async () => {
  const { wsgiOptions } = await import('../../../dist/server/wsgi-options.js');
  const text =
    '[DEFAULT]\nother_names = wsgi.max_headers, wsgi.keep*\n[wsgi]\nmax_headers = many\nkeep_alive = false\n';
  const config = Config.fromText(text);
  const { maxHeaders, keepAlive } = config.group('wsgi', wsgiOptions);
  assert.deepEqual([maxHeaders, keepAlive], [new Config().group('wsgi', wsgiOptions).maxHeaders, false]);
  assert.equal(config.getLocation('wsgi', 'max_headers').kind, 'default');
  const said = await Config.load({
    files: [],
    argv: [],
    env: {},
    set: ['DEFAULT.other_names=wsgi.max_headers', 'wsgi.max_headers=7'],
  });
  assert.equal(said.group('wsgi', wsgiOptions).maxHeaders, 7);
});
