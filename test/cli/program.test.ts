/** Wrong command lines and wrong files, for each command: one clear line and the right status, never a stack. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCli, emptyProject } from '../fixtures/project.js';
import { command, isServing } from './command.js';

const FILES = {
  'app.js': 'export const app = () => (_req, res) => res.end();\n',
  'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
  'portico.ini': '[DEFAULT]\nenabled_apis = hello\n\n[api:hello]\nport = 0\nworkers = 1\n',
  'syntax.ini': '[DEFAULT]\nenabled_apis\n',
};

function project(): string {
  const { folder } = emptyProject(FILES);
  mkdirSync(join(folder, 'folder.ini'));
  writeFileSync(join(folder, 'latin1.ini'), Buffer.from('[DEFAULT]\nhost = caf\xe9\n', 'latin1'));
  return folder;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(cwd: string, words: readonly string[], stdout: 'pipe' | number = 'pipe'): Ran {
  if (stdout === 'pipe' && !isServing(words)) return command(words, { cwd });
  const ran = spawnSync(process.execPath, [apiCli, ...words], {
    cwd,
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', stdout, 'pipe'],
  });
  return { status: ran.status, stdout: ran.stdout ?? '', stderr: ran.stderr };
}

function assertClear(words: readonly string[], { status, stdout, stderr }: Ran, expected: number, said: RegExp): void {
  const line = `api-cli ${words.join(' ')}`;
  assert.match(`${stderr}\n${stdout}`, said, line);
  assert.doesNotMatch(`${stderr}\n${stdout}`, /^ {4}at |node:internal|\bTypeError\b/m, line);
  assert.equal(status, expected, `${line}\n${stdout}\n${stderr}`);
}

/** Every command that reads a configuration. */
const READING: readonly (readonly string[])[] = [
  [],
  ['check'],
  ['config', 'show'],
  ['config', 'show', 'DEFAULT.debug'],
  ['pipeline'],
  ['explain', 'GET', '/'],
  ['routes'],
  ['openapi'],
  ['service', 'list'],
  ['db', 'sync'],
];

test('CF-71 a configuration that cannot be read is refused in a line, with 78, by every command', () => {
  const cwd = project();
  const wrong: readonly (readonly [option: string, file: string, said: RegExp])[] = [
    ['--config-file', 'gone.ini', /gone\.ini .*it does not exist \(ENOENT\)/],
    ['--config-file', 'folder.ini', /folder\.ini .*it is a directory \(EISDIR\)/],
    ['--config-file', 'latin1.ini', /latin1\.ini:2:\d+: error: .*not valid UTF-8/],
    ['--config-file', 'portico.ini/x', /portico\.ini\/x .*a part of its path is not a directory/],
    ['--config-dir', 'gone', /gone .*it does not exist \(ENOENT\)/],
  ];
  // Each error with one command, and each command with one error: the messages come from a single reader.
  for (let at = 0; at < Math.max(READING.length, wrong.length); at++) {
    const [option, file, said] = wrong[at % wrong.length]!;
    const words = [...READING[at % READING.length]!, option, file];
    assertClear(words, run(cwd, words), 78, said);
  }
});

test('files that commands are given by name are refused in a line where they cannot be read', () => {
  const cwd = project();
  const commands = (file: string): readonly (readonly string[])[] => [
    ['check', file],
    ['pipeline', '--paste', file],
    ['explain', 'GET', '/', '--paste', file],
  ];
  const wrong: readonly (readonly [file: string, said: RegExp])[] = [
    ['gone.ini', /gone\.ini\b.*(?:it does not exist|there is no such file)/],
    ['folder.ini', /folder\.ini\b.*is a directory/],
    ['latin1.ini', /latin1\.ini:2:\d+: .*UTF-8/],
  ];
  for (const [file, said] of wrong) for (const words of commands(file)) assertClear(words, run(cwd, words), 78, said);
});

test('output that cannot be written is a failure, reported in a line', { skip: process.platform !== 'linux' }, () => {
  const cwd = project();
  const cases: readonly (readonly [file: string, said: RegExp])[] = [
    ['gone/x.ini', /cannot write gone\/x\.ini: its directory does not exist \(ENOENT\)/],
    ['folder.ini', /cannot write folder\.ini: it is a directory \(EISDIR\)/],
    ['portico.ini/x', /cannot write portico\.ini\/x: a part of its path is not a directory/],
    ['/dev/full', /cannot write \/dev\/full: .*ENOSPC/],
  ];
  for (const [file, said] of cases) {
    const words = ['config', 'generate', '--output-file', file];
    assertClear(words, run(cwd, words), 1, said);
  }
  const full = openSync('/dev/full', 'w');
  for (const words of [['config', 'generate'], ['check'], ['--help']]) {
    assertClear(words, run(cwd, words, full), 1, /standard output cannot be written: .*ENOSPC/);
  }
});

