/** Names that an operator mistyped, and names of other applications: what `check` says to write instead. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, runApiCli } from '../e2e/program.js';
import { type Broken, filesOf } from './broken-configurations.js';
import { command } from './command.js';

interface Case {
  readonly it: Broken;
  /** Parts of the output of `check`. */
  readonly says: readonly string[];
  /** Text that it does not have. */
  readonly never?: RegExp;
}

const paste = (text: string): Broken => ({ files: { 'api-paste.ini': text } });
const END = '[app:end]\npaste.app_factory = ./app.js:app\n';
const METADATA = `[app:shop]\npaste.app_factory = ./app.js:app\n[composite:metadata]\nuse = egg:Paste#urlmap\n/: shop\n`;
const NONE = 'no API with this name is enabled, and the paste file has none\n  did you mean [api:metadata]?';
const shop = (more: string, enabled = 'enabled_apis = shop\n'): Broken => ({
  files: {
    'portico.ini': `[DEFAULT]\n${enabled}[api:shop]\nport = 0\nworkers = 1\n${more}`,
    'api-paste.ini': METADATA,
  },
});

const CASES: Readonly<Record<string, Case>> = {
  'a name of nova for an option of a filter': {
    it: { more: '[sizelimit]\nmax_body_size = 5' },
    says: ["[sizelimit] max_body_size: unknown option\n  did you mean 'max_request_body_size'?"],
    never: /other programs/,
  },
  'the same in a paste file': {
    it: {
      filters: 'f',
      sections: '[filter:f]\npaste.filter_factory = portico/middleware:sizelimit\nmax_body_size = 5',
    },
    says: ["[filter:f] max_body_size: unknown option\n  did you mean 'max_request_body_size'?"],
  },
  'an option of keystonemiddleware that has no effect': {
    it: {
      filters: 'f',
      sections: '[filter:f]\npaste.filter_factory = portico/middleware:authToken\ntrust_id = 7',
    },
    says: [
      '[filter:f] trust_id: has no effect any more\n  Remove it: log in to the project by project_name, or with an application credential.',
    ],
  },
  'an option of oslo that has no effect beside a name of another application': {
    it: { defaults: 'lock_path = /run/shop\nmy_ip = ::1' },
    says: [
      '[DEFAULT] lock_path: has no effect any more\n  Remove it: there are no lock files.',
      '  other_names = DEFAULT.my_ip\n',
    ],
  },
  'a section of the paste file': {
    it: { more: '[filter:sizelimit]\npaste.filter_factory = portico/middleware:sizelimit\n[pipeline:shop]' },
    says: ['filter:sizelimit', 'pipeline:shop'].map(
      (name) =>
        `[${name}] unknown section\n  a section of a paste file: move it to the file that [DEFAULT] api_paste_config names, by default api-paste.ini`,
    ),
    never: /other programs/,
  },
  'a misspelt section of the paste file': {
    it: { more: '[filtr:x]\na = 1\n[pipelne:shop]\n[composit:a]\n[apii:shop]\n[vendor:x]' },
    says: [
      '[filtr:x] unknown section\n  a section of a paste file: move it to the file that [DEFAULT] api_paste_config names, by default api-paste.ini',
      '[pipelne:shop] unknown section\n  a section of a paste file: move it to the file',
      '[composit:a] unknown section\n  a section of a paste file: move it to the file',
      "[apii:shop] unknown section\n  did you mean 'api:shop'?",
      '  other_names = vendor:x\n',
    ],
  },
  'a flat name of an API that is not there': {
    it: { defaults: 'osapi_compute_listen = 0.0.0.0\nosapi_compute_listen_port = 8774\nmetrics_listen = 0.0.0.0:9' },
    says: [
      '[DEFAULT] osapi_compute_listen: unknown option\n  if it belongs to another application, add DEFAULT.osapi_compute_listen to [DEFAULT] other_names',
      '[DEFAULT] osapi_compute_listen_port: unknown option\n  if it belongs to another application, ',
      "[DEFAULT] metrics_listen: unknown option\n  did you mean 'metrics_listen' of [admin]?",
      '  other_names = DEFAULT.osapi_compute_listen, DEFAULT.osapi_compute_listen_port, DEFAULT.metrics_listen\n',
    ],
    never: /in \[api:osapi_compute\]/,
  },
  'a misspelt flat name of an API': {
    it: { defaults: 'shop_lisen = 0.0.0.0\nshp_workers = 2' },
    says: [
      "[DEFAULT] shop_lisen: unknown option\n  did you mean 'shop_listen'?",
      "[DEFAULT] shp_workers: unknown option\n  did you mean 'shop_workers'?",
    ],
    never: /other programs/,
  },
  'a section of the name of an API': {
    it: { more: '[shop]\nmax_requests = 4' },
    says: ['[shop] unknown section\n  did you mean [api:shop]?'],
    never: /other programs/,
  },
  'a section of services without a name': {
    it: { more: '[service]\nmanager = x\n[services]' },
    says: [
      "[service] unknown section\n  did you mean [service:<name>] or 'servicegroup'?",
      '[services] unknown section\n  did you mean [service:<name>]?',
    ],
    never: /other programs/,
  },
  'a comment behind a header': {
    it: shop('[api:metadata] # prod\nport = 0\nprot = 1\n', 'enabled_apis = shop, metadata\n'),
    says: [
      'invalid section (must end with ]); got [api:metadata] ****\n  put the comment on a separate line, and write [api:metadata] here\n',
      "[api:metadata] prot: unknown option\n  did you mean 'port'?",
      '2 errors, 0 warnings.',
    ],
  },
  'a comment behind the header of a section that nobody has': {
    it: { more: '[sectoin] ; x\ny = 1\n[whatever]' },
    says: [
      'invalid section (must end with ]); got [sectoin] ****\n  put the comment on a separate line, and write [sectoin] here\n',
      '[sectoin] unknown section\n',
      '  other_names = whatever\n',
    ],
  },
  'a misspelt section of an enabled API': {
    it: shop('[api:metdata]\nport = 0\n', 'enabled_apis = shop, metadata\n'),
    says: [NONE],
  },
  'a misspelt section of an API that is not enabled, with a section': {
    it: shop('[api:metdata]\nport = 0\n[api:metadata]\nport = 0\n'),
    says: [NONE, '1 error, 0 warnings.'],
  },
  'a misspelt section of an API that is not enabled, with an app': {
    it: shop('[api:metdata]\nport = 0\n'),
    says: [NONE],
  },
  'a misspelt section, all of which are enabled': {
    it: shop('[api:metdata]\nport = 0\n', ''),
    says: [
      '[api:metdata] no app is called "metdata" in api-paste.ini, so this API does not start\n  Did you mean [api:metadata]?',
    ],
  },
  'a name in the section of an app, and its routes': {
    it: {
      app: './app.js:routes',
      more: '[shop]\ncurency = CHF',
      files: {
        'app.js': `import { defineOptions, string } from 'portico/config';
import { Router } from 'portico/routing';
const own = defineOptions('shop', { currency: string({ default: 'EUR', help: 'Of prices.' }) });
export const routes = (_global, _local, ctx) => {
  ctx.config.group('shop', own);
  const router = new Router({ log: ctx.log });
  router.get('/goods/{id:itn}', () => ({}));
  router.post('/goods', { body: { type: 'object', requierd: ['a'] } }, () => ({}));
  return router.build();
};`,
      },
    },
    says: ["[shop] curency: unknown option\n  did you mean 'currency'?", '"requierd"', '/goods/{id:itn}'],
  },
  'repetitions name the first line': {
    it: {
      ...paste(`[pipeline:shop]\npipeline = end\n# a comment\n\n${END}x = 1\n  2\nx = 2\nx = 3\n${END}${END}`),
      api: 'max_requests = 1\nmax_requests = 2\n\nmax_requests =\n  3',
    },
    says: [
      'max_requests: set more than once, in lines 5, 6 and 8; the last one counts',
      'api-paste.ini:9:1: error: [app:end] x: "x" is set again here; the first one is in line 7.',
      'api-paste.ini:10:1: error: [app:end] x: "x" is set again here; the first one is in line 7.',
      'api-paste.ini:11:1: error: [app:end] is repeated here; the first one is in line 5.',
      'api-paste.ini:13:1: error: [app:end] is repeated here; the first one is in line 5.',
    ],
  },
  'a misspelt filter section that no pipeline uses': {
    it: {
      filters: 'proxy_headers',
      sections: '[filter:proxy_header]\npaste.filter_factory = portico/middleware:proxyHeaders',
    },
    says: ['no filter is called "proxy_headers".\n  Did you mean "proxy_header"?', '1 error, 0 warnings.'],
  },
};

