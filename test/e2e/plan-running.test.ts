import assert from 'node:assert/strict';
import { chownSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReplayReport } from '../../dist/plan/replay.js';
import { commandBeside } from '../cli/command.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { FILES } from '../plan/project.js';
import { apiCli, emptyProject, freePort, Program, startProject } from './program.js';

test('the running service against its files: the code that it has loaded, and what a reload would change', async (t) => {
  const ini = `${FILES['portico.ini']!.replace('port = 8099', 'port = 0')}[control]\nsocket = control.sock\n`;
  const project = emptyProject({ ...FILES, 'portico.ini': ini });
  const program = startProject(t, project, ['--set', 'wsgi.max_connections=500']);
  await program.printed(/Ready after/);
  const same = await commandBeside(['plan', '--running'], { cwd: project.folder });
  assert.deepEqual(same, { status: 0, stdout: 'No differences.\n', stderr: '' });

  const edit = (file: string, from: string, to: string): void =>
    writeFileSync(join(project.folder, file), readFileSync(join(project.folder, file), 'utf8').replace(from, to));
  edit('app.js', "required: ['room']", "required: ['room', 'guest']");
  edit('portico.ini', 'max_queue = 1000', 'max_queue = 100\nmax_connections = 7');
  edit('portico.ini', 'workers = 1', 'workers = 2');
  const { status, stdout } = await commandBeside(['plan', '--running'], { cwd: project.folder });
  assert.equal(
    stdout,
    `Breaking
  ~ POST /v1/bookings  body.guest is required now                       app.js:17
To look at
  ~ [wsgi] max_queue   1000 -> 100                 applied by a reload  portico.ini:7:13
Compatible
  ~ api bookings       workers 1 -> 2              applied by a reload  portico.ini:3:1
1 breaking, 1 to look at, 1 compatible · exit status 3
`,
  );
  assert.equal(status, 3);

  // A reload tells the same, before and after it; then nothing is left.
  const list = stdout.trimEnd().replace(' · exit status 3', '');
  const warning =
    'portico.ini:8:19: warning: [wsgi] max_connections: the changed value does not count: command line, argument 1 sets the option';
  const told = `${list}
${warning}`.replaceAll(/^/gm, '  ');
  const dryRun = await commandBeside(['reload', '--dry-run'], { cwd: project.folder });
  assert.match(dryRun.stdout, /^would be accepted, checked in \d+ ms, configuration 1 stays\n/);
  assert.equal(linesAfter(dryRun.stdout), `${told}\n  bookings: 1 worker to be replaced\n`);
  const asked = await commandBeside(['reload', '--dry-run', '--json'], { cwd: project.folder });
  const { counts, differences, changes, replaced } = JSON.parse(asked.stdout);
  assert.deepEqual(counts, { breaking: 1, 'to look at': 1, compatible: 1 });
  assert.deepEqual(
    differences.map((each: Record<string, unknown>) => [each.class, each.subject, each.old, each.new]),
    [
      ['breaking', 'POST /v1/bookings', 'app.js:17', 'app.js:17'],
      ['to look at', '[wsgi] max_queue', 'portico.ini:7:13', 'portico.ini:7:13'],
      ['compatible', 'api bookings', 'portico.ini:3:1', 'portico.ini:3:1'],
    ],
  );
  assert.deepEqual([changes.length > 0, replaced], [true, { bookings: 1 }]);
  if (process.getuid?.() === 0) {
    // Root runs no code of another user.
    const socket = join(project.folder, 'control.sock');
    chownSync(socket, 65_534, 0);
    const { stdout: refused } = await commandBeside(['reload', '--dry-run'], { cwd: project.folder });
    chownSync(socket, 0, 0);
    assert.match(
      refused,
      /^ {2}what clients would notice is not known: run it as the user of the service, with uid 65534$/m,
    );
  }
  const real = await commandBeside(['reload'], { cwd: project.folder });
  assert.equal(linesAfter(real.stdout), `${told}\n  bookings: 1 worker replaced\n`);
  assert.deepEqual([dryRun.status, asked.status, real.status], [0, 0, 0]);
  assert.equal((await commandBeside(['plan', '--running'], { cwd: project.folder })).stdout, 'No differences.\n');
});

/** An app whose module has a pool, which the factory opens and its release closes; it writes down each call. */
const POOLED = FILES['app.js']!.replace(
  'import { action, Router }',
  "import { appendFileSync } from 'node:fs';\nimport { Fault } from 'portico';\nimport { action, Router }",
)
  .replace(
    'export async function app() {',
    `const pool = { ended: false };
export async function app(globalConf, localConf, ctx) {
  appendFileSync('calls', \`\${process.pid}\\n\`);
  ctx.onClose(() => { pool.ended = true; });`,
  )
  .replace('show: () => ({})', 'show: () => { if (pool.ended) throw new Fault(500); return {}; }');

