/** `[DEFAULT] workers = 0`: api-cli serves its APIs in its own process. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { commandBeside } from '../cli/command.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { NotifyListener } from '../fixtures/notify-listener.js';
import { until, untilIs } from '../fixtures/until.js';
import { ask, askSocket } from './clients.js';
import {
  emptyProject,
  freePort,
  type Program,
  runApiCli,
  startedOnce,
  startMain,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from './program.js';
import { reports } from './reloaded-project.js';

/** Responds with its pid and the option `greeting` of its section; to `/slow` only when the file `go` exists. */
const APP = `
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { appFactory, defineOptions, Router, string } from 'portico';
const options = defineOptions('greeter', { greeting: string({ default: 'hello', help: 'What it says.' }) });
export const app = appFactory('greeter', options, ({ greeting }) => {
  const router = new Router();
  router.get('/', () => ({ pid: process.pid, greeting }));
  router.get('/slow', async () => {
    writeFileSync('begun', '');
    while (!existsSync('go')) await pause(10);
    return { pid: process.pid, greeting };
  });
  return router.build();
});
`;

const paste = (greeting: string, extra = ''): string =>
  ['books', 'films', 'songs']
    .map((name) => `[app:${name}]\npaste.app_factory = ./app.js:app\ngreeting = ${greeting}\n${extra}`)
    .join('\n');

interface Ports {
  readonly books: number;
  readonly films: number;
  readonly songs: number;
  readonly metrics: number;
}

const ini = (ports: Ports, { apis = 'books, films', more = '' } = {}): string =>
  `[DEFAULT]\nworkers = 0\nenabled_apis = ${apis}\nlog_format = json\n${more}[metrics]\nenabled = true\n` +
  `[admin]\nmetrics_listen = 127.0.0.1:${ports.metrics}\n[control]\nsocket = control.sock\n` +
  `[api:books]\nport = ${ports.books}\n[api:films]\nport = ${ports.films}\n[api:songs]\nport = ${ports.songs}\n`;

const READY = /"event":"ready"/;

interface Served {
  readonly program: Program;
  readonly folder: string;
  readonly ports: Ports;
  write(file: string, text: string): void;
  /** Sends SIGHUP; settles with the report of the reload. */
  hup(): Promise<ReturnType<typeof reports>[number]>;
  /** Runs a command of api-cli in the project. */
  command(...words: string[]): ReturnType<typeof commandBeside>;
}

