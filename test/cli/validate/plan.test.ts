/** `api-cli check` and the start agree on a configuration: refused for the same errors, or served. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, freePort, type Outcome, startApiCli } from '../../e2e/program.js';
import { command } from '../command.js';

const APP = `
import { defineOptions, integer, string } from 'portico/config';
import { filterFactory } from 'portico/app';
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
export const whole = filterFactory('whole', {}, (_options, ctx) => {
  ctx.config.group('api:hello', further);
  return (inner) => inner;
}, { groups: { 'api:hello': further } });
export const helmet = () => (_req, _res, next) => next();
`;

/** A configuration; omitted parts are correct. */
interface Case {
  /** Options of `[DEFAULT]`. */
  readonly defaults?: string;
  /** Options of `[api:hello]`. */
  readonly api?: string;
  /** More sections of the service configuration. */
  readonly more?: string;
  /** The filters of the pipeline, with their sections. */
  readonly filters?: readonly string[];
  readonly sections?: string;
  /** The factory of the app. */
  readonly app?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A start validates it too. */
  readonly starts?: true;
  /** Text that check and the start both print, and text that neither prints. */
  readonly says?: RegExp | readonly RegExp[];
  readonly never?: RegExp;
}

const filter = (name: string, options = '', factory = `portico/middleware:${name}`): Case => ({
  filters: ['f'],
  sections: `[filter:f]\npaste.filter_factory = ${factory}\n${options}\n`,
});

/** Configurations that are served, by their special feature. */
const SERVED: Readonly<Record<string, Case>> = {
  'groups that factories read, and variables with the prefix that are none of options, under strict_config': {
    starts: true,
    filters: ['stamp', 'limited'],
    // The name of the first group resembles a known one.
    sections:
      '[filter:stamp]\npaste.filter_factory = ./app.js:stamp\n[filter:limited]\npaste.filter_factory = ./app.js:limited\n',
    app: './app.js:greeter',
    defaults: 'strict_config = true',
    more: '[greeting]\nword = hi\n[stamp]\nlevel = 4\n[limited]\nmost = 3\n',
    env: { PORTICO_HOME: '/srv', PORTICO_API_KEY: 'x', PORTICO_DATABASE_URL: 'x' },
    never: /env PORTICO_|unknown section/,
  },
  'options of an API and of what factories read or have declared, by --set': {
    ...filter('reading', '', './app.js:reading'),
    app: './app.js:greeter',
    args: ['api:hello.extra=2', 'api:hello.max_requests=5', 'greeting.word=hi'].flatMap((each) => ['--set', each]),
  },
};

/** Simulates a Node without SQLite and without the package. */
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

/** Configurations that are refused, by their error. */
const REFUSED: Readonly<Record<string, Case>> = {
  'what filters require, in their sections and over a wrong group, and errors that nothing takes': {
    starts: true,
    filters: ['connect', 'limited', 'sized'],
    sections: `[filter:connect]
paste.filter_factory = portico/middleware:connect
middleware = ./app.js:helmet
[filter:limited]
paste.filter_factory = ./app.js:limited
most = 3
[filter:sized]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 10
[filter:unused]
paste.filter_factory = ./app.js:limited
[filter:unused_too]
paste.filter_factory = portico/middleware:sizelimit
max_size = 3
`,
    app: './app.js:greeter',
    defaults: 'zzzzzzzzzz = 1',
    more: `[greeting]
word = hi
[sizelimit]
max_request_body_size = many
[cors]
allowed_orign = https://a.example
[crs]
max_age = 1
[elsewhere]
x = 1
`,
    says: /\[crs\] unknown section.*did you mean 'cors'/s,
  },
  'a section of the name of one in the paste file, with an option of a group whose name is near': {
    filters: ['stamp'],
    sections: '[filter:stamp]\npaste.filter_factory = ./app.js:plain\n',
    more: '[stamp]\nport = 4\n',
    says: /\[stamp\] (?:unknown section|port: unknown option)/,
  },
  'names and values, wherever they stand': {
    starts: true,
    filters: ['sizelimit', 'static'],
    sections: `[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_size = 3
[filter:static]
paste.filter_factory = portico/middleware:staticFilesFilter
document_root = .
cache_max_age = many
`,
    defaults: 'log_level = loud\ngraceful_shutdown_timeout = soon\nenabled_api = hello',
    api: 'wrokers = 1\nmax_requests = -1',
    more: `[wsgi]
keep_alife = 1
[sizelimit]
max_request_body_size = x
max_size = 4
`,
    args: ['hello.port=1', 'api:hello.prot=1', 'servicegroup.driver=foo'].flatMap((each) => ['--set', each]),
    env: { PORTICO_API_HELLO__WORKERS: 'many', PORTICO_DATABASE__POOL_SIZE: 'abc' },
    says: [
      /portico\.ini:3:13: error: \[DEFAULT\] log_level/,
      /portico\.ini:4:29: error: \[DEFAULT\] graceful_shutdown_timeout/,
      /portico\.ini:5:1: error: \[DEFAULT\] enabled_api/,
      /portico\.ini:9:1: error: \[api:hello\] wrokers/,
      /portico\.ini:10:16: error: \[api:hello\] max_requests/,
      /portico\.ini:12:1: error: \[wsgi\] keep_alife/,
      /portico\.ini:14:25: error: \[sizelimit\] max_request_body_size/,
      /portico\.ini:15:1: error: \[sizelimit\] max_size/,
      /api-paste\.ini:\d+:1: error: .*max_size/,
      /api-paste\.ini:\d+:17: error: .*cache_max_age/,
      /did you mean 'port' of \[api:hello\]\?/,
      /error: .*prot\b/,
      /env PORTICO_API_HELLO__WORKERS: error: /,
      /command line, argument 3: error: \[servicegroup\] driver: .*got foo/,
      /env PORTICO_DATABASE__POOL_SIZE: error: .*abc/,
    ],
  },
  'a name that the filter refuses, beside code that cannot be loaded': {
    ...filter('whole', '', './app.js:whole'),
    api: 'extr = 2',
    sections: '[filter:f]\npaste.filter_factory = ./app.js:whole\n[app:unused]\npaste.app_factory = ./gone.js:app\n',
    says: /error: \[api:hello\] extr: unknown option\s+did you mean 'extra'/,
  },
  'a registry in SQLite without a driver, by a variable': {
    starts: true,
    env: { NODE_OPTIONS: '--require=./no-sqlite.cjs', PORTICO_SERVICEGROUP__CONNECTION: 'sqlite:///services.db' },
    says: /PORTICO_SERVICEGROUP__CONNECTION: .*this Node \(v[\d.]+\) has no SQLite/,
  },
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
  /** The exit status, or `served`. */
  readonly outcome: number | null | 'served';
  /** The printed errors, with their hints and lines. */
  readonly issues: readonly string[];
  readonly output: string;
}

