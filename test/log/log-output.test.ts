/** Tests a standard error that accepts no data, and processes that can open no file: only the log is affected. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyProject, freePort, Program, root, startModule } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { endGroup, spawnKept } from '../fixtures/keeper.js';

const APP = `
import { closeSync, openSync } from 'node:fs';
export const app = (g, l, ctx) => (req, res) => {
  if (req.url === '/take-all') {
    const taken = [];
    try { for (;;) taken.push(openSync('/dev/null')); } catch {}
    setTimeout(() => {
      for (const each of taken) closeSync(each);
      res.end(JSON.stringify({ pid: process.pid, taken: taken.length }));
    }, 2500);
    return;
  }
  ctx.log.warn({ filler: 'x'.repeat(3000) }, 'asked');
  res.end(JSON.stringify({ pid: process.pid }));
};
`;
const PASTE = '[app:hello]\npaste.app_factory = ./app.js:app\n';

/** Creates a project whose app logs 3 kB for each request. `stderr` is the shell's redirection of standard error. */
async function loggingProject(t: TestContext, stderr: string): Promise<{ program: Program; port: number }> {
  const port = await freePort();
  const project = emptyProject({
    'app.js': APP,
    'api-paste.ini': PASTE,
    'portico.ini': `[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const main = join(root, 'lib', 'cli', 'main.js');
  const program = new Program('sh', ['-c', `ulimit -n 300; exec "$0" "$1" 2>${stderr}`, process.execPath, main], {
    cwd: project.folder,
  });
  t.after(() => program.end());
  return { program, port };
}

test('with standard error on a full disk it starts, serves, reloads, and stops with 0', {
  skip: !existsSync('/dev/full'),
}, async (t) => {
  const { program, port } = await loggingProject(t, '/dev/full');
  await program.printed(/^hello +http/m);
  for (let round = 0; round < 5; round++) assert.equal((await get(port, '/')).status, 200);
  const { pid: first } = (await get<{ pid: number }>(port, '/')).body;
  program.kill('SIGHUP');
  for (const old = new Set([first]); old.size < 2; ) old.add((await get<{ pid: number }>(port, '/')).body.pid);
  await program.stop();
});

test('a disk that fills while it serves costs lines, and the first line after it says how many', async (t) => {
  const folder = emptyProject({});
  const disk = join(folder.folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32k', 'tmpfs', disk]).status === 0;
  t.after(() => {
    if (mounted) spawnSync('umount', ['-l', disk]);
  });
  if (!mounted) {
    t.skip('needs the right to mount');
    return;
  }
  const log = join(disk, 'log');
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, 'x'.repeat(12_000));
  const { program, port } = await loggingProject(t, `>${log}`);
  await program.printed(/^hello +http/m);
  for (let round = 0; round < 20; round++) assert.equal((await get(port, '/')).status, 200);
  rmSync(ballast);
  for (let round = 0; round < 2; round++) assert.equal((await get(port, '/')).status, 200);
  await program.stop();
  const lost = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('log_lines_lost'))
    .map((line) => JSON.parse(line) as { level: string; dropped: number; code: string; msg: string });
  assert.ok(lost.length > 0, readFileSync(log, 'utf8'));
  for (const { level, dropped, code, msg } of lost) {
    assert.deepEqual([level, code], ['warn', 'ENOSPC']);
    assert.match(msg, new RegExp(`^${dropped} lines? of this log could not be written`));
  }
});

test('a worker without a free descriptor goes on beating', async (t) => {
  const { program, port } = await loggingProject(t, '&2');
  await program.printed(/^hello +http/m);
  const { pid } = (await get<{ pid: number }>(port, '/')).body;
  const exhausted = (await get<{ pid: number; taken: number }>(port, '/take-all')).body;
  assert.equal(exhausted.pid, pid);
  assert.ok(exhausted.taken > 0);
  assert.equal((await get<{ pid: number }>(port, '/')).body.pid, pid);
  await program.stop();
});

test('a process without a free descriptor logs in the same form, reads queries and negotiates', async (t) => {
  const program = startModule(
    t,
    `
import { openSync, closeSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createLogger } from 'portico';
import { preferredEncoding, preferredType } from ${JSON.stringify(import.meta.resolve('#internal/app'))};
import { Router, action } from 'portico/routing';

if (process.argv[2] === undefined) {
  const { status } = spawnSync('sh', ['-c', 'ulimit -n 60; exec "$0" main.js limited', process.execPath], { stdio: 'inherit' });
  process.exit(status ?? 9);
}
const log = createLogger({ format: 'json', base: { name: 'test' }, facts: () => ({ request: 7 }) });
const router = new Router({ log });
const things = { index: action({}, ({ query }) => ({ query })) };
router.connect('/things', { controller: things, action: 'index', conditions: { method: ['GET'] } });
const app = await router.build();
const server = createServer((req, res) => void app(req, res));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const ask = (path, headers = {}) => new Promise((done, failed) => {
  const req = request({ port: server.address().port, host: '127.0.0.1', path, agent, headers }, (res) => {
    let text = '';
    res.setEncoding('utf8').on('data', (piece) => { text += piece; }).on('end', () => done([res.statusCode, text]));
  });
  req.on('error', failed).end();
});
await ask('/things');
process.stdout.write('');
const taken = [];
try { for (;;) taken.push(openSync('/dev/null')); } catch {}
const answers = [await ask('/things?a=1&b=x+y%20z&a=2'), await ask('/nowhere', { accept: 'text/html;q=0.5, application/*' })];
const req = { headers: { accept: 'text/plain;q=0, application/json;q=0.3', 'accept-encoding': 'gzip' } };
answers.push(preferredType(req, ['text/plain', 'application/json']), preferredEncoding(req, ['gzip']));
log.child({ part: 'a' }).warn({ err: new TypeError('wrong', { cause: new Error('deep') }), list: [1] }, 'first');
// Longer than the second after which the packages are loaded in any case.
await new Promise((done) => setTimeout(done, 1500));
log.info({ pid: 4 }, 'second');
for (const each of taken) closeSync(each);
log.info('third');
process.stdout.write(JSON.stringify(answers) + '\\n');
process.exit(0);
`,
  );
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  const lines = program.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const [first, second, third] = lines.map(({ time, ...rest }) => {
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    return rest;
  });
  const { err, pid, ...facts } = first as { err: { type: string; message: string; stack: string }; pid: number };
  assert.deepEqual(facts, { level: 'warn', name: 'test', part: 'a', request: 7, list: [1], msg: 'first' });
  assert.deepEqual([err.type, err.message], ['TypeError', 'wrong: deep']);
  assert.match(err.stack, /caused by: Error: deep/);
  assert.deepEqual(second, { level: 'info', name: 'test', request: 7, pid: 4, msg: 'second' });
  assert.deepEqual(third, { level: 'info', name: 'test', request: 7, pid, msg: 'third' });
  const [query, nowhere, type, encoding] = JSON.parse(program.stdout.trim().split('\n').at(-1)!) as [
    [number, string],
    [number, string],
    string,
    string,
  ];
  assert.deepEqual([query[0], JSON.parse(query[1])], [200, { query: { a: ['1', '2'], b: 'x y z' } }]);
  assert.equal(nowhere[0], 404);
  assert.deepEqual([type, encoding], ['application/json', 'gzip']);
});

test('lines that are logged while the process exits are written', () => {
  const output = join(root, 'dist', 'log', 'log-output.js');
  const program = `
import { LogOutput } from ${JSON.stringify(output)};
const output = new LogOutput(() => '');
output.gather('first\\n');
process.on('exit', () => output.gather('last\\n'));
process.exit(0);
`;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.deepEqual([stderr, status], ['first\nlast\n', 0]);
});

test('TE-2 lines that several processes gather stay whole in a pipe', () => {
  const program = `
import { LogOutput } from ${JSON.stringify(join(root, 'dist', 'log', 'log-output.js'))};
const output = new LogOutput(() => '');
const line = process.argv[1].repeat(200) + '\\n';
for (let turn = 0; turn < 40; turn++) {
  for (let at = 0; at < 100; at++) output.gather(line);
  await new Promise(setImmediate);
}
`;
  // The shell makes a pipe where Node would make a socket.
  const both = '("$0" --input-type=module -e "$1" a & "$0" --input-type=module -e "$1" b & wait) 2>&1 | cat';
  const { stdout } = spawnSync('sh', ['-c', both, process.execPath, program], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, 8000);
  const torn = lines.filter((line) => !/^(?:a{200}|b{200})$/.test(line));
  assert.deepEqual(torn, []);
});

/**
 * Runs a process with the logs `one` and `two`: writes a line, renames both files, runs `work`, and writes a last line. Returns a reader
 * of its files.
 */
function renamedLogs({ before = '', work }: { readonly before?: string; readonly work: string }) {
  const main = `
import { closeSync, openSync, readdirSync, readlinkSync, renameSync, writeSync } from 'node:fs';
import { createLogger } from ${JSON.stringify(join(root, 'dist', 'log', 'log.js'))};
import { reopenLogs } from ${JSON.stringify(join(root, 'dist', 'log', 'log-output.js'))};
const descriptorOf = (name) => Number(readdirSync('/proc/self/fd').find((fd) => { try { return readlinkSync('/proc/self/fd/' + fd).endsWith(name); } catch { return false; } }));
${before}
const logs = ['one', 'two'].map((file) => createLogger({ file }));
for (const log of logs) log.info('before');
for (const file of ['one', 'two']) renameSync(file, file + '.1');
${work}
for (const log of logs) log.info('after');
`;
  const { folder } = emptyProject({ 'main.js': main });
  const { stderr, status } = spawnSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([stderr, status], ['', 0]);
  return (file: string): string => readFileSync(join(folder, file), 'utf8');
}

test('a file that cannot be closed is reported, and all other log files are opened anew', () => {
  const read = renamedLogs({
    before: "const lower = openSync('main.js');",
    work: "closeSync(descriptorOf('/one.1')); closeSync(lower); reopenLogs(logs[0]);",
  });
  assert.match(read('one'), /EBADF.*\n.*after/);
  assert.match(read('two'), /after/);
});

test('a log file that other code has closed is opened anew, and nothing else is closed', () => {
  const read = renamedLogs({
    work: `
closeSync(descriptorOf('/two.1'));
const other = openSync('other', 'w');
reopenLogs(logs[1]);
writeSync(other, 'open');
closeSync(descriptorOf('/one'));
reopenLogs(logs[0]);
`,
  });
  assert.match(read('one'), /EBADF.*\n.*after/);
  assert.match(read('two'), /EBADF[\s\S]*after/);
  assert.equal(read('other'), 'open');
});

test('a logger that is dropped is not opened anew', () => {
  const main = `
import { renameSync } from 'node:fs';
import { createLogger } from ${JSON.stringify(join(root, 'dist', 'log', 'log.js'))};
import { reopenLogs } from ${JSON.stringify(join(root, 'dist', 'log', 'log-output.js'))};
const kept = createLogger({ file: 'kept' });
const children = (() => [createLogger({ file: 'parent' }).child({ part: 'a' })])();
(() => createLogger({ file: 'dropped' }).info('gone'))();
await new Promise((resolve) => setTimeout(resolve, 10));
gc();
await new Promise((resolve) => setTimeout(resolve, 10));
for (const file of ['kept', 'parent', 'dropped']) renameSync(file, file + '.1');
reopenLogs(kept);
children[0].info('after');
`;
  const { folder } = emptyProject({ 'main.js': main });
  const { stderr, status } = spawnSync(process.execPath, ['--expose-gc', 'main.js'], { cwd: folder, encoding: 'utf8' });
  assert.deepEqual([stderr, status], ['', 0]);
  assert.deepEqual(
    ['kept', 'parent', 'dropped'].map((name) => existsSync(join(folder, name))),
    [true, true, false],
  );
});

test('NI-1 another process that shares standard error, and makes it block, blocks no log', async (t) => {
  const program = `
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LogOutput } from ${JSON.stringify(join(root, 'dist', 'log', 'log-output.js'))};
const output = new LogOutput({ lost: (count) => '\\nlost ' + count });
const other = spawn(process.execPath, ['-e', 'process.stderr._handle.setBlocking(true)'], { stdio: 'inherit' });
await once(other, 'exit');
for (let count = 0; count < 600; count++) output.write('x'.repeat(3999) + '\\n');
process.stdout.write(String(output.lost));
`;
  const args = ['--input-type=module', '-e', program];
  // Its standard error, a socket, is not read.
  const child = spawnKept(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => endGroup(child.pid!));
  const ended = once(child, 'exit');
  const [lost] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
  assert.ok(Number(lost) > 200, lost);
  assert.deepEqual(await ended, [0, null]);
});
