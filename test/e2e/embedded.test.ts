/** Applications that embed Portico obey their configuration files, as `api-cli` does. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { get } from '../fixtures/http-client.js';
import { emptyProject, freePort, Program, startedOnce, type UntilEnd, untilFileEnds } from './program.js';
import { pidApp, pidPaste } from './projects.js';

const inOneProcess = `
import { Config, launch, runMain, WSGIService } from 'portico';

await runMain(async () => {
  const config = await Config.load();
  const launcher = await launch(new WSGIService('hello', config), { config });
  return launcher.wait();
});
`;

const inWorker = `
import { Config, runMain, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';

await runMain(async () => {
  const config = await Config.load();
  const launcher = new ProcessLauncher({ config });
  await launcher.launchService(new WSGIService('hello', config), { workers: 1 });
  return launcher.wait();
});
`;

const logged = `
[pipeline:hello]
pipeline = request_id request_log hello_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog
`;

const file = untilFileEnds();

/** Allows an option that nothing in the process reads. */
const OTHERS = 'other_names = DEFAULT.colour\n';

async function embedded(t: UntilEnd, main: string, more: string) {
  const port = await freePort();
  const ini = (text: string): string => `[DEFAULT]\n${text}\n[api:hello]\nport = ${port}\n`;
  const paste = pidPaste.replace(/\[pipeline.*?requestId\n/s, logged);
  const files = { 'main.js': main, 'app.js': pidApp, 'api-paste.ini': paste, 'portico.ini': ini(more) };
  const project = emptyProject(files);
  const start = (...words: string[]): Program => {
    const program = new Program(process.execPath, ['main.js', ...words], { cwd: project.folder });
    t.after(async () => void (await program.end()));
    return program;
  };
  const inFolder = (name: string): string => join(project.folder, name);
  return { port, project, start, inFolder, write: (text: string) => writeFileSync(inFolder('portico.ini'), ini(text)) };
}

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly service?: string;
  readonly [fact: string]: unknown;
}

function lines(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

/** Settles when the file contains a matching line. */
async function written(file: string, line: RegExp): Promise<void> {
  const changes = watch(dirname(file));
  try {
    while (!existsSync(file) || !line.test(readFileSync(file, 'utf8'))) await once(changes, 'change');
  } finally {
    changes.close();
  }
}

for (const [how, main] of [
  ['in one process', inOneProcess],
  ['in a worker', inWorker],
] as const) {
  describe(how, { concurrency: 1 }, () => {
    /** An application for two tests, of which the second one changes its configuration. */
    const toStderr = startedOnce(async () => {
      const project = await embedded(file, main, `log_level = warn\n${OTHERS}colour = red\n[api:helo]\nworkers = 2`);
      const program = project.start();
      await program.printed(/Ready after/);
      return { ...project, program };
    });

    test(`an embedded service ${how} warns of a section [api:<name>] that it has no service for`, async () => {
      const { program } = await toStderr();
      const [line] = await program.printed(/^.*portico\.ini:5:1.*$/m);
      assert.match(line, /"level":"warn".*\[api:helo\].* no service with this name.*did you mean \[api:hello\]\?/);
    });

    test(`an embedded service ${how} logs at log_level, and SIGHUP changes it, and says which effect an option has that nothing reads`, async () => {
      const { port, program, write } = await toStderr();
      await get(port, '/');
      write(`log_level = info\n${OTHERS}colour = blue`);
      program.kill('SIGHUP');
      const [, told] = await program.printed(/("changes":\[.*?\}\])/);
      assert.match(told!, /"option":"DEFAULT\.log_level","old":"warn","new":"info"/);
      assert.match(told!, /"effect":"applied"/);
      const isRead = how === 'in one process' ? 'no effect' : 'applied';
      assert.match(told!, new RegExp(`"option":"DEFAULT\\.colour"[^}]*"effect":"${isRead}"`));
      await get(port, '/');
      await program.printed(/"target":"\/"/);
      const all = lines(program.stderr);
      const reload = all.findIndex(({ level, msg }) => level === 'notice' && /SIGHUP/.test(msg));
      const infos = all.slice(0, reload).filter(({ level }) => level === 'info');
      assert.deepEqual(infos, []);
      const request = all.find(({ target }) => target === '/');
      assert.ok(typeof request?.request_id === 'string');
    });
  });
}

