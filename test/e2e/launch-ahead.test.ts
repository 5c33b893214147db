/** The worker that `api-cli` starts as soon as it knows from its configuration that there are workers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { closedAfter } from '../fixtures/closed-after.js';
import { isAlive } from '../fixtures/running-program.js';
import { ask } from './clients.js';
import { emptyProject, freePort, type Program, startProject } from './program.js';
import { pidProject } from './projects.js';

/** Preloaded in the parent: prints the processes it starts and when it opens its files. */
const TELLING = `
if (process.env.PORTICO_WORKER_ID === undefined) {
  const child_process = require('node:child_process');
  const fs = require('node:fs');
  const { writeSync } = fs;
  const { spawn } = child_process;
  const { readFileSync, openSync } = fs;
  child_process.spawn = (...args) => {
    const child = spawn(...args);
    writeSync(2, 'spawned ' + child.pid + '\\n');
    return child;
  };
  const told = (open) => (path, ...rest) => {
    const [name] = /[\\w-]+\\.ini$/.exec(String(path)) ?? [];
    if (name !== undefined) writeSync(2, 'opened ' + name + '\\n');
    return open(path, ...rest);
  };
  Object.assign(fs, { readFileSync: told(readFileSync), openSync: told(openSync) });
  require('node:module').syncBuiltinESMExports();
}
`;

function start(t: TestContext, files: Record<string, string>, args: readonly string[] = []): Program {
  const project = emptyProject({ 'telling.cjs': TELLING, ...files });
  return startProject(t, project, args, { NODE_OPTIONS: '--require ./telling.cjs' });
}

const told = (program: Program): string[] => program.stderr.match(/^(?:opened|spawned) .+$/gm) ?? [];
const started = (program: Program): number[] =>
  told(program).flatMap((line) => (line.startsWith('spawned') ? Number(line.split(' ')[1]) : []));

test('the first worker of api-cli starts when its configuration is loaded, before anything else is read, and is the one that serves', async (t) => {
  const port = await freePort();
  const program = start(t, pidProject(port, 2));
  await program.printed(/^hello\b.*2 workers/m);
  const lines = told(program).map((line) => line.replace(/\d+$/, ''));
  const [first, ...rest] = lines.slice(0, lines.indexOf('opened api-paste.ini')).toReversed();
  assert.deepEqual([first, [...new Set(rest)]], ['spawned ', ['opened portico.ini']], lines.join(', '));
  const workers = started(program);
  assert.equal(workers.length, 2);
  const serving = new Set<number>();
  while (serving.size < 2) serving.add(Number((await ask(`http://127.0.0.1:${port}/`)).text));
  assert.deepEqual([...serving].toSorted(), workers.toSorted());
});

test('a worker whose command line turns out to hold a secret is started anew', async (t) => {
  const port = await freePort();
  const program = start(t, pidProject(port, 1), ['--set', 'rpc.transport_url=amqp://user:secret@broker/']);
  await program.printed(/^hello\b.*1 worker/m);
  const [first, second, ...others] = started(program);
  assert.deepEqual(others, []);
  assert.equal(Number((await ask(`http://127.0.0.1:${port}/`)).text), second);
  assert.equal(isAlive(first!), false);
});

test('a configuration that is refused leaves no process behind', async (t) => {
  const program = start(t, pidProject(await freePort(), 1), ['--set', 'api:hello.workers=many']);
  assert.equal((await program.ended).code, 78, program.output());
  assert.match(program.stderr, /workers/);
  const [first] = started(program);
  assert.equal(isAlive(first!), false);
});

test('a port in use leaves no process behind', async (t) => {
  const other = closedAfter(t, createServer().listen(0, '127.0.0.1'));
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const program = start(t, pidProject(port, 1));
  assert.equal((await program.ended).code, 1, program.output());
  assert.match(program.stderr, /the address is already in use \(EADDRINUSE\)/);
  assert.deepEqual(started(program).filter(isAlive), []);
});

test('a SIGTERM while the parent loads ends it with 0, and leaves no process behind', async (t) => {
  const program = start(t, pidProject(await freePort(), 1));
  await program.printed(/^spawned/m);
  await program.stop();
  assert.deepEqual(started(program).filter(isAlive), []);
});

test('a parent that is killed before its worker has heard of it leaves no process behind', async (t) => {
  const program = start(t, pidProject(await freePort(), 1));
  await program.printed(/^spawned/m);
  program.kill('SIGKILL');
  // The output closes only when the worker has ended as well, because it holds the pipes.
  assert.deepEqual(await program.ended, { code: null, signal: 'SIGKILL' });
  assert.equal(isAlive(started(program)[0]!), false);
});

test('a line that asks for services alone, or for another command, starts no worker ahead', async (t) => {
  for (const args of [['--help'], ['config', 'show'], ['--enabled-services', 'none']]) {
    const program = start(t, pidProject(await freePort(), 1), args);
    await program.ended;
    const [first] = told(program);
    assert.ok(!first?.startsWith('spawned'), `${args.join(' ')}: ${program.output()}`);
  }
});
