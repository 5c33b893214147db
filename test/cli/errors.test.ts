/** Errors of newcomers, and the messages of `api-cli` about them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isLong } from '../e2e/faults/figures.js';
import type { Outcome } from '../fixtures/project.js';
import { makePair } from '../server/certificate-files.js';
import { command, isServing } from './command.js';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');

function folder(t: TestContext, ini: string, more: Readonly<Record<string, string>> = {}): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'portico-errors-')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const files = {
    'package.json': '{"type":"module"}',
    'x.js': 'export const app = () => (_req, res) => res.end();\n',
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n',
    'portico.ini': ini,
    ...more,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(root, join(path, 'node_modules', 'portico'));
  return path;
}

function node(cwd: string, words: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return { status: Number(status), stdout, stderr };
}

const cli = (cwd: string, ...words: string[]) =>
  isServing(words) ? node(cwd, [join(root, 'lib', 'cli', 'main.js'), ...words]) : command(words, { cwd });

/** What `check` says; with `--long` also what a start says. `plan.test.ts` shows that both agree. */
const checkedBoth = (cwd: string): Outcome[] => (isLong ? [cli(cwd, 'check'), cli(cwd)] : [cli(cwd, 'check')]);

test('OP-3 an API that is not there is never suggested for itself, but what would start is', (t) => {
  const ini = '[DEFAULT]\nenabled_apis = helo\n[api:helo]\nport = 0\nworkers = 1\n';
  for (const { status, stdout, stderr } of checkedBoth(folder(t, ini))) {
    assert.notEqual(status, 0);
    assert.match(stdout + stderr, /no app is called \\?"helo[\s\S]*Did you mean \\?"hello\\?"/);
    assert.doesNotMatch(stdout + stderr, /Did you mean \\?"helo\\?"/);
  }
});

/** Drivers of an application, which record their construction. */
const OWN_DRIVERS = `import { writeFileSync } from 'node:fs';
export class Own {
  constructor() { writeFileSync(new URL('./made', import.meta.url), ''); }
  validate() { return null; }
  check() { return { available: true, reason: 'OK' }; }
}
`;

const APP = '[app:hello]\npaste.app_factory = ./x.js:app\n';

/** An API with one filter of Portico in its pipeline, or with one app of Portico. */
function api(name: string, factory: string, options: string): { readonly ini: string; readonly paste: string } {
  const ini = `[api:${name}]\nport = 0\nworkers = 1\n`;
  const isApp = factory === 'healthcheck' || factory === 'staticFiles';
  if (isApp) return { ini, paste: `[app:${name}]\npaste.app_factory = portico/middleware:${factory}\n${options}\n` };
  const filter = `[filter:f${name}]\npaste.filter_factory = portico/middleware:${factory}\n${options}\n`;
  return { ini, paste: `${filter}[pipeline:${name}]\npipeline = f${name} hello\n` };
}

test('OP-3 check finds what auth_token, healthcheck and static_files refuse beyond their options', (t) => {
  const cases: readonly [wrong: RegExp, factory: string, options: string][] = [
    [/the validator keystone needs auth_url, username, password/, 'authToken', ''],
    [/validator: .*keystoen/, 'authToken', 'validator = keystoen'],
    [/no file .*nowhere\.js/, 'authToken', 'validator = ./nowhere.js:Own'],
    [/cache_secret_key is missing/, 'authToken', 'validator = ./own.js:Own\ncache_security = mac'],
    [/\[DEFAULT\] debug is not true/, 'authToken', 'validator = static\nstatic_tokens_file = x.js'],
    [/keys for tokens cannot be read from \/.*\/x\.js/, 'jwtAuth', 'issuer = a\naudience = b\njwks_file = x.js'],
    [/backends: .*evnet_loop/, 'healthcheck', 'backends = evnet_loop'],
    [/mutually exclusive/, 'healthcheckFilter', 'backends = enable_by_files, disable_by_file'],
    [/there is no directory nowhere/, 'staticFiles', 'document_root = nowhere'],
  ];
  const apis = cases.map(([, factory, options], index) => api(`a${index}`, factory, options));
  const files = (chosen: typeof apis): Record<string, string> => ({
    'own.js': OWN_DRIVERS,
    'portico.ini': chosen.map(({ ini }) => ini).join(''),
    'api-paste.ini': APP + chosen.map(({ paste }) => paste).join(''),
  });
  const checked = cli(folder(t, '', files(apis)), 'check');
  assert.equal(checked.status, 78);
  for (const [wrong] of cases) {
    const line = checked.stdout.split('\n').find((each) => wrong.test(each));
    assert.match(line ?? `none in ${checked.stdout}`, /^\S*api-paste\.ini:\d+:\d+: error: /, String(wrong));
  }
  // Starts report the same, one API at a time.
  for (const at of isLong ? cases.keys() : []) {
    const { status, stderr } = cli(folder(t, '', files([apis[at]!])));
    assert.equal(status, 78);
    assert.match(stderr, cases[at]![0]);
  }
  // An application's validators and backends are constructed, as in a worker.
  const own = [
    api('b0', 'authToken', 'validator = ./own.js:Own'),
    api('b1', 'healthcheck', 'backends = ./own.js:Own, event_loop, http\nurl = http://127.0.0.1:1/'),
  ];
  const cwd = folder(t, '', files(own));
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.equal(existsSync(join(cwd, 'made')), true);
});

test('OP-3 MW-43 all plugins that a health check cannot have are named', (t) => {
  const { ini, paste } = api('health', 'healthcheck', 'backends = nope, event_loop, disable_by_fil, ./none.js:Own');
  const cwd = folder(t, ini, { 'api-paste.ini': paste });
  for (const { status, stdout, stderr } of checkedBoth(cwd)) {
    assert.equal(status, 78);
    for (const wrong of ['"nope"', '"disable_by_fil"', 'none\\.js']) {
      assert.match(stdout + stderr, new RegExp(`^\\S*api-paste\\.ini:3:\\d+: .*backends: .*${wrong}`, 'm'));
    }
  }
});

const ACCOUNT =
  'auth_url = http://127.0.0.1:1\nwww_authenticate_uri = http://127.0.0.1:1\nusername = a\npassword = b\nproject_name = c\n';

test('OP-3 MW-31 a cafile that holds no certificate is refused at its place', async (t) => {
  const { cert, key } = await makePair();
  const { ini, paste } = api('api', 'authToken', '');
  const inGroup = (group: string): string => `${ini}[${group}]\n${ACCOUNT}cafile = ca.pem\n`;
  const inSection = api('api', 'authToken', `${ACCOUNT}cafile = ca.pem`).paste;
  const broken = `${cert}\n-----BEGIN CERTIFICATE-----\nbm90\n-----END CERTIFICATE-----\n`;
  const cases: readonly [place: RegExp, ini: string, paste: string, pem: string][] = [
    [/portico\.ini:10:\d+: .*\[auth_token\] cafile: /, inGroup('auth_token'), paste, 'no certificate\n'],
    [/portico\.ini:10:\d+: .*\[keystone_authtoken\] cafile: /, inGroup('keystone_authtoken'), paste, key],
    [/api-paste\.ini:10:\d+: .*\[filter:fapi\] cafile: /, ini, inSection, broken],
    [
      /portico\.ini:10:\d+: .*\[identity\] cafile: /,
      inGroup('identity'),
      api('api', 'authToken', 'config_group = identity').paste,
      '',
    ],
  ];
  for (const [place, service, pipeline, pem] of cases) {
    const cwd = folder(t, service, { 'api-paste.ini': APP + pipeline, 'ca.pem': pem });
    for (const { status, stdout, stderr } of checkedBoth(cwd)) {
      assert.match(stdout + stderr, new RegExp(`^\\S*${place.source}.*cafile .*ca\\.pem`, 'm'));
      assert.equal(status, 78);
    }
  }
  // A bundle with text around its certificates.
  const bundle = `# first\n${cert}\n# second\n${(await makePair()).cert}\n`;
  const fine = cli(folder(t, inGroup('auth_token'), { 'api-paste.ini': APP + paste, 'ca.pem': bundle }), 'check');
  assert.equal(fine.status, 0, fine.stdout);
});

test('OP-3 RL-92 a certificate that is missing is told of an API whose paste file is broken', (t) => {
  const ini =
    '[DEFAULT]\nenabled_apis = hello\nenabled_ssl_apis = hello\n[api:hello]\nport = 1\n[ssl]\ncert_file = no.pem\nkey_file = no.pem\n';
  const cwd = folder(t, ini, { 'api-paste.ini': '[app:hello]\nnothing that can be read\n' });
  for (const { status, stdout, stderr } of checkedBoth(cwd)) {
    assert.equal(status, 78);
    assert.match(`${stdout}${stderr}`, /^portico\.ini:7:13: .*Unable to find cert_file : no\.pem/m);
    assert.match(`${stdout}${stderr}`, /^\S*api-paste\.ini:2:1: /m);
  }
});

test('OP-3 check: no API that would start, and an API without a name, are errors', (t) => {
  const none = cli(folder(t, '[DEFAULT]\nenabled_apis = nope\n'), 'check');
  assert.equal(none.status, 78);
  assert.match(
    none.stdout,
    /error: \[DEFAULT\] enabled_apis: No APIs were started\. Check the enabled_apis config option\./,
  );
  const nameless = cli(folder(t, '[DEFAULT]\nenabled_apis = hello\n[api:]\nport = 1\n'), 'check');
  assert.equal(nameless.status, 78);
  assert.match(nameless.stdout, /^portico\.ini:3:1: error: \[api:\] unknown section\n {2}write \[api:<name>\]/m);
});

test('OP-3 a section of an API that neither enabled_apis nor the paste file has is an error, with the nearest name', (t) => {
  const cwd = folder(t, '[DEFAULT]\nenabled_apis = hello\n[api:helllo]\nport = 1\n');
  const wrong =
    /^portico\.ini:3:1: error: \[api:helllo\] no API with this name is enabled, and the paste file has none\n {2}did you mean \[api:hello\]/m;
  for (const { status, stdout, stderr } of checkedBoth(cwd)) {
    assert.equal(status, 78);
    assert.match(stdout + stderr, wrong);
  }
  const zebra =
    '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 1\nworkers = 1\n[api:zebra]\nport = 2\n[api:other]\n';
  const paste = '[app:hello]\npaste.app_factory = ./x.js:app\n[app:other]\npaste.app_factory = ./x.js:app\n';
  const { status, stdout } = cli(folder(t, zebra, { 'api-paste.ini': paste }), 'check');
  assert.match(stdout, /^portico\.ini:6:1: error: \[api:zebra\] no API with this name is enabled, and the paste file/m);
  assert.doesNotMatch(stdout, /api:other/);
  assert.equal(status, 78);
  const others = cli(folder(t, zebra.replace('\n', '\nother_names = api:z*\n'), { 'api-paste.ini': paste }), 'check');
  assert.doesNotMatch(others.stdout, /zebra/);
  assert.equal(others.status, 0);
});

test('CF-49 CF-51 a name in enabled_ssl_apis that nothing knows is refused at its place, one that is known a warning', (t) => {
  const ini =
    '[DEFAULT]\nenabled_apis = hello\nenabled_ssl_apis = other,\n  helol\n[api:hello]\nport = 0\nworkers = 1\n';
  const paste = '[app:hello]\npaste.app_factory = ./x.js:app\n[app:other]\npaste.app_factory = ./x.js:app\n';
  const cwd = folder(t, ini, { 'api-paste.ini': paste });
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 78);
  const wrong = /^portico\.ini:4:3: error: \[DEFAULT\] enabled_ssl_apis: .*: helol\n {2}did you mean hello\?/m;
  assert.match(stdout, wrong);
  assert.match(stdout, /^portico\.ini:3:20: warning: \[DEFAULT\] enabled_ssl_apis: .* not enabled: other$/m);
  const far = cli(folder(t, ini.replace('helol', 'zebra'), { 'api-paste.ini': paste }), 'check');
  assert.equal(far.status, 78);
  assert.match(far.stdout, /^portico\.ini:4:3: error: .*zebra/m);
});

