/** The parent of a fleet loads no module that only its workers need. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { makePair } from '../server/certificate-files.js';
import { apiCli, emptyProject, Program, root, untilEnd } from './program.js';

/** Code that only workers run or that is loaded on demand, each identified by a declaration in it, because modules share files. */
const OTHERS = {
  'the composition of a paste file': 'class Load',
  'the call of factories': 'class Creation',
  'the walk over a paste file': 'class Walk',
  composites: 'const urlmap',
  'the registry': 'class StoredRegistry',
  'databases of the registry': 'class PostgresqlStore',
  'records of services': 'class Membership',
  managers: 'class ManagerHooks',
  'periodic tasks': 'class PeriodicTasks',
  'task groups': 'class TaskGroup',
  'the backdoor': 'function backdoorCommands',
  'spans of requests': 'class RequestSpan',
  'renderers of faults': 'function renderedAs',
  'the Loader': 'class Loader',
  'exchanges of requests': 'class ServedResponse',
  'schemas of actions': 'class SchemaCompiler',
  'the compiler of schemas': 'function createAjv',
  'the server': 'class WSGIService',
  'the server of remote calls': 'class RpcServer',
  'the transport in memory': 'class MemoryTransport',
  'the transport of RabbitMQ': 'class AmqpTransport',
};

const told = String.raw`import { writeSync } from 'node:fs';
const OTHERS = ${JSON.stringify(OTHERS)};
export async function load(url, context, next) {
  const tell = (what) => writeSync(2, process.pid + ' loads ' + what + '\n');
  const [, module] = /\/lib\/(middleware\/.*)/.exec(url) ?? /\/node_modules\/(fastify|selfsigned|ajv)\//.exec(url) ?? [];
  if (module !== undefined) tell(module);
  const loaded = await next(url, context);
  const text = String(loaded.source);
  if (url.includes('/lib/')) for (const [what, line] of Object.entries(OTHERS)) if (new RegExp(line + '\\b').test(text)) tell(what);
  return loaded;
}`;

const PROJECT = {
  'hooks.js': told,
  'register.js': "import { register } from 'node:module';\nregister('./hooks.js', import.meta.url);\n",
  'api-paste.ini': '[app:silent]\npaste.app_factory = ./apps.js:silent\n',
  'apps.js':
    "import { defineOptions, integer } from 'portico/config';\ndefineOptions('mine', { size: integer({ help: 'Size.' }) });\n" +
    'export const silent = () => (req, res) => res.end();\n',
};

/** Starts the process with the hooks above. */
function started(folder: string, ...settings: string[]): Program {
  const words = settings.flatMap((setting) => ['--set', setting]);
  return new Program(process.execPath, ['--import', './register.js', apiCli, ...words], { cwd: folder });
}

/** Starts an API with one worker and waits until it is ready. */
async function ready(
  t: TestContext,
  ini: string,
  files: Readonly<Record<string, string>> = {},
): Promise<{ folder: string; program: Program }> {
  const { folder } = emptyProject({ ...PROJECT, ...files, 'portico.ini': ini });
  const program = started(folder, 'api:silent.workers=1');
  t.after(() => program.end());
  await program.printed(/"event":"ready"/);
  return { folder, program };
}

/** Returns the parts of {@link OTHERS}, filters and packages that the parent has loaded so far. */
function loadedBy(program: Program): string[] {
  const lines = program.stderr.split('\n').map((line) => line.split(' loads '));
  return lines.flatMap(([pid, module]) => (pid === String(program.pid) && module !== undefined ? [module] : []));
}

test('a parent that refuses a setting of its command line loads no filter', async () => {
  const { folder } = emptyProject({ ...PROJECT, 'portico.ini': '[api:silent]\nport = 0\nworkers = 1\n' });
  // A filter may have declared the option: its first worker validates that.
  const program = started(folder, 'api:silent.port=0', 'wsg.pool=1');
  await program.printed(/unknown option/);
  program.kill('SIGTERM');
  await program.ended;
  assert.deepEqual(loadedBy(program), []);
});

test('development loads selfsigned if an API over HTTPS has no certificate', async (t) => {
  const { folder } = emptyProject({
    ...PROJECT,
    'portico.ini': '[DEFAULT]\nenabled_ssl_apis = silent\n[api:silent]\nport = 0\n',
  });
  const development = untilEnd(
    t,
    new Program(process.execPath, ['--import', './register.js', apiCli, '--dev'], { cwd: folder }),
  );
  await development.printed(/loads selfsigned/);
});

