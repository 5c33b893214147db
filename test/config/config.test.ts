import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  boolean,
  bytes,
  Config,
  type Diagnostic,
  defineOptions,
  duration,
  host,
  integer,
  list,
  multi,
  oneOf,
  port,
  string,
  uri,
} from 'portico/config';
import { withOverrides } from 'portico/testing';
import { ConfigError, rememberLoaded, writtenElsewhere } from '#internal/config';
import { silentLogger } from '#internal/log';
import { temporaryFolder } from '../fixtures/keeper.js';

const apiOptions = defineOptions({
  listen: host({ default: '127.0.0.1', help: 'Where.', aliases: ['DEFAULT.<name>_listen'] }),
  port: port({ default: 0, help: 'Which.', aliases: ['listen_port', 'DEFAULT.<name>_listen_port'] }),
  workers: integer({ default: 1, min: 1, help: 'How many.', aliases: ['DEFAULT.<name>_workers'] }),
});
const wsgiOptions = defineOptions({
  max_header_size: bytes({ default: '16KiB', help: 'Largest.', deprecated: ['DEFAULT.max_header_line'] }),
  keep_alive: boolean({ default: true, help: 'Keep.' }),
  request_timeout: duration({ default: 300, help: 'Wait.' }),
});
const secretOptions = defineOptions({
  connection: uri({ secret: true, help: 'Where to.' }),
  url: uri({ help: 'With a password.' }),
  plain: string({ default: '', help: 'Text.' }),
  required_thing: string({ required: true, help: 'Must be there.' }),
});

function refusal(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: 'was accepted' });
}

const brief = ({ severity, code, section, option, location }: Diagnostic): string =>
  `${severity} ${code} [${section}] ${option} ${location?.detail}`;

test('CF-105 CF-110 an empty configuration gives every default, typed and frozen', () => {
  const values = new Config().group('wsgi', wsgiOptions);
  const size: number = values.maxHeaderSize;
  assert.deepEqual({ ...values }, { maxHeaderSize: 16_384, keepAlive: true, requestTimeout: 300 });
  assert.equal(size, 16_384);
  assert.throws(() => {
    (values as { keepAlive: boolean }).keepAlive = false;
  }, TypeError);
});

test('CF-61 CF-70 all bad values of a group come at once, at their locations, with what was written', () => {
  const config = Config.fromText('[wsgi]\nmax_header_size = 16 bits\nkeep_alive = maybe\n\nrequest-timeout = soon\n');
  const error = refusal(() => config.group('wsgi', wsgiOptions));
  assert.equal(error.code, 'PORTICO_CONFIG_REFUSED');
  assert.deepEqual(
    error.message.split('\n').map((line) => line.replace(/should be a (\w+).*;/, 'should be a $1;')),
    [
      'portico.ini:2:19: error: [wsgi] max_header_size: should be a size; got 16 bits',
      'portico.ini:3:14: error: [wsgi] keep_alive: should be a boolean; got maybe',
      'portico.ini:5:19: error: [wsgi] request_timeout: should be a duration; got soon',
    ],
  );
  assert.deepEqual(error.diagnostics.map(brief), [
    'error PORTICO_CONFIG_VALUE [wsgi] max_header_size portico.ini:2:19',
    'error PORTICO_CONFIG_VALUE [wsgi] keep_alive portico.ini:3:14',
    'error PORTICO_CONFIG_VALUE [wsgi] request_timeout portico.ini:5:19',
  ]);
});

test('CF-24 a comment behind a number is explained', () => {
  const config = Config.fromText('[wsgi]\nmax_header_size = 16 ; KiB\n');
  assert.match(refusal(() => config.group('wsgi', wsgiOptions)).message, /\n {2}inline comments are not supported/);
});

test('CF-60 CF-118 twenty faults of every kind are reported in one run, in the order of the file', async () => {
  const lines = ['stray = 1', '[wsgi]', ...Array.from({ length: 15 }, (_, n) => `wrong_${n} = 1`)];
  lines.push('keep_alive = perhaps', 'no delimiter here', '[api:compute]', 'port = 70000', 'workers = 0');
  const folder = temporaryFolder('portico-faults-');
  const file = join(folder, 'a.ini');
  writeFileSync(file, lines.join('\n'));
  const groups = { wsgi: wsgiOptions, 'api:compute': apiOptions };
  const given = { files: [file], dirs: [], env: {}, groups };
  const numbers = [1, ...Array.from({ length: 17 }, (_, n) => n + 3), 21, 22];
  await assert.rejects(Config.load(given), (error: ConfigError) => {
    assert.deepEqual(
      error.diagnostics.map(({ location }) => location?.origin?.line),
      numbers,
    );
    return true;
  });
  const collected = await Config.load({ ...given, collect: true });
  assert.equal(refusal(() => collected.validate()).diagnostics.length, 20);
});