test('PY-3 what a configuration of OpenStack has beside its own is a warning that says what to write', (t) => {
  const sections = ['[oslo_middleware]', '[paste_deploy]', '[oslo_policy]'];
  const names = ['rpc_ping_enabled = true', 'executor_thread_pool_size = 64', 'rpc_conn_pool_size = 30'];
  const own = '[api:hello]\nport = 0\nworkers = 1\n';
  const cwd = folder(t, `[DEFAULT]\n${names.join('\n')}\n${own}${sections.join('\n')}\n`);
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 0, stdout);
  for (const [what, hint] of [
    ['[DEFAULT] rpc_ping_enabled: has no effect here', 'Remove the line: each service answers'],
    ['[DEFAULT] executor_thread_pool_size: has no effect here', 'Write executor_pool_size in [rpc]'],
    ['[DEFAULT] rpc_conn_pool_size: has no effect here', 'Remove the line'],
    ['[oslo_middleware] unknown section', 'write its options in the sections of the filters'],
    ['[paste_deploy] unknown section', 'write config_file as [DEFAULT] api_paste_config'],
    ['[oslo_policy] unknown section', 'remove it'],
  ] as const) {
    assert.ok(stdout.includes(`warning: ${what}\n  ${hint}`), `${what}: ${stdout}`);
  }
});

