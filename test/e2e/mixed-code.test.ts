/** Code on disk changes without a reload: a worker started later runs different code from its siblings, and each view reports that. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { askSocket } from './clients.js';
import { emptyProject, freePort, Program, root, startProject, untilEnd } from './program.js';

const APP = `
import { createRequire } from 'node:module';
import { word } from './lib/word.js';
import { dependency } from 'dependency';
const { common } = createRequire(import.meta.url)('./common.cjs');
// A module that is data alone keeps its script.
globalThis.gc();
export const app = () => async (req, res) => {
  if (req.url === '/later') await import('./later.js');
  res.end([word, common(), dependency].join(' '));
};
`;

/** A Node of another version, as far as a worker reports it, once the file `replaced` exists. */
const NODE = `
if (process.env.PORTICO_WORKER !== undefined && require('node:fs').existsSync('replaced'))
  Object.defineProperty(process, 'version', { value: 'v99.0.0' });
`;

const module = (name: string, value: string): string => `export const ${name} = '${value}';\n`;

const text = async (url: string): Promise<string> => (await fetch(url)).text();

async function served(t: TestContext, more = '', workers = 2) {
  const port = await freePort();
  const project = emptyProject({
    'app.js': APP,
    'lib/word.js': module('word', 'one'),
    'common.cjs': "exports.common = () => 'one';\n",
    'later.js': module('later', 'one'),
    'node.cjs': NODE,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[DEFAULT]\n${more}\n[metrics]\nenabled = true\n[admin]\nlisten = 127.0.0.1:0\n[api:hello]\nport = ${port}\nworkers = ${workers}\n`,
  });
  const { folder } = project;
  const dependency = join(folder, 'node_modules', 'dependency');
  mkdirSync(dependency);
  writeFileSync(
    join(dependency, 'package.json'),
    '{ "name": "dependency", "type": "module", "exports": "./index.js" }',
  );
  writeFileSync(join(dependency, 'index.js'), module('dependency', 'one'));
  const program = startProject(t, project, [], { NODE_OPTIONS: '--expose-gc --require ./node.cjs' });
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  const [, admin] = await program.printed(/"event":"admin","url":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  const status = async () => (await askSocket<Status>(socket!, 'GET', '/status')).body.services[0]!;
  return {
    port,
    folder,
    program,
    status,
    cli: (...words: string[]) => commandBeside(words, { cwd: folder }),
    write: (file: string, text: string) => writeFileSync(join(folder, file), text),
    gauge: async (name = 'portico_workers_other_code') => {
      const body = await text(`${admin}/metrics`);
      return new RegExp(`^${name}\\{api="hello"\\} (\\d+)$`, 'm').exec(body)?.[1];
    },
    /** Kills a worker. Returns the pid of its replacement once that serves. */
    replaced: async (id: number): Promise<number> => {
      const before = (await status()).workers.find((worker) => worker.id === id)!.pid;
      process.kill(before, 'SIGKILL');
      const isNew = (worker: Status['services'][0]['workers'][0]): boolean =>
        worker.id === id && worker.pid !== before && worker.state === 'ready';
      return (await until(status, ({ workers }) => workers.some(isNew))).workers.find(isNew)!.pid;
    },
    /** The status once this many workers run other code: each reports its loaded files soon after it is ready. */
    mixed: (count: number): Promise<Status['services'][0]> =>
      until(status, ({ workers }) => {
        const others = workers.filter(({ state, otherCode }) => state === 'ready' && otherCode.length > 0);
        return others.length === count;
      }),
  };
}

interface Status {
  readonly services: readonly {
    readonly ready: number;
    readonly reasons: readonly string[];
    readonly workers: readonly {
      readonly id: number;
      readonly pid: number;
      readonly state: string;
      readonly generation: number;
      readonly otherCode: readonly string[];
      readonly node: string;
    }[];
  }[];
}

test('a worker with other code than its configuration began with is named in every view until a reload; files of packages, modules that load later and files with the same text are no other code', async (t) => {
  const { port, folder, program, status, cli, write, gauge, replaced, mixed } = await served(t);
  assert.equal(await gauge(), '0');
  await text(`http://127.0.0.1:${port}/later`);
  write('later.js', module('later', 'two'));
  write('lib/word.js', module('word', 'one'));
  writeFileSync(join(folder, 'node_modules', 'dependency', 'index.js'), module('dependency', 'two'));
  await replaced(1);
  write('lib/word.js', module('word', 'two'));
  write('common.cjs', "exports.common = () => 'two';\n");
  const pid = await replaced(0);

  const files = ['common.cjs', 'lib/word.js'];
  const shown = await mixed(1);
  const said = `worker 0 (pid ${pid}) runs other code than configuration 1 began with: common.cjs, lib/word.js; a reload ends that`;
  assert.deepEqual(shown.workers.map(({ id, generation, otherCode }) => [id, generation, otherCode]).toSorted(), [
    [0, 1, files],
    [1, 1, []],
  ]);
  assert.deepEqual(shown.reasons, [said]);
  assert.equal(await gauge(), '1');
  assert.match((await cli('status')).stdout, new RegExp(`^hello: ${said.replaceAll(/[()]/g, '\\$&')}$`, 'm'));
  const warnings = (): string[] => program.output().match(/.*"event":"worker_code".*/g) ?? [];
  assert.equal(warnings().length, 1);
  const line = JSON.parse(warnings()[0]!) as Record<string, unknown>;
  assert.deepEqual(
    [line.level, line.pid, line.workerId, line.service, line.generation, line.files],
    ['warn', pid, 0, 'hello', 1, files],
  );
  assert.match(String(line.msg), /api-cli reload/);

  // A second worker with the same version is no new mix.
  await replaced(1);
  await mixed(2);
  assert.equal(await gauge(), '2');
  assert.deepEqual(
    warnings().map((each) => (JSON.parse(each) as { level: string }).level),
    ['warn', 'info'],
  );

  assert.equal((await cli('reload')).status, 0);
  const after = await status();
  assert.deepEqual([after.reasons, await gauge()], [[], '0']);
  assert.doesNotMatch((await cli('status')).stdout, /other code/);
  // The code that the reload has checked belongs to its configuration.
  const now = await replaced(0);
  write('lib/word.js', module('word', 'three'));
  await replaced(1);
  const { reasons } = await mixed(1);
  assert.match(reasons.join(), /^worker 1 .* than configuration 2 began with: lib\/word\.js;/);
  assert.doesNotMatch(program.output(), new RegExp(`"event":"worker_code".*"pid":${now},`));
  // Another version is a new mix.
  await until(
    () => warnings().map((each) => (JSON.parse(each) as { level: string }).level),
    (levels) => levels.join() === 'warn,info,warn',
  );
});

test('workers with another Node than their parent are named in every view, also after a reload', async (t) => {
  const { program, status, cli, write, gauge, replaced } = await served(t);
  const other = () => gauge('portico_workers_other_node');
  assert.equal(await other(), '0');
  write('replaced', '');
  const pid = await replaced(0);
  const { reasons, workers } = await status();
  const versions = `Node v99.0.0, the parent ${process.version}; restart the service, parent and all`;
  const said = `worker 0 (pid ${pid}) runs ${versions}`;
  assert.deepEqual(reasons, [said]);
  assert.deepEqual(workers.map(({ id, node }) => [id, node]).toSorted(), [
    [0, 'v99.0.0'],
    [1, process.version],
  ]);
  assert.equal(await other(), '1');
  assert.ok((await cli('status')).stdout.includes(`hello: ${said}\n`));
  assert.match(program.output(), new RegExp(`"level":"warn"[^\\n]*"event":"worker_ready"[^\\n]*"pid":${pid},`));

  assert.equal((await cli('reload')).status, 0);
  assert.match((await status()).reasons.join(), new RegExp(`^worker \\d .*, worker \\d .* run ${versions}$`));
  assert.equal(await other(), '2');
});

/** Puts a copy of Portico where a project has a link to the clone. Returns a function that installs another version, with its protocol. */
function copiedPortico(folder: string): (version: string, protocol: number) => void {
  const portico = join(folder, 'node_modules', 'portico');
  rmSync(portico);
  mkdirSync(portico);
  for (const part of ['lib', 'assets']) cpSync(join(root, part), join(portico, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(portico, 'node_modules'));
  const manifest = readFileSync(join(root, 'package.json'), 'utf8');
  const chunk = join(portico, 'lib', 'chunks', 'launch-ahead.mjs');
  const code = readFileSync(chunk, 'utf8');
  assert.match(code, /const PROTOCOL = \d+;/);
  return (version, protocol) => {
    writeFileSync(join(portico, 'package.json'), JSON.stringify({ ...(JSON.parse(manifest) as object), version }));
    writeFileSync(chunk, code.replace(/const PROTOCOL = \d+;/, `const PROTOCOL = ${protocol};`));
  };
}

test('NI-7 a Portico that does not fit the running parent is named by a reload, the log and status, and the workers that run serve on', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': 'export const app = () => (req, res) => res.end(String(process.pid));\n',
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[control]\nsocket = control.sock\n[api:hello]\nport = ${port}\nworkers = 2\n`,
  });
  const { folder } = project;
  const install = copiedPortico(folder);
  install('1.0.0', 1);
  const main = join(folder, 'node_modules', 'portico', 'lib', 'cli', 'main.js');
  const program = untilEnd(t, new Program(process.execPath, [main], { cwd: folder }));
  await program.printed(/"event":"ready"/);
  const status = async () =>
    (await askSocket<Status>(join(folder, 'control.sock'), 'GET', '/status')).body.services[0]!;
  const pids = (await status()).workers.map(({ pid }) => pid);
  const said = 'worker of Portico 2.0.0 for a parent of Portico 1.0.0: restart the service';

  install('2.0.0', 2);
  const reload = await commandBeside(['reload'], { cwd: folder });
  assert.equal(reload.status, 1);
  assert.match(reload.stdout + reload.stderr, new RegExp(`refused[\\s\\S]*${said}`));
  assert.deepEqual(
    (await status()).workers.map(({ pid }) => pid),
    pids,
  );

  process.kill(pids[0]!, 'SIGKILL');
  await program.printed(new RegExp(`"code":"PORTICO_OTHER_VERSION","msg":"Error starting service hello: ${said}"`));
  assert.equal(await text(`http://127.0.0.1:${port}/`), String(pids[1]));
  const { stdout } = await commandBeside(['status'], { cwd: folder });
  assert.match(stdout, /^hello is .*1 of 2 workers are ready/m);
  assert.match(stdout, new RegExp(said));

  // One that speaks as the parent does is welcome.
  install('1.0.1', 1);
  const whole = await until(status, ({ ready }) => ready === 2);
  assert.ok(whole.workers.some(({ pid }) => pid === pids[1]));
});

test('NI-9 packages that are gone while the service runs fail no upload, file and status page', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': `
import { Router } from 'portico';
export const app = () => {
  const router = new Router();
  router.put('/form', { body: { 'multipart/form-data': 'stream' } }, async (request) => {
    const names = [];
    for await (const file of request.files()) {
      file.stream.resume();
      names.push(file.name);
    }
    return { names };
  });
  return router.build();
};
`,
    'files/note.txt': 'a note',
    'api-paste.ini':
      '[pipeline:hello]\npipeline = static_files app\n[filter:static_files]\npaste.filter_factory = portico/middleware:staticFilesFilter\n' +
      'document_root = files\n[app:app]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[admin]\nlisten = 127.0.0.1:0\ndocs = true\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const { folder } = project;
  copiedPortico(folder)('1.0.0', 1);
  const main = join(folder, 'node_modules', 'portico', 'lib', 'cli', 'main.js');
  const program = untilEnd(t, new Program(process.execPath, [main], { cwd: folder }));
  await program.printed(/"event":"ready"/);
  const [, admin] = await program.printed(/"event":"admin","url":"([^"]+)"/);
  renameSync(join(folder, 'node_modules'), join(folder, 'gone'));

  const form = new FormData();
  form.set('cover', new Blob(['an image']), 'cover.png');
  const sent = await fetch(`http://127.0.0.1:${port}/form`, { method: 'PUT', body: form });
  assert.equal(await sent.text(), '{"names":["cover.png"]}', program.output());
  assert.equal(await text(`http://127.0.0.1:${port}/note.txt`), 'a note');
  for (const path of ['/', '/docs', '/readyz']) assert.equal((await fetch(`${admin}${path}`)).status, 200, path);
});
