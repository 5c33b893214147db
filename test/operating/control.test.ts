/** The control socket of a running service, and the commands of api-cli that use it. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { askSocket as ask } from '../e2e/clients.js';
import {
  emptyProject,
  freePort,
  type Program,
  startedOnce,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from '../e2e/program.js';
import { pidPaste, pidProject } from '../e2e/projects.js';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { makePair } from '../server/certificate-files.js';

const app = `
import { filterFactory } from 'portico/app';
import { defineOptions, string } from 'portico/config';
export const options = defineOptions('mail', { host: string({ default: 'localhost', help: 'Mail host.' }) });
const help = 'Team.';
const team = { team: string({ required: true, help }), town: string({ default: '', help }) };
export const filter = filterFactory('team', defineOptions(team), () => (app) => app);
export const app = (globals, locals, { log }) => (req, res) => {
  if (req.url === '/level') return res.end(JSON.stringify([log.level, process.pid]));
  if (req.url === '/spin') return endlessly();
  if (req.url.startsWith('/work')) return void res.writeHead(200, { 'x-pid': process.pid }).write('begun');
  res.end(String(process.pid));
};
function endlessly() {
  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5);
}
`;

interface Served {
  readonly folder: string;
  readonly port: number;
  readonly program: Program;
  /** The path of the control socket, from the log. */
  readonly socket: string;
}

async function served(t: UntilEnd, { more = '', workers = 2, files = {} } = {}): Promise<Served> {
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, workers, more), ...files, 'app.js': app });
  const program = startProject(t, project);
  await program.printed(/https?:\/\/127\.0\.0\.1:\d+ +\d worker/);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  return { folder: project.folder, port, program, socket: socket! };
}

const file = untilFileEnds();
/** One service for the tests that follow one another, of which the last one stops it. */
const shared = startedOnce(() =>
  served(file, {
    more: '[wsgi]\nkeep_alive = false\n[mail]\nhost = relay\n[team]\ntown = Ulm\n',
    workers: 1,
    files: { 'api-paste.ini': paste },
  }),
);
const paste = `${pidPaste.replace('request_id hello_app', 'request_id team hello_app')}
[filter:team]
paste.filter_factory = ./app.js:filter
team = storage
`;

/** Runs a command in a thread. */
const run = (cwd: string, ...words: string[]) => commandBeside(words, { cwd });

/** Sends a request whose response never ends. Returns the pid of its worker, and what ends it. */
async function begun(port: number, path: string) {
  const asked = request({ port, host: '127.0.0.1', path, agent: false }).end();
  const [res] = (await once(asked, 'response')) as [IncomingMessage];
  res.on('error', () => undefined);
  return { pid: Number(res.headers['x-pid']), end: () => asked.destroy() };
}

interface Status {
  readonly overrides: readonly Readonly<Record<'setting' | 'service' | 'value' | 'configured', unknown>>[];
  readonly process: { readonly pid: number; readonly generation: number };
  readonly services: readonly {
    readonly name: string;
    readonly wanted: number;
    readonly workers: readonly {
      readonly pid: number;
      readonly inFlight: number;
      readonly running: number;
      readonly queued: number;
      readonly stack?: string[];
    }[];
  }[];
}

interface ShownService {
  readonly name: string;
  readonly state: string;
  readonly addresses: readonly { readonly port: number }[];
  readonly certificateEnds: string;
  readonly wanted: number;
  readonly ready: number;
  readonly restarts: number;
  readonly workers: readonly (Readonly<Record<'id' | 'pid' | 'uptimeMs' | 'silentMs' | 'inFlight', number>> & {
    readonly state: string;
    readonly utilization: number;
    readonly lagMaxMs: number;
    readonly rss: number;
  })[];
}

interface StatusDocument {
  readonly schema: string;
  readonly version: number;
  readonly process: Readonly<Record<'name' | 'version', string>> &
    Readonly<Record<'pid' | 'generation' | 'uptimeMs', number>> & { readonly stopping: boolean };
  readonly services: readonly ShownService[];
  readonly totals: Readonly<Record<'wanted' | 'ready' | 'restarts' | 'inFlight' | 'rss', number>>;
}

const status = async (socket: string): Promise<Status> => (await ask<Status>(socket, 'GET', '/status')).body;

