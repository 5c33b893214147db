/** An application whose module exits the process that imports it: in a check and at the start; in a reload: `validated-alike.test.ts`. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { apiCli, emptyProject, freePort, startProject } from './program.js';
import { pidApp, pidProject } from './projects.js';

const ENDING = `${pidApp}\nif (process.env.ENDS !== 'not') process.exit(0);\n`;

test('OP-3 a check says who ended it, and does not end with 0', async (t) => {
  const project = emptyProject({ ...pidProject(0, 1), 'app.js': ENDING });
  for (const [command, status, ...args] of [
    ['check', 78],
    ['check', 78, 'api-paste.ini'],
  ] as const) {
    const program = startProject(t, project, [command, ...args]);
    const ended = await program.ended;
    assert.deepEqual(ended, { code: status, signal: null }, program.output());
    assert.match(program.output(), /^error: .*(?:exited|did not finish).*\/app\.js:\d+:\d+: process\.exit\(/m);
    assert.match(program.output(), /A module must not end the process that imports it/);
  }
});

const forEver = 'new Promise(() => {})';
const oneMinute = 'new Promise((resolve) => setTimeout(resolve, 60_000))';

for (const [what, app, says] of [
  ['a module', `${pidApp}\nawait ${forEver};\n`, /did not finish: api-paste\.ini:\d+:\d+: .*app\.js.* never settles/],
  [
    'a factory',
    `export const app = () => ${forEver};\n`,
    /did not finish: api-paste\.ini:\d+:\d+: app "\w+" \.\/app\.js:app never settles/,
  ],
  [
    'a slow factory',
    `export const app = () => ${oneMinute};\n`,
    /was not built within 8 s; it is loading api-paste\.ini:\d+:\d+: app "\w+" \.\/app\.js:app\n/,
  ],
] as const) {
  test(`OP-3 a check that waits for ever names ${what} that it waits for`, async (t) => {
    const project = emptyProject({ ...pidProject(0, 1, 'worker_start_timeout = 8'), 'app.js': app });
    const program = startProject(t, project, ['check']);
    assert.deepEqual(await program.ended, { code: 78, signal: null }, program.output());
    assert.match(program.stdout, says);
  });
}

const spinning =
  'export const app = () => {\n  for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) [1].forEach(() => Atomics.wait(cell, 0, 0, 5));\n};\n';
const stack = String.raw`(?:loading [^;]*; it (?:was|is) )?stuck in:\n(?:at .*\n)?at app \(\S+app\.js:2:\d+\)`;

test('a start names what a worker that sent no heartbeat was stuck in, in the words of a check', async (t) => {
  const options = 'worker_timeout = 4\nworker_start_timeout = 20';
  const project = emptyProject({ ...pidProject(await freePort(), 1, options), 'app.js': spinning });
  const killed = 'worker 0 of service hello sent no heartbeat for 4 s and was killed; it was ';
  const start = startProject(t, project);
  assert.deepEqual(await start.ended, { code: 1, signal: null }, start.output());
  assert.match(start.output(), new RegExp(killed + stack));
  assert.match(start.output(), /Worker 0 of hello is started once more, to find where it is stuck/);
  const check = startProject(t, project, ['check', '--set', 'DEFAULT.worker_start_timeout=4']);
  assert.deepEqual(await check.ended, { code: 78, signal: null }, check.output());
  assert.match(check.output(), new RegExp(`not built within 4 s; it is ${stack}`));
});

test('a refused reload names what its first worker was stuck in', async (t) => {
  const options = 'worker_timeout = 4\nworker_start_timeout = 20';
  const project = emptyProject({ ...pidProject(await freePort(), 1, options), 'app.js': pidApp });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  writeFileSync(join(project.folder, 'app.js'), spinning);
  const reload = startProject(t, project, ['reload']);
  assert.deepEqual(await reload.ended, { code: 1, signal: null }, reload.output());
  assert.match(
    reload.output(),
    new RegExp(`refused[^]*worker 0 of service hello sent no heartbeat for 4 s and was killed; it was ${stack}`),
  );
});

test('LA-2 a launch whose module never settles ends after worker_start_timeout, and names the module', async (t) => {
  const endless = 'await new Promise(() => setInterval(() => undefined, 1000));\n';
  const project = emptyProject({
    ...pidProject(await freePort(), 1, 'worker_start_timeout = 8'),
    'app.js': `${pidApp}\n${endless}`,
  });
  const start = startProject(t, project);
  assert.deepEqual(await start.ended, { code: 1, signal: null }, start.output());
  assert.match(
    start.output(),
    /worker \d of service hello did not start within 8 s and was killed; it was loading \S+: .*app\.js.*\n +If it needs that long, increase worker_start_timeout/,
  );
});

test('a worker whose module ends the process is a start that fails: one error with its location', async (t) => {
  const project = emptyProject({ ...pidProject(await freePort(), 2), 'app.js': ENDING });
  const program = startProject(t, project);
  assert.deepEqual(await program.ended, { code: 1, signal: null }, program.output());
  const told = program.output().match(/worker \d of service hello exited before it was ready/g);
  assert.equal(told?.length, 1, program.output());
  assert.match(program.stderr, /before it was ready: \S+\/app\.js:\d+:\d+: process\.exit\(\)\n {2}A module must not/);
  assert.doesNotMatch(program.output(), /soon after its start/);
});

test('where nobody can say who ended it, the start fails all the same and names the likely cause', async (t) => {
  const project = emptyProject({
    ...pidProject(await freePort(), 1),
    'app.js': `${pidApp}\nprocess.reallyExit(0);\n`,
  });
  const program = startProject(t, project);
  assert.deepEqual(await program.ended, { code: 1, signal: null }, program.output());
  assert.match(
    program.stderr,
    /worker 0 of service hello exited with status 0 before it was ready\n {2}Does the application, or a module that it imports, call process\.exit\(\)/,
  );
});

test('a reader that takes its time gets all that a command writes', async () => {
  const run = async (reader: string): Promise<string> => {
    const command = `"${process.execPath}" "${apiCli}" config generate --format json | ${reader}`;
    return (await promisify(execFile)('sh', ['-c', command], { maxBuffer: 10_000_000 })).stdout;
  };
  const whole = await run('cat');
  // More than the buffer of a pipe.
  assert.ok(whole.length > 100_000);
  assert.equal(await run('(sleep 3; cat)'), whole);
});
