/** Reloads refused before a worker is started, or by the first worker with the new configuration. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ask } from '../../e2e/clients.js';
import { emptyProject, freePort, type Program, startProject, type UntilEnd, untilFileEnds } from '../../e2e/program.js';
import { childrenOf, isAlive } from '../../fixtures/running-program.js';
import { until } from '../../fixtures/until.js';

/** An app and a manager that record each call with the pid. */
const TRACED = `
import { appendFileSync } from 'node:fs';
const trace = (what) => appendFileSync(new URL('./trace', import.meta.url), what + ' ' + process.pid + '\\n');
trace('import');
export const app = (globalConf, { greeting = 'hello' }, context) => {
  trace('factory');
  context.onClose(() => trace('close'));
  return (req, res) => res.end(greeting + ' ' + process.pid);
};
export class Manager {
  initHost() { trace('initHost'); }
  preStartHook() { trace('preStartHook'); }
  postStartHook() { trace('postStartHook'); }
  cleanupHost() { trace('cleanupHost'); }
}
`;

const PASTE = `[app:hello]
paste.app_factory = ./app.js:app

[app:other]
paste.app_factory = ./other.js:app
`;

interface Fleet {
  readonly program: Program;
  readonly folder: string;
  readonly port: number;
  write(file: string, text: string): void;
  /** The calls recorded so far. */
  trace(): [what: string, pid: number][];
  /** Calls `before`, sends SIGHUP and returns the next report. */
  reload(before?: () => void): Promise<Report>;
}

interface Report {
  readonly outcome: string;
  readonly error?: string;
  readonly changes: readonly Record<string, string>[];
  readonly replaced: Record<string, number>;
  readonly generation: number;
}

function defaultIni(port: number): string {
  return `[DEFAULT]\nenabled_apis = hello,other\n[api:hello]\nport = ${port}\nworkers = 2\nmanager = ./app.js:Manager\n[api:other]\nport = 0\nworkers = 1\n`;
}

async function fleet(t: UntilEnd, more: { ini?: (port: number) => string } = {}): Promise<Fleet> {
  const port = await freePort();
  const ini = more.ini?.(port) ?? defaultIni(port);
  const project = emptyProject({
    'app.js': TRACED,
    'other.js': TRACED,
    'api-paste.ini': PASTE,
    'portico.ini': ini,
  });
  const program = startProject(t, project);
  await program.printed(/^hello .*:\d+/m);
  if (/\[api:other\]/.test(ini)) await program.printed(/^other .*:\d+/m);
  return {
    program,
    folder: project.folder,
    port,
    write: (file, text) => writeFileSync(join(project.folder, file), text),
    trace: () => {
      const path = join(project.folder, 'trace');
      if (!existsSync(path)) return [];
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      return lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]);
    },
    reload: async (before) => {
      const from = program.stderr.length;
      before?.();
      program.kill('SIGHUP');
      return reportOf(program, from);
    },
  };
}

const file = untilFileEnds();
let first: Fleet | undefined;

/** Returns the fleet of most tests, with its first files. A reload of them is accepted. */
async function shared(): Promise<Fleet> {
  first ??= await fleet(file);
  // The children of the reload before have ended.
  while (childrenOf(first.program.pid).length > 3) await wait(20);
  first.write('app.js', TRACED);
  first.write('other.js', TRACED);
  first.write('api-paste.ini', PASTE);
  first.write('portico.ini', defaultIni(first.port));
  return first;
}

/** The next report of a reload in the log. */
async function reportOf(program: Program, from: number): Promise<Report> {
  const pattern = /^\{.*"event":"reload".*\}$/m;
  await program.printed(pattern, program.stdout.length + 1 + from);
  return JSON.parse(pattern.exec(program.stderr.slice(from))![0]) as Report;
}

/** Makes the import of one app wait for ever, and that of the other block its thread. `first` runs before. */
function writeEndless({ write }: Fleet, first = ''): void {
  const app = 'export const app = () => undefined;\nexport class Manager {}\n';
  write('app.js', `${first}await new Promise(() => setInterval(() => {}, 1e6));\n${app}`);
  write(
    'other.js',
    `${first}if (process.env.PORTICO_WORKER_ID !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n${app}`,
  );
}

/** Asserts that the old processes are alive. */
function assertUntouched(before: readonly number[], { program }: Fleet): void {
  for (const pid of before) assert.ok(isAlive(pid), program.output());
}

