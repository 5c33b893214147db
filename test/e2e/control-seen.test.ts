/** The control socket and the admin listener where something has gone wrong with them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { emptyProject, freePort, startProject } from './program.js';

const app = 'export const hello = () => (req, res) => res.end("hello");';
const project = (port: number, more = '') =>
  emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[control]\nsocket = ./control.sock\n[api:hello]\nport = ${port}\nworkers = 1\n${more}`,
  });

test('OP-40 a control socket that is gone is made again; missing, dead and stopped are three sentences', async (t) => {
  const made = project(await freePort());
  const socket = join(made.folder, 'control.sock');
  const program = startProject(t, made);
  await program.printed(/"event":"ready"/);
  rmSync(socket);
  assert.match((await commandBeside(['status'], { cwd: made.folder })).stderr, /: the file does not exist/);
  await program.printed(/The file of the control socket was gone and is made again/);
  const { stdout } = await commandBeside(['status'], { cwd: made.folder });
  assert.match(stdout, new RegExp(`pid ${program.pid} `));

  program.kill('SIGSTOP');
  const { stderr } = await commandBeside(['status'], { cwd: made.folder });
  const stopped = `process ${program.pid} has it, and has not responded for 5 seconds: a signal has stopped it, kill -CONT ${program.pid} continues it`;
  if (process.platform === 'linux') assert.ok(stderr.includes(stopped), stderr);
  assert.doesNotMatch(stderr, /--config-file|Others run/);
  program.kill('SIGCONT');
  await until(
    () => commandBeside(['status'], { cwd: made.folder }),
    ({ status }) => status === 0,
  );

  program.kill('SIGKILL');
  await program.ended;
  assert.match((await commandBeside(['status'], { cwd: made.folder })).stderr, /: nothing listens on it/);
});

test('OP-40 a folder of the control socket that becomes a file ends no service', async (t) => {
  const folder = temporaryFolder('portico-control-');
  const made = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[control]\nsocket = ${folder}/in/control.sock\n[api:hello]\nport = ${await freePort()}\nworkers = 1\n`,
  });
  mkdirSync(join(folder, 'in'), { mode: 0o700 });
  const program = startProject(t, made);
  await program.printed(/"event":"ready"/);
  renameSync(join(folder, 'in'), join(folder, 'away'));
  writeFileSync(join(folder, 'in'), '');
  await program.printed(/The service has no control socket: /);
  rmSync(join(folder, 'in'));
  renameSync(join(folder, 'away'), join(folder, 'in'));
  rmSync(join(folder, 'in', 'control.sock'));
  await program.printed(/The file of the control socket was gone and is made again/);
});

test('OP-40 root finds the service of another folder for temporary files by its configuration', {
  skip: process.platform !== 'linux' || process.geteuid?.() !== 0,
}, async (t) => {
  const port = await freePort();
  const made = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, made, [], { TMPDIR: made.folder, XDG_RUNTIME_DIR: '' });
  await program.printed(/"event":"ready"/);
  const { stdout, stderr } = await commandBeside(['status'], { cwd: made.folder });
  assert.match(stdout, new RegExp(`pid ${program.pid} `), stderr);
});

test('OP-58 NI-10 a listener whose port was in use listens when it is free, and at once by a reload', async (t) => {
  const others = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')];
  await Promise.all(others.map((other) => once(other, 'listening')));
  const [admin, metrics] = others.map((other) => (other.address() as { port: number }).port);
  const options = `[admin]\nlisten = 127.0.0.1:${admin}\nmetrics_listen = 127.0.0.1:${metrics}\n`;
  const made = project(await freePort(), options);
  const program = startProject(t, made);
  await program.printed(/"event":"ready"/);
  const status = async (): Promise<string> => (await commandBeside(['status'], { cwd: made.folder })).stdout;
  assert.match(await status(), /The service has no admin listener/);
  others[0]!.close();
  await program.printed(/"event":"admin"/);
  assert.doesNotMatch(await status(), /no admin listener/);
  assert.ok(lstatSync(join(made.folder, 'control.sock')).isSocket());

  others[1]!.close();
  await commandBeside(['reload'], { cwd: made.folder });
  assert.equal((await fetch(`http://127.0.0.1:${metrics}/readyz`)).status, 200);
  assert.doesNotMatch(await status(), /The service has no/);
});