test('LC-1402 CF-48 a name in enabled_apis without an app is an error of check and a warning of a start, in one wording, at its own place', (t) => {
  const ini = '[DEFAULT]\nenabled_apis = hello,\n  helol\n[api:hello]\nport = 0\nworkers = 1\n';
  const said = (severity: string): string =>
    `portico.ini:3:3: ${severity}: [DEFAULT] enabled_apis: no app is called "helol" in api-paste.ini, so this API does not start`;
  const right = folder(t, ini);
  const { status, stdout } = cli(right, 'check');
  assert.equal(status, 78);
  assert.ok(stdout.includes(`${said('error')}\n  Did you mean "hello"?`), stdout);
  const none = cli(folder(t, '[DEFAULT]\nenabled_apis = nope,\n  helol\n'));
  assert.equal(none.status, 1);
  assert.ok(none.stderr.includes(said('warning').replaceAll('"', '\\"')), none.stderr);
  assert.match(none.stderr, /enabled_apis includes bad values\. Fix to remove this warning\. Did you mean \\"hello\\"/);
});

test('PL-10 a pipeline that no API uses is not blamed on enabled_apis', (t) => {
  const paste = '[app:hello]\npaste.app_factory = ./x.js:app\n[pipeline:other]\npipeline = helo\n';
  const ini = '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\nprot = 1\n';
  const refused = cli(folder(t, ini, { 'api-paste.ini': paste }));
  assert.equal(refused.status, 78);
  const said = '4:12: warning: [pipeline:other] pipeline: no app is called "helo" (no enabled API uses it).\n';
  assert.ok(refused.stderr.includes(said), refused.stderr);
});