test('an embedded service logs into log_file in log_format; SIGHUP opens it anew, and refuses one that cannot be opened', async (t) => {
  const options = 'log_file = api.log\nlog_format = text';
  const { port, start, inFolder, write } = await embedded(t, inOneProcess, options);
  const program = start();
  const log = inFolder('api.log');
  await written(log, /Ready after \d+ ms: hello on 127\.0\.0\.1:/);
  await get(port, '/');
  assert.match(readFileSync(log, 'utf8'), /INFO/);
  renameSync(log, inFolder('api.log.1'));
  program.kill('SIGHUP');
  await written(log, /Reload accepted/);
  write('log_file = none/api.log\nlog_format = text');
  program.kill('SIGHUP');
  await written(log, /Reload refused[\s\S]*portico\.ini:2:\d+: error: \[DEFAULT\] log_file: cannot write the log/);
  assert.equal((await get(port, '/')).status, 200);
});

test('an embedded service refuses unknown sections, and none that its application declares', async (t) => {
  const more = 'debug = false\n[elsewhere]\nx = 1\n[storage]\nsize = 1\n';
  const declared = inOneProcess.replace(
    'await Config.load()',
    "await Config.load({ groups: { storage: { size: integer({ help: 'Megabytes.' }) } } })",
  );
  const { start } = await embedded(t, `import { integer } from 'portico/config';\n${declared}`, more);
  const program = start();
  assert.deepEqual(await program.ended, { code: 78, signal: null });
  assert.match(
    program.stderr,
    /portico\.ini:3:1: error: \[elsewhere\] unknown section\n {2}declare its options: defineOptions\('elsewhere', \{ … \}\)/,
  );
  assert.doesNotMatch(program.stderr, /\[storage\]/);
});

test('an embedded service refuses a section of its name, unless its app declares it', async (t) => {
  const { port, start, inFolder } = await embedded(t, inWorker, '[hello]\nlevel = 4');
  const first = start();
  assert.equal((await first.ended).code, 78);
  assert.match(first.stderr, /portico\.ini:2:1: error: \[hello\] unknown section\n {2}did you mean \[api:hello\]\?/);
  writeFileSync(
    inFolder('app.js'),
    `import { appFactory } from 'portico/app';
import { integer } from 'portico/config';
const options = { level: integer({ default: 1, help: 'How much.' }) };
export const app = appFactory('hello', options, ({ level }) => (_req, res) => res.end(String(level)));
`,
  );
  const second = start();
  await second.printed(/"msg":"Ready after/);
  assert.equal((await get(port, '/')).body, 4);
  assert.doesNotMatch(second.stderr, /unknown section/);
});

const withoutRunMain = `
import { Config, defineOptions, integer } from 'portico/config';

const options = defineOptions({ depth: integer({ default: 1, cli: true, help: 'How deep it looks.' }) });
const config = await Config.load({ groups: { look: options } });
console.log(config.configFiles.map((file) => file.split('/').at(-1)), config.group('look', options).depth);
`;

test('Config.load() of an application reads its command line', async (t) => {
  const { start, inFolder } = await embedded(t, withoutRunMain, '');
  writeFileSync(inFolder('other.ini'), '');
  const program = start('--config-file', 'other.ini', '--look-depth', '3');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.equal(program.stdout, "[ 'other.ini' ] 3\n");
});

test('--help of an application without runMain is printed, with status 0 and no stack', async (t) => {
  const { start } = await embedded(t, withoutRunMain, '');
  const program = start('--help');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.match(program.stdout, /^Usage: main [\s\S]*--look-depth DEPTH +How deep it looks\./);
  assert.equal(program.stderr, '');
});

test('the words of a test runner are none of the configuration: portico/testing is loaded', async (t) => {
  const main = `import 'portico/testing';\n${withoutRunMain}`;
  const { start } = await embedded(t, main, '');
  const program = start('--watch', 'src/books.test.ts');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  assert.equal(program.stdout, "[ 'portico.ini' ] 1\n");
});

test('status finds an embedded service by the folder that it runs in', async (t) => {
  const { project, start } = await embedded(t, inOneProcess, '');
  const program = start();
  await program.printed(/"event":"control"/);
  await program.printed(/"event":"ready"/);
  const found = await commandBeside(['status'], { cwd: project.folder });
  assert.equal(found.status, 0, found.stderr);
  assert.match(found.stdout, /^main .*pid \d+[\s\S]*hello .*1 of 1 ready/);
  const second = start(
    '--config-file',
    'portico.ini',
    '--set',
    'api:hello.port=0',
    '--set',
    'control.socket=other.sock',
  );
  await second.printed(/"event":"ready"/);
  assert.equal((await commandBeside(['status'], { cwd: project.folder })).status, 0);
  assert.equal((await commandBeside(['stop'], { cwd: project.folder })).status, 0);
  assert.deepEqual(await program.ended, { code: 0, signal: null });
  const none = await commandBeside(['status'], { cwd: project.folder });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /the file does not exist/);
});