async function served(
  t: UntilEnd,
  { more = '', env = {} }: { readonly more?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Served> {
  const [books, films, songs, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = { books, films, songs, metrics };
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': paste('one'), 'portico.ini': ini(ports, { more }) });
  const program = startProject(t, project, [], env);
  await program.printed(READY);
  const { folder } = project;
  return {
    program,
    folder,
    ports,
    write: (file, text) => writeFileSync(join(folder, file), text),
    hup: async () => {
      const known = reports(program).length;
      program.kill('SIGHUP');
      while (reports(program).length === known) await program.printed(/\n/, program.output().length);
      return reports(program)[known]!;
    },
    command: (...words) => commandBeside(words, { cwd: folder }),
  };
}

const asked = async (port: number, agent: Agent | false = false): Promise<{ pid: number; greeting: string }> =>
  JSON.parse((await ask(`http://127.0.0.1:${port}/`, { agent })).text) as { pid: number; greeting: string };

/** Returns the pids of the children of a process. */
const childrenOf = ({ pid }: Program): string =>
  readdirSync(`/proc/${pid}/task`)
    .map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1'))
    .join('')
    .trim();

const file = untilFileEnds();
/** A process for the tests that follow one another, of which the last one ends it. */
const shared = startedOnce(() => served(file));

test('two APIs are served by the process that was started, which has no child', async () => {
  const { program, ports, command } = await shared();
  for (const port of [ports.books, ports.films]) {
    assert.deepEqual(await asked(port), { pid: program.pid, greeting: 'one' });
  }
  await untilIs(() => childrenOf(program), '');
  const status = await command('status', '--json');
  assert.equal(status.status, 0, status.stderr);
  const { services } = JSON.parse(status.stdout) as {
    services: { name: string; ready: number; workers: { pid: number }[] }[];
  };
  assert.deepEqual(
    services.map(({ name, ready, workers }) => ({ name, ready, pids: workers.map(({ pid }) => pid) })),
    ['books', 'films'].map((name) => ({ name, ready: 1, pids: [program.pid] })),
  );
});

test('no other process is started for a moment either, wherever the configuration says that there are no workers', async (t) => {
  const notes = `
    const { appendFileSync } = require('node:fs');
    require('node:diagnostics_channel').subscribe('child_process', () => appendFileSync('started', 'one '));
  `;
  const one = '[DEFAULT]\nworkers = 0\n';
  for (const [start, args, env, started] of [
    [one, [], {}, ''],
    [`${one}log_format = json\n`, ['--enabled-apis', 'books'], {}, ''],
    ['', ['--set', 'DEFAULT.workers=0'], {}, ''],
    ['', [], { PORTICO_DEFAULT__WORKERS: '0' }, ''],
    ['', [], {}, 'one '],
  ] as const) {
    const text = `${start}[api:books]\nport = 0\nworkers = 1\n`;
    const files = {
      'app.js': APP,
      'api-paste.ini': paste('one'),
      'portico.ini': text,
      'notes.cjs': notes,
      started: '',
    };
    const project = emptyProject(files);
    const options = `--require=${join(project.folder, 'notes.cjs')}`;
    const program = startProject(t, project, args, { ...env, NODE_OPTIONS: options });
    await program.printed(/Ready after|"event":"ready"/);
    assert.equal(readFileSync(join(project.folder, 'started'), 'utf8'), started, `${start}${args.join(' ')}`);
    await program.end();
  }
});

test('commands of the control socket, probes and metrics are as with workers; scale names the reason', async () => {
  const { folder, ports, command, write } = await shared();
  const slow = ask(`http://127.0.0.1:${ports.films}/slow`);
  await until(() => readdirSync(folder).includes('begun'), Boolean);
  assert.match((await command('requests')).stdout, /GET +\/slow/);
  write('go', '');
  assert.equal((await slow).status, 200);

  const scaled = await command('scale', 'books', '2');
  assert.notEqual(scaled.status, 0);
  assert.match(scaled.stderr, /runs its services itself and has no workers/);
  assert.match(scaled.stderr, /workers = 0 from \[DEFAULT\]/);

  assert.equal((await command('log-level', 'debug')).status, 0);
  assert.match((await command('config', 'show', 'DEFAULT.workers')).stdout, /0/);
  assert.equal((await ask(`http://127.0.0.1:${ports.metrics}/readyz`)).status, 200);
  const { text } = await ask(`http://127.0.0.1:${ports.metrics}/metrics`);
  for (const api of ['books', 'films'])
    assert.match(text, new RegExp(`^portico_workers_ready\\{api="${api}"\\} 1$`, 'm'));
  assert.match(text, /^portico_http_requests_total\{[^}]*api="films"[^}]*route="\/slow"[^}]*\} 1$/m);
  assert.equal((await command('reload')).status, 0);
});

test('SIGHUP takes effect in the process and loses no request of clients on kept connections; a wrong one changes nothing', async (t) => {
  const { program, ports, write, hup } = await shared();
  const lost: string[] = [];
  const seen = { books: new Set<string>(), films: new Set<string>() };
  let stopped = false;
  t.after(() => {
    stopped = true;
  });
  const client = async (api: 'books' | 'films'): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!stopped) {
      await asked(ports[api], agent).then(
        ({ pid, greeting }) => seen[api].add(`${greeting} ${pid === program.pid}`),
        (error: Error) => lost.push(`${api}: ${error.message}`),
      );
      await rest(20);
    }
    agent.destroy();
  };
  const clients = (['books', 'films'] as const).flatMap((api) => [client(api), client(api)]);
  const everyone = (greeting: string) =>
    until(() => Object.values(seen).every((each) => each.has(`${greeting} true`)), Boolean);
  await everyone('one');

  write('api-paste.ini', paste('two'));
  const done = await hup();
  assert.equal(done.outcome, 'accepted', JSON.stringify(done));
  await everyone('two');

  write('api-paste.ini', paste('three', 'paste.filter_factory = nowhere\n'));
  write('portico.ini', ini(ports, { more: 'drain_timeout = soon\n' }));
  const refused = await hup();
  assert.equal(refused.outcome, 'refused');
  for (const port of [ports.books, ports.films]) assert.equal((await asked(port)).greeting, 'two');

  write('portico.ini', ini(ports));
  write('api-paste.ini', paste('three').replace('./app.js:app', './none.js:app'));
  assert.equal((await hup()).outcome, 'refused');
  assert.equal((await asked(ports.films)).greeting, 'two');

  stopped = true;
  await Promise.all(clients);
  assert.deepEqual(lost, []);
  const third = [...seen.books, ...seen.films].filter((each) => each.startsWith('three'));
  assert.deepEqual(third, []);
});