test('a start with a section that nothing knows is refused, together with an address that is taken', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const ini = (more: string): string =>
    `[DEFAULT]\nenabled_apis = hello\ndebug = false\n[api:hello]\nlisten = 127.0.0.1:${port}\nworkers = 1\n[shelf]\nwidth = 8\n${more}`;
  const own = `import { appFactory } from 'portico/app';
import { defineOptions, integer } from 'portico/config';
const options = defineOptions({ width: integer({ default: 1, help: 'How wide.' }) });
export const app = appFactory('shelf', options, () => (_req, res) => res.end());
`;
  const refused = cli(folder(t, ini('[elsewhere]\nx = 1\n'), { 'x.js': own }));
  assert.equal(refused.status, 78, refused.stderr);
  assert.match(refused.stderr, /^portico\.ini:9:1: error: \[elsewhere\] unknown section/m);
  assert.match(refused.stderr, /^portico\.ini:5:10: error: .*in use/m);
  assert.doesNotMatch(refused.stderr, /\[shelf\]|Starting/);
  // The section of the app is known: the start fails only because of the address.
  const right = cli(folder(t, ini(''), { 'x.js': own }));
  assert.equal(right.status, 1, right.stderr);
  assert.match(right.stderr, /in use/);
});

test('LC-1305 CF-34 check names an API without a port, and where to write it', (t) => {
  const checked = (section: string): string =>
    cli(folder(t, `[DEFAULT]\nenabled_apis = hello\n${section}`), 'check').stdout;
  const warning = /warning: \[api:hello\] port: hello has no port.*\n {2}write port = <number> in \[api:hello\]/;
  assert.match(checked(''), warning);
  assert.match(checked('[api:hello]\nport =\n'), new RegExp(`^portico\\.ini:4:7: ${warning.source}`, 'm'));
  for (const given of ['port = 0', 'port = 8774', 'listen = 127.0.0.1:8774', 'listen = unix:x', 'listen_port = 0']) {
    assert.doesNotMatch(checked(`[api:hello]\n${given}\n`), /has no port/);
  }
});