test('CF-66 CF-118 unknown names are errors in known groups, with the nearest name or the right group', () => {
  const config = Config.fromText(
    '[defualt]\nworker = 4\n[api:compute]\nworker = 4\nkeep_alive = no\n[x-mine]\na = 1\n[DEFAULT]\ncompute_workrs = 3\n',
  );
  config.register('wsgi', wsgiOptions);
  config.register('api:compute', apiOptions);
  const issues = config.problems();
  assert.deepEqual(
    issues.map(({ severity, section, option, hint }) => [severity, section, option, hint]),
    [
      ['error', 'defualt', undefined, "did you mean 'DEFAULT'?"],
      ['error', 'api:compute', 'worker', "did you mean 'workers'?"],
      ['error', 'api:compute', 'keep_alive', "did you mean 'keep_alive' of [wsgi]?"],
      ['error', 'DEFAULT', 'compute_workrs', "did you mean 'compute_workers'?"],
    ],
  );
  assert.equal(refusal(() => config.validate()).diagnostics.length, 4);
});

test('CF-66 before all code is loaded, only names of sections with an owner are validated', () => {
  const config = Config.fromText(
    '[DEFAULT]\nworker = 4\nown_thing = 1\n[wsgy]\n[filters]\n[wsgi]\nx = 1\n[api:a]\nprot = 1',
  );
  config.register('wsgi', wsgiOptions);
  config.register('api:<name>', apiOptions);
  const told = (complete: boolean): unknown[] =>
    config
      .problems({ complete })
      .map(({ severity, section, option, hint }) => [
        severity,
        section,
        option,
        hint?.replace(/^if it.* add /, 'add '),
      ]);
  assert.deepEqual(told(false), [['error', 'wsgi', 'x', 'add wsgi.x to [DEFAULT] other_names']]);
  assert.deepEqual(told(true), [
    ['error', 'DEFAULT', 'worker', "did you mean 'workers'?"],
    ['error', 'DEFAULT', 'own_thing', 'add DEFAULT.own_thing to [DEFAULT] other_names'],
    ['error', 'wsgy', undefined, "did you mean 'wsgi'?"],
    ['error', 'filters', undefined, 'add filters to [DEFAULT] other_names'],
    ['error', 'wsgi', 'x', 'add wsgi.x to [DEFAULT] other_names'],
    ['error', 'api:a', 'prot', "did you mean 'port'?"],
  ]);
});

test('CF-66 other_names gives sections and options to other applications, with * for any text', () => {
  const text =
    '[vnc]\na = 1\n[Cache]\nb = 1\n[wsgi]\nnova_x = 1\n[DEFAULT]\nmy_ip = 1\nmy_port = 1\nlog_levle = info\n';
  const others = 'other_names = VNC, cache*, wsgi.nova_*, DEFAULT.my_ip\n';
  const config = Config.fromText(`${text}${others}`);
  config.register('wsgi', wsgiOptions);
  assert.deepEqual(
    config.problems().map(({ severity, option }) => [severity, option]),
    [
      ['error', 'my_port'],
      ['error', 'log_levle'],
    ],
  );
  assert.deepEqual(Config.fromText(`${text}other_names = *\n`).problems(), []);
});

test('CF-66 other_names hides no finding about a section that has an owner', () => {
  const config = Config.fromText('[DEFAULT]\nother_names = wsgi, vnc\n[wsgi]\n[vnc]\na = 1\n');
  config.register('wsgi', wsgiOptions);
  const of = (group: string) => config.check(() => [{ group, opt: 'a', message: `${group} does not fit` }]);
  of('wsgi');
  of('vnc');
  assert.deepEqual(
    config.problems().map(({ severity, message }) => [severity, message]),
    [
      ['warning', 'wsgi covers [wsgi], which this application reads: unknown options there are not reported'],
      ['error', 'wsgi does not fit'],
    ],
  );
  const named = Config.fromText('[DEFAULT]\nother_names = wsgi.nova_*, v*\n[wsgi]\nnova_x = 1\n[vnc]\na = 1\n');
  named.register('wsgi', wsgiOptions);
  assert.deepEqual(named.problems(), []);
});

