import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boolean, Config, defineOptions, HelpRequested, integer, string } from 'portico/config';

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