for (const workers of [1, 0]) {
  test(`plan --running and reload call no factory in a process that serves (workers = ${workers})`, async (t) => {
    const port = await freePort();
    const ini = `${FILES['portico.ini']!.replace('port = 8099', `port = ${port}`).replace('workers = 1\n', '')}
[control]\nsocket = control.sock\n[DEFAULT]\nworkers = 0\n`;
    const alone = workers === 0;
    const project = emptyProject({
      ...FILES,
      'portico.ini': alone ? ini : ini.replace('[DEFAULT]\nworkers = 0\n', ''),
      'app.js': POOLED,
    });
    writeFileSync(join(project.folder, 'calls'), '');
    const one = alone ? [] : ['--set', 'api:bookings.workers=1'];
    const program = startProject(t, project, one);
    await program.printed(/Ready after/);
    const room = async () => (await fetch(`http://127.0.0.1:${port}/v1/rooms/1`)).status;
    assert.equal(await room(), 200);
    const called = (): string[] => readFileSync(join(project.folder, 'calls'), 'utf8').trim().split('\n');
    const serving = called();
    assert.deepEqual(await commandBeside(['plan', '--running'], { cwd: project.folder }), {
      status: 0,
      stdout: 'No differences.\n',
      stderr: '',
    });
    // Its process builds the files twice: for the state, and as check does.
    const ofPlan = called().filter((pid) => !serving.includes(pid));
    assert.equal(await room(), 200);
    writeFileSync(
      join(project.folder, 'portico.ini'),
      readFileSync(join(project.folder, 'portico.ini'), 'utf8').replace('max_queue = 1000', 'max_queue = 100'),
    );
    const { stdout } = await commandBeside(['reload'], { cwd: project.folder });
    assert.match(stdout, /\[wsgi\] max_queue {2}1000 -> 100/);
    const calls = called().filter((pid) => !ofPlan.includes(pid) || pid === String(program.pid));
    const own = calls.filter((pid) =>
      alone ? pid === String(program.pid) : calls.indexOf(pid) !== calls.lastIndexOf(pid),
    );
    // A process without workers builds the app of its next run itself.
    assert.deepEqual(own, alone ? [String(program.pid), String(program.pid)] : []);
  });
}

test('plan --running and reload --dry-run of a single process: changed code needs a restart', async (t) => {
  const ini = `${FILES['portico.ini']!.replace('port = 8099', 'port = 0').replace('workers = 1\n', '')}
[control]\nsocket = control.sock\n[DEFAULT]\nworkers = 0\n`;
  const project = emptyProject({ ...FILES, 'portico.ini': ini });
  const program = startProject(t, project);
  await program.printed(/Ready after/);
  const edit = (file: string, from: string, to: string): void =>
    writeFileSync(join(project.folder, file), readFileSync(join(project.folder, file), 'utf8').replace(from, to));
  edit('app.js', "required: ['room']", "required: ['room', 'guest']");
  const list = `Breaking
  ~ POST /v1/bookings  body.guest is required now  needs a restart  app.js:17
1 breaking`;
  const planned = await commandBeside(['plan', '--running'], { cwd: project.folder });
  assert.deepEqual(planned, {
    status: 3,
    stdout: `${list} · exit status 3\n`,
    stderr:
      'warning: app.js has changed since the process started: a reload of a single process does not load code again, and differences from it need a restart\n',
  });
  const dryRun = await commandBeside(['reload', '--dry-run'], { cwd: project.folder });
  assert.ok(linesAfter(dryRun.stdout).startsWith(list.replaceAll(/^/gm, '  ')), dryRun.stdout);
  assert.match(dryRun.stdout, /app\.js: warning: this file has changed since the process started/);
  const real = await commandBeside(['reload', '--json'], { cwd: project.folder });
  assert.deepEqual(JSON.parse(real.stdout).differences, []);
  // The configuration may be the reason of a difference too.
  edit('portico.ini', 'max_queue = 1000', 'max_queue = 100');
  const both = await commandBeside(['plan', '--running'], { cwd: project.folder });
  assert.match(both.stdout, /body\.guest is required now +app\.js:17\n[\s\S]*1000 -> 100 +applied by a reload/);
  assert.match(both.stderr, /^warning: app\.js has changed/);
});