test('CF-66 a pattern of other_names that covers owned names, or nothing that is written, is a warning at its location', () => {
  const found = (names: string, rest: string): unknown[] => {
    const config = Config.fromText(`[DEFAULT]\nother_names = ${names}\n${rest}`);
    config.register('wsgi', wsgiOptions);
    return config.problems().map(({ severity, location, message }) => [severity, location?.origin?.column, message]);
  };
  const covers = (pattern: string, what: string): string =>
    `${pattern} covers ${what}, which this application reads: unknown options there are not reported`;
  const options = '[wsgi]\nkeep_alive = no\nnova_x = 1\n[vnc]\na = 1\n';
  assert.deepEqual(found('vnc, wsgi.keep*, wsgi.nova_x', options), [
    ['warning', 20, covers('wsgi.keep*', '[wsgi] keep_alive')],
  ]);
  assert.deepEqual(found('wsgi.*, vnc', '[wsgi]\nkeep_alive = no\nmax_headers = 9\n[vnc]\n'), [
    ['warning', 15, covers('wsgi.*', '[wsgi] keep_alive and 1 more')],
  ]);
  // A whole name hides no other one, but a value that is written. * alone covers all.
  assert.deepEqual(found('wsgi.keep_alive, vnc, wsgi.nova_x', options), [
    ['warning', 15, 'wsgi.keep_alive is an option of this application too, and is not read here: portico.ini:4'],
  ]);
  assert.deepEqual(found('*', options), []);
  assert.deepEqual(found('DEFAULT, vnc', '[vnc]\n'), [['warning', 15, covers('DEFAULT', '[DEFAULT]')]]);
  assert.deepEqual(found('vnc, glance', '[vnc]\n'), [['warning', 20, 'glance matches no section, option or variable']]);
  assert.deepEqual(found('cache.*', '[wsgi]\n'), [['warning', 15, 'cache.* matches no section, option or variable']]);
});

test('CF-66 a variable without an owner says what to write if it belongs to another application', async () => {
  const env = { PORTICO_SHOP__PASSWORD: 'x', PORTICO_WSGI__NOVA_X: '1', PORTICO_DEFAULT__MY_IP: '1' };
  const found = async (set: string[]) => {
    const config = await Config.load({ env, argv: false, files: [], dirs: [], defaultFiles: [], defaultDirs: [], set });
    config.register('wsgi', wsgiOptions);
    return config.problems().map(({ hint, others }) => [hint, others]);
  };
  const names = ['shop', 'wsgi.nova_x', 'DEFAULT.my_ip'];
  assert.deepEqual(
    await found([]),
    names.map((name) => [`if it belongs to another application, add ${name} to [DEFAULT] other_names`, [name]]),
  );
  assert.deepEqual(await found([`DEFAULT.other_names=${names.join()}`]), []);
});

test('CF-66 a report ends with the line that leaves all names without a near one to other applications', () => {
  const config = Config.fromText(
    '[vnc]\na = 1\n[wsgy]\n[DEFAULT]\nother_names = neutron\nmy_ip = 1\nlog_levle = info\n[neutron]\n',
  );
  const { message } = refusal(() => config.validate());
  const last = refusal(() => config.validate())
    .describe()
    .split('\n')
    .slice(-2);
  assert.match(message, /wsgy/);
  assert.deepEqual(last, [
    'If these names belong to other applications, write in [DEFAULT], in place of line 5 of portico.ini:',
    '  other_names = neutron, vnc, DEFAULT.my_ip',
  ]);
});

test('CF-66 the line for other applications has no name that is near an owned one, or whose owner is known', async () => {
  const env = { PORTICO_DEFAULT__KEEP_ALIVE: '1', PORTICO_DEFAULT__MY_IP: '1', PORTICO_DEFAULT__OTHER_NAMES: 'vnc' };
  const set = [
    'DEFAULT.keep_alive=1',
    'DEFAULT.keep_alife=1',
    'wsgi.nova_x=1',
    'DEFAULT.metadata_workers=2',
    'vnc.x=1',
  ];
  const config = await Config.load({ env, argv: false, files: [], dirs: [], defaultFiles: [], defaultDirs: [], set });
  config.register('wsgi', wsgiOptions);
  config.api('compute', apiOptions);
  const [where, line] = refusal(() => config.validate())
    .describe()
    .split('\n')
    .slice(-2);
  assert.equal(
    where,
    'If these names belong to other applications, write in [DEFAULT], in place of env PORTICO_DEFAULT__OTHER_NAMES:',
  );
  assert.equal(line, '  other_names = vnc, wsgi.nova_x, DEFAULT.metadata_workers, DEFAULT.my_ip');
  const variable = config.problems().find(({ location }) => location?.detail === 'PORTICO_DEFAULT__KEEP_ALIVE');
  assert.equal(variable?.hint, "did you mean 'keep_alive' of [wsgi]?");
});