test('every declaration by which a module is distinguished from others is one of the package', () => {
  const lib = join(root, 'lib');
  const texts = readdirSync(lib, { recursive: true })
    .map(String)
    .filter((name) => /\.m?js$/.test(name))
    .map((name) => readFileSync(join(lib, name), 'utf8'));
  const missing = Object.values(OTHERS).filter((line) => !texts.some((text) => new RegExp(`${line}\\b`).test(text)));
  assert.deepEqual(missing, []);
});

test('a parent with settings on its command line, and sections of filters and its application, that starts, reloads and is asked for its status composes nothing and has no filter and no registry', async (t) => {
  const { folder, program } = await ready(
    t,
    '[api:silent]\nport = 0\n[cors]\nmax_age = 5\n[mine]\nsize = 5\n[admin]\nlisten = 127.0.0.1:0\n[metrics]\nenabled = true\n' +
      '[servicegroup]\nreport_interval = 0\n',
  );
  const [, url] = await program.printed(/"url":"(http:[^"]*)"/);
  const { stderr, status } = await commandBeside(['reload'], { cwd: folder });
  assert.equal(status, 0, stderr);
  for (const path of ['/status', '/metrics']) assert.equal((await fetch(url + path)).status, 200, path);
  assert.equal((await fetch(`${url}/services`)).status, 404);
  assert.deepEqual(loadedBy(program), []);
  assert.equal((await commandBeside(['stop'], { cwd: folder })).status, 0);
  assert.equal((await program.ended).code, 0);
});

test('a parent loads its registry when an operator asks for it, and never the backdoor of its workers; with a certificate nothing loads selfsigned', async (t) => {
  const { cert, key } = await makePair();
  const { program } = await ready(
    t,
    '[DEFAULT]\nbackdoor_port = 0\nenabled_ssl_apis = silent\n[api:silent]\nport = 0\n' +
      '[ssl]\ncert_file = cert.pem\nkey_file = key.pem\n' +
      '[admin]\nlisten = 127.0.0.1:0\n[database]\nconnection = sqlite:///services.db\n',
    { 'cert.pem': cert, 'key.pem': key },
  );
  // Workers have the hooks too.
  assert.match(program.stderr, /loads the server$/m);
  assert.doesNotMatch(program.stderr, /loads selfsigned/);
  assert.match(program.stderr, /loads the backdoor$/m);
  assert.deepEqual(loadedBy(program), []);
  const [, url] = await program.printed(/"url":"(http:[^"]*)"/);
  const answer = await fetch(`${url}/services`);
  assert.equal(answer.status, 200);
  assert.equal(((await answer.json()) as { services: unknown[] }).services.length, 1);
  await until(
    () => loadedBy(program),
    (loaded) => loaded.includes('the registry'),
  );
  await program.stop();
});

test('a parent composes only for an API whose app is a reference out of the paste file', async (t) => {
  const { program } = await ready(t, '[api:silent]\nport = 0\npipeline = config:other.ini\n', {
    'other.ini': '[app:main]\npaste.app_factory = ./apps.js:silent\n',
  });
  assert.ok(loadedBy(program).includes('the composition of a paste file'));
});

test('an application loads the server and the transport of remote calls when its first service starts', async (t) => {
  const index = JSON.stringify(new URL('lib/extras/rpc/index.js', `file://${root}/`).href);
  const { folder } = emptyProject({
    ...PROJECT,
    'main.js': `import { RPCService } from ${index};
const service = RPCService.create({ binary: 'images', host: 'north', manager: { resize: () => 1 }, registration: null });
const waiting = setInterval(() => {}, 60_000);
process.once('SIGUSR2', async () => {
  await service.start();
  await service.stop();
  clearInterval(waiting);
});
console.log('made');
`,
  });
  const program = untilEnd(t, new Program(process.execPath, ['--import', './register.js', 'main.js'], { cwd: folder }));
  await program.printed(/made/);
  const ofCalls = (): string[] => loadedBy(program).filter((what) => /remote calls|transport/.test(what));
  assert.deepEqual(ofCalls(), []);
  program.kill('SIGUSR2');
  assert.equal((await program.ended).code, 0);
  assert.deepEqual(ofCalls().sort(), ['the server of remote calls', 'the transport in memory']);
});
