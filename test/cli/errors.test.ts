/** Errors of newcomers, and the messages of `api-cli` about them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Outcome } from '../fixtures/project.js';
import { apiCli, emptyProject, root } from '../fixtures/project.js';
import { makePair } from '../server/certificate-files.js';
import { command, isServing } from './command.js';

function folder(ini: string, more: Readonly<Record<string, string>> = {}): string {
  return emptyProject({
    'x.js': 'export const app = () => (_req, res) => res.end();\n',
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./x.js:app\n',
    'portico.ini': ini,
    ...more,
  }).folder;
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
  isServing(words) ? node(cwd, [apiCli, ...words]) : command(words, { cwd });

/** A configuration, and what is said of it. */
interface Row {
  readonly ini: string;
  /** Files in place of others. */
  readonly files?: Readonly<Record<string, string>>;
  readonly says?: readonly (RegExp | string)[];
  readonly never?: RegExp;
  /** 78 unless it says otherwise. */
  readonly status?: number;
}

const HELLO = '[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n';
const APP = '[app:hello]\npaste.app_factory = ./x.js:app\n';
const TWO = `${APP}[app:other]\npaste.app_factory = ./x.js:app\n`;
const ZEBRA = `${HELLO}[api:zebra]\nport = 2\n[api:other]\n`;
const TLS = HELLO.replace('[api', 'enabled_ssl_apis = hello\n[api');
const OTHER_LOST = { 'api-paste.ini': `${APP}[app:other]\npaste.app_factory = ./y.js:app\n` };

