/** `api-cli --dev`, as `npm run dev` of a new project starts it. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { get } from '../fixtures/http-client.js';
import {
  apiCli,
  emptyProject,
  freePort,
  Program,
  runApiCli,
  startedOnce,
  startProject,
  type UntilEnd,
  untilEnd,
  untilFileEnds,
} from './program.js';

const paste = `
[pipeline:hello]
pipeline = request_id request_log hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[app:hello_app]
paste.app_factory = ./app.js:app
`;

const app = `
export const app = (globalConf, localConf, ctx) => {
  ctx.onClose(() => console.log('closed'));
  return (req, res) => res.end('"hi"');
};
`;

async function developed(t: UntilEnd) {
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\n`;
  const project = emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini });
  const program = startProject(t, project, ['--dev']);
  await program.printed(/Ready after/);
  return { port, program };
}

const file = untilFileEnds();
/** For two tests, of which the second one ends it. */
const plain = startedOnce(() => developed(file));

test('--dev writes one short line for a request, with the id once', async () => {
  const { port, program } = await plain();
  await program.printed(/1 worker/);
  const from = program.stderr.length;
  await get(port, '/things?a=1');
  const [line] = await program.printed(/.*GET \/things.*\n/);
  assert.match(line, /INFO: GET \/things\?a=1 200 4 B \d+\.\d ms req-[\w-]+\n$/);
  await get(port, '/others');
  await program.printed(/GET \/others 200.*\n/);
  assert.equal(program.stderr.slice(from).trim().split('\n').length, 2, program.stderr.slice(from));
});

test('Ctrl-C ends --dev with 0 behind onClose, also where npm passes it on', async () => {
  const { program } = await plain();
  program.kill('SIGINT');
  program.kill('SIGINT');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.stdout, /^closed$/m);
  assert.equal(program.stderr.match(/Caught SIGINT/g)?.length, 1);
});

/** The inspector's address on a port. A process at a breakpoint reports it too. */
async function inspectorAt(port: number): Promise<string> {
  const listed = await get<[{ readonly webSocketDebuggerUrl: string }]>(port, '/json/list');
  return listed.body[0].webSocketDebuggerUrl;
}

/** The inspector on a port: its address and the pid of its process. */
async function inspected(port: number): Promise<{ readonly address: string; readonly pid: number }> {
  const address = await inspectorAt(port);
  const socket = new WebSocket(address);
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'process.pid' } }));
    const [message] = (await once(socket, 'message')) as [Buffer];
    const { result } = JSON.parse(message.toString()) as { result: { result: { value: number } } };
    return { address, pid: result.result.value };
  } finally {
    socket.close();
  }
}

const telling = `
export const app = () => (req, res) => res.end(String(process.pid));
`;

type Inspected = (port: number) => {
  readonly words?: string[];
  readonly env?: NodeJS.ProcessEnv;
};

const waysToInspect: Readonly<Record<string, Inspected>> = {
  'api-cli --dev --inspect=PORT': (port) => ({ words: [`--inspect=${port}`] }),
  'NODE_OPTIONS=--inspect=PORT': (port) => ({ env: { NODE_OPTIONS: `--no-warnings --inspect=${port}` } }),
};

for (const [way, give] of Object.entries(waysToInspect)) {
  test(`${way}: the port leads to the worker, behind a change to the next one, and its address is printed once`, async (t) => {
    const [port, wanted] = [await freePort(), await freePort()];
    const ini = `[DEFAULT]\nenabled_apis = hello\ndebug = true\n[api:hello]\nport = ${port}\n`;
    const project = emptyProject({ 'app.js': telling, 'api-paste.ini': paste, 'portico.ini': ini });
    const { words = [], env = {} } = give(wanted);
    const program = untilEnd(
      t,
      new Program(process.execPath, [apiCli, '--dev', ...words], { cwd: project.folder, env }),
    );
    const told = new RegExp(`^Debugger listening on (ws://127\\.0\\.0\\.1:${wanted}/.*)$`, 'm');
    // Node has printed the address of the parent's inspector, which has ended.
    await program.printed(/Ready after/);
    // Debug alone lists no options.
    assert.doesNotMatch(program.output(), /Full set of CONF/);
    const first = await inspected(wanted);
    assert.equal(first.pid, (await get<number>(port, '/')).body);
    await program.printed(new RegExp(`^Debugger listening on ${first.address}$`, 'm'));
    await program.printed(/watching \d+ files/);
    const before = program.output().length;
    writeFileSync(join(project.folder, 'app.js'), `${telling}// changed\n`);
    const [, next] = await program.printed(told, before);
    // Until then both workers accept connections.
    await program.printed(new RegExp(`Child ${first.pid} exited`), before);
    const second = await inspected(wanted);
    assert.deepEqual(second, { address: next, pid: (await get<number>(port, '/')).body });
    assert.notEqual(second.pid, first.pid);
    for (const { address } of [first, second])
      assert.equal(program.output().split(address).length, 2, program.output());
    await program.stop();
  });
}

test('--inspect without --dev, or with what is no port, is refused', async () => {
  const project = emptyProject({ 'portico.ini': '[DEFAULT]\n' });
  const alone = await runApiCli(project.folder, '--inspect');
  assert.deepEqual([alone.status, /--inspect goes with --dev/.test(alone.stderr)], [2, true], alone.stderr);
  const wrong = await runApiCli(project.folder, '--dev', '--inspect=x');
  assert.deepEqual([wrong.status, /takes a port/.test(wrong.stderr)], [2, true], wrong.stderr);
});

test('the port of --inspect stays with a worker at a breakpoint, beside a second API', async (t) => {
  const [port, other, wanted] = [await freePort(), await freePort(), await freePort()];
  const ini = `[DEFAULT]\nenabled_apis = hello, second\n[api:hello]\nport = ${port}\n[api:second]\nport = ${other}\n`;
  const second = '[app:second]\npaste.app_factory = ./app.js:app\n';
  const project = emptyProject({ 'app.js': telling, 'api-paste.ini': `${paste}${second}`, 'portico.ini': ini });
  const program = startProject(t, project, ['--dev', `--inspect=${wanted}`]);
  await program.printed(/(?:^Debugger listening on [\s\S]*){2}/m);
  const first = await inspected(wanted);
  assert.equal(first.pid, (await get<number>(port, '/')).body);
  const socket = new WebSocket(first.address);
  await once(socket, 'open');
  const said = (method: string): Promise<void> =>
    new Promise((resolve) => {
      socket.on('message', (message: Buffer) => {
        if ((JSON.parse(message.toString()) as { method?: string }).method === method) resolve();
      });
    });
  const paused = said('Debugger.paused');
  socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }));
  // In a timer, because Node sometimes loses the commands that follow a breakpoint within an evaluation.
  const expression = 'setTimeout(() => { debugger; })';
  socket.send(JSON.stringify({ id: 2, method: 'Runtime.evaluate', params: { expression } }));
  await paused;
  assert.equal(await inspectorAt(wanted), first.address);
  const resumed = said('Debugger.resumed');
  socket.send(JSON.stringify({ id: 3, method: 'Debugger.resume' }));
  await resumed;
  socket.close();
  await once(socket, 'close');
});