test('CF-66 strict_config has no effect, and says so', () => {
  const config = Config.fromText('[DEFAULT]\nstrict_config = true\n');
  assert.deepEqual(
    config.problems().map(({ severity, option, message, hint }) => [severity, option, message, hint]),
    [['warning', 'strict_config', 'has no effect any more', 'Remove it: a name without an owner is always refused.']],
  );
});

test('an option of the last version is a warning that says what holds: in a file, a variable, an argument', async () => {
  const mailOptions = writtenElsewhere(defineOptions({ server: string({ help: 'x' }) }), {
    removed: { patience: 'a connection attempt ends after 10 s.' },
  });
  const warnings = (config: Config): unknown[] => {
    config.register('mail', mailOptions);
    return config.problems().map(({ severity, code, section, option, location, message, hint }) => {
      assert.deepEqual([message, hint], ['has no effect any more', 'Remove it: a connection attempt ends after 10 s.']);
      return [severity, code, section, option, location?.kind];
    });
  };
  const unused = ['warning', 'PORTICO_CONFIG_UNUSED_OPTION', 'mail', 'patience'];
  assert.deepEqual(warnings(Config.fromText('[mail]\npatience = 3\n')), [[...unused, 'file']]);
  const sources = { argv: false as const, files: [], dirs: [], defaultFiles: [], defaultDirs: [] };
  const env = { PORTICO_MAIL__PATIENCE: '3' };
  const config = await Config.load({ ...sources, env, set: ['mail.patience=3'] });
  assert.deepEqual(warnings(config).toSorted(), [
    [...unused, 'command_line'],
    [...unused, 'environment'],
  ]);
});

test('an option that sections of one kind had is a warning too, by its flat name and in a variable', async () => {
  const shopOptions = writtenElsewhere(defineOptions({ port: integer({ default: 0, help: 'x' }) }), {
    removed: { backlog: 'the kernel queues 511 connections.' },
  });
  const sources = { argv: false as const, files: [], dirs: [], defaultFiles: [], defaultDirs: [] };
  const env = { PORTICO_SHOP_BOOKS__BACKLOG: '3' };
  const written = 'DEFAULT.books_backlog=3 shop:books.backlog=3'.split(' ');
  const config = await Config.load({ ...sources, env, set: written });
  config.register('shop:<name>', shopOptions);
  const found = config.problems().map(({ severity, location, message, hint }) => {
    assert.deepEqual([severity, message], ['warning', 'has no effect any more']);
    assert.equal(hint, 'Remove it: the kernel queues 511 connections.');
    return location?.kind;
  });
  assert.deepEqual(found.toSorted(), ['command_line', 'command_line', 'environment']);
});

test('CF-66 the module that declares options owns their names from its import on', () => {
  const forget = rememberLoaded();
  const text = '[mailer]\nserver = x\nsrever = y\n';
  const found = (): unknown[] =>
    Config.fromText(text)
      .problems()
      .map(({ section, option }) => [section, option]);
  assert.deepEqual(found(), [['mailer', undefined]]);
  defineOptions('mailer', { server: string({ default: '', help: 'The server.' }) });
  assert.deepEqual(found(), [['mailer', 'srever']]);
  forget();
  assert.deepEqual(found(), [['mailer', undefined]]);
});

test('CF-66 a secret that others may read is reported in a section that nothing reads', async () => {
  const folder = temporaryFolder('portico-exposed-');
  const file = join(folder, 'a.ini');
  writeFileSync(file, '[jwt]\nsecret = very secret\n', { mode: 0o644 });
  const config = await Config.load({ files: [file], dirs: [], env: {} });
  assert.deepEqual(config.problems().map(brief), [`warning PORTICO_CONFIG_EXPOSED [jwt] secret ${file}:2:10`]);
});