test('OP-40 OP-41 the parent responds on a socket that its user alone may open, below a directory of the same', async () => {
  const { socket, program, folder } = await shared();
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(statSync(dirname(socket)).mode & 0o777, 0o700);
  const { process: parent, services } = await status(socket);
  assert.equal(parent.pid, program.pid);
  assert.deepEqual(
    services.map(({ name, wanted, workers }) => [name, wanted, workers.length]),
    [['hello', 1, 1]],
  );
  const shown = await run(folder, 'status');
  assert.match(shown.stdout, /^hello +127\.0\.0\.1:\d+ +1 of 1 ready/m);
});

test('OP-52 requests under way are listed with age, worker and path without its query', async () => {
  const { socket, port, folder } = await shared();
  const { pid, end } = await begun(port, '/work?token=secret');
  const { requests } = await until(
    async () => (await ask<{ requests: readonly { path: string; pid: number }[] }>(socket, 'GET', '/requests')).body,
    (listed) => listed.requests.length > 0,
  );
  assert.deepEqual(
    requests.map((each) => [each.path, each.pid]),
    [['/work', pid]],
  );
  const { stdout } = await run(folder, 'requests');
  assert.match(stdout, /^\d+\.\d s +hello\/\d +GET +\/work +- +waits for its next part, \d+\.\d s /m);
  // It has returned, and its client waits for more.
  const [worker] = (await status(socket)).services[0]!.workers.filter((each) => each.pid === pid);
  assert.deepEqual([worker!.inFlight, worker!.running, worker!.queued], [1, 0, 0]);
  assert.doesNotMatch(stdout, /secret/);
  end();
});

test('OP-13 OP-14 the level of the log and the report of one worker are asked for by command', async () => {
  const { socket, folder, program } = await shared();
  assert.equal((await run(folder, 'log-level', 'debug')).status, 0);
  const from = program.output().length;
  assert.equal((await run(folder, 'scale', 'hello', '2')).status, 0);
  await program.printed(/"level":"debug".*Started child/, from);
  assert.match(program.output(), /"level":"notice"[^}]*"to":"debug"[^}]*"msg":"Log level: debug"/);
  const [worker] = (await status(socket)).services[0]!.workers;
  const { stdout } = await run(folder, 'report', '--worker', String(worker!.pid));
  assert.match(stdout, new RegExp(`pid ${worker!.pid}\\)[\\s\\S]*Guru Meditation`));
  assert.equal((await run(folder, 'log-level', 'info')).status, 0);
  assert.equal((await run(folder, 'scale', 'hello', '1')).status, 0);
});

test('what is asked wrongly is refused with a reason: path, body, member', async () => {
  const { socket } = await shared();
  const cases = [
    ['GET', '/statsu', '', 404, /Did you mean .*GET \/status/],
    ['POST', '/scale', '{', 400, /not JSON/],
    ['POST', '/scale', '[]', 400, /must be an object/],
    ['POST', '/scale', '{"service":"hello","workers":-1}', 400, /not a whole number/],
    ['POST', '/scale', '{"service":"hello","workers":0}', 400, /not a whole number from 1/],
    ['POST', '/scale', '{"service":"hello","workers":1e6}', 400, /workers exceed \d+/],
    ['POST', '/scale', '{"service":"x","workers":1}', 404, /there are: hello/],
    ['POST', '/log-level', '{"level":"loud"}', 400, /one of trace, debug/],
    ['POST', '/report', '{"worker":9}', 404, /their pids/],
  ] as const;
  for (const [method, path, body, code, why] of cases) {
    const answer = await ask(socket, method, path, body);
    assert.equal(answer.status, code, path);
    assert.match(JSON.stringify(answer.body), why);
  }
});

test('a log level and a number of workers that commands have set are in every view, beside the configured ones', async () => {
  const { socket, folder } = await shared();
  const told = async () => {
    const { overrides } = (await ask<Status>(socket, 'GET', '/status')).body;
    return overrides.map(({ setting, service, value, configured }) => [setting, service, value, configured]);
  };
  assert.deepEqual(await told(), []);
  await run(folder, 'log-level', 'debug');
  await run(folder, 'log-level', 'warn', '--api', 'hello');
  await run(folder, 'scale', 'hello', '2');
  assert.deepEqual(await told(), [
    ['log level', undefined, 'debug', 'info'],
    ['log level', 'hello', 'warn', 'info'],
    ['workers', 'hello', 2, 1],
  ]);
  const { stdout } = await run(folder, 'status');
  assert.match(stdout, /^log level debug, set [\d.]+m?s ago; the configuration says info$/m);
  assert.match(stdout, /^hello: 2 workers, set [\d.]+m?s ago; the configuration says 1$/m);

  // A reload resets the level, and keeps the number.
  assert.equal((await run(folder, 'reload')).status, 0);
  assert.deepEqual(await told(), [['workers', 'hello', 2, 1]]);
  await run(folder, 'scale', 'hello', '1');
  assert.deepEqual(await told(), []);
  await run(folder, 'log-level', 'debug');
  await run(folder, 'log-level', 'info');
  assert.deepEqual(await told(), []);
});

