/** What `api-cli check` says of a configuration is what its start does: refused for the same mistakes, or served. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, freePort, startApiCli, startProject } from '../e2e/program.js';

const APP = `
import { defineOptions, integer, string } from 'portico/config';
import { appFactory, filterFactory } from 'portico/app';
export const app = () => (_req, res) => res.end('here');
const greeting = defineOptions({ word: string({ default: 'hello', help: 'What is said.' }) });
/** Reads a group that nobody else knows of. */
export const greeter = (_globalConf, _localConf, ctx) => {
  const { word } = ctx.config.group('greeting', greeting);
  return (_req, res) => res.end(word);
};
const own = defineOptions({ most: integer({ required: true, min: 1, help: 'How many.' }) });
export const limited = filterFactory('limited', own, () => (inner) => inner);
const level = defineOptions({ level: integer({ default: 1, help: 'How much.' }) });
export const stamp = filterFactory('stamp', level, () => (inner) => inner);
export const plain = (_globalConf, _localConf) => (inner) => inner;
const further = defineOptions({ extra: integer({ default: 1, help: 'How many more.' }) });
export const reading = filterFactory('reading', {}, (_options, ctx) => {
  ctx.config.group('api:hello', further, { partial: true });
  return (inner) => inner;
}, { groups: { 'api:hello': further } });
export const named = appFactory('hello', level, ({ level }) => (_req, res) => res.end(String(level)));
export class Images {}
export const helmet = () => (_req, _res, next) => next();
`;

/** One configuration; what is left out is right. */
interface Case {
  /** Of `[DEFAULT]`. */
  readonly defaults?: string;
  /** Of `[api:hello]`. */
  readonly api?: string;
  /** More sections of the service configuration. */
  readonly more?: string;
  /** The filters of the pipeline, and their sections. */
  readonly filters?: readonly string[];
  readonly sections?: string;
  /** The factory of the app. */
  readonly app?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What both say, and neither. */
  readonly says?: RegExp;
  readonly never?: RegExp;
  /** The status of the start, where it is not that of `check`. */
  readonly startStatus?: number;
}

const filter = (name: string, options = '', factory = `portico/middleware:${name}`): Case => ({
  filters: ['f'],
  sections: `[filter:f]\npaste.filter_factory = ${factory}\n${options}\n`,
});

/** Configurations that are served, by what is special about them. */
const SERVED: Readonly<Record<string, Case>> = {
  'nothing special': {},
  'what a filter requires, in its section': filter('connect', 'middleware = ./app.js:helmet'),
  "a filter of one's own whose section has what it requires": filter('limited', 'most = 3', './app.js:limited'),
  'what a filter requires, in its group': {
    ...filter('limited', '', './app.js:limited'),
    more: '[limited]\nmost = 3\n',
  },
  'a section over a group that is wrong': {
    ...filter('sizelimit', 'max_request_body_size = 10'),
    more: '[sizelimit]\nmax_request_body_size = many\n',
  },
  'a filter that no API leads to, without what it requires': {
    sections: '[filter:unused]\npaste.filter_factory = ./app.js:limited\n',
  },
  'a wrong option of a filter that no API leads to': {
    sections: '[filter:unused]\npaste.filter_factory = portico/middleware:sizelimit\nmax_size = 3\n',
  },
  'the group of a filter that nothing uses': { more: '[cors]\nallowed_orign = https://a.example\n' },
  'a group that a factory reads': { app: './app.js:greeter', more: '[greeting]\nword = hi\n' },
  'a group that a factory reads, under strict_config': {
    app: './app.js:greeter',
    defaults: 'strict_config = true',
    more: '[greeting]\nword = hi\n',
  },
  'a group that a factory reads, by --set': { app: './app.js:greeter', args: ['--set', 'greeting.word=hi'] },
  'a group that a factory reads, by a variable': { app: './app.js:greeter', env: { PORTICO_GREETING__WORD: 'hi' } },
  'an option of an API that a factory has declared, by --set': {
    ...filter('reading', '', './app.js:reading'),
    args: ['--set', 'api:hello.extra=2'],
  },
  'an option of an API by --set': { args: ['--set', 'api:hello.max_requests=5'] },
  'a misspelt variable': {
    env: { PORTICO_API_HELLO__PROT: '9001' },
    says: /env PORTICO_API_HELLO__PROT: warning: .*did you mean 'PORTICO_API_HELLO__PORT'/s,
  },
  'a misspelt variable of a group': {
    env: { PORTICO_WSGI__KEEP_ALIFE: '1' },
    says: /env PORTICO_WSGI__KEEP_ALIFE: warning: .*did you mean 'PORTICO_WSGI__KEEP_ALIVE'/s,
  },
  'a misspelt variable of the group of a filter': {
    env: { PORTICO_REQUEST_LOG__SLOWMS: '1' },
    says: /env PORTICO_REQUEST_LOG__SLOWMS: warning: .*did you mean 'PORTICO_REQUEST_LOG__SLOW_MS'/s,
  },
  'a variable that lacks an underscore': {
    env: { PORTICO_API_HELLO_WORKERS: '1' },
    says: /env PORTICO_API_HELLO_WORKERS: warning: .*did you mean 'PORTICO_API_HELLO__WORKERS'/s,
  },
  'variables with the prefix that are none of options': {
    defaults: 'strict_config = true',
    env: { PORTICO_HOME: '/srv', PORTICO_API_KEY: 'x', PORTICO_DATABASE_URL: 'x' },
    never: /env PORTICO_/,
  },
  "the group of a filter of one's own, whose name comes near a known one": {
    filters: ['stamp'],
    sections: '[filter:stamp]\npaste.filter_factory = ./app.js:stamp\n',
    more: '[stamp]\nlevel = 4\n',
    never: /unknown section/,
  },
  'a section of the name of one in the paste file, with an option of a group whose name is near': {
    filters: ['stamp'],
    sections: '[filter:stamp]\npaste.filter_factory = ./app.js:plain\n',
    more: '[stamp]\nport = 4\n',
    never: /unknown section/,
  },
  'a group of the name of the API, which its app reads': {
    app: './app.js:named',
    more: '[hello]\nlevel = 4\n',
    never: /unknown section/,
  },
  'a group of the name of the API, which its app reads, under strict_config': {
    app: './app.js:named',
    defaults: 'strict_config = true',
    more: '[hello]\nlevel = 4\n',
    never: /unknown section/,
  },
  'a section of the name of the API, with options of [api:hello]': {
    more: '[hello]\nmax_requests = 4\n',
    says: /\[hello\] unknown section(\n +|; )did you mean \[api:hello\]\?/,
  },
  'a misspelt section': { more: '[crs]\nx = 1\n', says: /\[crs\] unknown section.*did you mean 'cors'/s },
  'a section that nobody knows': { more: '[elsewhere]\nx = 1\n' },
  'a name of [DEFAULT] that comes near nothing': { defaults: 'zzzzzzzzzz = 1' },
  'a manager that would get more time than there is': {
    defaults: 'manager_shutdown_timeout = 90',
    says: /portico\.ini:3:28: warning: .*manager_shutdown_timeout: is not below graceful_shutdown_timeout, 60 s/,
  },
};

/** A Node without SQLite, and without the package. */
const NO_SQLITE = `
const module_ = require('node:module');
const { isBuiltin, _resolveFilename: resolve } = module_;
module_.isBuiltin = (name) => name !== 'node:sqlite' && isBuiltin(name);
module_._resolveFilename = function (name, ...rest) {
  if (name.endsWith('sqlite')) throw Object.assign(new Error('hidden'), { code: 'MODULE_NOT_FOUND' });
  return resolve.call(this, name, ...rest);
};
module_.syncBuiltinESMExports();
`;

const IMAGES = '[service:images]\nmanager = ./app.js:Images\n';

/** Configurations that are refused, by what is wrong. */
const REFUSED: Readonly<Record<string, Case>> = {
  'a transport of remote calls that there is not': {
    defaults: 'enabled_services = images',
    more: `${IMAGES}[rpc]\ntransport_url = ampq://me:hidden@broker/\n`,
    says: /portico\.ini:\d+:17: error: \[rpc\] transport_url: there is no transport ampq:\/\/\n +Did you mean "amqp"/,
    never: /hidden/,
  },
  'the same of an API with a manager': {
    api: 'manager = ./app.js:Images',
    more: '[rpc]\ntransport_url = ampq://me:hidden@broker/\n',
    says: /portico\.ini:\d+:17: error: \[rpc\] transport_url: there is no transport ampq:\/\//,
    never: /hidden/,
  },
  'an option behind the transport URL that there is not': {
    defaults: 'enabled_services = images',
    more: `${IMAGES}[rpc]\ntransport_url = memory://?exchnge=x\n`,
    says: /\[rpc\] transport_url: the query of the transport URL has "exchnge".*\n +Did you mean "exchange"\?/,
  },
  'a key of remote calls that is none': {
    defaults: 'enabled_services = images',
    more: `${IMAGES}[rpc]\nsigning_keys = a:hidden\n`,
    says: /portico\.ini:\d+:16: error: \[rpc\] signing_keys: pair 1 is no key/,
    never: /hidden/,
  },
  'a connection of the registry that its driver does not take': {
    more: '[servicegroup]\nconnection = postgresql://me:hidden@db/x\n',
    says: /portico\.ini:\d+:14: error: \[servicegroup\] connection: this is no SQLite connection: postgresql:…/,
    never: /hidden/,
  },
  'a required option that is nowhere': filter('limited', '', './app.js:limited'),
  'a value of a section': filter('sizelimit', 'max_request_body_size = many'),
  'a name in a section': filter('sizelimit', 'max_size = 3'),
  'a value of the group of a filter in use': {
    ...filter('sizelimit'),
    more: '[sizelimit]\nmax_request_body_size = x\n',
  },
  'a name in the group of a filter in use': { ...filter('sizelimit'), more: '[sizelimit]\nmax_size = 3\n' },
  'a validator that is none': filter('authToken', 'validator = keyston'),
  'a section of the name of the API, under strict_config': {
    defaults: 'strict_config = true',
    more: '[hello]\nmax_requests = 4\n',
    says: /portico\.ini:\d+:1: error: \[hello\] unknown section\n +did you mean \[api:hello\]\?/,
  },
  'several mistakes of several places': {
    ...filter('sizelimit', 'max_size = 3'),
    defaults: 'log_level = loud',
    api: 'max_requests = -1',
  },
  'a name of [DEFAULT]': { defaults: 'enabled_api = hello' },
  'a value of [DEFAULT]': { defaults: 'graceful_shutdown_timeout = soon' },
  'a name of an API': { api: 'wrokers = 1' },
  'a value of an API': { api: 'listen_backlog = 0' },
  'a name of a known group': { more: '[wsgi]\nkeep_alife = 1\n' },
  'a group nobody has, by --set': { args: ['--set', 'hello.port=1'], says: /did you mean api:hello\.port\?/ },
  'an API that is none, by --set': { args: ['--set', 'api:helo.port=1'] },
  'a name of an API, by --set': { args: ['--set', 'api:hello.prot=1'] },
  'a value, by a variable': { env: { PORTICO_API_HELLO__MAX_REQUESTS: 'many' } },
  'a misspelt variable, under strict_config': {
    defaults: 'strict_config = true',
    env: { PORTICO_API_HELLO__PROT: '1' },
  },
  'a misspelt variable of a group, under strict_config': {
    defaults: 'strict_config = true',
    env: { PORTICO_WSGI__KEEP_ALIFE: '1' },
  },
  'a misspelt variable of the group of a filter, under strict_config': {
    defaults: 'strict_config = true',
    env: { PORTICO_REQUEST_LOG__SLOWMS: '1' },
  },
  'a variable that lacks an underscore, under strict_config': {
    defaults: 'strict_config = true',
    env: { PORTICO_API_HELLO_WORKERS: '1' },
  },
  'a misspelt section with the options of a filter': { more: '[corss]\nallowed_origin = https://a.example\n' },
  'a section that nobody knows, under strict_config': {
    ...filter('sizelimit'),
    app: 'portico/middleware:healthcheck',
    defaults: 'strict_config = true',
    more: '[elsewhere]\nx = 1\n',
  },
  "a section that nobody knows, under strict_config, beside a factory of one's own": {
    defaults: 'strict_config = true',
    app: './app.js:greeter',
    more: '[greeting]\nword = hi\n[elsewhere]\nx = 1\n',
  },
  'a registry in SQLite without a driver': {
    more: '[servicegroup]\nconnection = sqlite:///services.db\n',
    env: { NODE_OPTIONS: '--require=./no-sqlite.cjs' },
    says: /connection: this Node \(v[\d.]+\) has no SQLite, and the package @photostructure\/sqlite is not installed/,
  },
  'a group that nobody knows, by --set': {
    app: 'portico/middleware:healthcheck',
    args: ['--set', 'elsewhere.x=1'],
  },
  'a name of [DEFAULT] that comes near nothing, under strict_config': {
    app: 'portico/middleware:healthcheck',
    defaults: 'strict_config = true\nzzzzzzzzzz = 1',
  },
  'a name of an API that comes near nothing': { app: 'portico/middleware:healthcheck', api: 'zzzzzzzzzz = 1' },
  'an API that the paste file does not have': {
    args: ['--set', 'DEFAULT.enabled_apis=note'],
    says: /No APIs were started\. Check the enabled_apis config option/,
    // As oslo's programs end.
    startStatus: 1,
  },
  'a broken pipeline beside a mistake that no API leads to': {
    filters: ['gone'],
    sections: '[filter:unused]\npaste.filter_factory = portico/middleware:sizelimit\nmax_size = 3\n',
  },
  'a wrong option of an API beside a mistake that no API leads to': {
    api: 'max_requests = -1',
    sections: '[filter:unused]\npaste.filter_factory = portico/middleware:sizelimit\nmax_size = 3\n',
  },
  'a paste file that is not there': { defaults: 'api_paste_config = gone.ini' },
  'a log that cannot be written': { defaults: 'log_file = gone/api.log' },
  'two APIs on one address': {
    more: '[api:other]\nport = 1\n',
    args: [
      '--set',
      'DEFAULT.enabled_apis=hello,other',
      '--set',
      'api:hello.port=1',
      '--set',
      'api:other.pipeline=hello',
    ],
  },
  'a module that is not there': { app: './gone.js:app' },
  'an export that is not there': { app: './app.js:ap' },
  'a manager that is not there': { api: 'manager = ./app.js:Manager' },
  'a filter that is not there': { filters: ['gone'] },
  'a line that cannot be read': { more: '[wsgi]\nkeep_alive\n' },
  'a certificate that is not there': { defaults: 'enabled_ssl_apis = hello', api: 'ssl_cert_file = gone.pem' },
};