test('LC-1011 RL-92 certificates are refused with the place of their option, or with none', (t) => {
  const files = '[DEFAULT]\nenabled_apis = hello\nenabled_ssl_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n';
  for (const each of checkedBoth(folder(t, `${files}ssl_cert_file = nope.pem\nssl_key_file = nope.key\n`))) {
    assert.equal(each.status, 78);
    assert.match(
      each.stdout + each.stderr,
      /^portico\.ini:7:17: error: \[api:hello\] ssl_cert_file: Unable to find cert_file : .*nope\.pem/m,
    );
  }
  const shared = folder(t, `${files}[ssl]\ncert_file = x.js\nkey_file = x.js\n`);
  const checked = cli(shared, 'check');
  assert.match(
    checked.stdout,
    /^portico\.ini:8:13: error: \[ssl\] cert_file: cert_file contains no certificate: .*x\.js/m,
  );
  const variable = command(['check'], { cwd: shared, env: { PORTICO_WSGI__KEEP_ALIVE: 'perhaps' } });
  assert.match(variable.stdout, /^env PORTICO_WSGI__KEEP_ALIVE: error: \[wsgi\] keep_alive: should be a boolean/m);
  const json = command(['check', '--json'], { cwd: shared, env: { PORTICO_WSGI__KEEP_ALIVE: 'x' } });
  const [first] = (JSON.parse(json.stdout) as Record<string, unknown>[]).filter(
    ({ option }) => option === 'keep_alive',
  );
  assert.deepEqual([first?.file, first?.line, first?.column], ['env PORTICO_WSGI__KEEP_ALIVE', null, null]);
});

test('OP-3 a refused value hides neither others of its section, nor unknown names, nor errors in routes', (t) => {
  const ini = '[DEFAULT]\nenabled_apis = hello, other\n[api:hello]\nport = 99999\nworkers = 0\nlisten_backlog = 0\n';
  const cwd = folder(t, `${ini}[api:other]\nport = 0\nworkers = 0\n[unknown]\na = 1\n`, {
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n[app:other]\npaste.app_factory = ./x.js:other\n',
    'x.js': `import { Router } from 'portico/routing';
export const app = () => new Router().get('/a', { misspelt: [] }, () => 1).build();
export const other = () => new Router().get('/b', () => 1).get('/b', () => 2).build();
`,
  });
  for (const { status, stdout, stderr } of checkedBoth(cwd)) {
    assert.equal(status, 78);
    for (const issue of [
      /\[api:hello\] port: .*; got 99999/,
      /\[api:hello\] workers: a value of 0 is invalid/,
      /\[api:hello\] listen_backlog: .*more than 0/,
      /\[api:other\] workers: a value of 0 is invalid/,
      /portico\.ini:10:1: (?:error|warning): \[unknown\] unknown section/,
      /the route "\/a": a route has no option "misspelt"/,
      /the route \/b can never match/,
    ])
      assert.match(stdout + stderr, issue);
  }
});

test('OP-19 a database in memory is refused for two workers by check as by a start, and one worker may have it', (t) => {
  // In a process: the child of `check` builds as a worker would.
  const run = (workers: number, ...words: string[]): Outcome => {
    const ini = `[api:hello]\nport = 0\nworkers = ${workers}\n[pets]\nconnection = sqlite://:memory:\n`;
    const cwd = folder(t, ini, {
      'x.js': `import { sharedDatabase, sqliteConnection } from 'portico/app';
import { defineOptions } from 'portico/config';
const options = defineOptions('pets', { connection: sqliteConnection({ default: 'sqlite:///pets.db' }) });
const petsOf = sharedDatabase({ group: 'pets', options, open: () => ({ close() {} }) });
export const app = (_globalConf, _localConf, ctx) => (petsOf(ctx), (_req, res) => res.end());
`,
    });
    return node(cwd, [join(root, 'lib', 'cli', 'main.js'), ...words]);
  };
  for (const { status, stdout, stderr } of [run(2), run(2, 'check')]) {
    assert.equal(status, 78, stdout + stderr);
    assert.match(stdout + stderr, /portico\.ini:5:14: error: \[pets\] connection: .*only with a single process/);
  }
  assert.equal(run(1, 'check').status, 0);
});