test('CF-66 a group that is declared after the check of all is checked at once', () => {
  const config = Config.fromText('[shaper]\nrats = 1\n');
  const options = defineOptions({ rate: integer({ default: 1, help: 'x' }) });
  config.validate({ complete: false });
  assert.match(refusal(() => config.register('shaper', options)).message, /did you mean 'rate'/);
});

test('CF-54 flat and sectioned names are one option; two different values are an error naming both places', () => {
  const flat = Config.fromText('[DEFAULT]\ncompute_listen = ::1\ncompute_listen_port = 8774\ncompute_workers = 3\n');
  assert.deepEqual({ ...flat.api('compute', apiOptions) }, { listen: '::1', port: 8774, workers: 3 });
  flat.validate();
  const same = Config.fromText('[DEFAULT]\ncompute_listen_port = 08774\n[api:compute]\nlisten_port = 8774\n');
  assert.equal(same.api('compute', apiOptions).port, 8774);
  const other = Config.fromText('[DEFAULT]\ncompute_listen_port = 1\n[api:compute]\nport = 2\n');
  const { message } = refusal(() => other.api('compute', apiOptions));
  assert.match(
    message,
    /portico\.ini:4:8: error: \[api:compute\] port: .*\[DEFAULT\] compute_listen_port at portico\.ini:2:23/,
  );
});

test('CF-46 a template stands for all sections of its form', () => {
  const config = Config.fromText('[api:compute]\nport = 1\n[api:metadata]\nprot = 2\nworkers = x\n');
  config.register('api:<name>', apiOptions);
  assert.deepEqual(refusal(() => config.validate()).diagnostics.map(brief), [
    'error PORTICO_CONFIG_UNKNOWN_OPTION [api:metadata] prot portico.ini:4:1',
    'error PORTICO_CONFIG_VALUE [api:metadata] workers portico.ini:5:11',
  ]);
});

test('CF-46 a template may have its instances behind a dot', () => {
  const cors = defineOptions({ origin: string({ default: '*', help: 'x', aliases: ['DEFAULT.<name>_origin'] }) });
  const config = Config.fromText('[cors]\norigin = a\n[cors.admin]\norigni = b\n[DEFAULT]\nweb_origin = c\n');
  config.register('cors', cors);
  config.register('cors.<name>', cors);
  assert.deepEqual(config.problems().map(brief), [
    'error PORTICO_CONFIG_UNKNOWN_OPTION [cors.admin] origni portico.ini:4:1',
    'error PORTICO_CONFIG_UNKNOWN_OPTION [DEFAULT] web_origin portico.ini:6:1',
  ]);
  assert.equal(config.group('cors.web', cors).origin, 'c');
});

test('CF-54 CF-66 flat names of an API that no section and no code names are errors, as misspelled ones are', () => {
  const text = '[DEFAULT]\nmetadata_workers = 2\ncompte_workers = 2\n';
  const config = Config.fromText(text);
  config.api('compute', apiOptions);
  assert.deepEqual(
    config.problems().map(({ severity, option, message, hint }) => [severity, option, message, hint]),
    [
      [
        'error',
        'metadata_workers',
        'unknown option',
        'if it belongs to another application, add DEFAULT.metadata_workers to [DEFAULT] other_names',
      ],
      ['error', 'compte_workers', 'unknown option', "did you mean 'compute_workers'?"],
    ],
  );
  config.api('metadata', apiOptions);
  assert.equal(config.problems().length, 1);
});

test('CF-116 a group is parsed once, and validated again for who asks for the whole of it', () => {
  const config = Config.fromText('[wsgi]\nkeep_alife = no\n');
  const part = config.group('wsgi', wsgiOptions, { partial: true });
  assert.equal(config.group('wsgi', wsgiOptions, { partial: true }), part);
  for (let round = 0; round < 2; round++) assert.throws(() => config.group('wsgi', wsgiOptions), /keep_alife/);
  config.setOverride('wsgi', 'max_header_size', 5);
  assert.equal(config.group('wsgi', wsgiOptions, { partial: true }).maxHeaderSize, 5);
  config.clearOverride('wsgi', 'max_header_size');
  assert.deepEqual(config.group('wsgi', wsgiOptions, { partial: true }), part);
});