/** The errors in the text, each with the lines that belong to it. */
function errorsIn(text: string): string[] {
  const blocks = text.split(/\n(?! )/);
  return blocks.map((block) => block.trimEnd()).filter((block) => /^(?:[^{].*: )?error: /.test(block));
}

async function checked(folder: string, { args = [], env = {}, starts }: Case): Promise<Verdict> {
  const words = ['check', ...args];
  // In a thread, variables have no order, and Node has read its own.
  const isAlone = 'NODE_OPTIONS' in env || (starts === true && Object.keys(env).length > 1);
  if (!isAlone) return verdict(command(words, { cwd: folder, env }));
  const program = startApiCli(words, { cwd: folder, env });
  const { code } = await program.ended;
  return verdict({ status: code!, stdout: program.stdout, stderr: program.stderr });
}

function verdict({ status, stdout, stderr }: Outcome): Verdict {
  const outcome = status === 0 ? 'served' : status;
  return { outcome, issues: errorsIn(stdout), output: `${stdout}\n${stderr}` };
}

async function started(folder: string, { args = [], env = {} }: Case): Promise<Verdict> {
  const program = startApiCli([...args], { cwd: folder, env });
  try {
    const ready = program.printed(/"event":"ready"/).then(
      () => 'served' as const,
      () => undefined,
    );
    const outcome = await Promise.race([ready, program.ended.then(({ code }) => code)]);
    const { code } = outcome === 'served' ? { code: 'served' as const } : await program.ended;
    const said = program.stderr.replaceAll(/^\{.*$/gm, '');
    return { outcome: code, issues: code === 'served' ? [] : errorsIn(said), output: program.output() };
  } finally {
    await program.end();
  }
}

for (const [outcome, cases] of [
  ['served', SERVED],
  [78, REFUSED],
] as const) {
  test(`OP-19 check and a start agree, without a stack: ${outcome === 78 ? 'refused' : outcome}`, {
    concurrency: 2,
  }, async (t) => {
    await Promise.all(
      Object.entries(cases).map(([name, it]) =>
        t.test(name, async () => {
          const project = emptyProject(await filesOf(it));
          const check = await checked(project.folder, it);
          assert.equal(check.outcome, outcome, check.output);
          const outputs = [check.output];
          if (it.starts === true) {
            const start = await started(project.folder, it);
            const both = `check:\n${check.output}\nstart:\n${start.output}`;
            assert.equal(start.outcome, outcome, both);
            assert.deepEqual(start.issues, check.issues, both);
            outputs.push(start.output);
          }
          for (const output of outputs) {
            for (const said of [it.says ?? []].flat()) assert.match(output, said);
            if (it.never !== undefined) assert.doesNotMatch(output, it.never);
            assert.doesNotMatch(output, /\n\s+at .*:\d+:\d+|\(node:/);
          }
        }),
      ),
    );
  });
}