for (const option of ['enabled_apis', 'enabled_ssl_apis', 'enabled_services']) {
  test(`OP-3 a name that ${option} has twice hides no other error`, (t) => {
    const apis = '[api:hello]\nport = many\n[api:other]\nport = 0\nworkers = x\n';
    const [sections, ...issues] =
      option === 'enabled_services'
        ? ['[service:hello]\nmanager = ./x.js:app\nworkers = y\n', /\[service:hello\] workers: .*; got y/]
        : [apis, /\[api:hello\] port: .*; got many/, /\[api:other\] workers: .*; got x/, /"\.\/y\.js"/];
    const cwd = folder(t, `[DEFAULT]\n${option} = hello, other, hello\n${sections}`, {
      'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n[app:other]\npaste.app_factory = ./y.js:app\n',
    });
    for (const { status, stdout, stderr } of checkedBoth(cwd)) {
      assert.equal(status, 78);
      const said = stdout + stderr;
      for (const issue of [new RegExp(`${option}: should not contain an item twice`), ...issues])
        assert.match(said, issue);
      assert.equal(said.match(/item twice/g)?.length, 1, said);
    }
  });
}

test('OP-3 routes of APIs of which enabled_apis names one twice are refused', (t) => {
  const cwd = folder(t, '[DEFAULT]\nenabled_apis = hello, hello\n[api:hello]\nport = 0\n');
  const { status, stderr } = cli(cwd, 'routes');
  assert.equal(status, 78);
  assert.match(stderr, /enabled_apis: should not contain an item twice/);
});

test('OP-3 a factory that throws is a failed start, with the place of the throw', (t) => {
  const cwd = folder(t, '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n', {
    'x.js': 'export const app = () => {\n  throw new Error("no database");\n};\n',
  });
  const { status, stderr } = cli(cwd);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /failed: no database/);
  assert.ok(stderr.includes(`thrown at ${join(cwd, 'x.js')}:2:9`), stderr);
  assert.doesNotMatch(stderr, /Error: no database\n {4}at /);
  const traced = cli(cwd, '--trace-errors');
  assert.equal(traced.status, 1);
  assert.match(traced.stderr, /Error: no database\n {4}at .*x\.js:2:9/);
});

test('OP-3 a start tells the failing factories of all APIs, each once, as check does', (t) => {
  const ini =
    '[DEFAULT]\nenabled_apis = hello, other, good\n[api:hello]\nport = 0\n[api:other]\nport = 0\nworkers = 2\n';
  const cwd = folder(t, `${ini}[api:good]\nport = 0\n`, {
    'x.js': `const fails = (what) => () => {
  throw new Error('no ' + what);
};
export const hello = fails('database');
export const other = fails('queue');
export const good = () => (_req, res) => res.end();
`,
    'api-paste.ini': ['hello', 'other', 'good']
      .map((name) => `[app:${name}]\npaste.app_factory = ./x.js:${name}\n`)
      .join(''),
  });
  const told = (text: string): string[] =>
    [...text.matchAll(/^api-paste\.ini:\d+.*failed: .*$/gm)].map(([line]) => line);
  const { status, stderr } = cli(cwd);
  assert.equal(status, 1, stderr);
  assert.equal(told(stderr).length, 2, stderr);
  assert.deepEqual(told(stderr), told(cli(cwd, 'check').stdout));
});