test('--help and --version as the value of an option are no request for them', () => {
  const cwd = project();
  assertClear(['--wrong'], run(cwd, ['--config-file', '-h', '--wrong']), 2, /unknown .*option '?--wrong/);
  assertClear(['--set'], run(cwd, ['--set', '--help']), 2, /--set takes group\.option=value/);
  for (const value of ['--help', '-h', '--version']) {
    assertClear(['check'], run(cwd, ['check', '--config-file', value]), 78, /cannot read config file -/);
  }
  assert.match(run(cwd, ['--config-file', 'x.ini', '--wrong', '--help']).stdout, /^Usage: api-cli /);
  assert.match(run(cwd, ['check', '--config-file', 'x.ini', '--version']).stdout, /^\d+\.\d+/);
  assert.equal(run(cwd, ['--enabled-apis', 'x', '--', '--help']).status, 2);
  const { stderr, status } = spawnSync(process.execPath, [apiCli, 'help', 'chekc'], { cwd, encoding: 'utf8' });
  assert.match(stderr, /there is no command "chekc"\. Did you mean "check"\?/);
  assert.equal(status, 2);
});

test('a reader that closes the output early is no error', () => {
  const cwd = project();
  for (const words of ['--help', 'config generate']) {
    const line = `"$0" "$1" ${words} | true; exit \${PIPESTATUS[0]}`;
    const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath, apiCli], { cwd, encoding: 'utf8' });
    assert.deepEqual([words, stderr, status], [words, '', 0]);
  }
});

test('values of options that cannot be are a wrong command line: 2, with what they may be', () => {
  const cwd = project();
  const cases: readonly (readonly [words: readonly string[], said: RegExp])[] = [
    [['config', 'generate', '--format', 'xml'], /--format must be one of .*; got xml/],
    [['check', '--format', 'xml'], /--format must be one of .*; got xml/],
    [['service', 'list', '--state', 'gone'], /--state must be one of up, down, unknown; got gone/],
    [['service', 'purge', '--days', '-1'], /--days/],
    [['service', 'purge', '--days', 'two'], /--days must be a whole number; got two/],
    [['wait-ready', 'soon'], /"soon" is not a number of seconds/],
    [['explain', 'GET', 'http://'], /http:\/\/ is not a URL/],
    [['explain', 'GET', '/', '--header', 'x'], /is not of the form "Name: value"/],
    [['explain', 'GET', '/', '-H', 'x'], /is not of the form "Name: value"/],
    [['config', 'show', 'nope'], /there is no option nope in \[DEFAULT\]/],
    [['config', 'show', 'wsgi.keep_alve'], /no option keep_alve in \[wsgi\]\n {2}Did you mean "wsgi\.keep_alive"\?/],
    [['config', 'show', 'hello.worker'], /no option worker in \[hello\]\n {2}Did you mean "hello\.workers"\?/],
    [['check', '--set', 'x'], /--set takes group\.option=value/],
    [['--enabled-apis', ','], /--enabled-apis is empty/],
    [['chekc'], /there is no command "chekc"\. Did you mean "check"\?/],
    [
      ['portico.ini'],
      /^error: there is no command "portico\.ini"\. To pass a configuration file, write --config-file portico\.ini\.$/m,
    ],
    [['--config-file', 'portico.ini', 'chekc'], /there is no command "chekc"\. Did you mean "check"\?/],
    [['config', 'sho'], /unknown command 'sho'/],
    [['config'], /Usage: api-cli config/],
  ];
  for (const [words, said] of cases) assertClear(words, run(cwd, words), 2, said);
});

test('a configuration file behind a command that takes none is refused with how to name it', () => {
  const cwd = project();
  const { status, stderr } = run(cwd, ['config', 'generate', 'portico.ini']);
  assert.equal(status, 2);
  assert.match(
    stderr,
    /too many arguments for 'generate'.*\n +To pass a configuration file, write --config-file portico\.ini\.\n/,
  );
  assert.doesNotMatch(run(cwd, ['config', 'generate', 'hello']).stderr, /--config-file/);
});