const ROWS: Readonly<Record<string, Row>> = {
  'OP-3 an API that is not there is never suggested for itself, but what would start is': {
    ini: HELLO.replaceAll('hello', 'helo'),
    says: [/no app is called \\?"helo[\s\S]*Did you mean \\?"hello\\?"/],
    never: /Did you mean \\?"helo\\?"/,
  },
  'OP-3 RL-92 a certificate that is missing is told of an API whose paste file is broken': {
    ini: `${TLS}[ssl]\ncert_file = no.pem\nkey_file = no.pem\n`,
    files: { 'api-paste.ini': '[app:hello]\nnothing that can be read\n' },
    says: [/^portico\.ini:8:13: .*Unable to find cert_file : no\.pem/m, /^\S*api-paste\.ini:2:1: /m],
  },
  'OP-3 an API without a name is an error': {
    ini: `${HELLO}[api:]\nport = 1\n`,
    says: [/^portico\.ini:6:1: error: \[api:\] unknown section\n {2}did you mean \[api:<name>\] or 'api'\?/m],
  },
  'OP-3 a section of an API that neither enabled_apis nor the paste file has is an error': {
    ini: ZEBRA,
    files: { 'api-paste.ini': TWO },
    says: [/^portico\.ini:6:1: error: \[api:zebra\] no API with this name is enabled, and the paste file has none/m],
    never: /api:other/,
  },
  'OP-3 other_names knows such a section': {
    ini: ZEBRA.replace('\n', '\nother_names = api:z*\n'),
    files: { 'api-paste.ini': TWO },
    status: 0,
    never: /zebra/,
  },
  'CF-49 CF-51 a name in enabled_ssl_apis that nothing knows is refused at its place, one that is known a warning': {
    ini: HELLO.replace('[api', 'enabled_ssl_apis = other,\n  helol\n[api'),
    files: { 'api-paste.ini': TWO },
    says: [
      /^portico\.ini:4:3: error: \[DEFAULT\] enabled_ssl_apis: .*: helol\n {2}did you mean hello\?/m,
      /^portico\.ini:3:20: warning: \[DEFAULT\] enabled_ssl_apis: .* not enabled: other$/m,
    ],
  },
  'PY-3 what a configuration of OpenStack has beside its own is a warning that says what to write': {
    ini: `[DEFAULT]\nrpc_ping_enabled = true\nexecutor_thread_pool_size = 64\nrpc_conn_pool_size = 30\n${HELLO.replace('[DEFAULT]\n', '')}[oslo_middleware]\n[paste_deploy]\n`,
    status: 0,
    says: [
      'warning: [DEFAULT] rpc_ping_enabled: has no effect here\n  Remove the line: each service responds',
      'warning: [DEFAULT] executor_thread_pool_size: has no effect here\n  Write executor_pool_size in [rpc]',
      'warning: [DEFAULT] rpc_conn_pool_size: has no effect here\n  Remove the line',
      'warning: [oslo_middleware] unknown section\n  write its options in the sections of the filters',
      'warning: [paste_deploy] unknown section\n  write config_file as [DEFAULT] api_paste_config',
    ],
  },
  'LC-1011 RL-92 certificates are refused with the place of their option': {
    ini: `${TLS}ssl_cert_file = nope.pem\nssl_key_file = nope.key\n`,
    says: [/^portico\.ini:7:17: error: \[api:hello\] ssl_cert_file: Unable to find cert_file : .*nope\.pem/m],
  },
  'OP-3 a certificate that is not there is looked up beside the file, and the nearest name is told': {
    ini: `${TLS}[ssl]\ncert_file = crt.pem\nkey_file = key.pem\n`,
    files: { 'cert.pem': '', 'key.pem': '' },
    says: [
      /^portico\.ini:8:13: error: \[ssl\] cert_file: Unable to find cert_file : crt\.pem\n {2}Did you mean "cert\.pem"\? It is not at \/\S+\/crt\.pem: a relative path is looked up beside /m,
    ],
  },
  'PL-10 a pipeline that no API uses is not blamed on enabled_apis': {
    ini: `${HELLO}prot = 1\n`,
    files: { 'api-paste.ini': `${APP}[pipeline:other]\npipeline = helo\n` },
    says: ['4:12: warning: [pipeline:other] pipeline: no app is called "helo" (no enabled API uses it).\n'],
  },
  'OP-3 a refused value hides neither others of its section, nor unknown names, nor errors in routes': {
    ini: '[DEFAULT]\nenabled_apis = hello, other\n[api:hello]\nport = 99999\nworkers = 0\n[api:other]\nport = 0\nworkers = 0\n[unknown]\na = 1\n',
    files: {
      'api-paste.ini': TWO.replace(/app\n$/, 'other\n'),
      'x.js': `import { Router } from 'portico/routing';
export const app = () => new Router().get('/a', { misspelt: [] }, () => 1).build();
export const other = () => new Router().get('/b', () => 1).get('/b', () => 2).build();
`,
    },
    says: [
      /\[api:hello\] port: .*; got 99999/,
      /\[api:hello\] workers: a value of 0 is invalid/,
      /\[api:other\] workers: a value of 0 is invalid/,
      /portico\.ini:9:1: (?:error|warning): \[unknown\] unknown section/,
      /the route "\/a": a route has no option "misspelt"/,
      /the route GET \/b can never match/,
    ],
  },
  'OP-3 LC-1406 a name that enabled_apis has twice is refused, and hides no other error': {
    ini: '[DEFAULT]\nenabled_apis = hello, other, hello\n[api:hello]\nport = many\n[api:other]\nport = 0\nworkers = x\n[service:hello]\nmanager = ./x.js:app\nworkers = y\n',
    files: OTHER_LOST,
    says: [
      /enabled_apis: should not contain an item twice/,
      /\[api:hello\] port: .*; got many/,
      /\[api:other\] workers: .*; got x/,
      /"\.\/y\.js"/,
    ],
    never: /item twice[\s\S]*item twice/,
  },
  'PD-164 a factory that gives no app is refused': { ini: HELLO, files: { 'x.js': 'export const app = () => 5;\n' } },
  'CF-49 a factory that refuses the configuration is refused': {
    ini: HELLO,
    files: {
      'x.js': `import { Config } from 'portico';
export const app = () => Config.fromText('[DEFAULT]\\nlog_level = loud\\nnot a line').validate();\n`,
    },
  },
  'OP-3 PD-152 a section header of a paste file that lost its end is told as such': {
    ini: HELLO,
    files: { 'api-paste.ini': `${APP}[pipeline:one]\npipeline = hello\n[pipeline:two\n` },
    status: 0,
    says: [/^api-paste\.ini:5:1: warning: .*not a section header\.\n {2}.*Write \[pipeline:two\]\.$/m],
  },
  'a module with an error, named at several places, is reported once with the other places in a line each': {
    ini: `${HELLO.replace('[api', 'fault_style = ./app.mjs:style\n[api')}`,
    files: {
      'api-paste.ini':
        '[pipeline:hello]\npipeline = a end\n[filter:a]\npaste.filter_factory = ./app.mjs:a\n[app:end]\npaste.app_factory = ./app.mjs:end\n',
      'app.mjs': 'export const a = () => (app) => app;\nthrow new Error("no database");\n',
    },
    says: [
      /^portico\.ini:3:15: error: .*no database, at .*app\.mjs:2:7\n.*\n.*\^\n.*\[filter:a\] .*: as above\n.*\[app:end\] .*: as above\n/m,
    ],
    never: /no database[\s\S]*no database/,
  },
  'without the paste file a section may be of its code': {
    ini: `${HELLO.replace('[api', 'api_paste_config = api-pste.ini\n[api')}[hello]\nmost = 5\n`,
    says: [/Could not find config at api-pste\.ini[\s\S]*further errors may follow[\s\S]*1 error, 0 warnings\./],
    never: /\[hello\]/,
  },
  'a section with the name of no API does not stand for one': {
    ini: HELLO.replace('api:hello', 'api:zebra'),
    says: [/warning: \[api:hello\] port: hello has no port/],
  },
};

for (const [name, { ini, files = {}, says = [], never, status = 78 }] of Object.entries(ROWS)) {
  test(name, () => {
    const cwd = folder(ini, files);
    // `validate/plan.test.ts` shows that a start agrees.
    const checked = cli(cwd, 'check');
    const said = checked.stdout + checked.stderr;
    assert.equal(checked.status, status, said);
    for (const text of says) {
      if (typeof text === 'string') assert.ok(said.includes(text), `${text}: ${said}`);
      else assert.match(said, text);
    }
    if (never !== undefined) assert.doesNotMatch(said, never);
  });
}

/** Drivers of an application, which record their construction. */
const OWN_DRIVERS = `import { writeFileSync } from 'node:fs';
export class Own {
  constructor() { writeFileSync(new URL('./made', import.meta.url), ''); }
  validate() { return null; }
  check() { return { available: true, reason: 'OK' }; }
}
`;

/** An API with one filter of Portico in its pipeline, or with one app of Portico. */
function api(name: string, factory: string, options: string): { readonly ini: string; readonly paste: string } {
  const ini = `[api:${name}]\nport = 0\nworkers = 1\n`;
  const isApp = factory === 'healthcheck' || factory === 'staticFiles';
  if (isApp) return { ini, paste: `[app:${name}]\npaste.app_factory = portico/middleware:${factory}\n${options}\n` };
  const filter = `[filter:f${name}]\npaste.filter_factory = portico/middleware:${factory}\n${options}\n`;
  return { ini, paste: `${filter}[pipeline:${name}]\npipeline = f${name} hello\n` };
}

test('OP-3 check finds what auth_token, healthcheck and static_files refuse beyond their options', () => {
  const cases: readonly [wrong: RegExp, factory: string, options: string][] = [
    [/the validator keystone needs auth_url, username, password/, 'authToken', ''],
    [/validator: .*keystoen/, 'authToken', 'validator = keystoen'],
    [/no file .*nowhere\.js/, 'authToken', 'validator = ./nowhere.js:Own'],
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
  const checked = cli(folder('', files(apis)), 'check');
  assert.equal(checked.status, 78);
  for (const [wrong] of cases) {
    const line = checked.stdout.split('\n').find((each) => wrong.test(each));
    assert.match(line ?? `none in ${checked.stdout}`, /^\S*api-paste\.ini:\d+:\d+: error: /, String(wrong));
  }
  // An application's validators and backends are constructed, as in a worker.
  const own = [
    api('b0', 'authToken', 'validator = ./own.js:Own'),
    api('b1', 'healthcheck', 'backends = ./own.js:Own, event_loop, http\nurl = http://127.0.0.1:1/'),
  ];
  const cwd = folder('', files(own));
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 0, stdout);
  assert.equal(existsSync(join(cwd, 'made')), true);
});

test('OP-3 MW-43 all plugins that a health check cannot have are named', () => {
  const { ini, paste } = api('health', 'healthcheck', 'backends = nope, event_loop, disable_by_fil, ./none.js:Own');
  const cwd = folder(ini, { 'api-paste.ini': paste });
  const { status, stdout } = cli(cwd, 'check');
  assert.equal(status, 78);
  for (const wrong of ['"nope"', '"disable_by_fil"', 'none\\.js']) {
    assert.match(stdout, new RegExp(`^\\S*api-paste\\.ini:3:\\d+: .*backends: .*${wrong}`, 'm'));
  }
});

const ACCOUNT =
  'auth_url = http://127.0.0.1:1\nwww_authenticate_uri = http://127.0.0.1:1\nusername = a\npassword = b\nproject_name = c\n';

test('OP-3 MW-31 a cafile that holds no certificate is refused at its location', async () => {
  const { cert, key } = await makePair();
  const { ini, paste } = api('api', 'authToken', '');
  const inGroup = (group: string): string => `${ini}[${group}]\n${ACCOUNT}cafile = ca.pem\n`;
  const inSection = api('api', 'authToken', `${ACCOUNT}cafile = ca.pem`).paste;
  const broken = `${cert}\n-----BEGIN CERTIFICATE-----\nbm90\n-----END CERTIFICATE-----\n`;
  const cases: readonly [place: RegExp, ini: string, paste: string, pem: string][] = [
    [/portico\.ini:10:\d+: .*\[auth_token\] cafile: /, inGroup('auth_token'), paste, 'no certificate\n'],
    [/portico\.ini:10:\d+: .*\[keystone_authtoken\] cafile: /, inGroup('keystone_authtoken'), paste, key],
    [/api-paste\.ini:10:\d+: .*\[filter:fapi\] cafile: /, ini, inSection, broken],
    [/portico\.ini:10:\d+: .*\[auth_token\] cafile: /, inGroup('auth_token'), paste, ''],
  ];
  for (const [place, service, pipeline, pem] of cases) {
    const cwd = folder(service, { 'api-paste.ini': APP + pipeline, 'ca.pem': pem });
    const { status, stdout } = cli(cwd, 'check');
    assert.match(stdout, new RegExp(`^\\S*${place.source}.*cafile .*ca\\.pem`, 'm'));
    assert.equal(status, 78);
  }
  // A bundle with text around its certificates.
  const bundle = `# first\n${cert}\n# second\n${(await makePair()).cert}\n`;
  const fine = cli(folder(inGroup('auth_token'), { 'api-paste.ini': APP + paste, 'ca.pem': bundle }), 'check');
  assert.equal(fine.status, 0, fine.stdout);
});

test('LC-1402 LC-1403 CF-48 a name in enabled_apis without an app is an error of check and a warning of a start, in one wording, at its own place; where none is left each name is an error of the start', () => {
  const ini = '[DEFAULT]\nenabled_apis = hello,\n  helol\n[api:hello]\nport = 0\nworkers = 1\n';
  const said = (severity: string): string =>
    `portico.ini:3:3: ${severity}: [DEFAULT] enabled_apis: no app is called "helol" in api-paste.ini, so this API does not start`;
  const { status, stdout } = cli(folder(ini), 'check');
  assert.equal(status, 78);
  assert.ok(stdout.includes(`${said('error')}\n  Did you mean "hello"?`), stdout);
  const none = cli(folder('[DEFAULT]\nenabled_apis = hello other,\n  helol\n', { 'api-paste.ini': TWO }));
  assert.equal(none.status, 1);
  const NOTHING = 'No APIs were started. Check the enabled_apis config option.';
  assert.ok(
    none.stderr.includes(`${said('error')}\n  Did you mean "hello"? Apps in this file: hello, other. ${NOTHING}\n`),
    none.stderr,
  );
  assert.match(
    none.stderr,
    /^portico\.ini:2:16: error: .*"hello other" .*so this API does not start\n {2}A comma is missing: write hello, other\.\n/m,
  );
  assert.doesNotMatch(none.stderr, /warning/);
  assert.equal(none.stderr.split(NOTHING).length, 2, none.stderr);
  assert.doesNotMatch(none.stderr, /\n\s+at /);
});

test('LC-1403 a start whose only API has a spoilt header says so at the name, as check does; a missing paste file comes first', () => {
  const paste = '[pipelin:books]\npipeline = hello\n[app:hello]\npaste.app_factory = ./x.js:app\n';
  const cwd = folder('[DEFAULT]\nenabled_apis = books\n', { 'api-paste.ini': paste });
  const said =
    /^portico\.ini:2:16: error: \[DEFAULT\] enabled_apis: no app is called "books" in api-paste\.ini, so this API does not start\n {2}The header \[pipelin:books\] in line 1 is never found: write \[pipeline:books\]\. No APIs were started\. Check the enabled_apis config option\.$/m;
  const started = cli(cwd);
  assert.equal(started.status, 1);
  assert.match(started.stderr, said);
  assert.match(cli(cwd, 'check').stdout, said);
  const named = cli(cwd, '--enabled-apis', 'helo');
  assert.match(named.stderr, /error: \[DEFAULT\] enabled_apis: no app is called "helo".*\n {2}Did you mean "hello"\?/);

  const empty = emptyProject({}).folder;
  for (const text of [cli(empty).stderr, cli(empty, 'check').stdout])
    assert.match(text, /error: .*Could not find config at api-paste\.ini[\s\S]*error: .*No APIs were started/);
  const gone = folder('[DEFAULT]\napi_paste_config = gone.ini\n');
  for (const text of [cli(gone).stderr, cli(gone, 'check').stdout])
    assert.match(
      text,
      /^portico\.ini:2:20: error: .*Could not find config at gone\.ini[\s\S]*error: No APIs were started/,
    );
});

test('LC-1305 CF-34 check names an API without a port, and where to write it', () => {
  const checked = (section: string): string =>
    cli(folder(`[DEFAULT]\nenabled_apis = hello\n${section}`), 'check').stdout;
  const warning = /warning: \[api:hello\] port: hello has no port.*\n {2}write port = <number> in \[api:hello\]/;
  assert.match(checked(''), warning);
  assert.match(checked('[api:hello]\nport =\n'), new RegExp(`^portico\\.ini:4:7: ${warning.source}`, 'm'));
  for (const given of ['port = 0', 'port = 8774', 'listen = 127.0.0.1:8774', 'listen = unix:x', 'listen_port = 0']) {
    assert.doesNotMatch(checked(`[api:hello]\n${given}\n`), /has no port/);
  }
});

test('a wrong variable has its name as its location, and no line', () => {
  const env = { PORTICO_WSGI__KEEP_ALIVE: 'x' };
  const { stdout } = command(['check', '--json'], { cwd: folder(HELLO), env });
  const [first] = JSON.parse(stdout) as Record<string, unknown>[];
  assert.deepEqual(
    [first?.option, first?.file, first?.line, first?.column],
    ['keep_alive', 'env PORTICO_WSGI__KEEP_ALIVE', null, null],
  );
});

test('OP-19 a database in memory is refused for two workers', () => {
  const cwd = folder('[api:hello]\nport = 0\nworkers = 2\n[pets]\nconnection = sqlite://:memory:\n', {
    'x.js': `import { sharedDatabase, sqliteConnection } from 'portico/app';
import { defineOptions } from 'portico/config';
const options = defineOptions('pets', { connection: sqliteConnection({ default: 'sqlite:///pets.db' }) });
const petsOf = sharedDatabase({ group: 'pets', options, open: () => ({ close() {} }) });
export const app = (_globalConf, _localConf, ctx) => (petsOf(ctx), (_req, res) => res.end());
`,
  });
  // In a process: the child of `check` builds as a worker would.
  const { status, stdout, stderr } = node(cwd, [apiCli, 'check']);
  assert.equal(status, 78, stdout + stderr);
  assert.match(stdout, /portico\.ini:5:14: error: \[pets\] connection: .*only with a single process/);
});

test('OP-3 OP-19 a start tells the failing factories of all APIs, each once and with the location of the throw, as check does', () => {
  const apis = ['hello', 'other', 'good'];
  const ini = apis.map((name) => `[api:${name}]\nport = 0\nworkers = 1\n`).join('');
  const cwd = folder(`[DEFAULT]\nenabled_apis = ${apis.join()}\n${ini}`, {
    'x.js': `const fails = (what) => () => {
  throw new Error('no ' + what);
};
export const hello = fails('database');
export const other = fails('queue');
export const good = () => (_req, res) => res.end();
`,
    'api-paste.ini': apis.map((name) => `[app:${name}]\npaste.app_factory = ./x.js:${name}\n`).join(''),
  });
  const told = (text: string): string[] =>
    [...text.matchAll(/^api-paste\.ini:\d+.*failed: .*$/gm)].map(([line]) => line);
  const { status, stderr } = cli(cwd);
  assert.equal(status, 1, stderr);
  assert.equal(told(stderr).length, 2, stderr);
  assert.deepEqual(told(stderr), told(cli(cwd, 'check').stdout));
  assert.ok(stderr.includes(`thrown at ${join(cwd, 'x.js')}:2:9`), stderr);
  assert.doesNotMatch(stderr, /Error: no database\n {4}at /);
});

test('OP-3 a factory that fails for errors in routes leads to the pages of those', () => {
  const router =
    "new Router().redirect('/a', '/b', { _redirectCode: 999 }).get('/c', { misspelt: [] }, () => 1).build()";
  const cwd = folder('[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n', {
    'x.js': `import { Router } from 'portico/routing';\nexport const app = () => ${router};\n`,
  });
  const said = (text: string): string[] => [...text.matchAll(/errors\.md#(\w+)/g)].map(([, code]) => code!);
  const pages = ['portico_route_redirect', 'portico_route_option'];
  assert.deepEqual(said(cli(cwd, 'check').stdout), pages);
  assert.deepEqual(said(cli(cwd, 'check', '--json').stdout), pages);
});

test('OP-3 an application with its own main module explains a refusal and ends with its status', () => {
  const cwd = folder('[api:hello]\nport = many\n', {
    'main.js': `import { Config, runMain, WSGIService } from 'portico';
await runMain(async () => {
  new WSGIService('hello', await Config.load());
  return 0;
});
`,
    'bare.js': `import { Config, WSGIService } from 'portico';\nnew WSGIService('hello', await Config.load());\n`,
  });
  const { status, stderr } = node(cwd, ['main.js']);
  assert.equal(status, 78);
  assert.equal(
    stderr.replaceAll(root, ''),
    'portico.ini:2:8: error: [api:hello] port: should be an integer; got many\n    port = many\n           ^\n' +
      'Explained in:\n  /docs/reference/errors.md#portico_config_value\n  /docs/reference/options.md#apiname\n',
  );
  const bare = node(cwd, ['bare.js']);
  assert.match(bare.stderr, /portico\.ini:2:8: error: \[api:hello\] port: should be an integer; got many/);
  assert.doesNotMatch(bare.stderr, /issues:|severity:/);
});

test('OP-3 CF-61 OP-19 a start says each error once, by place, with what to do; --trace-errors adds the stack', () => {
  const serving =
    '[DEFAULT]\nenabled_ssl_apis = hello\n[api:hello]\nworkers = 1\n[ssl]\ncert_file = crt.pem\nkey_file = key.pem\n';
  const duplicate = '[app:hello]\npaste.app_factory = ./x.js:app\n[filter:a]\n[filter:a]\n';
  const cwd = folder(`${serving}[wsgi]\nkeep_alive_timeout = soon\nmax_headers = many\n`, {
    'api-paste.ini': duplicate,
    'cert.pem': '',
    'key.pem': '',
  });
  const traced = cli(cwd, '--trace-errors');
  assert.equal(traced.status, 78);
  const [stderr = '', stack] = traced.stderr.split(/^ConfigurationRefused: /m);
  assert.match(stack ?? '', /\n\s+at .*:\d+:\d+/);
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
  assert.doesNotMatch(stderr, /bound to|\n\s+at /);
  assert.match(stderr, /^ {4}\[filter:a\]\n {4}\^$/m);
});

test('AU-6 no command prints a secret on a line without its name', () => {
  const cwd = folder(`${HELLO}[jwt]\nhunter2word\n`, { 'api-paste.ini': `${APP}[filter:jwt]\nhunter2word\n` });
  for (const line of [
    'check',
    'check --format json',
    'check api-paste.ini',
    'config show',
    'pipeline',
    'explain GET /',
    '',
  ]) {
    const { stdout, stderr, status } = cli(cwd, ...line.split(' ').filter((word) => word !== ''));
    assert.doesNotMatch(stdout + stderr, /hunter2/, line);
    if (line !== 'config show') assert.notEqual(status, 0, line);
  }
  const { stdout } = cli(cwd, 'check');
  assert.match(
    stdout,
    /portico\.ini:7:1: error: \[jwt\] no ':' or '=' found in assignment; got \*{4}\n {2}write name = value/,
  );
  assert.match(
    stdout,
    /api-paste\.ini:4:1: error: \[filter:jwt\] this line is neither an option nor a section header\./,
  );
});

test('OP-3 lines that cannot be read are reported with what to write', () => {
  const cwd = folder('');
  writeFileSync(
    join(cwd, 'portico.ini'),
    Buffer.from('# caf\xe9\n[api:hello]\n\tworkers = 1\nport 0\n[wsgi\n', 'latin1'),
  );
  const unread = cli(cwd, 'check');
  for (const hint of [
    /:1:6: .*not valid UTF-8.*\n {2}save the file as UTF-8$/m,
    /:3:2: .*unexpected continuation line.*\n {2}a line that begins with white space continues the value above/m,
    /:4:1: .*no ':' or '='.*\n {2}write name = value; the line is not shown/m,
    /:5:5: .*invalid section.*\n {2}write \[wsgi\]$/m,
  ]) {
    assert.match(unread.stdout, hint);
  }
  assert.match(unread.stdout, /:5:5: error: invalid section/);
});
