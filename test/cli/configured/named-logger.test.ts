/** The application's logger that the configuration names. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  emptyProject,
  freePort,
  runApiCli,
  startMain,
  startProject,
  type UntilEnd,
  untilFileEnds,
} from '../../e2e/program.js';
import { pidProject } from '../../e2e/projects.js';
import { get } from '../../fixtures/http-client.js';
import { command } from '../command.js';

/** Writes lines as `shop level message {fields}`. */
const logging = `
import { writeSync } from 'node:fs';
function made (bindings) {
  const write = (level) => (fields, message) =>
    writeSync(2, \`shop \${level} \${message} \${JSON.stringify({ ...bindings, ...fields })}\\n\`);
  return {
    level: 'debug',
    ...Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, write(level)])),
    child: (more) => made({ ...bindings, ...more }),
  };
}
export const logger = made({});
export const create = (config) => made({ apis: config.resolve('DEFAULT', 'enabled_apis').value });
export const level = 'info';
`;

const app = `
export const app = (_globalConf, _localConf, { log }) => (req, res) => {
  log.info({ path: req.url }, 'asked');
  log.debug('details');
  res.end('"hello"');
};
`;

async function shop(t: UntilEnd, more: string, workers = 1) {
  const port = await freePort();
  const project = emptyProject({ ...pidProject(port, workers, more), 'app.js': app, 'logging.js': logging });
  const ini = join(project.folder, 'portico.ini');
  const write = (text: string): void => writeFileSync(ini, pidProject(port, workers, text)['portico.ini']!);
  return { port, project, write, start: () => startProject(t, project) };
}

const file = untilFileEnds();
/** A logger that never comes is waited for while other tests run. */
const odd = (async () => {
  const { project } = await shop(file, '');
  const { folder } = project;
  writeFileSync(
    join(folder, 'odd.js'),
    `${logging}
export const fails = () => { throw new Error('no key') };
export const rejects = () => Promise.reject();
export const childFails = { ...logger, child () { throw new Error('no children') } };
export const never = () => new Promise(() => undefined);
`,
  );
  return { folder, never: runApiCli(folder, 'check', '--set', 'DEFAULT.logger=./odd.js:never') };
})();

