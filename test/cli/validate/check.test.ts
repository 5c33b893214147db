/** `api-cli check`, `pipeline` and `explain` as an operator runs them. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { apiCli, emptyProject } from '../../fixtures/project.js';
import { command, commandBeside, isServing } from '../command.js';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..', '..');

const FILES = {
  'package.json': '{"type":"module"}',
  'm.js': `
import { filterFactory } from 'portico/app';
import { defineOptions, integer, string } from 'portico/config';
export const app = () => () => undefined;
const options = defineOptions({ limit: integer({ default: 5, help: 'How many.' }), key: string({ default: '', secret: true, help: 'A key.' }) });
export const limited = filterFactory('limited', options, () => (inner) => inner);
`,
  'portico.ini': '[DEFAULT]\napi_paste_config = api-paste.ini\n',
  'api-paste.ini': `[composite:main]
use = egg:Paste#urlmap
/: root
/v2: api

[pipeline:api]
pipeline = limited app

[filter:limited]
paste.filter_factory = ./m.js:limited
key = s3cr3t

[app:app]
paste.app_factory = ./m.js:app

[app:root]
use = app
token = abc
`,
};

const folder = (more: Readonly<Record<string, string>> = {}): string => emptyProject({ ...FILES, ...more }).folder;

function run(cwd: string, ...args: string[]) {
  if (!isServing(args)) return command(args, { cwd });
  return spawnSync(process.execPath, [apiCli, ...args], { cwd, encoding: 'utf8' });
}

const BROKEN = {
  'broken.ini':
    '[DEFAULT]\nx = 1\n[pipeline:main]\npipeline = nope app\nx = 2\n[app:app]\npaste.app_factory = ./m.js:app\n',
};

test('check refuses a configuration that leaves nothing to serve, as a start does', async () => {
  const cwd = folder({ 'portico.ini': '' });
  const { status, stdout } = await commandBeside(['check'], { cwd });
  assert.equal(status, 78, stdout);
  assert.match(stdout, /^error: \[DEFAULT\] enabled_apis: No APIs were started/m);
});

test('OP-3 PD-152 check prints each finding with its line and a caret; 78 with an error, else 0', () => {
  const cwd = folder(BROKEN);
  const { status, stdout } = run(cwd, 'check', 'broken.ini');
  assert.equal(status, 78);
  assert.match(
    stdout,
    /^broken\.ini:4:12: error: \[pipeline:main\] pipeline: no filter is called "nope"\.\n {2}There is no filter in this file\.\n {4}pipeline = nope app\n {15}\^\n/m,
  );
  assert.match(stdout, /^broken\.ini:5:1: warning: \[pipeline:main\] x: this line has no effect/m);
  assert.match(stdout, /1 error, 1 warning\.\nExplained in:\n {2}.*errors\.md#portico_paste_no_section\n/);
  assert.deepEqual(run(cwd, 'check', 'api-paste.ini'), { status: 0, stdout: 'No errors found.\n', stderr: '' });
});

test('OP-3 MW-39 check says what a start would: what filters have against the address, and nothing of what is not chosen', () => {
  const paste = `[composite:hello]
use = call:nova.api.auth:pipeline_factory_v21
noauth2 = noauth app
keystone = gone lost app

[filter:noauth]
paste.filter_factory = portico/middleware:noauth

[filter:cors]
paste.filter_factory = portico/middleware:cors
allowed_origin = nowhere

[pipeline:second]
pipeline = cors app

[filter:gone]
paste.filter_factory = not-installed:filter

[app:app]
paste.app_factory = ./m.js:app
`;
  const ini = (listen: string): string =>
    `[api]\nauth_strategy = noauth2\n[api:hello]\nlisten = ${listen}\nworkers = 1\n[api:second]\nport = 0\nworkers = 1\n`;
  const path = folder({ 'api-paste.ini': paste, 'portico.ini': ini('0.0.0.0') });
  const open = run(path, 'check');
  assert.equal(open.status, 78, open.stdout + open.stderr);
  assert.match(
    open.stdout,
    /portico\.ini:4:10: error: \[api:hello\] listen: noauth would admit everyone who can reach 0\.0\.0\.0/,
  );
  assert.match(open.stdout, /api-paste\.ini:11:18: error: \[filter:cors\] allowed_origin: .*nowhere/);
  assert.match(open.stdout, /api-paste\.ini:17:\d+: warning: \[filter:gone\] .*not-installed/);
  assert.match(open.stdout, /api-paste\.ini:4:\d+: warning: .*"lost"/);
  assert.match(open.stdout, /^2 errors, 3 warnings\.$/m, open.stdout);
  writeFileSync(join(path, 'portico.ini'), ini('127.0.0.1'));
  writeFileSync(join(path, 'api-paste.ini'), paste.replace('= nowhere', '= https://a.example'));
  const closed = run(path, 'check');
  assert.equal(closed.status, 0, closed.stdout + closed.stderr);
  // The start refuses it too.
  writeFileSync(join(path, 'portico.ini'), `${ini('0.0.0.0')}[DEFAULT]\n`);
  const start = run(path);
  assert.equal(start.status, 78);
  assert.match(start.stderr, /portico\.ini:4:10: error: \[api:hello\] listen: noauth would admit everyone/);
});

test('PD-152 check --json and --format github', () => {
  const cwd = folder(BROKEN);
  const { stdout, status } = run(cwd, 'check', 'broken.ini', '--json');
  assert.equal(status, 78);
  const [first] = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(first, {
    severity: 'error',
    code: 'PORTICO_PASTE_NO_SECTION',
    file: 'broken.ini',
    line: 4,
    column: 12,
    section: 'pipeline:main',
    option: 'pipeline',
    message: 'no filter is called "nope".',
    hint: 'There is no filter in this file.',
    note: null,
    page: join(root, 'docs/reference/errors.md#portico_paste_no_section'),
  });
  const github = run(cwd, 'check', 'broken.ini', '--format', 'github').stdout;
  assert.match(
    github,
    /^::error file=broken\.ini,line=4,col=12,title=PORTICO_PASTE_NO_SECTION::no filter is called "nope"\.%0AThere/,
  );
});

test('OP-3 check of a file that is not there is refused, of a wrong format misused', () => {
  const cwd = folder();
  const missing = run(cwd, 'check', 'none.ini');
  assert.equal(missing.status, 78);
  assert.match(missing.stderr, /none\.ini cannot be read: there is no such file/);
  const misused = run(cwd, 'check', 'api-paste.ini', '--format', 'jsn');
  assert.equal(misused.status, 2);
  assert.match(misused.stderr, /Did you mean "json"\?/);
});

test('OP-5 pipeline shows the composed tree with places and options, secrets masked', () => {
  const cwd = folder();
  const { status, stdout } = run(cwd, 'pipeline');
  assert.equal(status, 0);
  assert.equal(
    stdout,
    [
      'main  composite  egg:Paste#urlmap → portico/loader:urlmap  api-paste.ini:1',
      '├─ / → root  app  ./m.js:app  api-paste.ini:16',
      '│      token = ****',
      '└─ /v2 → api  pipeline  api-paste.ini:6',
      '   ├─ limited  filter  ./m.js:limited  api-paste.ini:9',
      '   │      limit = 5',
      '   │      key = ****',
      '   └─ app  app  ./m.js:app  api-paste.ini:13',
      '',
    ].join('\n'),
  );
  const { apps } = JSON.parse(run(cwd, 'pipeline', 'api', '--json').stdout) as {
    apps: { name: string; children: { name: string; line: number }[] }[];
  };
  assert.deepEqual(
    apps[0]?.children.map(({ name, line }) => [name, line]),
    [
      ['limited', 9],
      ['app', 13],
    ],
  );
});

test('OP-3 check of a paste file alone finds a validator that is none, and misses nothing that a configuration may have', () => {
  const section = (options: string): string =>
    `[pipeline:main]\npipeline = f app\n[filter:f]\npaste.filter_factory = portico/middleware:authToken\n${options}[app:app]\npaste.app_factory = ./m.js:app\n`;
  const cwd = folder({
    'wrong.ini': section('validator = keyston\n'),
    'account.ini': section('validator = keystone\n'),
  });
  const wrong = run(cwd, 'check', 'wrong.ini');
  assert.equal(wrong.status, 78, wrong.stderr);
  assert.match(
    wrong.stdout,
    /^wrong\.ini:5:13: error: \[filter:f\] validator: .*"keyston"\n {2}Did you mean "keystone"/m,
  );
  // The account may be in the service configuration, which is found by default.
  assert.equal(run(cwd, 'check', 'account.ini').status, 0);
  // The named configuration lacks them.
  assert.equal(run(cwd, 'check', 'account.ini', '--config-file', 'portico.ini').status, 78);
});

test('check of nova.conf says which options of memcached are not used', () => {
  const cwd = folder({
    'paste.ini':
      '[pipeline:main]\npipeline = f app\n[filter:f]\npaste.filter_factory = keystonemiddleware.auth_token:filter_factory\n' +
      '[app:app]\npaste.app_factory = ./m.js:app\n',
    'nova.conf':
      '[keystone_authtoken]\nauth_url = http://127.0.0.1:9\nusername = nova\npassword = x\nproject_name = service\n' +
      'memcached_servers = 127.0.0.1:11211\nmemcache_security_strategy = ENCRYPT\nmemcache_secret_key = s3cret\n',
    'portico.ini': '[DEFAULT]\nenabled_apis = main\napi_paste_config = paste.ini\n[api:main]\nport = 0\n',
  });
  const { status, stdout } = run(cwd, 'check', '--config-file', 'nova.conf', '--config-file', 'portico.ini');
  assert.equal(status, 0, stdout);
  for (const [line, name] of ['memcached_servers', 'memcache_security_strategy', 'memcache_secret_key'].entries()) {
    const told = `nova.conf:${6 + line}:1: warning: [keystone_authtoken] ${name}: has no effect here\n  Remove the line: each`;
    assert.ok(stdout.includes(told), stdout);
  }
  assert.ok(!stdout.includes('s3cret'));
});

test('OP-3 an address that somebody has is a warning with who it is, and check listens nowhere', async (t) => {
  const cwd = folder();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const path = join(cwd, 'api.sock');
  const unix = createServer().listen(path);
  await once(unix, 'listening');
  t.after(() => unix.close());
  const ini = `[api:main]\nport = ${port}\n[api:root]\nlisten = unix:${path}\n[api:app]\nport = 1\nlisten = 192.0.2.1\n`;
  writeFileSync(join(cwd, 'portico.ini'), ini);
  const { status, stdout } = await commandBeside(['check'], { cwd });
  assert.equal(status, 0, stdout);
  const who = process.platform === 'linux' ? `: pid ${process.pid} \\(.*node` : '';
  assert.match(
    stdout,
    new RegExp(
      `^portico\\.ini:2:8: warning: \\[api:main\\] port: another process already listens on port ${port}${who}`,
      'm',
    ),
  );
  assert.match(
    stdout,
    new RegExp(
      `^portico\\.ini:4:10: warning: \\[api:root\\] listen: another process already listens on .*sock${who}`,
      'm',
    ),
  );
  assert.match(stdout, /^portico\.ini:\d+:\d+: warning: \[api:app\] port: it cannot be bound now: .*192\.0\.2\.1/m);
});

test('OP-3 a unix socket that a start could not bind is a warning that says why, and one left by a dead process is none', async () => {
  const paths = { main: 'gone/api.sock', root: 'note.txt', app: 'stale.sock' };
  const cwd = folder({ 'note.txt': 'mine' });
  const ini = Object.entries(paths).map(([name, path]) => `[api:${name}]\nlisten = unix:${join(cwd, path)}\n`);
  writeFileSync(join(cwd, 'portico.ini'), ini.join(''));
  const dead = `require('net').createServer().listen('stale.sock', () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', dead], { cwd });
  const { status, stdout } = run(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /^portico\.ini:2:10: warning: \[api:main\] listen: it cannot be bound now: the folder \/.*gone does not exist\n {2}Create it/m,
  );
  assert.match(
    stdout,
    /^portico\.ini:4:10: warning: \[api:root\] listen: it cannot be bound now: \/.*note\.txt is there, and is no socket\n {2}Remove it/m,
  );
  assert.doesNotMatch(stdout, /api:app/);
  assert.deepEqual(
    [readFileSync(join(cwd, 'note.txt'), 'utf8'), existsSync(join(cwd, 'stale.sock')), existsSync(join(cwd, 'gone'))],
    ['mine', true, false],
  );
});

test('OP-3 a unix socket in a folder that this user may not write to is a warning', () => {
  const cwd = folder({ 'closed/note.txt': '' });
  writeFileSync(join(cwd, 'portico.ini'), `[api:main]\nlisten = unix:${cwd}/closed/api.sock\n`);
  chmodSync(cwd, 0o755);
  chmodSync(join(cwd, 'closed'), 0o555);
  // File modes do not restrict root: another user needs a process.
  const words = [apiCli, 'check'];
  const { stdout } =
    process.getuid?.() === 0
      ? spawnSync(process.execPath, words, { cwd, encoding: 'utf8', uid: 65_534, gid: 65_534 })
      : run(cwd, 'check');
  assert.match(
    stdout,
    /\[api:main\] listen: it cannot be bound now: EACCES: permission denied, access '\/.*closed'\n {2}Give this user the right/,
  );
});

test('OP-3 CF-51 RP-88 managers that would get more time to stop than there is are reported, by check and by a start', () => {
  const cwd = folder({
    'portico.ini': '[DEFAULT]\ngraceful_shutdown_timeout = 30\nmanager_shutdown_timeout = 40\n[api:main]\nport = 0\n',
  });
  const said =
    /portico\.ini:3:28: warning: \[DEFAULT\] manager_shutdown_timeout: .*graceful_shutdown_timeout, 30 s \(portico\.ini:2:29\)/;
  const { status, stdout } = run(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.match(stdout, said);
  writeFileSync(join(cwd, 'portico.ini'), '[DEFAULT]\ngraceful_shutdown_timeout = 30\n[api:main]\nport = 0\n');
  assert.doesNotMatch(run(cwd, 'check').stdout, /shutdown_timeout/);
});

test('OP-3 an error in a group whose filter has its own value is not reported: nothing reads it', () => {
  const paste = `[pipeline:hello]
pipeline = cors app
[filter:cors]
paste.filter_factory = portico/middleware:cors
max_age = 5
[app:app]
paste.app_factory = ./m.js:app
`;
  const path = folder({
    'api-paste.ini': paste,
    'portico.ini': '[cors]\nmax_age = soon\n[api:hello]\nport = 0\n',
  });
  const checked = run(path, 'check');
  assert.doesNotMatch(checked.stdout, /\[cors\] max_age/);
  assert.doesNotMatch(checked.stdout, /no enabled API uses it/);
  assert.equal(checked.status, 0, checked.stdout);
});

test("OP-19 a broker's URL is checked if the manager of an API may make calls", () => {
  const ini = (manager: string): string =>
    `[api:hello]\nport = 0\n${manager}[rpc]\ntransport_url = memory:///?queue=1\n`;
  const files = {
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./m.js:app\n',
    'm.js': 'export const app = () => (_req, res) => res.end();\nexport class Manager {}\n',
  };
  const path = folder({ ...files, 'portico.ini': ini('manager = ./m.js:Manager\n') });
  const checked = run(path, 'check');
  assert.equal(checked.status, 78, checked.stdout);
  assert.match(checked.stdout, /portico\.ini:5:17: error: \[rpc\] transport_url: .*"queue"/);
  writeFileSync(join(path, 'portico.ini'), ini(''));
  assert.equal(run(path, 'check').status, 0);
});

const ROUTED = {
  'portico.ini': '[api:books]\nport = 0\n',
  'api-paste.ini':
    '[pipeline:books]\npipeline = id app\n[filter:id]\npaste.filter_factory = portico/middleware:requestId\n[app:app]\npaste.app_factory = ./m.js:app\n',
};

test('check warns of what routes --check and a start warn of: types that are none, routes that never win', () => {
  const cwd = folder({
    ...ROUTED,
    'm.js': `import { Router } from 'portico/routing';
export const app = () => new Router()
  .get('/books/{id:itn}', () => 'a')
  .get('/books/{name}', () => 'b')
  .get('/books/{other}', () => 'c')
  .build();
`,
  });
  const { status, stdout } = run(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /^m\.js:3:\d+: warning: the route \/books\/\{id:itn\}: the variable id matches only the text "itn".*\n {2}Did you mean "int"\?/m,
  );
  assert.match(stdout, /^m\.js:5:\d+: warning: the route \/books\/\{other\} can never match/m);
  assert.match(stdout, /^0 errors, 2 warnings\.$/m);
});

test('an error of a route is at its line of the code, with the section of the paste file as the second place, also for GitHub', () => {
  const cwd = folder({
    ...ROUTED,
    'm.js': `import { Router } from 'portico/routing';
export const app = () => {
  const router = new Router();
  for (const path of ['/a', '/b']) router.get(path, { boddy: 1 }, () => 1);
  return router.build();
};
`,
  });
  const text = run(cwd, 'check');
  assert.equal(text.status, 78, text.stdout);
  const said = (path: string): string =>
    `m.js:4:43: error: [app:app] the route "${path}": a route has no option "boddy"\n  Did you mean "body"?\n  ./m.js:app failed: api-paste.ini:5:1\n`;
  assert.ok(text.stdout.startsWith(`${said('/a')}${said('/b')}2 errors, 0 warnings.\n`), text.stdout);
  const github = run(cwd, 'check', '--format', 'github').stdout.split('\n');
  assert.equal(
    github[0],
    '::error file=m.js,line=4,col=43,title=PORTICO_ROUTE_OPTION::the route "/a": a route has no option "boddy"%0ADid you mean "body"?%0A./m.js:app failed: api-paste.ini:5:1',
  );
  const [first] = JSON.parse(run(cwd, 'check', '--format', 'json').stdout) as { note: string; section: string }[];
  assert.deepEqual([first!.note, first!.section], ['./m.js:app failed: api-paste.ini:5:1', 'app:app']);
  assert.match(run(cwd).stderr, /m\.js:4:43: error: \[app:app\] the route "\/a": a route has no option "boddy"/);
});

test('an error of a factory at a line of a configuration file keeps its own section', () => {
  const cwd = folder({
    ...ROUTED,
    'm.js': `import { PorticoError } from 'portico/extension';
export const app = () => {
  const origin = { file: 'portico.ini', line: 1, column: 1, section: 'db', option: 'pin' };
  throw new PorticoError('MY_BAD', { message: 'the database refuses it', origin });
};
`,
  });
  const { stdout } = run(cwd, 'check');
  assert.match(stdout, /^portico\.ini:1:1: error: \[db\] pin: the database refuses it$/m);
  assert.match(stdout, /^ {2}\.\/m\.js:app failed: api-paste\.ini:5:1$/m);
});

test('check warns of auth: true where no filter identifies the caller, and not where one may, and calls the factory once', () => {
  const app = (around = ''): string => `import { appendFileSync } from 'node:fs';
import { compose } from 'portico/app';
import { Router } from 'portico/routing';
export const filter = () => (inner) => inner;
export const app = async () => {
  appendFileSync('calls', 'app ');
  const router = new Router({ auth: true });
  router.get('/books', () => 'a');
  router.get('/books/{id}', () => 'b');
  router.get('/health', { auth: false }, () => 'c');
  const built = await router.build();
  return ${around === '' ? 'built' : `compose([${around}], built)`};
};
`;
  const cwd = folder({ ...ROUTED, 'm.js': app() });
  const { status, stdout } = run(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /m\.js:8:\d+: warning: the route \/books and 1 more of the app "app" have auth: true, and no filter/,
  );
  assert.match(stdout, /^0 errors, 1 warning\.$/m);
  assert.equal(readFileSync(join(cwd, 'calls'), 'utf8'), 'app ');
  const own = `${ROUTED['api-paste.ini'].replace('= id app', '= own app')}[filter:own]\npaste.filter_factory = ./m.js:filter\n`;
  writeFileSync(join(cwd, 'api-paste.ini'), own.replace(/\[filter:id\]\n.*\n/, ''));
  assert.equal(run(cwd, 'check').stdout, 'No errors found.\n');
  writeFileSync(join(cwd, 'api-paste.ini'), ROUTED['api-paste.ini']);
  writeFileSync(join(cwd, 'm.js'), app('(inner) => (req, res) => inner(req, res)'));
  assert.equal(run(cwd, 'check').stdout, 'No errors found.\n');
});

test('GR-2 check warns of an API with more routes than metrics tell from each other', () => {
  const cwd = folder({
    'portico.ini': '[api:books]\nport = 0\n[api:shelves]\nport = 0\n[metrics]\nenabled = true\n',
    'api-paste.ini':
      '[app:books]\npaste.app_factory = ./m.js:books\n[app:shelves]\npaste.app_factory = ./m.js:shelves\n',
    'm.js': `import { Router } from 'portico/routing';
const factory = (routes) => () => {
  const router = new Router();
  for (let route = 0; route < routes; route++) router.get('/books' + route, () => 'a');
  return router.build();
};
export const books = factory(5001);
export const shelves = factory(5000);
`,
  });
  const { status, stdout } = run(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /portico\.ini:\d+:\d+: warning: \[metrics\] enabled.*the API books has 5001 routes, and metrics tell at most 5000 from each other/,
  );
  assert.match(stdout, /^0 errors, 1 warning\.$/m);
});

test('check --no-factories imports the code and calls no factory; names that only a factory reads are warnings', () => {
  const cwd = folder({
    'portico.ini': '[DEFAULT]\nenabled_apis = shop\n[api:shop]\nport = 0\n[mail]\nstore = x\n',
    'api-paste.ini': '[app:shop]\npaste.app_factory = ./shop.js:app\n',
    'shop.js': `
import { writeFileSync } from 'node:fs';
import { defineOptions, string } from 'portico/config';
const options = defineOptions({ store: string({ default: '', help: 'A store.' }) });
export const app = (globalConf, localConf, ctx) => {
  writeFileSync('called', ctx.config.group('mail', options).store);
  return () => undefined;
};`,
  });
  const checked = run(cwd, 'check', '--no-factories');
  assert.deepEqual([checked.status, existsSync(join(cwd, 'called'))], [0, false], checked.stdout);
  assert.match(checked.stdout, /portico\.ini:5:1: warning: \[mail\] unknown section/);
  const more = ['DEFAULT.own=1', 'api:shop.own=1', 'wsgi.nix=3', 'other.own=1'].flatMap((each) => ['--set', each]);
  const { stdout } = command(['check', '--no-factories', ...more], {
    cwd,
    env: { ...process.env, PORTICO_MAIL__NIX: '1' },
  });
  const found = [...stdout.matchAll(/^(.*): (error|warning): /gm)].map(([, location, severity]) => [
    location,
    severity,
  ]);
  const expected = [
    ['command line, argument 1', 'warning'],
    ['command line, argument 2', 'warning'],
    ['command line, argument 3', 'error'],
    ['command line, argument 4', 'error'],
    ['env PORTICO_MAIL__NIX', 'warning'],
    ['portico.ini:5:1', 'warning'],
  ];
  assert.deepEqual(found, expected, stdout);
  assert.equal(run(cwd, 'check').status, 0);
  assert.ok(existsSync(join(cwd, 'called')));

  writeFileSync(join(cwd, 'api-paste.ini'), '[app:shop]\npaste.app_factory = ./shop.js:ap\n');
  const missing = run(cwd, 'check', '--no-factories');
  assert.equal(missing.status, 78);
  assert.match(missing.stdout, /"ap"/);
});

test('PD-152 an error of TLS has its location first, on the command line too', () => {
  const cwd = folder({
    'portico.ini': '[api:shop]\nport = 0\n',
    'api-paste.ini': '[app:shop]\npaste.app_factory = ./m.js:app\n',
  });
  const { status, stdout } = run(cwd, 'check', '--set', 'DEFAULT.enabled_ssl_apis=shop');
  assert.equal(status, 78);
  assert.match(stdout, /^command line, argument 1: error: When running server in SSL mode, /m);
});

test('check --no-factories calls neither a factory that allows a trial nor the trial of one, but those of Portico', () => {
  const cwd = folder({
    'portico.ini': '[DEFAULT]\nenabled_apis = shop\n[api:shop]\nport = 0\n',
    'api-paste.ini': `[pipeline:shop]
pipeline = users tried shop_app
[filter:users]
paste.filter_factory = portico/middleware:basicAuth
user_file = none.htpasswd
[filter:tried]
paste.filter_factory = ./shop.js:filter
[app:shop_app]
paste.app_factory = ./shop.js:app
`,
    'shop.js': `
import { appendFileSync } from 'node:fs';
import { appFactory, filterFactory } from 'portico/app';
const called = (what) => appendFileSync('called', what + ' ');
export const app = appFactory('shop', {}, () => { called('app'); return () => undefined; }, { trial: true });
export const filter = filterFactory('tried', {}, () => { called('filter'); return (inner) => inner; }, { trial: () => called('trial') });
`,
  });
  const called = (): string => (existsSync(join(cwd, 'called')) ? readFileSync(join(cwd, 'called'), 'utf8') : '');
  for (const words of [
    ['--no-factories'],
    ['--no-factories', 'api-paste.ini'],
    ['--no-factories', 'api-paste.ini', 'shop'],
  ]) {
    const { status, stdout } = run(cwd, 'check', ...words);
    assert.equal(called(), '', words.join(' '));
    assert.equal(status, 78);
    assert.match(stdout, /none\.htpasswd/);
  }
  run(cwd, 'check', 'api-paste.ini');
  assert.equal(called(), 'trial app ');
});

test('AD-12 check reports what factories would warn of at a start: a password file that every user can read', () => {
  const cwd = folder({
    'portico.ini': '[DEFAULT]\nenabled_apis = shop\n[api:shop]\nport = 0\n',
    'users.htpasswd': `ada:$2y$10$${'a'.repeat(53)}\n`,
    'api-paste.ini': `[pipeline:shop]
pipeline = users app
[filter:users]
paste.filter_factory = portico/middleware:basicAuth
user_file = users.htpasswd
[app:app]
paste.app_factory = ./shop.js:app
`,
    'shop.js': `export const app = (_global, _local, { log }) => {
  log.warn({ shelves: 3 }, 'the shop has only %d shelves', 3);
  log.warn({ shelves: 4, at: 'http://ada:s3cr3t@one/', cause: new Error('no room') });
  log.warn({ get shelves() { throw new Error('not counted'); } });
  log.warn({});
  return () => undefined;
};
`,
  });
  const [path, users] = ['api-paste.ini', 'users.htpasswd'].map((name) => join(cwd, name));
  writeFileSync(path!, readFileSync(path!, 'utf8').replace('= users.htpasswd', `= ${users}`));
  const open = /^api-paste\.ini:3:1: warning: \[filter:users\] .*htpasswd can be read by every user.*chmod o-r/gm;
  const shelves = /^api-paste\.ini:6:1: warning: \[app:app\] the shop has only 3 shelves/gm;
  const counts = (words: readonly string[]): (number | undefined)[] => {
    const { stdout } = run(cwd, 'check', ...words);
    return [open, shelves].map((each) => stdout.match(each)?.length);
  };
  const fields = run(cwd, 'check').stdout.match(/^api-paste\.ini:6:1: warning: \[app:app\] (?!the shop).*/gm) ?? [];
  assert.equal(fields.length, 1, 'a warning without a message has its fields, and one without these is left out');
  assert.match(fields[0]!, /\{"shelves":4,"at":"http:\/\/ada:\*+@one\/","cause":\{.*"message":"no room"/);
  chmodSync(users!, 0o644);
  assert.deepEqual(counts([]), [1, 1]);
  assert.deepEqual(counts(['--no-factories']), [1, undefined]);
  assert.deepEqual(counts(['api-paste.ini']), [1, undefined]);
  chmodSync(users!, 0o600);
  assert.deepEqual(counts([]), [undefined, 1]);
});