for (const [name, { it, says, never }] of Object.entries(CASES)) {
  test(`OP-3 check says what to write for ${name}`, () => {
    const project = emptyProject(filesOf(it));
    const { stdout } = command(['check'], { cwd: project.folder });
    const said = stdout.replaceAll(/\n {4}.*\n {4} *\^/g, '');
    for (const each of says) assert.ok(said.includes(each), `${each}\n---\n${said}`);
    if (never !== undefined) assert.doesNotMatch(said, never);
  });
}

test('OP-3 check shows the lines of options that have no effect, with their values', () => {
  const sections = '[filter:f]\npaste.filter_factory = portico/middleware:authToken\ntrust_id = 7';
  const project = emptyProject(filesOf({ defaults: 'lock_path = /run/shop', filters: 'f', sections }));
  const { stdout } = command(['check'], { cwd: project.folder });
  assert.match(stdout, /^ {4}lock_path = \/run\/shop$/m);
  assert.match(stdout, /^ {4}trust_id = 7$/m);
});

/** Findings, without the pages that explain them, the summary and the log. */
const findingsIn = (text: string): string =>
  text.replace(/^(?:\{.*\n)+/gm, '').replace(/^(?:\d+ errors?, .*\n)?Explained in:\n[\s\S]*/m, '');

const LOST: Broken = {
  defaults: 'log_levle = info\nother_names = vnc,\n  glance\nmy_ip = 1\nkeep_alive = no',
  more: '[vnc]\n[glance]\n[stock]\nsize = 1',
  app: './gone.js:app',
  filters: 'f',
  sections: '[filter:f]\npaste.filter_factory = ./lost.js:f',
};

test('CF-66 OP-19 code that is lost says once that further errors may follow, at a start as in check', async () => {
  const project = emptyProject(filesOf(LOST));
  const { stdout, status } = command(['check'], { cwd: project.folder });
  assert.equal(status, 78);
  assert.match(stdout, /^portico\.ini:2:1: warning: \[DEFAULT\] log_levle/m);
  assert.match(
    stdout,
    /is called "\.\/gone\.js"[^\n]*\n.*\n.*\n.*\n {2}further errors may follow once this is fixed\napi-paste\.ini:6:24: error/,
  );
  assert.equal(stdout.match(/further errors/g)?.length, 1);
  // The code may have declared them.
  assert.doesNotMatch(stdout, /other_names =|did you mean \[/);
  assert.doesNotMatch(stdout, /stock|my_ip/);
  const start = await runApiCli(project.folder, 'serve');
  assert.equal(start.status, 78);
  assert.equal(findingsIn(start.stderr), findingsIn(stdout));
});

test('CF-66 a factory that cannot be called says that it may hide further errors: routes of an app, options of a filter', () => {
  const further = (it: Broken): number =>
    command(['check'], { cwd: emptyProject(filesOf(it)).folder }).stdout.match(/further errors may follow/g)?.length ??
    0;
  assert.equal(further({ app: './gone.js:app', more: '[paste_deploy]\nx = 1' }), 1);
  const filter = '[filter:f]\npaste.filter_factory = ./lost.js:f\n';
  assert.equal(further({ filters: 'f', sections: filter }), 0);
  assert.equal(further({ filters: 'f', sections: `${filter}txt = 1` }), 1);
});