test('OP-80 RL-66 a module that cannot be loaded is found by a first new worker, and the old ones serve on; OP-83 one that is accepted starts no further process', async () => {
  const it = await shared();
  const before = childrenOf(it.program.pid);
  assert.equal(before.length, 3);
  const { length: known } = it.trace();
  it.write('other.js', 'import "./missing.js";\nexport const app = () => undefined;\n');
  const report = await it.reload();
  assert.equal(report.outcome, 'refused');
  assert.match(report.error ?? '', /api-paste\.ini:5:\d+: .*\[app:other\].*missing\.js/s);
  assertUntouched(before, it);
  // The first worker of the other API, which found no error, is ended.
  await until(
    () => childrenOf(it.program.pid),
    (children) => isDeepStrictEqual(children, before),
  );
  assert.ok(
    it
      .trace()
      .slice(known)
      .every(([, pid]) => !before.includes(pid)),
  );
  assert.match((await ask(`http://127.0.0.1:${it.port}/`)).text, /^hello \d+$/);
  it.write('other.js', TRACED);
  const { length: now } = it.trace();
  const accepted = await it.reload();
  assert.equal(accepted.outcome, 'accepted');
  assert.deepEqual(accepted.replaced, { hello: 2, other: 1 });
  const seen = it.trace().slice(now);
  const imported = seen.filter(([what]) => what === 'import').map(([, pid]) => pid);
  assert.equal(imported.length, 3);
  assert.equal(seen.filter(([what]) => what === 'factory').length, 3);
  // Each hook of a manager runs once in each new worker of its API.
  for (const hook of ['initHost', 'postStartHook']) {
    assert.equal(seen.filter(([what, pid]) => what === hook && imported.includes(pid)).length, 2);
  }
});

test('OP-80 LC-517 an API that a refused reload misspells is reported as a wrong name, not as one that a worker misses', async () => {
  const it = await shared();
  const before = childrenOf(it.program.pid);
  const ini = readFileSync(join(it.folder, 'portico.ini'), 'utf8');
  it.write('portico.ini', ini.replace('hello,other', 'hello, othre'));
  // The child of the unknown API ends before this one is refused. It neither shortens this check nor is reported.
  const refusing = `import { setTimeout as wait } from 'node:timers/promises';
import { Config } from 'portico';
export const app = async () => {
  await wait(400);
  return Config.fromText('[DEFAULT]\\nno_such = 1').validate();
};
export class Manager {}
`;
  it.write('app.js', refusing);
  const { outcome, error = '' } = await it.reload();
  assert.equal(outcome, 'refused');
  assert.match(error, /portico\.ini:2:\d+: .*othre/);
  assert.match(error, /no_such: unknown option/);
  assert.doesNotMatch(error, /launched no service/);
  assertUntouched(before, it);
});

test('OP-80 LC-517 what the parent finds waits neither for an import that never ends nor for a thread that it blocks', async () => {
  const it = await shared();
  const before = childrenOf(it.program.pid);
  const ini = readFileSync(join(it.folder, 'portico.ini'), 'utf8');
  writeEndless(it);
  it.write(
    'portico.ini',
    ini.replace(`port = ${it.port}`, 'port = 181810').replace('[DEFAULT]', '[DEFAULT]\nworker_start_timeout = 0'),
  );
  const { outcome, error = '' } = await it.reload();
  assert.equal(outcome, 'refused');
  assert.match(error, /portico\.ini:\d+:\d+: .*port: .*181810/);
  assert.doesNotMatch(error, /was not built/);
  assertUntouched(before, it);
  // No child is left behind.
  while (childrenOf(it.program.pid).length > before.length) await wait(20);
});

test('OP-80 an import that never ends, and a blocked thread, end at worker_start_timeout, and the old workers serve', async () => {
  const it = await shared();
  const ini = readFileSync(join(it.folder, 'portico.ini'), 'utf8');
  const before = childrenOf(it.program.pid);
  writeEndless(it);
  // The limit of the configuration that is tried.
  it.write('portico.ini', ini.replace('[DEFAULT]', '[DEFAULT]\nworker_start_timeout = 1'));
  const from = it.program.output().length;
  const report = await it.reload();
  assert.equal(report.outcome, 'refused');
  for (const api of ['hello', 'other']) {
    assert.match(report.error ?? '', new RegExp(`worker 0 of service ${api} did not start within 1 s and was killed`));
  }
  assertUntouched(before, it);
  for (const api of ['hello', 'other']) {
    await it.program.printed(
      new RegExp(`"service":"${api}".*Child \\d+ did not start within 1 s and was killed`),
      from,
    );
  }
});

test('LC-519 OP-80 SIGTERM while the first new workers import what never ends ends the fleet with 0', async () => {
  const it = await shared();
  const from = it.program.output().length;
  writeEndless(it, "import { writeSync } from 'node:fs';\nwriteSync(2, 'checking\\n');\n");
  it.program.kill('SIGHUP');
  await it.program.printed(/^checking$[\s\S]*^checking$/m, from);
  it.program.kill('SIGTERM');
  assert.deepEqual(await it.program.ended, { code: 0, signal: null }, it.program.output());
});