test('an option of the configuration on the command line is refused with how to set it', () => {
  const cwd = project();
  const cases: readonly (readonly [words: readonly string[], said: RegExp])[] = [
    [['--enabled-api', 'x'], /--enabled-apis/],
    [['check', '--port=80'], /--set group\.option=value/],
    [['check', '--unheard-of'], /unknown option '--unheard-of'/],
    [['check', '--constructor'], /unknown option '--constructor'/],
  ];
  for (const [words, said] of cases) assertClear(words, run(cwd, words), 2, said);
});

test('CF-112 options may stand before the command, and between it and what it is to do', () => {
  const cwd = project();
  const same: readonly (readonly [plain: readonly string[], other: readonly string[]])[] = [
    [
      ['check', '--config-file', 'portico.ini'],
      ['--config-file', 'portico.ini', 'check'],
    ],
    [
      ['check', '--config-file', 'portico.ini', '--json'],
      ['--config-file=portico.ini', '--json', 'check'],
    ],
    [
      ['check', '--format', 'github', '--set', 'api:hello.port=x'],
      ['--format', 'github', '--set', 'api:hello.port=x', 'check'],
    ],
    [
      ['config', 'show', 'hello.workers', '--set', 'api:hello.workers=3'],
      ['--set', 'api:hello.workers=3', 'config', 'show', 'hello.workers'],
    ],
    [
      ['config', 'show', 'hello.workers', '--set', 'api:hello.workers=3'],
      ['config', '--set', 'api:hello.workers=3', 'show', 'hello.workers'],
    ],
    [
      ['pipeline', 'hello', '--json', '--trace-errors'],
      ['--trace-errors', '--json', 'pipeline', 'hello'],
    ],
    [
      ['check', '--help'],
      ['--help', 'check'],
    ],
    // Commands of extensions.
    [
      ['policy', 'check', '--json'],
      ['--json', 'policy', 'check'],
    ],
    [
      ['service', 'list', '--check', '--config-file', 'portico.ini'],
      ['--check', '--config-file', 'portico.ini', 'service', 'list'],
    ],
    [
      ['service', 'list', '--check', '--config-file', 'portico.ini'],
      ['--config-file', 'portico.ini', '--check', 'service', 'list'],
    ],
    // The value of an option is also the name of a command.
    [
      ['check', '--config-file', 'config'],
      ['--config-file', 'config', 'check'],
    ],
  ];
  for (const [plain, other] of same) assert.deepEqual(run(cwd, other), run(cwd, plain), other.join(' '));
});

test('config show of a value that is refused shows it as it is written, says why, and ends with 78', () => {
  const cwd = project();
  const one = run(cwd, ['config', 'show', 'hello.port', '--set', 'api:hello.port=abc']);
  assert.match(one.stdout, /^\[api:hello\] port = abc {2}\(command line, argument 1\) {2}refused: /m);
  assert.match(one.stderr, /command line, argument 1: error: \[api:hello\] port: .*; got abc/);
  assert.equal(one.status, 78);
  const all = run(cwd, ['config', 'show', '--set', 'api:hello.port=abc']);
  assert.match(all.stdout, /^\[api:hello\] port = abc .*refused: /m);
  assert.match(all.stdout, /^\[wsgi\] /m);
  assert.equal(all.status, 78);
  const secret = run(cwd, ['config', 'show', 'database.connection', '--set', 'database.connection=s3cr3t']);
  assert.match(secret.stdout, /^\[database\] connection = \*{4} /);
  assert.doesNotMatch(secret.stdout + secret.stderr, /s3cr3t/);
  assert.equal(secret.status, 78);
  // A valid option is shown, whatever else is wrong.
  assert.equal(run(cwd, ['config', 'show', 'hello.workers', '--set', 'api:hello.port=abc']).status, 0);
  const json = run(cwd, ['config', 'show', 'hello.port', '--json', '--set', 'api:hello.port=abc']);
  const [shown] = (JSON.parse(json.stdout) as { options: { value: string; refused: string }[] }).options;
  assert.equal(shown?.value, 'abc');
  assert.match(shown?.refused ?? '', /should be an integer/);
});

test('help and usage have the name by which the command was called', () => {
  const folder = project();
  for (const name of ['portico', 'api-cli']) {
    symlinkSync(apiCli, join(folder, name));
    const { stdout } = spawnSync(process.execPath, [join(folder, name), 'check', '--help'], { encoding: 'utf8' });
    assert.match(stdout, new RegExp(`^Usage: ${name} check `));
  }
});