test('a reload adds and removes APIs of the process; workers = 2 waits for a restart; SIGINT ends it with 1', async () => {
  const { program, ports, write, hup, command } = await shared();
  write('api-paste.ini', paste('two'));
  write('portico.ini', ini(ports, { apis: 'books, songs' }));
  const changed = await hup();
  assert.equal(changed.outcome, 'accepted', JSON.stringify(changed));
  assert.deepEqual([changed.added, changed.removed], [['songs'], ['films']]);
  for (const port of [ports.books, ports.songs]) assert.equal((await asked(port)).pid, program.pid);
  await assert.rejects(asked(ports.films));

  // The new API follows later reloads too.
  write('api-paste.ini', paste('four'));
  assert.equal((await hup()).outcome, 'accepted');
  assert.equal((await asked(ports.songs)).greeting, 'four');

  // Another application has the port of an API that is added: nothing changes.
  write(
    'portico.ini',
    ini({ ...ports, films: ports.metrics }, { apis: 'books, songs, films' }).replace('[admin]\n', '[admin]\n#'),
  );
  const taken = await hup();
  assert.equal(taken.outcome, 'refused', JSON.stringify(taken));
  assert.equal((await asked(ports.songs)).greeting, 'four');

  write('portico.ini', ini(ports, { apis: 'books, songs' }).replace('workers = 0\n', ''));
  const waiting = await hup();
  const effects = waiting.changes.filter(({ option }) => option === 'DEFAULT.workers').map(({ effect }) => effect);
  assert.deepEqual(effects, ['needs a restart']);
  assert.equal((await asked(ports.books)).pid, program.pid);
  const status = await command('status', '--json');
  const names = (JSON.parse(status.stdout) as { services: { name: string }[] }).services.map(({ name }) => name);
  assert.deepEqual(names, ['books', 'songs']);
  program.kill('SIGINT');
  assert.deepEqual(await program.ended, { code: 1, signal: null });
});

test('SIGTERM lets requests of all APIs end, and the service manager hears of the start, a reload and the stop', async (t) => {
  const path = join(emptyFolder(), 'notify');
  const listener = closedAfter(t, new NotifyListener(path));
  await listener.listening;
  const { program, folder, ports, write, hup } = await served(t, { env: { NOTIFY_SOCKET: path } });
  await listener.message('READY=1');
  await hup();
  await listener.message('RELOADING=1');
  const slow = ask(`http://127.0.0.1:${ports.books}/slow`);
  await until(() => readdirSync(folder).includes('begun'), Boolean);
  program.kill('SIGTERM');
  await listener.message('STOPPING=1');
  await until(
    () =>
      asked(ports.films).then(
        () => false,
        () => true,
      ),
    Boolean,
  );
  program.kill('SIGTERM');
  write('go', '');
  assert.equal((await slow).status, 200);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
});

test('an application of runApis serves in one process too', async (t) => {
  const port = await freePort();
  const program = startMain(
    t,
    emptyProject({
      'main.js': `
import { runApis, runMain } from 'portico/cli';
import { WSGIService } from 'portico/server';
const services = (config) => ['books', 'films'].map((name) => new WSGIService(name, config));
await runMain(() => runApis(services, { onReady: ({ name }, [address]) => console.log('ready:', name, address.port) }));
`,
      'app.js': APP,
      'api-paste.ini': paste('one'),
      'portico.ini': `[DEFAULT]\nworkers = 0\n[api:books]\nport = ${port}\n[api:films]\nport = 0\n`,
    }),
  );
  await program.printed(new RegExp(`ready: books ${port}\nready: films [1-9]`));
  assert.deepEqual(await asked(port), { pid: program.pid, greeting: 'one' });
  program.kill('SIGHUP');
  await program.printed(/"event":"reload".*"outcome":"accepted"/);
  assert.deepEqual(await asked(port), { pid: program.pid, greeting: 'one' });
  await program.stop();
});

