import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { boolean, Config, defineOptions, integer, type PorticoError, string } from 'portico/config';
import { HelpRequested, logOptions, maskArguments } from '#internal/config';
import { filesUntilEnd } from '../../fixtures/until-end.js';

const options = defineOptions({
  level: integer({ default: 0, help: 'How much.', cli: true, short: 'l' }),
  debug: boolean({ default: false, help: 'Say more.', cli: true }),
  token: string({ default: '', secret: true, help: 'Secret.', cli: true, metavar: 'WORD' }),
  quiet: boolean({ default: false, help: 'Not on the command line.' }),
});
const load = (argv: string[]) =>
  Config.load({
    files: [],
    dirs: [],
    env: {},
    argv,
    prog: 'api',
    version: '1.2',
    groups: { app: options, DEFAULT: {} },
  });

test('CF-14 options that ask for it have flags, switches can be turned off, --set reaches any option', async () => {
  const values = async (...argv: string[]) => (await load(argv)).group('app', options);
  assert.deepEqual(
    { ...(await values('--app-level', '3', '--app-debug')) },
    { level: 3, debug: true, token: '', quiet: false },
  );
  assert.equal((await values('-l', '4')).level, 4);
  assert.equal((await values('--app_level=5')).level, 5);
  for (const off of ['--no-app-debug', '--noapp-debug', '--app-debug=off']) {
    assert.equal((await values('--app-debug', off)).debug, false, off);
  }
  assert.equal((await values('--set', 'app.quiet=on')).quiet, true);
  assert.equal((await values('--set', 'app.level=1', '--set=app.level=2')).level, 2);
  await assert.rejects(values('--app-quiet'), /unknown argument --app-quiet/);
});

test('CF-14 a flag does not take another flag as its value, unless the two are one argument', async () => {
  const flags = [
    '--app-debug',
    '--no-app-debug',
    '--app-level=3',
    '--set',
    '--config-file',
    '-l',
    '--help',
    '-h',
    '--',
  ];
  for (const next of flags) {
    await assert.rejects(load(['--app-token', next, 'x']), /--app-token needs a value/, next);
  }
  for (const value of ['--unknown', '-1', '-', '__set', '_l']) {
    assert.equal((await load(['--app-token', value])).group('app', options).token, value);
  }
  assert.equal((await load(['--app-token=--app-debug'])).group('app', options).token, '--app-debug');
});

test('CF-61 a bad value names its argument', async () => {
  await assert.rejects(
    load(['--app-debug', '--set', 'app.level=many']),
    /^ConfigError: command line, argument 2: error: \[app\] level: should be an integer; got many$/,
  );
});

test('CF-14 --help lists the arguments, --version the version; nothing is read', async () => {
  await assert.rejects(load(['--help']), (error: HelpRequested) => {
    assert.ok(error instanceof HelpRequested);
    assert.match(error.text, /^Usage: api \[arguments\]\n/);
    assert.match(error.text, /\n {2}--app-level LEVEL +How much\.\n/);
    assert.match(error.text, /\n {2}--app-token WORD +Secret\.\n/);
    assert.doesNotMatch(error.text, /quiet|no-app/);
    return true;
  });
  await assert.rejects(load(['--version']), (error: HelpRequested) => error.text === 'api 1.2\n');
});

test('CF-77 CF-118 a secret on the command line works, warns, and is masked for lists of processes', async () => {
  const argv = [
    '--set',
    'app.token=hunter2',
    '--set=app.token=hunter2',
    '--app-token',
    'hunter2',
    '--app-token=hunter2',
  ];
  const config = await load([...argv, '--app-level', '3', '--set', 'app.level=1']);
  assert.equal(config.group('app', options).token, 'hunter2');
  const warnings = config.problems();
  assert.deepEqual(new Set(warnings.map(({ code }) => code)), new Set(['PORTICO_CONFIG_EXPOSED']));
  assert.doesNotMatch(JSON.stringify(warnings), /hunter2/);
  assert.deepEqual(config.maskArguments([...argv, '--app-level', '3', 'amqp://u:p@h']), [
    '--set',
    'app.token=****',
    '--set=app.token=****',
    '--app-token',
    '****',
    '--app-token=****',
    '--app-level',
    '3',
    'amqp://u:****@h',
  ]);
  assert.deepEqual(
    config.workerArguments(['serve', '--set', 'app.level=1', '--set', 'later.thing=x', 'amqp://u:p@h']),
    ['serve', '--set', 'app.level=1', '--set', 'later.thing=****', 'amqp://u:p@h'],
  );
});

test('LC-1610 CF-77 arguments of an application without configuration are masked by the names they have', () => {
  const masked: [string[], string[]][] = [
    [
      ['--set', 'database.password=x'],
      ['--set', 'database.password=****'],
    ],
    [['--set=group.cache_secret_key=x'], ['--set=group.cache_secret_key=****']],
    [
      ['--set', 'a.b=c', '--set=d.e=f'],
      ['--set', 'a.b=****', '--set=d.e=****'],
    ],
    [
      ['--set', 'no sign'],
      ['--set', '****'],
    ],
    [
      ['--auth-token', 'y', '--api_key=z', 'password=w'],
      ['--auth-token', '****', '--api_key=****', 'password=****'],
    ],
    [
      ['--db', 'mysql://root:z@host/db', '--url=a://u:p/q@h', '--key_file=k', '--token'],
      ['--db', 'mysql://root:****@host/db', '--url=a://u:****@h', '--key_file=k', '--token'],
    ],
  ];
  for (const [words, shown] of masked) assert.deepEqual(maskArguments(words), shown);
});

test('CF-77 of --set only values of declared options that are no secrets are shown', async () => {
  const config = await load(['--set', 'app.level=1', '--set', 'later.thing=hunter2', '--set=app.token=hunter2']);
  assert.deepEqual(
    config.maskArguments(['--set', 'app.level=1', '--set', 'later.thing=hunter2', '--set=app.tokne=x']),
    ['--set', 'app.level=1', '--set', 'later.thing=****', '--set=app.tokne=****'],
  );
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } });
  logOptions(config, log);
  assert.doesNotMatch(lines.join(''), /hunter2/);
});

test('a misspelt option is refused without the value behind it', async (t) => {
  const broken = '[app]\ntokne = hunter2\nlevle: hunter2\nlevel 3 hunter2\n[[app\n  hunter2\n';
  const files = await filesUntilEnd(t, { 'a.conf': broken, 'b.conf': '[app]\ntokne = hunter2\nlevle: hunter2\n' });
  const lines = [
    ['--config-file', files.path('a.conf')],
    ['--config-file', files.path('b.conf')],
    ['--set', 'app.tokne=postgres://u:hunter2@h'],
    ['--set', 'hunter2'],
    ['--app-tokne=hunter2'],
  ];
  for (const line of lines) {
    await assert.rejects(load(line), (error: PorticoError) => {
      assert.doesNotMatch(error.describe(), /hunter2/);
      return true;
    });
  }
});