test('check --strict ends with 78 for noauth, also without calls of the application: production has another filter', () => {
  const cwd = folder({
    'portico.ini': '[api:app]\nport = 0\n[api]\nauth_strategy = noauth\n',
    'api-paste.ini':
      '[pipeline:app]\npipeline = noauth own\n[filter:noauth]\npaste.filter_factory = portico/middleware:noauth\n[app:own]\npaste.app_factory = ./x.js:app\n',
    'x.js': 'export const app = () => (_req, res) => res.end();\n',
  });
  const warning = /^api-paste\.ini:3:1: warning: \[filter:noauth\] noauth is on: callers are not authenticated$/m;
  for (const words of [[], ['--no-factories']]) {
    const [loose, strict] = [run(cwd, 'check', ...words), run(cwd, 'check', '--strict', ...words)];
    for (const { stdout } of [loose, strict]) assert.match(stdout, warning);
    assert.deepEqual([loose.status, strict.status], [0, 78], loose.stdout);
  }
});

test('check --strict ends with 78 for a warning, and with 0 without one', () => {
  const cwd = folder();
  assert.equal(run(cwd, 'check', '--strict', 'api-paste.ini').status, 0);
  chmodSync(join(cwd, 'api-paste.ini'), 0o666);
  assert.match(run(cwd, 'check', 'api-paste.ini').stdout, /0 errors, 1 warning\./);
  assert.deepEqual(
    [run(cwd, 'check', 'api-paste.ini').status, run(cwd, 'check', '--strict', 'api-paste.ini').status],
    [0, 78],
  );
});
