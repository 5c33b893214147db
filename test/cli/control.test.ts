/** `api-cli reload --dry-run` does everything a reload does up to its decision, and changes nothing. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { askSocket } from '../e2e/clients.js';
import { emptyProject, freePort, type Outcome, type Program, startMain, startProject } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { certificateFiles } from '../server/certificate-files.js';
import { commandBeside } from './command.js';

/** An import that waits while a file `hold` exists whose content is not "go". */
const APP = `
import { existsSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { integer } from 'portico/config';
const hold = new URL('./hold', import.meta.url);
if (existsSync(hold)) writeSync(2, 'importing\\n');
while (existsSync(hold) && readFileSync(hold, 'utf8') !== 'go') await wait(20);
const options = { size: integer({ default: 1, help: 'Read by the app.' }) };
export const app = (globalConf, localConf, ctx) => {
  ctx.config.group('mine', options);
  return (req, res) => res.end(JSON.stringify(localConf.get('greeting') ?? 'hello'));
};
export class Manager {
  initHost() { writeSync(2, 'initHost ' + process.pid + '\\n'); }
}
`;

const PASTE = `[pipeline:hello]
pipeline = request_id hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[app:hello_app]
paste.app_factory = ./app.js:app

[app:other]
paste.app_factory = ./app.js:app
`;

interface Served {
  readonly program: Program;
  readonly port: number;
  readonly socket: string;
  write(file: string, text: string): void;
  cli(...words: string[]): Promise<Outcome>;
}

const ini = (port: number, more = '', workers = 2): string =>
  `[DEFAULT]\nenabled_apis = hello\n${more}\n[api:hello]\nport = ${port}\nworkers = ${workers}\nmanager = ./app.js:Manager\n`;

async function served(t: TestContext, more = '', workers = 2): Promise<Served> {
  const port = await freePort();
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini(port, more, workers) });
  const program = startProject(t, project);
  await program.printed(/^hello .*:\d+/m);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  return { program, port, socket: socket!, ...inFolder(project.folder) };
}

function inFolder(cwd: string): Pick<Served, 'write' | 'cli'> {
  return {
    write: (file, text) => writeFileSync(join(cwd, file), text),
    cli: (...words) => commandBeside(words, { cwd }),
  };
}

/** The body of the control socket's responses: a report, a status or an error. */
interface Told extends ReloadReport {
  readonly process: { readonly generation: number };
  readonly services: readonly { readonly workers: readonly { readonly state: string; readonly pid: number }[] }[];
  readonly reloads: readonly ReloadReport[];
  readonly left: ReloadReport['changes'];
  readonly error: string & { readonly message: string };
}

/** The configuration in force, the serving workers and the outcomes of reloads. */
async function state(socket: string): Promise<{ generation: number; pids: number[]; reloads: string[] }> {
  const { body } = await askSocket<Told>(socket, 'GET', '/status');
  const pids = body.services.flatMap(({ workers }) =>
    workers.flatMap(({ state, pid }) => (state === 'ready' ? [pid] : [])),
  );
  const reloads = body.reloads.map(({ outcome }) => outcome);
  return { generation: body.process.generation, pids: pids.sort(), reloads };
}

async function answer(port: number): Promise<string> {
  return (await get<string>(port, '/')).body;
}