test('config show --running prints the configuration in force, not that of the files', async () => {
  const { folder } = await shared();
  writeFileSync(join(folder, 'portico.ini'), '[wsgi]\nkeep_alive = true\n', { flag: 'a' });
  const shown = async (...words: string[]) => {
    const { stdout, stderr } = await run(folder, 'config', 'show', ...words);
    return stdout || stderr;
  };
  assert.match(await shown('wsgi.keep-alive'), /^\[wsgi\] keep_alive = true /);
  assert.match(
    await shown('wsgi.keep-alive', '--running'),
    /^\[wsgi\] keep_alive = false {2}\(portico\.ini:\d+:\d+\)$/m,
  );
  assert.match(await shown('--running'), /^\[wsgi\] \w+ = .*\(default\)$/m);
  const changed = JSON.parse(await shown('--running', '--changed', '--json')) as { options: { opt: string }[] };
  assert.deepEqual(
    changed.options.map(({ opt }) => opt).filter((opt) => opt.startsWith('keep')),
    ['keep_alive'],
  );
  const refused = await run(folder, 'config', 'show', 'wsgi.keep_alife', '--running');
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /did you mean.*keep_alive/i);
});

test('config show --running has the options of the application, from a worker: the parent does not import it', async () => {
  const { folder } = await shared();
  const shown = (...words: string[]) => run(folder, 'config', 'show', ...words, '--running');
  const host = await shown('mail.host');
  assert.deepEqual([host.status, host.stderr], [0, '']);
  assert.match(host.stdout, /^\[mail\] host = relay {2}\(portico\.ini:\d+:8\)\n$/);
  assert.match((await shown('mail.hots')).stderr, /^ {2}Did you mean "mail\.host"\?$/m);
  assert.match((await shown('--changed')).stdout, /^\[mail\] host = relay /m);
  // A section of the paste file may set it: it is not refused because no group does.
  const { stdout } = await shown('team.team');
  assert.equal(stdout, '[team] team = none  (default; sections of the paste file: api-cli pipeline)\n');
  const town = (await shown('team.town')).stdout;
  assert.match(town, /^\[team\] town = Ulm {2}\(portico\.ini:\d+:8; sections of the paste file: api-cli pipeline\)\n$/);
});

test('config show --running says of which service no worker lists its options', async (t) => {
  const { folder, port } = await served(t, { workers: 1 });
  const spinning = request({ port, host: '127.0.0.1', path: '/spin', agent: false }).on('error', () => undefined);
  t.after(() => spinning.destroy());
  spinning.end();
  const told = () => run(folder, 'config', 'show', '--running');
  const shown = await until(told, ({ stderr }) => stderr !== '');
  assert.equal(
    shown.stderr,
    'Without the options that only the application of hello knows: no worker of it responds\n',
  );
  assert.equal(shown.status, 0);
  assert.match(shown.stdout, /^\[api:hello\] workers = 1 /m);
  assert.doesNotMatch(shown.stdout, /^\[mail\]/m);
});

test('OP-40 OP-12 scale, restart and stop do what they say, for a service that there is', async () => {
  const { socket, folder, program } = await shared();
  const before = (await status(socket)).services[0]!.workers.map(({ pid }) => pid);
  assert.match((await run(folder, 'scale', 'hello', '2')).stdout, /hello has 2 workers/);
  assert.equal((await status(socket)).services[0]?.wanted, 2);
  assert.match((await run(folder, 'scale', 'hello', '1')).stdout, /hello has 1 worker/);
  const { status: refused, stderr } = await run(folder, 'scale', 'hello', '999999999999');
  assert.equal(refused, 64);
  assert.match(stderr, /999999999999 workers exceed \d+, one for each 64 MiB of memory\n/);
  const unknown = await run(folder, 'restart', 'helo');
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /there is no service "helo"; there are: hello/);
  assert.equal((await run(folder, 'restart', 'hello')).status, 0);
  const left = (await status(socket)).services[0]!.workers.filter(({ pid }) => before.includes(pid));
  assert.deepEqual(left, []);
  assert.equal((await run(folder, 'stop')).status, 0);
  assert.equal((await program.ended).code, 0);
  assert.equal(lstatSync(socket, { throwIfNoEntry: false }), undefined);
  const { status: failed, stderr: why } = await run(folder, 'status');
  assert.equal(failed, 1);
  assert.match(why, /no service responds on .*: the file does not exist/);
});