test('CF-47 CF-67 an old name counts, gives way to the new one, and warns once', () => {
  const said: string[] = [];
  const log = { ...silentLogger(), warn: (...line: unknown[]) => void said.push(String(line.at(-1))) };
  const config = Config.fromText('[DEFAULT]\nmax_header_line = 8192\n', { log });
  assert.equal(config.group('wsgi', wsgiOptions).maxHeaderSize, 8192);
  config.group('wsgi', wsgiOptions);
  assert.deepEqual(said, [
    'portico.ini:2:19: warning: [DEFAULT] max_header_line: deprecated, the option is called max_header_size in [wsgi] now',
  ]);
  const both = Config.fromText('[DEFAULT]\nmax_header_line = 8192\n[wsgi]\nmax_header_size = 1K\n');
  assert.equal(both.group('wsgi', wsgiOptions).maxHeaderSize, 1024);
});

test('CF-47 a repeated key has the lines of its older names first, the oldest before all', () => {
  const options = defineOptions({ hosts: multi({ help: 'x', deprecated: ['servers', 'DEFAULT.machines'] }) });
  const config = Config.fromText('[app]\nhosts = d\nservers = b\nservers = c\n[DEFAULT]\nmachines = a\n');
  assert.deepEqual(config.group('app', options).hosts, ['a', 'b', 'c', 'd']);
});

test('CF-45 CF-69 declaring an option twice alike is nothing, in two ways an error naming both places', () => {
  const config = new Config();
  const again = defineOptions({ keep_alive: boolean({ default: true, help: 'Keep.' }) });
  config.register('wsgi', wsgiOptions);
  config.register('wsgi', again);
  const other = defineOptions({ keep_alive: boolean({ default: false, help: 'Keep.' }) });
  assert.throws(
    () => config.register('wsgi', other),
    (error: Error) => error.message.match(/config\.test\.js:\d+:\d+/g)?.length === 2,
  );
  assert.throws(() => defineOptions({ _a: string({ help: 'x' }) }), /lower snake case/);
  assert.throws(() => defineOptions({ a: string() }), /needs a help text/);
});

test('options are declared with the names of other applications, and for every name of their group', (t) => {
  t.after(rememberLoaded());
  const levels = defineOptions('levels', { '<name>': string({ help: 'A level.' }) });
  const engine = defineOptions(
    'engine',
    { pace: integer({ default: 1, min: 0, help: 'A pace.' }) },
    { meant: { speed: 'write pace' }, unused: { fuel: 'remove it' } },
  );
  const config = Config.fromText('[levels]\nimages = 1.4\n[engine]\nspeed = 3\nfuel = 2\n');
  config.group('levels', levels);
  config.register('engine', engine);
  assert.equal(config.resolve('levels', 'images').value, '1.4');
  const found = config.problems().map(({ severity, option, hint }) => [severity, option, hint]);
  assert.deepEqual(found, [
    ['error', 'speed', 'write pace'],
    ['warning', 'fuel', 'remove it'],
  ]);
});

test('CF-65 a required option says where to set it', () => {
  const { message } = refusal(() => new Config().group('db', secretOptions));
  assert.equal(
    message,
    'error: [db] required_thing: value required\n  set it in section [db] of a configuration file, with PORTICO_DB__REQUIRED_THING, or with --set db.required_thing=…',
  );
});

test('CF-65 a required secret is not asked for on the command line', () => {
  const options = defineOptions({ key: string({ required: true, secret: true, help: 'x' }) });
  const { message } = refusal(() => new Config().group('db', options));
  assert.match(message, /configuration file, with PORTICO_DB__KEY, or with PORTICO_DB__KEY_FILE$/);
});

test('CF-53 a default that depends on the machine may be refused, and says where to set another', () => {
  const odd = defineOptions({ name: host({ default: () => 'under_score', help: 'x' }) });
  assert.match(
    refusal(() => new Config().group('me', odd)).message,
    /^error: \[me\] name: the default of this machine should be a host name or an IP address\n {2}set it in section \[me\]/,
  );
});

test('CF-68 asking for an option that nobody declared names group and option', () => {
  assert.throws(() => new Config().resolve('wsgi', 'prot'), /no option prot is declared in \[wsgi\]/);
});