test('a logger named in the configuration writes the lines of the parent and of its worker', async (t) => {
  const { port, start } = await shop(t, 'logger = ./logging.js:logger');
  const program = start();
  await program.printed(/shop info Ready after .*"event":"ready"/);
  await get(port, '/a');
  // The debug line: the level is the logger's.
  await program.printed(/shop info asked .*"path":"\/a"/);
  await program.printed(/shop debug details .*"request_id":"req-/);
  await program.stop();
  const lines = program.stderr.split('\n').filter((line) => line !== '');
  const wrong = lines.filter((line) => !line.startsWith('shop '));
  assert.deepEqual(wrong, []);
});

test('a function can create the logger from the configuration, and log_level sets its level, also in a reload', async (t) => {
  const named = 'logger = ./logging.js:create\n';
  const { port, write, start } = await shop(t, `${named}log_level = warn`);
  const program = start();
  await program.printed(/shop info Ready after .*"apis":\["hello"\]/);
  await get(port, '/a');
  write(`${named}log_level = info`);
  program.kill('SIGHUP');
  await program.printed(/shop info .*reload.*/i, program.output().length);
  await get(port, '/b');
  await program.printed(/shop info asked .*"path":"\/b"/);
  assert.doesNotMatch(program.stderr, /"path":"\/a"/);
  assert.doesNotMatch(program.stderr, /shop debug/);
});

test('a logger that cannot be used refuses the start and the check, with its location and all other errors', async (t) => {
  const { project, write } = await shop(t, '');
  const refused: [string, RegExp][] = [
    ['./loging.js:logger', /portico\.ini:3:10: .*\.\/loging\.js.*\n.*Did you mean "\.\/logging\.js"/],
    ['./logging.js:loger', /portico\.ini:3:10: .*no export "loger"\n.*"logger"/],
    ['./logging.js:level', /portico\.ini:3:10: .*level is the text "info", not a logger\n.*the methods debug/],
  ];
  for (const [name, message] of refused) {
    write(`logger = ${name}\ngraceful_shutdown_timeout = soon`);
    const outcomes = [command(['check'], { cwd: project.folder, anew: true })];
    if (name === './logging.js:loger') outcomes.push(await runApiCli(project.folder));
    for (const { status, stderr, stdout } of outcomes) {
      assert.equal(status, 78, name);
      assert.match(stderr + stdout, message);
      assert.match(stderr + stdout, /graceful_shutdown_timeout/);
    }
  }
});

test('NI-11 a dry run and a reload refuse a logger that the next start would refuse, and a secret that others may read is reported once', async (t) => {
  const { project, write, start } = await shop(t, '[jwt]\nsecret = a-secret-of-32-bytes-that-others-read');
  const paste = pidProject(0, 1)['api-paste.ini']!.replace('= request_id ', '= request_id jwt ');
  writeFileSync(
    join(project.folder, 'api-paste.ini'),
    `${paste}[filter:jwt]\npaste.filter_factory = portico/middleware:jwtAuth\n`,
  );
  const program = start();
  await program.printed(/"event":"ready"/);
  assert.equal(program.stderr.match(/PORTICO_CONFIG_EXPOSED/g)?.length, 1, program.stderr);
  write('logger = ./none.js:logger\n[jwt]\nsecret = a-secret-of-32-bytes-that-others-read');
  const config = ['--config-file', join(project.folder, 'portico.ini')];
  const error = /portico\.ini:3:10: error: \[DEFAULT\] logger: \.\/none\.js:logger: there is no file/;
  for (const words of [['check'], ['reload', '--dry-run'], ['reload']]) {
    const { status, stdout } = command([...words, ...config], { cwd: project.folder });
    assert.notEqual(status, 0, words.join(' '));
    assert.match(stdout, error, words.join(' '));
  }
});

test('log_file beside a logger is reported, because it has no effect', async (t) => {
  const { project } = await shop(t, 'logger = ./logging.js:logger\nlog_file = api.log\nlog_format = json');
  const { stdout, stderr } = command(['check'], { cwd: project.folder });
  for (const name of ['log_file', 'log_format']) {
    assert.match(
      stdout + stderr,
      new RegExp(`${name}.*has no effect: logger \\(.*portico\\.ini:3:10\\) writes the lines`),
    );
  }
});

test('an application with runApis logs through the logger that its configuration names', async (t) => {
  const port = await freePort();
  const main = `
import { runMain, WSGIService } from 'portico';
import { runApis } from 'portico/cli';
await runMain(() => runApis((config) => [new WSGIService('hello', config)]));
`;
  const files = { ...pidProject(port, 1, 'logger = ./logging.js:logger'), 'logging.js': logging, 'main.js': main };
  const program = startMain(t, emptyProject(files));
  await program.printed(/shop info Ready after/);
});

test('a logger that throws, never comes or is refused is reported at its option, wherever that is set', async () => {
  const { folder, never } = await odd;
  const refused: [string, RegExp][] = [
    ['fails', /argument 1: error: \[DEFAULT\] logger: \.\/odd\.js:fails: no key \(.*odd\.js:\d+:\d+\)/],
    ['rejects', /\[DEFAULT\] logger: \.\/odd\.js:rejects: it has thrown /],
    ['childFails', /\[DEFAULT\] logger: \.\/odd\.js:childFails: no children/],
    ['never', /\[DEFAULT\] logger: \.\/odd\.js:never has given no logger in 10 s/],
  ];
  for (const [name, said] of refused) {
    const check = ['check', '--set', `DEFAULT.logger=./odd.js:${name}`];
    const { status, stdout } = name === 'never' ? await never : command(check, { cwd: folder });
    assert.match(stdout, said);
    assert.equal(status, 78);
  }
  // Empty: none.
  const { status } = command(['check', '--set', 'DEFAULT.logger='], { cwd: folder });
  assert.equal(status, 0);
});

test('a logger that fails loses lines, and nothing else', async (t) => {
  const { port, project, start } = await shop(t, 'logger = ./full.js:logger');
  const full = join(project.folder, 'full');
  const failing = `
import { existsSync } from 'node:fs';
import { logger as other } from './logging.js';
const over = (inner) => ({
  level: 'info',
  ...Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, (...args) => {
    if (existsSync(${JSON.stringify(full)})) throw new Error('no space in postgres://shop:secret@db/logs');
    inner[level](...args);
  }])),
  child: (more) => over(inner.child(more)),
});
export const logger = over(other);
`;
  writeFileSync(join(project.folder, 'full.js'), failing);
  const program = start();
  await program.printed(/shop info Ready after/);
  writeFileSync(full, '');
  assert.equal((await get(port, '/a')).body, 'hello');
  await program.stop();
  assert.match(
    program.stderr,
    /WARN: 1 log line lost, because the logger failed: Error: no space in postgres:\/\/shop:/,
  );
  assert.doesNotMatch(program.stderr, /secret/);
});