async function filesOf(it: Case): Promise<Record<string, string>> {
  const lines = (parts: readonly (string | undefined)[]): string => `${parts.filter(Boolean).join('\n')}\n`;
  return {
    'app.js': APP,
    'no-sqlite.cjs': NO_SQLITE,
    'portico.ini': lines([
      '[DEFAULT]\nenabled_apis = hello',
      it.defaults,
      `[api:hello]\nport = ${await freePort()}\nworkers = 1`,
      it.api,
      it.more,
    ]),
    'api-paste.ini': lines([
      `[pipeline:hello]\npipeline = ${[...(it.filters ?? []), 'app'].join(' ')}`,
      `[app:app]\npaste.app_factory = ${it.app ?? './app.js:app'}`,
      it.sections,
    ]),
  };
}

interface Verdict {
  /** 78, or `served`. */
  readonly outcome: number | null | 'served';
  /** Each as it is printed, with its hint and its line. */
  readonly mistakes: readonly string[];
  readonly output: string;
}

/** Errors with the lines that belong to them. */
function mistakesIn(text: string): string[] {
  const blocks = text.split(/\n(?! )/);
  return blocks.map((block) => block.trimEnd()).filter((block) => /^(?:[^{].*: )?error: /.test(block));
}

async function checked(folder: string, { args = [], env = {} }: Case): Promise<Verdict> {
  const program = startApiCli(['check', ...args], { cwd: folder, env });
  const { code } = await program.ended;
  return { outcome: code === 0 ? 'served' : code, mistakes: mistakesIn(program.stdout), output: program.output() };
}

async function started(folder: string, { args = [], env = {} }: Case): Promise<Verdict> {
  const program = startApiCli([...args], { cwd: folder, env });
  try {
    const ready = program.printed(/^hello +http.*:\d+ /m).then(
      () => 'served' as const,
      () => undefined,
    );
    const outcome = await Promise.race([ready, program.ended.then(({ code }) => code)]);
    const { code } = outcome === 'served' ? { code: 'served' as const } : await program.ended;
    const said = program.stderr.replaceAll(/^\{.*$/gm, '');
    return { outcome: code, mistakes: code === 'served' ? [] : mistakesIn(said), output: program.output() };
  } finally {
    await program.end();
  }
}

for (const [outcome, cases] of [
  ['served', SERVED],
  [78, REFUSED],
] as const) {
  test(`check and a start judge alike: ${outcome === 78 ? 'refused' : outcome}`, { concurrency: 2 }, async (t) => {
    await Promise.all(
      Object.entries(cases).map(([name, it]) =>
        t.test(name, async () => {
          const project = emptyProject(await filesOf(it));
          try {
            const check = await checked(project.folder, it);
            const start = await started(project.folder, it);
            const both = `check:\n${check.output}\nstart:\n${start.output}`;
            assert.deepEqual([check.outcome, start.outcome], [outcome, it.startStatus ?? outcome], both);
            assert.deepEqual(start.mistakes, check.mistakes, both);
            for (const { output } of [check, start]) {
              assert.match(output, it.says ?? /./);
              if (it.never !== undefined) assert.doesNotMatch(output, it.never);
            }
          } finally {
            project.remove();
          }
        }),
      ),
    );
  });
}

test('a mistake reads the same in check, at the start and in a reload', async (t) => {
  const right = await filesOf({});
  const wrong: Readonly<Record<string, Case>> = {
    'a value of an API': { api: 'max_requests = many' },
    'a filter that is not there': { filters: ['gone'] },
    'a certificate that is not there': { defaults: 'enabled_ssl_apis = hello', api: 'ssl_cert_file = gone.pem' },
  };
  for (const [name, it] of Object.entries(wrong)) {
    const project = emptyProject(right);
    const program = startProject(t, project);
    await program.printed(/^hello +http.*:\d+ /m);
    for (const [file, text] of Object.entries(await filesOf(it))) writeFileSync(join(project.folder, file), text);
    const check = await checked(project.folder, it);
    program.kill('SIGHUP');
    const [line = ''] = await program.printed(/^\{.*"outcome":"refused".*$/m);
    const { error } = JSON.parse(line) as { readonly error: string };
    assert.deepEqual(mistakesIn(error), check.mistakes, name);
    assert.equal(check.mistakes.length, 1, check.output);
    await program.end();
  }
});