test('scale and restart refuse while the service is stopping', async (t) => {
  const { socket, folder, program } = await served(t, { more: 'drain_delay = 60', workers: 1 });
  assert.equal((await run(folder, 'stop')).status, 0);
  for (const words of [
    ['scale', 'hello', '3'],
    ['restart', 'hello'],
  ]) {
    const { status: refused, stderr, stdout } = await run(folder, ...words);
    assert.equal(refused, 1, stdout);
    assert.match(stderr, /the service is stopping: it (?:starts and ends no workers on demand|replaces no workers)/);
  }
  assert.equal((await status(socket)).services[0]?.wanted, 1);
  program.kill('SIGINT');
  await program.ended;
});

test('OP-51 the status is one document: of the process, of each API and each of its workers, and of all together', async (t) => {
  const { cert, key } = await makePair();
  const more = 'enabled_ssl_apis = hello\n[metrics]\nenabled = true\n[ssl]\ncert_file = cert.pem\nkey_file = key.pem';
  const { socket, program, port, folder } = await served(t, { more, files: { 'cert.pem': cert, 'key.pem': key } });
  const document = async () => (await ask<StatusDocument>(socket, 'GET', '/status')).body;
  // The facts of workers come with their first heartbeat, those of their services with the second.
  const isKnown = ({ inFlight, lagMaxMs }: ShownService['workers'][number]): boolean =>
    inFlight !== undefined && lagMaxMs !== undefined;
  const known = await until(document, ({ totals, services }) => totals.rss > 0 && services[0]!.workers.every(isKnown));
  const { process: own, services, totals, ...rest } = known;
  assert.deepEqual([rest.schema, rest.version], ['portico/status', 1]);
  assert.deepEqual([own.name, own.pid, own.generation, own.stopping], ['api-cli', program.pid, 1, false]);
  assert.match(own.version, /^\d+\.\d+\.\d+/);
  assert.ok(own.uptimeMs > 0 && (await document()).process.uptimeMs > own.uptimeMs);
  assert.equal(services.length, 1);
  const [{ name, state, addresses, certificateEnds, wanted, ready, restarts, workers }] = services as [ShownService];
  assert.deepEqual([name, state, addresses[0]!.port, wanted, ready, restarts], ['hello', 'ready', port, 2, 2, 0]);
  assert.equal(Date.parse(certificateEnds), Date.parse(new X509Certificate(cert).validTo));
  const [scraped] = await once(request({ socketPath: socket, path: '/metrics' }).end(), 'response');
  const metrics = await textOf(scraped as IncomingMessage);
  const [, seconds] = /^portico_tls_certificate_expiry_timestamp_seconds\{api="hello"\} (\S+)$/m.exec(metrics)!;
  assert.equal(Number(seconds) * 1000, Date.parse(certificateEnds));
  for (const [at, worker] of workers.entries()) {
    assert.deepEqual([worker.id, worker.state, worker.inFlight], [at, 'ready', 0]);
    for (const fact of ['pid', 'uptimeMs', 'silentMs', 'utilization', 'lagMaxMs', 'rss'] as const) {
      assert.equal(typeof worker[fact], 'number', fact);
    }
  }
  const rss = workers.reduce((sum, worker) => sum + worker.rss, 0);
  assert.deepEqual(totals, { wanted: 2, ready: 2, restarts: 0, inFlight: 0, rss });
  process.kill(workers[0]!.pid, 'SIGKILL');
  const told = await until(document, ({ totals: now }) => now.restarts > 0 && now.ready === 2);
  assert.equal(told.services[0]!.restarts, 1);
  const shown = (await run(folder, 'status')).stdout;
  assert.match(shown, /^api-cli \S+ {2}pid \d+ {2}up \S+ {2}configuration 1$/m);
});