test('OP-11 OP-80 a dry run of a broken file exits with 1, with its location, and leaves all as it was; OP-57 a probe does not see the API that a dry run tries; OP-81 a dry run of a good change exits with 0, says what it would change, and a reload then does it', async (t) => {
  const { cli, write, port, socket, program } = await served(t, '', 1);
  const before = await state(socket);
  write('portico.ini', `[api:hello]\nport = ${port}\nworkrs = 3\n`);
  const broken = await cli('reload', '--dry-run');
  assert.equal(broken.status, 1);
  assert.match(
    broken.stdout,
    /^would be refused, checked in \d+ ms, configuration 1 stays: .*portico\.ini:3:1: .*workrs/s,
  );
  assert.equal(broken.stdout.split('workrs: unknown option').length, 2, 'each error once');
  assert.match(
    broken.stdout,
    /\nExplained in:\n {2}\S+errors\.md#portico_config_unknown_option\n {2}\S+options\.md#apiname\n$/,
  );
  assert.deepEqual(await state(socket), before);
  // The operator gets the report; the service logs no error.
  assert.match(
    program.stderr,
    /"level":"notice".*"event":"reload_dry_run".*"outcome":"refused".*"pages":\["[^"]+errors\.md#\w+",/,
  );
  assert.doesNotMatch(program.stderr, /"event":"reload"|"level":"error"/);

  write('hold', 'wait');
  write('portico.ini', `${ini(port, '', 1).replace('hello\n', 'hello,other\n')}[api:other]\nport = 0\n`);
  const from = program.output().length;
  const tried = cli('reload', '--dry-run');
  await program.printed(/importing/, from);
  const ready = await askSocket<Told>(socket, 'GET', '/readyz');
  assert.deepEqual([ready.status, ready.body.services.length], [200, 1]);
  write('hold', 'go');
  assert.equal((await tried).status, 0);

  const other = await freePort();
  write(
    'portico.ini',
    `${ini(port, '', 1).replace('hello\n', 'hello,other\n')}[api:other]\nport = ${other}\nworkers = 1\n`,
  );
  write(
    'api-paste.ini',
    PASTE.replace('request_id hello_app', 'hello_app').replace('[app:other]', 'greeting = good day\n[app:other]'),
  );
  const { status, stdout, stderr } = await cli('reload', '--dry-run');
  assert.deepEqual([status, stderr], [0, '']);
  const [first, ...lines] = stdout.trimEnd().split('\n');
  assert.match(first!, /^would be accepted, checked in \d+ ms, configuration 1 stays$/);
  const told = lines.map((line) => line.trim().replaceAll(/ {2,}/g, ' | '));
  assert.deepEqual(told.slice(0, 6), [
    'To look at',
    '- pipeline hello | request_id is removed | api-paste.ini:1',
    '~ app hello_app | greeting none -> good day | applied by a reload | api-paste.ini:10',
    'Compatible',
    `+ api other | new, on 127.0.0.1:${other} | portico.ini:8:1`,
    '0 breaking, 2 to look at, 1 compatible',
  ]);
  assert.deepEqual(lines.slice(-3), [
    '  api-paste.ini:4:1: warning: [filter:request_id] this filter is not used.',
    '  hello: 1 worker to be replaced',
    '  to be added: other',
  ]);
  assert.deepEqual(await state(socket), before);
  assert.equal(await answer(port), 'hello');
  await assert.rejects(get(other, '/'), /ECONNREFUSED/);
  // Manager hooks have run only in the worker.
  assert.equal(program.stderr.match(/^initHost/gm)?.length, 1);

  const real = await cli('reload');
  assert.match(real.stdout, /^accepted .*, configuration 2\n.*hello: 1 worker replaced\n {2}added: other/s);
  // The worker replaced last may still accept a connection.
  while ((await answer(port)) !== 'good day');
  assert.equal(await answer(other), 'hello');
});

test('OP-11 a dry run waits for the reload under way, and a reload for the dry run', async (t) => {
  const { cli, write, port, socket, program } = await served(t, '', 1);
  write('hold', 'wait');
  write('portico.ini', ini(port, '', 1));
  let from = program.output().length;
  const reload = cli('reload', '--json');
  await program.printed(/importing/, from);
  const dryRun = askSocket<Told>(socket, 'POST', '/reload/dry-run');
  write('hold', 'go');
  assert.equal(JSON.parse((await reload).stdout).outcome, 'accepted');
  const { body } = await dryRun;
  assert.deepEqual([body.dryRun, body.outcome, body.generation, body.changes], [true, 'accepted', 2, []]);
  assert.deepEqual(body.replaced, { hello: 1 });

  write('hold', 'wait');
  from = program.output().length;
  const tried = cli('reload', '--dry-run');
  await program.printed(/importing/, from);
  const behind = askSocket<Told>(socket, 'POST', '/reload');
  write('hold', 'go');
  assert.equal((await tried).status, 0);
  assert.deepEqual([(await behind).body.outcome, (await behind).body.generation], ['accepted', 3]);
  assert.deepEqual((await state(socket)).reloads, ['accepted', 'accepted']);
});

