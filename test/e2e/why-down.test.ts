/** Workers that die, crash repeatedly or are stuck: every view shows the operator the reason. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { statusText } from '../../dist/cli/look/status-text.js';
import type { StatusDocument } from '../../dist/operating/control/status-document.js';
import { commandBeside } from '../cli/command.js';
import { get } from '../fixtures/http-client.js';
import type { Outcome } from '../fixtures/project.js';
import { until } from '../fixtures/until.js';
import { askSocket } from './clients.js';
import { emptyProject, freePort, type Program, startedOnce, startProject, untilFileEnds } from './program.js';

const APP = `
import { execSync } from 'node:child_process';
export const app = () => async (req, res) => {
  if (req.url.startsWith('/spin')) return endlessly();
  if (req.url === '/sleep') execSync('sleep 600');
  if (req.url === '/throw') setImmediate(() => { throw new TypeError('nobody handles this'); });
  if (req.url === '/exit') process.exit(3); if (req.url === '/bye') process.exit(res.end('4') && 4);
  if (req.url === '/leak') return leak();
  if (req.url === '/keep') kept.push(Buffer.alloc(64 * 2 ** 20, 1));
  if (req.url === '/fail') res.statusCode = 500;
  if (req.url.startsWith('/broken')) throw new RangeError(\`no shelf for \${req.url}\`);
  // At work, so that it holds a slot.
  if (req.url.startsWith('/wait')) await new Promise(() => undefined);
  res.end(String(process.pid));
};
function endlessly() {
  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) [1].forEach(() => Atomics.wait(cell, 0, 0, 5));
}
const kept = [];
function leak() {
  setInterval(() => kept.push(Array.from({ length: 200_000 }, (_, at) => ({ at }))), 5);
}
`;
const PASTE = `[pipeline:hello]
pipeline = request_id hello_app
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[app:hello_app]
paste.app_factory = ./app.js:app
`;

interface Served {
  readonly port: number;
  readonly folder: string;
  readonly program: Program;
  readonly socket: string;
  cli(...words: string[]): Promise<Outcome>;
}

const file = untilFileEnds();

async function served({ options = '', env = {} as NodeJS.ProcessEnv, more = '' } = {}): Promise<Served> {
  const port = await freePort();
  const project = emptyProject({
    'app.js': APP,
    'api-paste.ini': PASTE,
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n${options}\n${more}[metrics]\nenabled = true\nfilters = true\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(file, project, [], env);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  const { folder } = project;
  return { port, folder, program, socket: socket!, cli: (...words) => commandBeside(words, { cwd: folder }) };
}

/** A fleet whose heap may overflow: its tests follow one another, and the last one breaks its code and ends it. */
const plain = startedOnce(() => served({ env: { NODE_OPTIONS: '--max-old-space-size=80' } }));
/** A service with a full queue, few connections, and an admin listener whose port is taken. */
const limited = startedOnce(async () => {
  // A client of another service may come, whose port this one was before, and reset its connection.
  const refuse = (socket: Socket): unknown => socket.on('error', () => undefined).destroy();
  const taken = createServer(refuse).listen(await freePort(), '127.0.0.1');
  file.after(async () => void taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const wsgi = '[wsgi]\ndefault_pool_size = 1\nmax_queue = 1\nmax_connections = 3\n';
  return { taken: port, ...(await served({ more: `${wsgi}[admin]\nlisten = 127.0.0.1:${port}\n` })) };
});
const stuck = startedOnce(() => served({ options: 'worker_timeout = 5' }));
const starting = startedOnce(() => served({ options: 'worker_start_timeout = 4' }));

interface Failure {
  readonly at: string;
  readonly reason: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly error?: string;
  readonly rss?: number;
  readonly requests: readonly { readonly method: string; readonly path: string; readonly ageMs: number }[];
  readonly lost: number;
}

interface Status {
  readonly services: readonly {
    readonly ready: number;
    readonly restarts: number;
    readonly reasons: readonly string[];
    readonly lastFailure?: Failure;
    readonly lost: Readonly<Record<string, number>>;
    readonly workers: readonly { readonly pid: number; readonly stuck: boolean; readonly stack?: readonly string[] }[];
  }[];
}

/** Asks for the status of the only service until the check holds. */
const untilIts = (socket: string, isWanted: (service: Status['services'][0]) => boolean) =>
  until(async () => (await askSocket<Status>(socket, 'GET', '/status')).body.services[0]!, isWanted);

/** Waits for a text in the output of `api-cli status`, without starting it. */
const untilSaid = (socket: string, text: RegExp): Promise<string> =>
  until(
    async () => statusText((await askSocket<StatusDocument>(socket, 'GET', '/status')).body),
    (said) => text.test(said),
  );

const lose = (port: number, path: string): void => void get(port, path).catch(() => undefined);

test('the new worker of a refused reload is no failure of the service: its own report has the reason', async () => {
  const { folder, socket, cli } = await plain();
  writeFileSync(join(folder, 'app.js'), 'export const app = () => nothing;\nnothing();\n');
  const reload = await cli('reload');
  writeFileSync(join(folder, 'app.js'), APP);
  assert.match(reload.stdout, /^refused.*nothing is not defined/s);
  const { lastFailure, reasons } = await untilIts(socket, () => true);
  assert.deepEqual([lastFailure, reasons], [undefined, []]);
  assert.doesNotMatch((await cli('status')).stdout, /last failure/);
});

test('the error of a failing route is reported by status, its JSON and both reports, with its location and a request id of the log', async () => {
  const { port, cli, program, socket } = await plain();
  await get(port, '/broken/secret-1');
  await get(port, '/broken/secret-2');
  await untilSaid(socket, / 2 times/);
  const text = (await cli('status')).stdout;
  const line = /^ {4}GET -: RangeError at app\.js:11, 2 times, last [\d-]+T[\d:.]+Z, request (req-\S+)$/m.exec(text);
  assert.ok(line, text);
  assert.match(text, /^ {2}errors of the last ten minutes:$/m);
  assert.match(program.output(), new RegExp(`"request_id":"${line[1]}"`));
  const { services } = JSON.parse((await cli('status', '--json')).stdout) as {
    services: { errors: object[]; workers: { pid: number }[] }[];
  };
  const [{ errors, workers }] = services as [(typeof services)[0]];
  // The other test of this fleet has responded with 500.
  const { at, ...error } = errors.find((each) => 'place' in each) as Record<string, unknown>;
  assert.equal(Number.isNaN(Date.parse(String(at))), false);
  assert.deepEqual(error, {
    route: 'GET -',
    error: 'RangeError',
    place: 'app.js:11',
    count: 2,
    requestId: line[1],
  });
  for (const words of [[], ['--worker', String(workers[0]!.pid)]]) {
    const report = (await cli('report', ...words)).stdout;
    assert.match(report, /GET -: RangeError at app\.js:11, 2 times/);
    assert.doesNotMatch(report, /secret-1/);
  }
  assert.doesNotMatch(text, /secret-/);
});

test('a worker that is killed, throws or exits says how, where, and what it had in hand', async () => {
  const { port, socket, program } = await plain();
  const pidOf = async (): Promise<number> => Number((await get<string>(port, '/')).body);
  const ended = async (reason: string): Promise<Failure> =>
    (await untilIts(socket, ({ lastFailure, ready }) => lastFailure?.reason === reason && ready === 1)).lastFailure!;

  lose(port, '/wait/1');
  const victim = await pidOf();
  // The watch thread reports requests four times a second.
  await until(
    async () => (await askSocket<{ requests: { path: string; ageMs: number }[] }>(socket, 'GET', '/requests')).body,
    ({ requests }) => requests.some(({ path, ageMs }) => path === '/wait/1' && ageMs > 1000),
  );
  process.kill(victim, 'SIGKILL');
  const killed = await ended('signal');
  assert.deepEqual([killed.signal, killed.requests.map(({ path }) => path)], ['SIGKILL', ['/wait/1']]);
  assert.ok(killed.rss! > 10_000_000);
  await program.printed(/"event":"request_lost".*"target":"\/wait\/1","status":0.*"reason":"signal"/);

  await pidOf();
  lose(port, '/throw');
  const threw = await ended('error');
  assert.equal(threw.code, 2);
  assert.match(threw.error!, /^TypeError: nobody handles this \(.*app\.js:6:\d+\)$/);

  await pidOf();
  lose(port, '/exit');
  const exited = await ended('exit');
  assert.equal(exited.code, 3);
  assert.match(exited.error!, /app\.js:7:\d+: process\.exit\(\)/);
  const paths = exited.requests.map(({ path }) => path);
  assert.deepEqual(paths, ['/exit'], 'a request that has just begun');

  await pidOf();
  assert.equal((await get<number>(port, '/bye')).body, 4);
  const answered = await untilIts(socket, ({ lastFailure, ready }) => lastFailure?.code === 4 && ready === 1);
  assert.deepEqual(answered.lastFailure!.requests, [], 'an answered request is not lost');
});

test('a heap that overflows is said to be one, with its limit', async () => {
  const { port, socket, program } = await plain();
  await get(port, '/');
  lose(port, '/leak');
  const { lastFailure } = await untilIts(
    socket,
    ({ lastFailure: last, ready }) => last?.reason === 'heap' && ready === 1,
  );
  assert.deepEqual([lastFailure!.reason, lastFailure!.signal], ['heap', 'SIGABRT']);
  const paths = lastFailure!.requests.map(({ path }) => path);
  assert.deepEqual(paths, ['/leak']);
  await program.printed(/"event":"worker_exited".*"reason":"heap"/);
});

test('a worker that is stopped by SIGSTOP is said to be', async (t) => {
  const { socket, cli } = await plain();
  // Not from the worker, which might not have reported yet that it has responded.
  const { pid } = (await untilIts(socket, ({ ready }) => ready === 1)).workers[0]!;
  process.kill(pid, 'SIGSTOP');
  t.after(() => process.kill(pid, 'SIGCONT'));
  await untilIts(socket, ({ reasons }) =>
    /^worker 0 has sent no heartbeat for \S+, stopped by SIGSTOP$/m.test(reasons.join('\n')),
  );
  const told = new RegExp(`^ {2}worker 0 is stuck: stopped by SIGSTOP; kill -CONT ${pid} continues it$`, 'm');
  assert.match((await cli('status')).stdout, told);
});

test('a worker that was killed while SIGSTOP stopped it is said to have been, in status and log', async () => {
  const { socket, program, cli } = await stuck();
  const { pid } = (await untilIts(socket, ({ ready }) => ready === 1)).workers[0]!;
  process.kill(pid, 'SIGSTOP');
  await program.printed(new RegExp(`Child ${pid} sent no heartbeat for 5 s \\(stopped by SIGSTOP\\), killing it`));
  await untilIts(socket, ({ lastFailure }) => lastFailure?.reason === 'stuck');
  assert.match(
    (await cli('status')).stdout,
    /last failure: .* sent no heartbeat for 5 s \(stopped by SIGSTOP\) and was killed/,
  );
});

test('a crash loop has its reason in status, its JSON and readyz, at the top', async () => {
  const { folder, socket, cli, program } = await plain();
  const first = await untilIts(socket, ({ workers }) => workers.length === 1);
  writeFileSync(join(folder, 'app.js'), 'export const app = () => nothing;\nnothing();\n');
  process.kill(first.workers[0]!.pid, 'SIGKILL');
  const { lastFailure, reasons } = await untilIts(socket, ({ lastFailure }) => lastFailure?.reason === 'start');
  assert.match(lastFailure!.error!, /nothing is not defined.*app\.js:2:1/);
  assert.ok(Math.abs(Date.parse(lastFailure!.at) - Date.now()) < 60_000);
  assert.match(
    reasons.join('\n'),
    /0 of 1 workers are ready\n.*before it was ready.*nothing is not defined.*app\.js:2:1/,
  );
  const ready = await askSocket<{ services: Status['services'] }>(socket, 'GET', '/readyz');
  assert.equal(ready.status, 503);
  assert.match(ready.body.services[0]!.reasons.join('\n'), /nothing is not defined.*app\.js:2:1/);
  const [, ...lines] = (await cli('status')).stdout.split('\n');
  assert.match(lines[0]!, /^hello is starting: 0 of 1 workers are ready/);
  assert.match(lines[1]!, /nothing is not defined.*app\.js:2:1/);
  rmSync(join(folder, 'app.js'));
  await untilIts(
    socket,
    ({ lastFailure: last }) => /PORTICO|app\.js/.test(last?.error ?? '') && last?.at !== lastFailure!.at,
  );
  // Otherwise the next tests have the crash loop beside them.
  await program.end();
});

test('status says first that there is no admin listener, and why', async () => {
  const { taken: port, cli, program } = await limited();
  await program.printed(
    new RegExp(`"level":"error".*has no admin listener: it cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`),
  );
  const { stdout } = await cli('status');
  const says = new RegExp(
    `^The service has no admin listener: it cannot listen on 127\\.0\\.0\\.1:${port}: listen EADDRINUSE`,
  );
  assert.match(stdout.split('\n')[1]!, says);
  assert.doesNotMatch(program.output(), /at Server\.setupListenHandle/);
});

test('idle connections and those within headers are reported by status, in text and JSON', async (t) => {
  const { port, socket } = await limited();
  const connections: Socket[] = [];
  t.after(() => {
    for (const one of connections) one.destroy();
  });
  for (const text of ['GET / HTTP/1.1\r\nhost: x\r\n\r\n', 'GET / HT', 'GET / HT', '']) {
    // A connection without a byte would give way first.
    if (text === '') await untilSaid(socket, / {2}connections: 3 of at most 3, idle 1, receiving 2/m);
    const one = connect(port, '127.0.0.1');
    connections.push(one);
    await once(one, 'connect');
    if (text !== '') one.write(text);
    if (text.endsWith('\n\r\n')) await once(one, 'data');
  }
  // The idle one has given way.
  connections[1]!.write('TP/1.1\r\nhost: x\r\n\r\n');
  await once(connections[0]!, 'close');
  await untilSaid(socket, / {2}connections: 3 of at most 3, idle 1, receiving 2$/m);
  const { body } = await askSocket<{ services: { connections: object }[] }>(socket, 'GET', '/status');
  assert.deepEqual(body.services[0]!.connections, { open: 3, limit: 3, idle: 1, receiving: 2, lingering: 0 });
});

for (const path of ['/spin?secret=1', '/sleep']) {
  test(`OP-43 OP-53 the request that makes a worker stuck is named while it is, in the log and in its last failure: ${path}`, async () => {
    const { port, socket, program } = await stuck();
    lose(port, path);
    // Only the socket is asked while it is stuck: the start of a command may take longer than `worker_timeout`.
    const isTold = ({ workers: [one] }: Status['services'][0]) =>
      one?.stuck === true && (path === '/sleep' || one.stack !== undefined);
    const { ready, reasons, workers } = await untilIts(socket, isTold);
    const { body: listed } = await askSocket<{ requests: { path: string }[] }>(socket, 'GET', '/requests');
    const { body: document } = await askSocket<StatusDocument>(socket, 'GET', '/status');
    assert.equal(ready, 0, 'a stuck worker is not ready');
    const [shown] = path.split('?');
    const paths = listed.requests.map((each) => each.path);
    assert.deepEqual(paths, [shown]);
    assert.match(reasons[0]!, /^0 of 1 workers are ready/);
    const text = statusText(document);
    assert.match(text, /^hello is stuck: 0 of 1 workers are ready/m);
    if (path !== '/sleep') {
      const stack = workers[0]!.stack!;
      assert.match(stack[0]!, /app\.js:\d+:\d+/);
      assert.match(stack.join('\n'), /frames of (portico|node)/);
      assert.ok(stack.length < 10, stack.join('\n'));
      assert.match(
        text,
        /worker 0 is stuck with GET \/spin for [\d.]+ s:\n(?: +at <anonymous> .*\n)? +at endlessly .*app\.js:\d+:/,
      );
    }
    const after = await untilIts(
      socket,
      ({ lastFailure, ready }) => ready === 1 && lastFailure?.requests[0]?.path === shown,
    );
    const { reason, requests, lost } = after.lastFailure!;
    assert.deepEqual(
      [reason, requests.map((each) => `${each.method} ${each.path}`), lost],
      ['stuck', [`GET ${shown}`], 1],
    );
    if (path !== '/sleep') assert.match(after.lastFailure!.error!, /^stuck at \S+ \(.*app\.js:\d+:\d+\)$/);
    assert.deepEqual([after.lost.stuck! > 0, after.lost.signal], [true, 0]);
    await program.printed(new RegExp(`"event":"worker_hung".*"pid":${workers[0]!.pid}`));
    await program.printed(new RegExp(`"event":"worker_hung".*"requests":\\["GET ${shown} for `));
    await program.printed(new RegExp(`"event":"request_lost".*"target":"${shown}","status":0.*"reason":"stuck"`));
  });
}

test('LA-2 a replacement whose start never settles is given up and tried again, and each view names its module', async () => {
  const { port, folder, socket, cli, program } = await starting();
  writeFileSync(join(folder, 'app.js'), 'await new Promise(() => setInterval(() => 0, 1000));\n');
  process.kill(Number((await get<string>(port, '/')).body), 'SIGKILL');
  await untilIts(socket, ({ reasons }) =>
    reasons.some((reason) => /^worker 0 has been starting for \S+: it loads \S+ .*app\.js/.test(reason)),
  );
  const { restarts, ready } = await untilIts(
    socket,
    ({ lastFailure }) => lastFailure?.reason === 'start' && /^loading \S+ .*app\.js/.test(lastFailure.error ?? ''),
  );
  assert.ok(restarts >= 2 && ready === 0);
  const told = /worker 0 \(pid \d+\) did not start within 4 s and was killed \S+ ago.*: loading \S+ .*app\.js/;
  assert.match((await cli('status')).stdout, told);
  const { body } = await askSocket(socket, 'GET', '/readyz');
  assert.match(JSON.stringify(body), told);
  await program.printed(/"event":"worker_late".*did not start within 4 s, killing it; it is loading .*app\.js/);
  writeFileSync(join(folder, 'app.js'), APP);
  await untilIts(socket, (service) => service.ready === 1);
});

test('a reload that hangs is under way in all views, the next one says so, and its report names the module', async () => {
  const { folder, socket, cli, program } = await starting();
  writeFileSync(join(folder, 'app.js'), 'await new Promise(() => setInterval(() => 0, 1000));\n');
  const ask = () => askSocket<{ outcome: string; error: string }>(socket, 'POST', '/reload');
  let hangs = ask();
  // On a busy machine a worker may be given up before it loads anything.
  const saying = untilSaid(socket, /loads/);
  while ((await Promise.race([saying, hangs.then(() => undefined)])) === undefined) hangs = ask();
  assert.match(await saying, /^A reload has been running since \S+: worker 0 of hello loads .*app\.js/m);
  writeFileSync(join(folder, 'app.js'), APP);
  const next = askSocket<{ outcome: string }>(socket, 'POST', '/reload');
  await program.printed(
    /"msg":"A reload waits for the one that has been running since \S+: worker 0 of hello loads .*app\.js/,
  );
  const { body } = await hangs;
  assert.equal(body.outcome, 'refused');
  assert.match(body.error, /did not start within 4 s and was killed; it was loading .*app\.js/);
  assert.equal((await next).body.outcome, 'accepted');
  assert.doesNotMatch((await cli('status')).stdout, /under way/);
});

/** Reloads the fleet whose workers were stuck, with another `max_memory`, and returns its status. */
async function withMemory(limit: string): Promise<Status['services'][0]> {
  const { folder, socket } = await stuck();
  const ini = readFileSync(join(folder, 'portico.ini'), 'utf8').replace(/^max_memory.*\n/m, '');
  writeFileSync(join(folder, 'portico.ini'), ini.replace('[DEFAULT]\n', `[DEFAULT]\nmax_memory = ${limit}\n`));
  const { body } = await askSocket<{ outcome: string }>(socket, 'POST', '/reload');
  assert.equal(body.outcome, 'accepted');
  return untilIts(socket, ({ ready }) => ready === 1);
}

/** Numbers of starts of the fleet whose workers were stuck, by reason. */
async function starts(): Promise<Record<string, number>> {
  const { body } = await askSocket<{ services: { starts: Record<string, number> }[] }>(
    (await stuck()).socket,
    'GET',
    '/status',
  );
  return body.services[0]!.starts;
}

test('a worker with more memory than max_memory is replaced gracefully, with that reason', async () => {
  const { port, socket, program } = await stuck();
  const { death } = await starts();
  const { workers, lastFailure } = await withMemory('190M');
  for (let round = 0; round < 4; round++) await get(port, '/keep');
  await program.printed(/"msg":"Replacing child \d+: it has \d+ MiB, more than max_memory \(190 MiB\)"/);
  const after = await untilIts(socket, (now) => now.ready === 1 && now.workers[0]!.pid !== workers[0]!.pid);
  assert.deepEqual(after.lastFailure, lastFailure, 'it has not failed');
  const now = await starts();
  assert.deepEqual([now.memory, now.death], [1, death]);
});

test('a max_memory that a fresh worker exceeds is reported, and has no effect', async () => {
  const { program } = await stuck();
  const { memory } = await starts();
  await withMemory('10M');
  await program.printed(
    /"msg":"max_memory \(10 MiB\) is too small, and ignored: a fresh worker of hello needs \d+ MiB"/,
  );
  assert.equal((await starts()).memory, memory);
});