test('MW-4 values of a paste section win, for that instance only; their errors stand in the paste file', () => {
  const at = (value: string, line: number) => ({
    value,
    origin: { file: 'api-paste.ini', line, column: 5, section: 'filter:wsgi' },
  });
  const config = Config.fromText('[wsgi]\nmax_header_size = 1K\nrequest_timeout = 5\n');
  const local = new Map([['max_header_size', at('2K', 3)]]);
  assert.equal(config.group('wsgi', wsgiOptions, { local }).maxHeaderSize, 2048);
  assert.equal(config.group('wsgi', wsgiOptions).maxHeaderSize, 1024);
  const wrong = new Map([
    ['max_heder_size', at('2K', 3)],
    ['keep_alive', at('0 # no', 4)],
  ]);
  assert.deepEqual(refusal(() => config.group('wsgi', wsgiOptions, { local: wrong })).message.split('\n'), [
    'api-paste.ini:3:1: error: [filter:wsgi] max_heder_size: unknown option',
    "  did you mean 'max_header_size'?",
    'api-paste.ini:4:5: error: [filter:wsgi] keep_alive: should be a boolean: true, 1, yes, on, false, 0, no or off; got 0 # no',
    '  inline comments are not supported: put the comment on a separate line',
  ]);
  const several = defineOptions({ names: multi({ help: 'x' }), words: list({ help: 'x' }) });
  const lines = new Map([
    ['names', at('\na\nb', 3)],
    ['words', at('a,\nb', 4)],
  ]);
  assert.deepEqual({ ...config.group('m', several, { local: lines }) }, { names: ['a', 'b'], words: ['a', 'b'] });
});

test('CF-73 CF-74 CF-118 a secret is in no error, no dump, no JSON and no inspection', () => {
  const text =
    '[db]\nconnection = hunter2 hunter2\nurl = amqp://me:hunter2@host/\nrequired_thing = x\nplain = hunter2\n';
  const { message, diagnostics: issues } = refusal(() => Config.fromText(text).group('db', secretOptions));
  assert.doesNotMatch(message + JSON.stringify(issues.map(({ got }) => got)), /hunter2/);
  assert.match(message, /got \*\*\*\*/);
  const fine = Config.fromText(text.replace('hunter2 hunter2', 'pg://u:hunter2@h/').replace('plain = hunter2', ''));
  const values = fine.group('db', secretOptions);
  assert.equal(values.connection, 'pg://u:hunter2@h/');
  for (const shown of [JSON.stringify(values), inspect(values), JSON.stringify(fine), inspect(fine)]) {
    assert.doesNotMatch(shown, /hunter2/);
    assert.match(shown, /amqp:\/\/me:\*\*\*\*@host/);
  }
});

test('CF-51 findings of cross-checks are placed where the option was set', () => {
  const config = Config.fromText('[wsgi]\nrequest_timeout = 5\nkeep_alive = off\n');
  config.register('wsgi', wsgiOptions);
  config.check((checked) => {
    const { requestTimeout, keepAlive } = checked.group('wsgi', wsgiOptions);
    if (keepAlive || requestTimeout > 10) return [];
    return [{ group: 'wsgi', opt: 'request_timeout', message: 'is too short without keep_alive', hint: 'use 10' }];
  });
  assert.equal(
    refusal(() => config.validate()).message,
    'portico.ini:2:19: error: [wsgi] request_timeout: is too short without keep_alive\n  use 10',
  );
});

test('CF-51 a cross-check that needs a refused value finds nothing, whatever it throws; the others find theirs', () => {
  const config = Config.fromText('[wsgi]\nrequest_timeout = 5 sek\nkeep_alive = off\n');
  config.register('wsgi', wsgiOptions);
  config.check((checked) => {
    const timeout = checked.resolve('wsgi', 'request_timeout').value as number;
    return [{ group: 'wsgi', opt: 'keep_alive', message: timeout.toFixed(1) }];
  });
  config.check((checked) => (checked.group('wsgi', wsgiOptions) ? [] : []));
  config.check(() => [{ group: 'wsgi', opt: 'keep_alive', message: 'does not fit' }]);
  assert.deepEqual(
    refusal(() => config.validate()).diagnostics.map(({ option, message }) => [option, message]),
    [
      ['request_timeout', 'should be a duration: a number, alone or with ms, s, m, h or d'],
      ['keep_alive', 'does not fit'],
    ],
  );
});

test('CF-108 overrides for a while are undone at the end, however it ends', async () => {
  const config = new Config();
  const size = () => config.group('wsgi', wsgiOptions).maxHeaderSize;
  assert.equal(size(), 16_384);
  assert.equal(await withOverrides(config, { 'wsgi.max_header_size': '1K' }, size), 1024);
  await assert.rejects(
    withOverrides(config, { 'wsgi.max_header_size': 1 }, () => {
      throw new Error('failed');
    }),
  );
  await assert.rejects(withOverrides(config, { 'wsgi.max_header_size': 1, 'wsgi.keep_alive': 'maybe' }, size));
  assert.equal(size(), 16_384);
});

