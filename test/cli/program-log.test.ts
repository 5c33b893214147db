import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyProject, freePort, type Program, startProject } from '../e2e/program.js';
import { pidProject } from '../e2e/projects.js';
import { get } from '../fixtures/http-client.js';
import { command, commandBeside } from './command.js';

interface Line {
  readonly msg?: string;
  readonly event?: string;
  readonly pid: number;
  readonly [fact: string]: unknown;
}

const paste = `
[pipeline:hello]
pipeline = request_log hello_app

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[app:hello_app]
paste.app_factory = ./app.js:app
`;

/** A fleet that logs to a file in a separate folder. */
async function logging(t: TestContext, workers: number) {
  const port = await freePort();
  const files = { ...pidProject(port, workers, 'log_file = logs/api.log'), 'api-paste.ini': paste, 'logs/.keep': '' };
  const project = emptyProject(files);
  const logs = join(project.folder, 'logs');
  const log = join(logs, 'api.log');
  return { port, project, logs, log, start: () => startProject(t, project) };
}

function read(file: string): Line[] {
  const text = readFileSync(file, 'utf8');
  assert.ok(text === '' || text.endsWith('\n'));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** Settles with the result of `look` once it is not undefined; watches the folder. */
async function found<T>(folder: string, look: () => T | undefined): Promise<T> {
  const changes = watch(folder);
  try {
    for (;;) {
      const seen = look();
      if (seen !== undefined) return seen;
      await new Promise((resolve) => changes.once('change', resolve));
    }
  } finally {
    changes.close();
  }
}

/** Settles when a log in the folder has a matching line. */
async function told(folder: string, test: (line: Line) => boolean, name = ''): Promise<Line> {
  return found(folder, () =>
    readdirSync(folder, { withFileTypes: true })
      .filter((each) => each.isFile())
      .map((each) => each.name)
      .filter((each) => /\.log(?:\.\d)?$/.test(each) && (name === '' || each === name))
      .flatMap((each) => readFileSync(join(folder, each), 'utf8').split('\n').slice(0, -1))
      .map((line) => JSON.parse(line) as Line)
      .find(test),
  );
}

/** Settles when the log has the lines of this many requests. Fails when it has more. */
async function requestLines(logs: string, log: string, wanted: number): Promise<void> {
  const count = (): number => read(log).filter(({ method }) => method === 'GET').length;
  assert.equal(await found(logs, () => (count() >= wanted ? count() : undefined)), wanted);
}

async function serving(program: Program): Promise<void> {
  await program.printed(/http:\/\/127\.0\.0\.1:\d+ +\d worker/);
}

test('parent and workers log to log_file and nowhere else; after a rename and SIGHUP to a new file, and no line is lost or torn', async (t) => {
  const { port, logs, log, start } = await logging(t, 2);
  const program = start();
  await serving(program);
  const load = async (requests: number): Promise<void> => {
    for (let i = 0; i < requests; i++) await get(port, `/?${'x'.repeat(2000)}`);
  };
  await Promise.all([load(20), load(20)]);
  const busy = [load(60), load(60)];
  renameSync(log, `${log}.1`);
  program.kill('SIGHUP');
  await told(logs, ({ event }) => event === 'reload', 'api.log');
  await Promise.all(busy);
  await load(5);
  await program.stop();
  const [before, after] = [read(`${log}.1`), read(log)];
  const requests = [...before, ...after].filter(({ method }) => method === 'GET');
  assert.equal(requests.length, 165);
  assert.ok(new Set(requests.map(({ pid }) => pid)).size >= 2);
  assert.ok(after.some(({ event }) => event === 'stopped'));
  assert.equal(program.stderr, '');
});

test('workers that go on serving open log_file anew as well, and copying and truncating it needs no signal', async (t) => {
  const { port, project, logs, log } = await logging(t, 1);
  const program = startProject(t, project, ['--set', 'DEFAULT.restart_method=mutate']);
  await serving(program);
  renameSync(log, `${log}.1`);
  program.kill('SIGHUP');
  await told(logs, ({ event }) => event === 'reload', 'api.log');
  const size = readFileSync(`${log}.1`, 'utf8').length;
  for (let i = 0; i < 20; i++) await get(port, '/');
  assert.equal(readFileSync(`${log}.1`, 'utf8').length, size);
  await requestLines(logs, log, 20);
  copyFileSync(log, `${log}.2`);
  truncateSync(log);
  for (let i = 0; i < 20; i++) await get(port, '/');
  await requestLines(logs, log, 20);
});

test('a log_file that cannot be opened refuses the start with 78 and its location; at SIGHUP the one that is open stays, and a worker without one says so in one line on standard error and serves', async (t) => {
  const { port, project, logs, log, start } = await logging(t, 1);
  mkdirSync(log);
  const refused = start();
  assert.equal((await refused.ended).code, 78);
  assert.match(refused.stderr, /portico\.ini:3:\d+: .*\[DEFAULT\] log_file.*EISDIR/);
  const checked = command(['check'], { cwd: project.folder });
  assert.equal(checked.status, 78);
  assert.match(checked.stdout, /portico\.ini:3:\d+: .*\[DEFAULT\] log_file.*EISDIR/);
  rmdirSync(log);
  const program = start();
  await serving(program);
  renameSync(log, `${log}.1`);
  mkdirSync(log);
  program.kill('SIGHUP');
  const warning = await told(logs, ({ msg }) => /EISDIR.*: logging continues in the open file/.test(msg ?? ''));
  assert.deepEqual([warning.level, warning.err], ['warn', undefined]);
  const report = await told(logs, ({ event }) => event === 'reload');
  assert.equal(report.outcome, 'accepted');
  // The worker of the reload has no open file.
  assert.equal((await get(port, '/')).status, 200);
  await program.printed(/logs to standard error.*\n/);
  const [line, ...more] = program.stderr.split('\n').filter((each) => each.includes('EISDIR'));
  assert.deepEqual(more, []);
  const { level, msg, err } = JSON.parse(line!) as Line;
  assert.deepEqual([level, err], ['warn', undefined]);
  assert.match(msg!, /^EISDIR.*, open '.*api\.log': this worker logs to standard error$/);
});

test('a refused start leaves its reason in the log as well as on standard error', async (t) => {
  const { project, log, start } = await logging(t, 1);
  const ini = join(project.folder, 'portico.ini');
  writeFileSync(ini, `${readFileSync(ini, 'utf8')}max_requests = many\n`);
  const program = start();
  assert.equal((await program.ended).code, 78);
  const [reason] = program.stderr.trimEnd().split('\n');
  assert.match(
    reason ?? '',
    /^portico\.ini:\d+:\d+: error: \[api:hello\] max_requests: should be an integer; got many$/,
  );
  const lines = read(log).filter(({ level }) => level === 'error');
  assert.equal(lines.length, 1);
  const [said, ...pages] = program.stderr.trimEnd().split(/\nExplained in:\n {2}|\n {2}(?=\/)/);
  assert.equal(lines[0]?.msg, `The start failed: ${said}`);
  assert.equal(pages.length, 2);
  assert.deepEqual(lines[0]?.pages, pages);
});

test('a reload to another log_file that cannot be opened is refused with its location, and serves on; an unchanged one whose folder is gone refuses neither a dry run nor a reload', async (t) => {
  const { port, project, logs, start } = await logging(t, 1);
  const program = start();
  await serving(program);
  const configuration = join(project.folder, 'portico.ini');
  const text = readFileSync(configuration, 'utf8');
  writeFileSync(configuration, text.replace('logs/api.log', 'nowhere/api.log'));
  program.kill('SIGHUP');
  const report = await told(logs, ({ event }) => event === 'reload');
  assert.equal(report.outcome, 'refused');
  assert.match(JSON.stringify(report), /portico\.ini:3:\d+: .*\[DEFAULT\] log_file.*ENOENT/);
  assert.equal((await get(port, '/')).status, 200);
  writeFileSync(configuration, text.replace('logs/api.log', 'logs/other.log'));
  program.kill('SIGHUP');
  await told(logs, ({ event, outcome }) => event === 'reload' && outcome === 'accepted');

  writeFileSync(configuration, text);
  renameSync(logs, `${logs}.gone`);
  const cli = async (...words: string[]) => {
    const { status: code, stdout: text } = await commandBeside(words, { cwd: project.folder });
    return { code, text };
  };
  const tried = await cli('reload', '--dry-run');
  assert.match(tried.text, /^would be accepted/);
  assert.equal(tried.code, 0);
  const done = await cli('reload');
  assert.match(done.text, /^accepted/);
  assert.equal(done.code, 0);
  writeFileSync(configuration, `${readFileSync(configuration, 'utf8')}max_requests = many\n`);
  const refused = await cli('reload');
  assert.match(refused.text, /max_requests: should be an integer/);
  assert.doesNotMatch(refused.text, /log_file/);
  assert.equal((await get(port, '/')).status, 200);
});

test('a log_file that is a link of another user is refused by check, and when it is opened anew', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only root can make links of other users');
  const { project, logs, log, start } = await logging(t, 1);
  const victim = join(project.folder, 'victim.txt');
  writeFileSync(victim, '');
  const plant = (): void => {
    symlinkSync(victim, log);
    lchownSync(log, 65534, 65534);
  };
  plant();
  const refused = command(['check'], { cwd: project.folder });
  assert.equal(refused.status, 78);
  assert.match(refused.stderr + refused.stdout, /\[DEFAULT\] log_file.*of another user \(65534\)/);
  unlinkSync(log);
  const program = start();
  await serving(program);
  renameSync(log, `${log}.1`);
  plant();
  program.kill('SIGHUP');
  await told(logs, ({ msg }) => /of another user.*: logging continues in the open file/.test(msg ?? ''), 'api.log.1');
  assert.equal(readFileSync(victim, 'utf8'), '');
});

test('a log_file that another user has put into a directory where others may write is refused, and not elsewhere', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only root can make files of other users');
  const { project, logs, log } = await logging(t, 1);
  writeFileSync(log, '');
  lchownSync(log, 65534, 65534);
  chmodSync(logs, 0o1777);
  const refused = command(['check'], { cwd: project.folder });
  assert.equal(refused.status, 78);
  assert.match(refused.stderr + refused.stdout, /\[DEFAULT\] log_file.*of another user \(65534\), in a directory/);
  chmodSync(logs, 0o755);
  assert.equal(command(['check'], { cwd: project.folder }).status, 0);
});