test('OP-11 CF-90 LC-516 CF-80 where reloads mutate, a dry run says what they would take up, and POST /reload does it without a signal; a mutate is validated as a reload, and neither starts nor ends a service', async (t) => {
  const { cli, write, port, socket } = await served(t, 'restart_method = mutate\nlog_level = info', 1);
  const before = await state(socket);
  write('portico.ini', ini(port, 'restart_method = mutate\nlog_level = debug', 1));
  const { status, stdout } = await cli('reload', '--dry-run');
  assert.equal(status, 0, stdout);
  assert.match(
    stdout,
    /^would be accepted.*\n {2}DEFAULT\.log_level: info -> debug \(.*portico\.ini:4:13\), passed to reset\(\)\n$/,
  );
  assert.deepEqual(await state(socket), before);
  const { body } = await askSocket<Told>(socket, 'POST', '/reload');
  assert.deepEqual([body.outcome, body.generation], ['accepted', 2]);
  assert.deepEqual(
    body.changes.map(({ option, new: now, effect }) => [option, now, effect]),
    [['DEFAULT.log_level', 'debug', 'passed to reset()']],
  );
  assert.deepEqual((await state(socket)).pids, before.pids);

  const written = (size: number | string, more = ''): string =>
    `${ini(port, 'restart_method = mutate\nlog_level = debug', 1)}[mine]\nsize = ${size}\n${more}`;
  write('portico.ini', written(2));
  assert.match((await cli('reload')).stdout, /\n {2}mine\.size: .*, passed to reset\(\)\n/);
  write('portico.ini', written('many'));
  const refused = await cli('reload');
  assert.match(`${refused.stdout}${refused.stderr}`, /portico\.ini:\d+:8: error: \[mine\] size: should be an integer/);
  write('portico.ini', written(2, '[api:other]\nport = 0\n').replace(/^enabled_apis.*\n/m, ''));
  const added = await cli('reload');
  assert.match(
    `${added.stdout}${added.stderr}`,
    /mutate keeps the processes, but the enabled services have changed: \+other/,
  );
  // RW-4: workers that start later would speak TLS on the port of the others.
  const { cert, key } = await certificateFiles();
  const ssl = `[ssl]\ncert_file = ${cert}\nkey_file = ${key}\n`;
  write('portico.ini', written(2, ssl).replace('[DEFAULT]\n', '[DEFAULT]\nenabled_ssl_apis = hello\n'));
  const tls = await cli('reload');
  assert.match(
    `${tls.stdout}${tls.stderr}`,
    /portico\.ini:2:\d+: .*does not turn TLS on or off: enabled_ssl_apis has changed/,
  );
});

const ALONE = `
import { Config, launch, WSGIService } from 'portico';
const config = await Config.load({ files: ['portico.ini'] });
const launcher = await launch(new WSGIService('hello', config), { config });
process.exitCode = await launcher.wait();
`;

test('OP-11 a process that runs its service itself builds the new app in a dry run, and serves the old one', async (t) => {
  const port = await freePort();
  const more = '[control]\nsocket = alone.sock';
  const files = { 'main.js': ALONE, 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': ini(port, more, 1) };
  const { folder } = emptyProject(files);
  const program = startMain(t, { folder });
  await program.printed(/"event":"control"/);
  await program.printed(/"event":"ready"/);
  const { cli, write } = inFolder(folder);
  write('api-paste.ini', PASTE.replace('[app:other]', 'greetin =\n[app:other]').replace('./app.js:app', './ap.js:app'));
  const broken = await cli('reload', '--dry-run');
  assert.deepEqual([broken.status, /api-paste\.ini:\d+.*ap\.js/.test(broken.stdout)], [1, true], broken.stdout);
  write('api-paste.ini', PASTE.replace('[app:other]', 'greeting = good day\n[app:other]'));
  const { stdout } = await cli('reload', '--dry-run');
  assert.match(
    stdout,
    /^would be accepted.*\n {2}what clients would notice is not known: hello cannot be described: it has no workers\n/,
  );
  assert.equal(await answer(port), 'hello');
  assert.match((await cli('reload')).stdout, /^accepted/);
  assert.equal(await answer(port), 'good day');
});