test('a reload does not wait for workers that cannot describe themselves', async (t) => {
  const port = await freePort();
  const ini = `${FILES['portico.ini']!.replace('port = 8099', `port = ${port}`)}[control]\nsocket = control.sock\n`;
  const spin = 'for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5)';
  const app = FILES['app.js']!.replace('show: () => ({})', `show: () => { process.stderr.write('spins\\n'); ${spin} }`);
  const project = emptyProject({ ...FILES, 'portico.ini': `${ini}[DEFAULT]\ndrain_timeout = 1s\n`, 'app.js': app });
  const program = startProject(t, project);
  await program.printed(/Ready after/);
  fetch(`http://127.0.0.1:${port}/v1/rooms/1`).catch(() => undefined);
  await program.printed(/^spins$/m);
  const asked = performance.now();
  const reload = commandBeside(['reload'], { cwd: project.folder });
  await program.printed(/Reload/);
  const waited = performance.now() - asked;
  assert.ok(waited < 8000, `${waited} ms until the reload`);
  const { stdout } = await reload;
  assert.match(
    stdout,
    /^accepted after .*\n {2}what clients notice is not known: no worker of bookings described it within 2 s$/m,
  );
});

test('plan --running --replay: what the log of the service says, against what its files would return', async (t) => {
  const ini = `${FILES['portico.ini']!.replace('port = 8099', 'port = 0')}[control]\nsocket = control.sock\n`;
  const route =
    "  router.connect('/rooms', { controller: 'rooms', action: 'index', conditions: { method: ['GET'] } });\n";
  const project = emptyProject({ ...FILES, 'portico.ini': ini, 'app.js': FILES['app.js']!.replace(route, '') });
  const program = startProject(t, project);
  await program.printed(/Ready after/);
  const show =
    "  router.connect('/rooms/{id}', { controller: 'rooms', action: 'show', conditions: { method: ['GET'] } });\n";
  writeFileSync(join(project.folder, 'app.js'), FILES['app.js']!.replace(show, ''));
  const line = (words: string, status: number): string =>
    `192.0.2.7 - - [30/Nov/2026:10:00:00 +0000] "${words} HTTP/1.1" ${status} 84 "-" "curl/8.5"`;
  const logged = { service: 'bookings', method: 'GET', target: '/v1/rooms', status: 404, route: '-' };
  const lines = [
    line('GET /v1/rooms/1', 200),
    line('GET /v1/rooms/1', 200),
    // Neither the caller nor the load is that of the files, and a log has no body.
    line('GET /v1/rooms/2', 401),
    line('GET /v1/rooms/2', 503),
    line('POST /v1/bookings', 400),
    line('GET /nothing', 404),
    // A proxy may have sent this one.
    line('GET /favicon.ico', 200),
    JSON.stringify(logged),
    JSON.stringify({ ...logged, status: 401 }),
  ];
  const log = join(project.folder, 'access.log');
  writeFileSync(log, `${lines.join('\n')}\n`);
  const { stdout, status } = await commandBeside(['plan', '--running', '--replay', 'access.log', '--json'], {
    cwd: project.folder,
  });
  const { replay, before, differences } = JSON.parse(stdout) as {
    replay: ReplayReport;
    before: string;
    differences: readonly { readonly rule: string }[];
  };
  assert.deepEqual([status, before, replay.requests, replay.changed], [3, 'the running service', 9, 4]);
  assert.ok(differences.every(({ rule }) => rule !== 'replay-refused'));
  const found = replay.routes.flatMap(({ changes, requests: all }) =>
    changes.map(({ requests, before: was, after: is, examples: [example] }) => [
      `${requests} of ${all}: ${example!.target}`,
      was.status,
      is.status ?? is.route,
    ]),
  );
  assert.deepEqual(found, [
    ['3 of 6: /v1/rooms/1', 200, 404],
    ['1 of 2: /v1/rooms', 404, '/v1/rooms'],
  ]);
});

const linesAfter = (text: string): string => text.slice(text.indexOf('\n') + 1);

test('plan --running: files of the release to which the link of the service leads now, as a reload', async (t) => {
  const ini = `${FILES['portico.ini']!.replace('port = 8099', 'port = 0')}[control]\nsocket = control.sock\n`;
  const [first, second] = [ini, ini.replace('max_queue = 1000', 'max_queue = 100')].map((each) =>
    emptyProject({ ...FILES, 'portico.ini': each }),
  );
  const current = join(temporaryFolder('portico-releases-'), 'current');
  symlinkSync(first!.folder, current);
  const program = new Program(process.execPath, [apiCli], { cwd: current, env: { PWD: current } });
  t.after(async () => {
    program.child.kill('SIGTERM');
    await program.ended;
  });
  await program.printed(/Ready after/);
  rmSync(current);
  symlinkSync(second!.folder, current);
  const socket = join(first!.folder, 'control.sock');
  const { status, stdout, stderr } = await commandBeside(['plan', '--running', '--socket', socket], {
    cwd: first!.folder,
  });
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    'To look at\n  ~ [wsgi] max_queue  1000 -> 100  applied by a reload  portico.ini:7:13\n0 breaking, 1 to look at\n',
  );
  assert.equal(status, 0);
});