const around = `
import { Config, launch, runMain } from 'portico';
import { Server } from 'portico/server';
import { Service } from 'portico/service';

class Around extends Service {
  name = 'around';
  server = new Server('around', (req, res) => res.end('hi'), { host: '127.0.0.1', port: Number(process.env.PORT) });
  SHARED
  async start() { await this.server.start(); }
  async onStop() { await this.server.stop(); }
}
await runMain(async () => (await launch(new Around(), { config: await Config.load(), workers: 2 })).wait());
`;
const shared = `
  get addresses() { return this.server.addresses; }
  useSockets(sockets) { this.server.useSockets(sockets); }
`;

test('a service around a Server with two workers shares the address where it passes its sockets on', async (t) => {
  const { port, start } = await embedded(
    t,
    around.replace('SHARED', shared).replace('Number(process.env.PORT)', String(await freePort())),
    '',
  );
  assert.ok(port > 0);
  const program = start();
  await program.printed(/"event":"ready"/);
  await program.stop();
});

test('where it does not, the refusal names the other worker, and what to write', async (t) => {
  const own = String(await freePort());
  const { start } = await embedded(t, around.replace('SHARED', '').replace('Number(process.env.PORT)', own), '');
  const program = start();
  assert.equal((await program.ended).code, 1);
  assert.match(program.stderr, /another worker[\s\S]*useSockets/);
  assert.doesNotMatch(program.stderr, /Stop the program that listens there/);
});

test('a worker that still loads its application logs, when its parent dies, one line that names it', async (t) => {
  const main = `${inWorker.replace('const launcher =', "if (process.connected) await new Promise(() => setInterval(() => undefined, console.error('loads') ?? 1000));\n  const launcher =")}`;
  const project = emptyProject({
    'main.js': main,
    'app.js': pidApp,
    'api-paste.ini': pidPaste,
    'portico.ini': `[api:hello]\nport = ${await freePort()}\n`,
  });
  const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
  t.after(async () => void (await program.end()));
  await program.printed(/loads/);
  program.kill('SIGKILL');
  const [line] = await program.printed(/^\{.*"event":"parent_died".*$/m);
  const { level, service, workerId, parent, msg } = JSON.parse(line) as Record<string, unknown>;
  assert.deepEqual(
    [level, service, workerId, parent, msg],
    ['error', 'hello', 0, program.pid, `Parent process ${program.pid} has died unexpectedly, exiting`],
  );
});
