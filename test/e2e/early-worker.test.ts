/** The first worker of `api-cli`, which is started before the configuration is read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from './clients.js';
import { emptyProject, freePort, type Program, startProject } from './program.js';
import { pidProject } from './projects.js';

/** Says what its process is made of, on a connection of its own. */
const facts = `
export const app = () => (req, res) => {
  const { pid, argv, execArgv, env } = process;
  res.setHeader('connection', 'close');
  res.end(JSON.stringify({ pid, argv, execArgv, env }));
};
`;

interface Facts {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

test('CF-79 CF-118 the first worker has the command line and environment of the others, and no option in either', async (t) => {
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, 2), 'app.js': facts });
  const env = {
    PORTICO_DEFAULT__LOG_LEVEL: 'warn',
    PORTICO_SHOP__PASSWORD: 'hidden-in-the-environment',
    SHOP__COLOUR: 'red',
    PLAIN: 'plain',
  };
  const args = ['--set', 'DEFAULT.transport_url=rabbit://user:hidden-in-a-word@broker/', '--trace-errors'];
  const program = startProject(t, project, args, env);
  await program.printed(/^hello\b.*2 workers/m);
  const workers = new Map<string, Facts>();
  while (workers.size < 2) {
    const { text } = await ask(`http://127.0.0.1:${port}/`);
    const told = JSON.parse(text) as Facts;
    workers.set(told.env.PORTICO_WORKER_ID!, told);
  }
  const [first, second] = [workers.get('0')!, workers.get('1')!];
  assert.deepEqual(first.argv, second.argv);
  assert.ok(first.argv.includes('--trace-errors'));
  assert.deepEqual(first.execArgv, second.execArgv);
  const others = ({ env: all }: Facts) => Object.entries({ ...all, PORTICO_WORKER_ID: '' }).toSorted();
  assert.deepEqual(others(first), others(second));
  assert.equal(first.env.SHOP__COLOUR, 'red');
  assert.equal(first.env.PLAIN, 'plain');
  assert.equal(first.env.PORTICO_DEFAULT__LOG_LEVEL, undefined);
  for (const name of ['environ', 'cmdline']) {
    const text = readFileSync(`/proc/${first.pid}/${name}`, 'latin1');
    assert.doesNotMatch(text, /hidden-in|LOG_LEVEL/, name);
  }
});

test('the first worker serves on a unix socket, which it is sent', async (t) => {
  const project = emptyProject(pidProject(0, 1));
  const socketPath = join(project.folder, 'hello.sock');
  const program = startProject(t, project, ['--set', `api:hello.listen=unix:${socketPath}`]);
  await program.printed(/^hello\b.*1 worker/m);
  const body = await new Promise<string>((resolve, reject) => {
    request({ socketPath, path: '/' }, (res) => {
      res.setEncoding('utf8').once('data', resolve);
    })
      .once('error', reject)
      .end();
  });
  assert.match(body, /^\d+$/);
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});

test('a worker that is killed after an early start is replaced by one on the same socket', async (t) => {
  const port = await freePort();
  const program = startProject(t, emptyProject(pidProject(port, 1)));
  await program.printed(/^hello\b.*1 worker/m);
  const { text: first } = await ask(`http://127.0.0.1:${port}/`);
  process.kill(Number(first), 'SIGKILL');
  await program.printed(/killed by signal SIGKILL/);
  const { text: second } = await ask(`http://127.0.0.1:${port}/`);
  assert.match(second, /^\d+$/);
  assert.notEqual(second, first);
  program.kill('SIGTERM');
  assert.equal((await program.ended).signal, null);
});

test('a configuration that is refused leaves no process, and nothing is said but why', async (t) => {
  const program = startProject(t, emptyProject(pidProject(await freePort(), 1)), ['--set', 'api:hello.workers=many']);
  // Ended are also those who have its output open.
  assert.deepEqual(await program.ended, { code: 78, signal: null });
  assert.match(program.stderr, /workers.*many/s);
  assert.doesNotMatch(program.stderr, /worker\(|child/i);
});

/** The child that the program has started, as soon as it has. */
async function firstChild({ pid }: Program): Promise<number> {
  const children = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  while (children() === '') await new Promise((resolve) => setImmediate(resolve));
  return Number(children().split(' ')[0]);
}

test('a first worker that is killed before it has work is replaced, and the start goes on', async (t) => {
  const port = await freePort();
  const program = startProject(t, emptyProject(pidProject(port, 1)));
  const child = await firstChild(program);
  process.kill(child, 'SIGKILL');
  await program.printed(/^hello\b.*1 worker/m);
  const { text } = await ask(`http://127.0.0.1:${port}/`);
  assert.match(text, /^\d+$/);
  assert.notEqual(text, String(child));
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});

test('what Node loads ahead of the program sees arguments and variables in every worker', async (t) => {
  const ahead = `
    const { env, argv } = process;
    globalThis.ahead = [env.SHOP__COLOUR, env.PORTICO_WORKER_ID, argv.slice(2)];
  `;
  const app = `export const app = () => (req, res) => res.end(JSON.stringify(globalThis.ahead));`;
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, 1), 'app.js': app, 'ahead.cjs': ahead });
  const env = { SHOP__COLOUR: 'red', NODE_OPTIONS: '--require ./ahead.cjs' };
  const program = startProject(t, project, ['--trace-errors'], env);
  await program.printed(/^hello\b.*1 worker/m);
  const { text } = await ask(`http://127.0.0.1:${port}/`);
  assert.deepEqual(JSON.parse(text), ['red', '0', ['--trace-errors']]);
});

test('a program that is killed while it reads its configuration leaves no process', async (t) => {
  const program = startProject(t, emptyProject(pidProject(await freePort(), 1)));
  await firstChild(program);
  program.kill('SIGKILL');
  assert.deepEqual(await program.ended, { code: null, signal: 'SIGKILL' });
});