test('OP-3 a factory that fails for errors in routes leads to the pages of those', (t) => {
  const router =
    "new Router().redirect('/a', '/b', { _redirectCode: 999 }).get('/c', { misspelt: [] }, () => 1).build()";
  const cwd = folder(t, '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n', {
    'x.js': `import { Router } from 'portico/routing';\nexport const app = () => ${router};\n`,
  });
  const said = (text: string): string[] => [...text.matchAll(/errors\.md#(\w+)/g)].map(([, code]) => code!);
  const pages = ['portico_route_redirect', 'portico_route_option', 'portico_paste_factory_failed'];
  for (const { stdout, stderr } of checkedBoth(cwd)) assert.deepEqual(said(stdout + stderr), pages);
  assert.deepEqual(said(cli(cwd, 'check', '--json').stdout), pages.slice(0, 1));
});

test('OP-19 --trace-errors adds the stack of an error', (t) => {
  const ini = '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = many\n';
  const traced = cli(folder(t, ini), '--trace-errors');
  assert.equal(traced.status, 78);
  assert.match(traced.stderr, /^portico\.ini:5:11: error: .*[\s\S]*\n\s+at .*:\d+:\d+/m);
});

test('PD-164 CF-49 a factory that gives something else, or refuses the configuration, is status 78', (t) => {
  const ini = '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n';
  const given = checkedBoth(folder(t, ini, { 'x.js': 'export const app = () => 5;\n' }));
  const refusing = `import { Config } from 'portico';
export const app = () => Config.fromText('[DEFAULT]\\nlog_level = loud\\nnot a line').validate();\n`;
  for (const { status } of [...given, ...checkedBoth(folder(t, ini, { 'x.js': refusing }))]) assert.equal(status, 78);
});

test('OP-3 CF-71 wrong command lines are status 2', (t) => {
  const cwd = folder(t, '[DEFAULT]\nenabled_apis = hello\n');
  for (const names of ['', ',,']) {
    const { status, stderr } = cli(cwd, '--enabled-apis', names);
    assert.equal(status, 2);
    assert.match(stderr, /--enabled-apis is empty/);
  }
  const help = cli(cwd, 'help', 'chekc');
  assert.equal(help.status, 2);
  assert.match(help.stderr, /there is no command "chekc". Did you mean "check"\?/);
  assert.equal(cli(cwd, 'wait-ready', 'abc').status, 2);
  assert.match(cli(cwd, 'check', '--config-file', 'nofile.ini').stdout, /nofile\.ini .*: it does not exist \(ENOENT\)/);
});

test("OP-3 a program of one's own explains a refusal and ends with its status", (t) => {
  const cwd = folder(t, '[api:hello]\nport = many\n', {
    'main.js': `import { Config, runMain, WSGIService } from 'portico';
await runMain(async () => {
  new WSGIService('hello', await Config.load());
  return 0;
});
`,
    'fails.js': `import { runMain } from 'portico';\nawait runMain(() => { throw new Error('boom'); });\n`,
    'bare.js': `import { Config, WSGIService } from 'portico';\nnew WSGIService('hello', await Config.load());\n`,
  });
  const { status, stderr } = node(cwd, ['main.js']);
  assert.equal(status, 78);
  assert.equal(
    stderr.replaceAll(root, ''),
    'portico.ini:2:8: error: [api:hello] port: should be an integer; got many\n    port = many\n           ^\n' +
      'Explained in:\n  /docs/reference/errors.md#portico_config_value\n  /docs/reference/options.md#apiname\n',
  );
  const failed = node(cwd, ['fails.js']);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^Error: boom\n/);
  const bare = node(cwd, ['bare.js']);
  assert.match(bare.stderr, /portico\.ini:2:8: error: \[api:hello\] port: should be an integer; got many/);
  assert.doesNotMatch(bare.stderr, /issues:|severity:/);
});

test('OP-3 CF-61 a start says each error once, by place, with what to do', (t) => {
  const serving =
    '[DEFAULT]\nenabled_ssl_apis = hello\n[api:hello]\nworkers = 1\n[ssl]\ncert_file = crt.pem\nkey_file = key.pem\n';
  const duplicate = '[app:hello]\npaste.app_factory = ./x.js:app\n[filter:a]\n[filter:a]\n';
  const cwd = folder(t, `${serving}[wsgi]\nkeep_alive_timeout = soon\nmax_headers = many\n`, {
    'api-paste.ini': duplicate,
    'cert.pem': '',
    'key.pem': '',
  });
  const { status, stderr } = cli(cwd);
  assert.equal(status, 78);
  const places = stderr.split('\n').filter((line) => /^[^{\s]\S+:\d+:\d+:/.test(line));
  assert.deepEqual(
    places.map((line) => line.replace(`${cwd}/`, '').split(' ')[0]),
    [
      'portico.ini:6:13:',
      'portico.ini:7:12:',
      'portico.ini:9:22:',
      'portico.ini:10:15:',
      'api-paste.ini:3:1:',
      'api-paste.ini:4:1:',
    ],
    stderr,
  );
  assert.match(stderr, /^ {4}\[filter:a\]\n {4}\^$/m);
  writeFileSync(join(cwd, 'api-paste.ini'), '[app:hello]\npaste.app_factory = ./x.js:app\n');
  writeFileSync(join(cwd, 'portico.ini'), serving);
  assert.match(
    cli(cwd, 'check').stdout,
    /^portico\.ini:6:13: error: \[ssl\] cert_file: Unable to find cert_file : crt\.pem\n {2}Did you mean "cert\.pem"\? It is not at \/\S+\/crt\.pem: a relative path is looked up beside /m,
  );
});

test('OP-3 lines that cannot be read, and files that are not there, are told with what to write', (t) => {
  const cwd = folder(t, '');
  writeFileSync(
    join(cwd, 'portico.ini'),
    Buffer.from('# caf\xe9\n[api:hello]\n\tworkers = 1\nport 0\n[wsgi\n', 'latin1'),
  );
  const unread = cli(cwd, 'check');
  for (const hint of [
    /:1:6: .*not valid UTF-8.*\n {2}save the file as UTF-8$/m,
    /:3:2: .*unexpected continuation line.*\n {2}a line that begins with white space continues the value above/m,
    /:4:1: .*no ':' or '='.*\n {2}write port = value$/m,
    /:5:5: .*invalid section.*\n {2}write \[wsgi\]$/m,
  ]) {
    assert.match(unread.stdout, hint);
  }
  assert.match(unread.stdout, /:5:5: error: invalid section/);
  writeFileSync(join(cwd, 'portico.ini'), '[DEFAULT]\napi_paste_config = api-past.ini\n[api:hello]\nworkers = zero\n');
  const { stdout, status } = cli(cwd, 'check');
  assert.equal(status, 78);
  assert.match(
    stdout,
    /^portico\.ini:2:20: error: \[DEFAULT\] api_paste_config: Could not find config at api-past\.ini\n {2}Did you mean "api-paste\.ini"\?/m,
  );
  assert.match(stdout, /^portico\.ini:4:11: error: \[api:hello\] workers: should be an integer/m);
});

test('OP-3 PD-152 a section header of a paste file that lost its end is told as such', (t) => {
  const paste = '[app:hello]\npaste.app_factory = ./x.js:app\n[pipeline:one]\npipeline = hello\n[pipeline:two\n';
  const { stdout } = cli(folder(t, '[api:hello]\nworkers = 1\n', { 'api-paste.ini': paste }), 'check');
  assert.match(stdout, /^api-paste\.ini:5:1: warning: .*not a section header\.\n {2}.*Write \[pipeline:two\]\.$/m);
});

test('a module with an error, named at several places, is reported once with the other places in a line each', (t) => {
  const it = folder(
    t,
    `[DEFAULT]\nenabled_apis = one\nfault_style = ./app.mjs:style\n[api:one]\nport = 0\nworkers = 1\n`,
    {
      'api-paste.ini':
        '[pipeline:one]\npipeline = a end\n[filter:a]\npaste.filter_factory = ./app.mjs:a\n[app:end]\npaste.app_factory = ./app.mjs:end\n',
      'app.mjs': 'export const a = () => (app) => app;\nthrow new Error("no database");\n',
    },
  );
  const expected =
    /^portico\.ini:3:15: error: .*no database, at .*app\.mjs:2:7\n.*\n.*\^\n.*\[filter:a\] .*: as above\n.*\[app:end\] .*: as above\n/m;
  for (const { stdout, stderr } of checkedBoth(it)) {
    assert.match(stdout + stderr, expected);
    assert.equal(`${stdout}${stderr}`.match(/no database/g)?.length, 1);
  }
});

test('check: without the paste file a section may be of its code; a misspelt section of an API has no follow-on warnings', (t) => {
  const files = {
    'x.js':
      "export const app = (_global, _local, { config }) => (config.group('hello', {}), (_req, res) => res.end());\n",
  };
  const ini =
    '[DEFAULT]\nenabled_apis = hello\napi_paste_config = api-paste.ini\n[api:hello]\nport = 0\nworkers = 1\n[hello]\nmost = 5\n';
  const lost = cli(folder(t, ini.replace('api-paste', 'api-pste'), files), 'check');
  assert.match(
    lost.stdout,
    /Could not find config at api-pste\.ini[\s\S]*warning: \[hello\] unknown section[\s\S]*1 error, 1 warning\./,
  );
  const misspelt = cli(folder(t, ini.replace('api:hello', 'api:helol').replace('[hello]\nmost = 5\n', '')), 'check');
  assert.match(
    misspelt.stdout,
    /\[api:helol\] no API with this name is enabled, and the paste file has none\n.*\[api:hello\][\s\S]*1 error, 0 warnings\./,
  );
  const other = cli(folder(t, ini.replace('api:hello', 'api:zebra').replace('[hello]\nmost = 5\n', '')), 'check');
  assert.match(other.stdout, /warning: \[api:hello\] port: hello has no port/);
});