test('a log level is that of all processes, also of new workers, until a reload is accepted', async (t) => {
  const { socket, folder, port, program } = await served(t, { workers: 1 });
  const level = async () => (await get<[level: string, pid: number]>(port, '/level')).body;
  const levels = async () => {
    const { body } = await ask<Status>(socket, 'GET', '/status');
    const set = body.overrides.map(({ value, configured }) => [value, configured].join(' '));
    return [(await level())[0], ...set];
  };
  await run(folder, 'log-level', 'debug');
  assert.deepEqual(await levels(), ['debug', 'debug info']);
  const [, pid] = await level();
  const from = program.output().length;
  process.kill(pid, 'SIGKILL');
  // A connection to the killed worker may break.
  await until(
    () => level().catch(() => [] as const),
    ([, by]) => by !== pid,
  );
  await program.printed(/Started child/, from);
  assert.deepEqual(await levels(), ['debug', 'debug info']);

  writeFileSync(join(folder, 'portico.ini'), '[api:hello]\nport = nowhere\n', { flag: 'a' });
  assert.equal((await run(folder, 'reload')).status, 1);
  assert.deepEqual(await levels(), ['debug', 'debug info']);
  writeFileSync(join(folder, 'portico.ini'), `[api:hello]\nport = ${port}\n`, { flag: 'a' });
  assert.equal((await run(folder, 'reload')).status, 0);
  assert.deepEqual(await levels(), ['info']);
  const silent = program.output().length;
  await run(folder, 'restart', 'hello');
  assert.doesNotMatch(program.output().slice(silent), /Started child/);
  await run(folder, 'log-level', 'debug');
  await run(folder, 'log-level', 'warn');
  assert.deepEqual(await levels(), ['warn', 'warn info']);
});

test('config show --running says that a parent of an older version tells only differences', async (t) => {
  const folder = temporaryFolder('portico-older-');
  const socket = join(folder, 'older.sock');
  const older = createHttpServer((_, res) =>
    res.setHeader('content-type', 'application/json').end('{"schema":"portico/config","version":1,"options":[]}'),
  );
  await once(older.listen(socket), 'listening');
  t.after(() => older.close());
  const { status: code, stderr } = await run(folder, 'config', 'show', '--running', '--socket', socket);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^Only values that differ from their defaults: the parent is of an older version/);
});

test('OP-42 [control] socket names the path, or wants none, which a command says; that of a killed process is replaced, that of a living one is left to it', async (t) => {
  const more = '[control]\nsocket = here.sock\n';
  const { socket, port, folder, program } = await served(t, { more, workers: 1 });
  assert.equal(socket, join(folder, 'here.sock'));
  assert.match((await run(folder, 'status')).stdout, /^hello/m);
  // Another deployment whose file names the same path.
  const copy = emptyProject(pidProject(0, 1, `[control]\nsocket = ${socket}`));
  const other = await run(copy.folder, 'stop');
  assert.equal(other.status, 1);
  assert.match(other.stderr, /is another one: it was started in .* with .*portico\.ini/);
  assert.equal((await run(copy.folder, 'status', '--socket', socket)).status, 0);
  const refused = await run(folder, 'status', '--set', 'control.socket=');
  assert.match(refused.stderr, /the control socket is disabled/);

  await program.end();
  assert.ok(lstatSync(socket).isSocket());
  const second = startProject(t, { folder });
  await second.printed(/"event":"control"/);
  assert.equal((await status(socket)).process.pid, second.pid);
  const third = startProject(t, { folder }, ['--set', `api:hello.port=${await freePort()}`]);
  await third.printed(
    /has no control socket: .*another process responds on it.*Commands of api-cli reach that process/,
  );
  await third.printed(/"event":"ready"/);
  assert.equal((await status(socket)).process.pid, second.pid);
  assert.ok(port > 0);
});

test('a command does not wait for ever for a socket that never responds', async (t) => {
  const folder = temporaryFolder('portico-silent-');
  const silent = createServer().listen(join(folder, 'silent.sock'));
  await once(silent, 'listening');
  t.after(() => silent.close());
  const socket = join(folder, 'silent.sock');
  const { status: code, stderr } = await run(folder, 'status', '--socket', socket);
  assert.equal(code, 1);
  assert.match(stderr, /process \d+ has it, and has not responded for 5 seconds/);
});