test('a copy has the values from code; what is set on one of both is not set on the other', () => {
  const config = new Config();
  const size = (of: Config) => of.group('wsgi', wsgiOptions).maxHeaderSize;
  config.setOverride('wsgi', 'max_header_size', 2048);
  const copy = config.copy();
  assert.equal(size(copy), 2048);
  copy.setOverride('wsgi', 'max_header_size', 4096);
  config.setDefault('wsgi', 'max_header_size', 1024);
  config.clearOverride('wsgi', 'max_header_size');
  assert.deepEqual([size(config), size(copy)], [1024, 4096]);
  copy.clearOverride('wsgi', 'max_header_size');
  assert.equal(size(copy), 16_384);
});

test('CF-107 LC-1205 values from code are checked', () => {
  const config = new Config();
  config.group('wsgi', wsgiOptions);
  assert.throws(() => config.setOverride('wsgi', 'keep_alive', 'perhaps'), /should be a boolean/);
  config.setOverride('wsgi', 'request_timeout', '1m');
  config.setOverride('wsgi', 'max_header_size', 5);
  assert.deepEqual({ ...config.group('wsgi', wsgiOptions) }, { maxHeaderSize: 5, keepAlive: true, requestTimeout: 60 });
  config.setDefault('wsgi', 'request_timeout', 5);
  config.clearOverride('wsgi', 'request_timeout');
  assert.equal(config.group('wsgi', wsgiOptions).requestTimeout, 5);
  const method = defineOptions({ restart_method: oneOf(['reload', 'mutate'], { default: 'reload', help: 'x' }) });
  const typed: 'reload' | 'mutate' = config.group('DEFAULT', method).restartMethod;
  assert.equal(typed, 'reload');
});

test('CF-114 the sections of the files, each once', () => {
  assert.deepEqual(Config.fromText('[A]\n[b]\n[a]\n').listAllSections(), ['a', 'b']);
});

test('CF-66 what a section of the paste file has need not stand in the group: it is missed where the section lacks it', async () => {
  const options = defineOptions({ name: string({ required: true, help: 'Whose.' }) });
  const config = Config.fromText('[other]\nx = 1\n');
  const local = new Map([['name', { value: 'mine' }]]);
  assert.equal(config.group('named', options, { local }).name, 'mine');
  assert.deepEqual(config.problems({ complete: false }), []);
  const origin = { file: 'api-paste.ini', line: 3, column: 1, section: 'filter:n' };
  const { diagnostics: issues } = refusal(() => config.group('named', options, { local: new Map(), origin }));
  assert.deepEqual(issues.map(brief), ['error PORTICO_CONFIG_REQUIRED [named] name api-paste.ini:3:1']);
  assert.match(issues[0]?.hint ?? '', /^write it there, or set it in section \[named\]/);
});

test('CF-12 CF-66 names without an owner in arguments and variables are errors, with the names that were meant', async () => {
  const load = async (set: readonly string[], env: Readonly<Record<string, string>>): Promise<string[]> => {
    const config = await Config.load({ files: [], set, env });
    config.api('compute', apiOptions);
    return config.problems().map(({ severity, location, hint }) => `${severity} ${location?.detail} ${hint}`);
  };
  assert.deepEqual(await load(['compute.port=1', 'wsig.keep_alive=1', 'far.away=1', 'x-mine.port=1'], {}), [
    "error argument 1 did you mean 'port' of [api:compute]?",
    "error argument 2 did you mean 'keep_alive' of [wsgi]?",
    'error argument 3 if it belongs to another application, add far.away to [DEFAULT] other_names',
  ]);
  const env = {
    PORTICO_API_COMPUTE__PROT: '1',
    PORTICO_COMPUTE__PORT: '1',
    PORTICO_WSGI__KEEP_ALIFE: '1',
    PORTICO_X_OTHER: '1',
  };
  assert.deepEqual(await load([], env), [
    "error PORTICO_API_COMPUTE__PROT did you mean 'PORTICO_API_COMPUTE__PORT'?",
    "error PORTICO_COMPUTE__PORT did you mean 'PORTICO_API_COMPUTE__PORT'?",
    "error PORTICO_WSGI__KEEP_ALIFE did you mean 'PORTICO_WSGI__KEEP_ALIVE'?",
  ]);
});
