/** Operators and a running `api-cli`: signals to the whole group, closed terminals, reloads with errors. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { ask } from './clients.js';
import { apiCli, emptyProject, freePort, Program, startProject, type UntilEnd, untilFileEnds } from './program.js';
import { pidPaste, pidProject } from './projects.js';

/** Starts `api-cli` in a project of these files until the end of the test. */
function started(t: UntilEnd, files: Readonly<Record<string, string>>): { program: Program; folder: string } {
  const project = emptyProject(files);
  const program = startProject(t, project);
  return { program, folder: project.folder };
}

const file = untilFileEnds();
/** Starts while other tests run, because it takes ten seconds. */
const neverReady = (async () =>
  started(file, {
    ...pidProject(await freePort(), 1, 'worker_start_timeout = 600\n'),
    'app.js': 'setInterval(() => {}, 1e6);\nexport const app = () => new Promise(() => {});\n',
  }))();

const READY = /^hello\b.*:\d+/m;

/** Two ports with a listener, and a function that frees them. */
async function takenPorts(t: TestContext): Promise<{ ports: readonly number[]; free(): Promise<unknown> }> {
  const ports = [await freePort(), await freePort()];
  const servers = ports.map((port) => createServer().listen(port, '127.0.0.1'));
  t.after(() => {
    for (const server of servers) server.close();
  });
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const free = (): Promise<unknown> => Promise.all(servers.map((server) => once(server.close(), 'close')));
  return { ports, free };
}

/** Asserts that the text reports a port in use at this line of `portico.ini`. */
function saysTaken(text: string, name: string, line: number, port: number): void {
  assert.match(
    text,
    new RegExp(
      `portico\\.ini:${line}:8: error: ${name}: Could not bind to 127\\.0\\.0\\.1:${port}: .* already in use[\\s\\S]*? {4}port = ${port}(?:\n|\\\\n) {11}\\^`,
    ),
  );
  const who =
    process.platform === 'linux'
      ? `The address is in use by pid ${process.pid} \\(.*node.*\\)`
      : 'See what uses the address with: ';
  assert.match(text, new RegExp(`Is another copy of this service running\\? ${who}`));
}

test('RL-68 OP-80 all ports that are taken are reported at once, with their locations and who to ask, at the start and by a reload, until they are free; LC-515 an API that a reload adds gets its ready line; LC-511 LC-354 SIGTERM to the whole process group of an idle fleet ends it with 0', async (t) => {
  const { ports, free } = await takenPorts(t);
  const [one, two] = ports as [number, number];
  const port = await freePort();
  const apis = (names: string): string =>
    `[DEFAULT]\nenabled_apis = ${names}\n[api:hello]\nport = ${port}\nworkers = 1\n[api:one]\nport = ${one}\nworkers = 1\n[api:two]\nport = ${two}\nworkers = 1\n`;
  const files = {
    ...pidProject(port, 1),
    'api-paste.ini': `${pidPaste}\n[app:one]\npaste.app_factory = ./app.js:app\n[app:two]\npaste.app_factory = ./app.js:app\n`,
  };
  const refused = started(t, { ...files, 'portico.ini': apis('hello,one,two') }).program;
  assert.deepEqual(await refused.ended, { code: 1, signal: null });
  saysTaken(refused.stderr, 'one', 7, one);
  saysTaken(refused.stderr, 'two', 10, two);
  assert.equal(refused.stderr.match(/: error: /g)?.length, 2, refused.stderr);
  assert.doesNotMatch(refused.stderr, /\n\s+at /);
  await assert.rejects(ask(`http://127.0.0.1:${port}/`), { code: 'ECONNREFUSED' });
  const { program, folder } = started(t, { ...files, 'portico.ini': apis('hello') });
  await program.printed(READY);
  const beside = await commandBeside(['check'], { cwd: folder });
  assert.equal(beside.status, 0);
  assert.match(beside.stdout, /No errors found/);
  writeFileSync(join(folder, 'portico.ini'), apis('hello,one,two'));
  program.kill('SIGHUP');
  await program.printed(/"outcome":"refused"/);
  saysTaken(program.output(), 'one', 7, one);
  saysTaken(program.output(), 'two', 10, two);

  await free();
  program.kill('SIGHUP');
  await program.printed(/"outcome":"accepted"/);
  for (const name of ['one', 'two']) {
    const [, added] = await program.printed(new RegExp(`^${name} .*127\\.0\\.0\\.1:(\\d+)`, 'm'));
    assert.equal((await ask(`http://127.0.0.1:${added}/`)).status, 200);
  }
  assert.equal(program.stdout.match(/^hello /gm)?.length, 1);
  process.kill(-program.pid, 'SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
});

/** Runs an application in a separate terminal, which SIGUSR1 closes; the application's output goes elsewhere. */
const IN_TERMINAL = `
import os, pty, signal, sys
out = os.dup(1)
pid, master = pty.fork()
if pid == 0:
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.execv(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGUSR1, lambda *_: os.close(master))
print('pid=%d.' % pid, flush=True)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`;

const terminals = spawnSync('python3', ['-c', 'import os, pty; os.waitstatus_to_exitcode; os.close(pty.fork()[1])']);
const withoutTerminals = terminals.status === 0 ? false : 'no python3 with pty here';

async function inTerminal(t: TestContext): Promise<Program> {
  const port = await freePort();
  const project = emptyProject(pidProject(port, 1));
  const program = new Program('python3', ['-c', IN_TERMINAL, process.execPath, apiCli], { cwd: project.folder });
  const pid = Number((await program.printed(/pid=(\d+)\./))[1]);
  t.after(async () => {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Already ended, as expected.
    }
    await program.end();
  });
  await program.printed(READY);
  return program;
}

test('LC-530 LC-535 closing the terminal stops a server in its foreground, which says what to do instead', {
  skip: withoutTerminals,
}, async (t) => {
  const program = await inTerminal(t);
  program.kill('SIGUSR1');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  assert.match(program.output(), /sighup_foreground = reload/);
  assert.doesNotMatch(program.output(), /restarting/);
});

test('LC-531 a factory that never resolves: a warning, no ready line, and SIGTERM ends it at once', async () => {
  const { program } = await neverReady;
  await program.printed(
    /hello: worker 0 is still starting after 10 s, loading \S*api-paste\.ini:\d+:\d+: .*app\.js:app/,
  );
  const begun = performance.now();
  await program.stop();
  // The deadline of a graceful stop is 60 s: the stop must end long before.
  assert.ok(performance.now() - begun < 20_000);
  assert.doesNotMatch(program.stdout, READY);
});