test('an API calls a service of the same process over memory://, which a check and a reload accept', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'managers.js': 'export class Stock { count() { return process.pid; } }',
    'app.js': `
import { RequestContext, Router } from 'portico';
export const app = async (_global, _local, ctx) => {
  const router = new Router();
  const stock = (await ctx.rpc()).client({ topic: 'stock' }).of();
  router.get('/', async () => ({ pid: await stock.count(new RequestContext({})) }));
  return router.build();
};
`,
    'api-paste.ini': '[app:books]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[DEFAULT]\nworkers = 0\nlog_format = json\n[api:books]\nport = ${port}\n[service:stock]\nmanager = ./managers.js:Stock\n`,
  });
  const program = startProject(t, project);
  await program.printed(READY);
  const { text } = await ask(`http://127.0.0.1:${port}/`);
  assert.deepEqual(JSON.parse(text), { pid: program.pid });
  const checked = await commandBeside(['check'], { cwd: project.folder });
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  program.kill('SIGHUP');
  await program.printed(/"event":"reload".*"outcome":"accepted"/);
  assert.deepEqual(JSON.parse((await ask(`http://127.0.0.1:${port}/`)).text), { pid: program.pid });
});

test('workers = 2 in the section of an API has no effect, which check and the log say; [DEFAULT] workers = 2 is refused', async () => {
  const files = (workers: string) => ({
    'api-paste.ini': '[app:books]\npaste.app_factory = portico/middleware:echo\n',
    'portico.ini': `[DEFAULT]\nworkers = ${workers}\nmax_memory = 1G\n[api:books]\nport = 0\nworkers = 2\n`,
  });
  const project = emptyProject(files('0'));
  const checked = await commandBeside(['check'], { cwd: project.folder });
  assert.equal(checked.status, 0, checked.stdout);
  for (const option of ['api:books] workers', 'DEFAULT] max_memory'])
    assert.ok(checked.stdout.includes(`${option}: has no effect: one process serves all`), checked.stdout);
  const wrong = emptyProject(files('2'));
  const { status, stderr } = await runApiCli(wrong.folder);
  assert.equal(status, 78, stderr);
  assert.match(stderr, /portico\.ini:2:11: error: \[DEFAULT\] workers: 2 is not a number for all APIs: only 0 is/);
  assert.match(stderr, /write workers = 2 in \[api:books\]/);
});

function emptyFolder(): string {
  const { folder } = emptyProject({});
  return folder;
}

test('RW-8 RW-15 SIGTERM while a reload waits serves all that have connected, and the command says that the service stops', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'managers.js': 'export class Stock { initHost() {} }',
    'app.js': APP,
    'api-paste.ini': paste('one'),
    'portico.ini':
      `[DEFAULT]\nworkers = 0\nlog_format = json\nreload_pause = 600\n[control]\nsocket = control.sock\n` +
      `[api:books]\nport = ${port}\nmanager = ./managers.js:Stock\n`,
  });
  const { folder } = project;
  const program = startProject(t, project);
  await program.printed(READY);
  const socket = join(folder, 'control.sock');
  const slow = ask(`http://127.0.0.1:${port}/slow`);
  await until(() => readdirSync(folder).includes('begun'), Boolean);
  const reload = commandBeside(['reload'], { cwd: folder });
  interface Readiness {
    readonly services: readonly { readonly state: string; readonly reasons: readonly string[] }[];
  }
  const { status, body } = await until(
    () => askSocket<Readiness>(socket, 'GET', '/readyz'),
    (answer) => answer.status !== 200,
  );
  const { state, reasons } = body.services[0]!;
  assert.deepEqual([status, state], [503, 'reloading']);
  assert.match(reasons.join(), /^waits for GET \/slow of 127\.0\.0\.1 since /);
  const waiting = ask(`http://127.0.0.1:${port}/`);
  await untilIs(
    async () => (await askSocket<{ requests: unknown[] }>(socket, 'GET', '/requests')).body.requests.length,
    2,
  );
  program.kill('SIGTERM');
  await program.printed(/Caught SIGTERM/);
  writeFileSync(join(folder, 'go'), '');
  assert.equal((await slow).status, 200);
  assert.equal((await waiting).status, 200);
  const { status: failed, stderr } = await reload;
  assert.equal(failed, 1);
  assert.match(stderr, /the service is stopping: it does not reload any more/);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
});
