import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { createLogger } from 'portico';
import { Config, type ConfigError, defineOptions, integer, list, multi, string, uri } from 'portico/config';
import { UsageError } from '#internal/config';
import { temporaryFolder } from '../fixtures/keeper.js';

const options = defineOptions({
  level: integer({ default: 0, help: 'A number.', deprecated: ['DEFAULT.old_level'], cli: true }),
  names: multi({ help: 'Names.' }),
  words: list({ help: 'Words.' }),
  key: string({ secret: true, help: 'A secret.' }),
});

let folder: string;
before(() => {
  folder = temporaryFolder('portico-sources-');
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

async function load(given: Parameters<typeof Config.load>[0] = {}): Promise<Config> {
  return Config.load({ files: [], dirs: [], env: {}, groups: { app: options }, ...given });
}

test('an option with a dot in its name fills no option of a group with that dot', () => {
  const groups = { 'app.more': defineOptions({ level: integer({ default: 0, help: 'A number.' }) }) };
  const config = Config.fromText('[app]\nmore.level = 3\n');
  assert.equal(config.group('app.more', groups['app.more']).level, 0);
});

test('CF-1 CF-2 each source wins over those below it, whatever the order of the arguments', async () => {
  const low = write('low.conf', '[app]\nlevel = 1\n');
  const high = write('high.conf', '[app]\nlevel = 2\n');
  const dir = join(folder, 'conf.d');
  mkdirSync(dir);
  writeFileSync(join(dir, '10.conf'), '[app]\nlevel = 3\n');
  writeFileSync(
    join(dir, '20.conf'),
    '[app]\nold-level = 0\n[DEFAULT]\nold_level = 4\n'.replace('old-level = 0\n', ''),
  );
  const env = { PORTICO_APP__LEVEL: '5' };
  const levels: unknown[] = [];
  const look = async (given: Parameters<typeof Config.load>[0]) => {
    const config = await load(given);
    levels.push(config.group('app', options).level);
    return config;
  };
  const set = ['--set', 'app.level=6'];
  await look({});
  await look({ files: [low] });
  await look({ files: [low, high] });
  await look({ files: [low, high], dirs: [dir] });
  await look({ files: [low, high], dirs: [dir], env });
  await look({ argv: [...set, '--config-file', low, '--config-file', high, '--config-dir', dir], env });
  await look({ argv: ['--config-file', low, '--config-file', high, '--config-dir', dir, ...set], env });
  const config = await look({ argv: ['--app-level=6', `--config-file=${low}`], env, overrides: { 'app.level': 7 } });
  assert.deepEqual(levels, [0, 1, 2, 4, 5, 6, 6, 7]);
  config.setOverride('app', 'level', undefined);
  assert.equal(config.group('app', options).level, 6);
  const empty = await load();
  empty.setDefault('app', 'level', 9);
  assert.equal(empty.group('app', options).level, 9);
});

test('CF-118 CF-1 whichever sources are there and however each spells it, the highest one counts', async () => {
  const dir = join(folder, 'matrix.d');
  mkdirSync(dir);
  const spell = (old: boolean, value: number) =>
    old ? `[DEFAULT]\nold_level = ${value}\n` : `[app]\nlevel = ${value}\n`;
  for (let present = 0; present < 32; present++) {
    for (const old of [false, true]) {
      const has = (source: number) => (present & (1 << source)) !== 0;
      // Sources use the old and the new name in turn.
      const one = write('m1.conf', has(0) ? spell(old, 1) : '');
      const two = write('m2.conf', has(1) ? spell(!old, 2) : '');
      writeFileSync(join(dir, 'm.conf'), has(2) ? spell(old, 3) : '', { mode: 0o600 });
      const variable = old ? 'PORTICO_APP__LEVEL' : 'PORTICO_DEFAULT__OLD_LEVEL';
      const env = has(3) ? { [variable]: '4' } : {};
      const set = has(4) ? ['--set', old ? 'DEFAULT.old_level=5' : 'app.level=5'] : [];
      const files = ['--config-file', one, '--config-file', two, '--config-dir', dir];
      const argv = old ? [...set, ...files] : [...files, ...set];
      const config = await load({ argv, env });
      const highest = present === 0 ? 0 : Math.floor(Math.log2(present)) + 1;
      assert.equal(config.group('app', options).level, highest, `sources ${present.toString(2)}, old ${old}`);
    }
  }
});

test('CF-17 CF-18 every value knows its location, also where three files have the section', async () => {
  const files = ['a', 'b', 'c'].map((name) => write(`${name}.conf`, `[app]\n# ${name}\nwords = ${name}\n`));
  files.push(write('d.conf', '[app]\nlevel = x\n'));
  const env = { PORTICO_APP__KEY: 'k' };
  await assert.rejects(load({ files, env }), (error: ConfigError) => {
    assert.deepEqual(
      error.diagnostics.map(({ location }) => location?.detail),
      [`${files[3]}:2:9`],
    );
    return true;
  });
  const config = await load({ files: files.slice(0, 3), env, argv: ['--set', 'app.level=3'] });
  assert.deepEqual(
    ['words', 'key', 'level', 'names'].map((name) => {
      const { kind, detail } = config.getLocation('app', name);
      return [kind, detail];
    }),
    [
      ['file', `${files[2]}:3:9`],
      ['environment', 'PORTICO_APP__KEY'],
      ['command_line', 'argument 1'],
      ['default', 'default'],
    ],
  );
  const texts = config.resolve('app', 'words').shadowed.map(({ text }) => text);
  assert.deepEqual(texts, ['b', 'a']);
});

test('CF-3 ./portico.ini is read when no file is named, else ./paste/portico.ini, else those of the home folder', async () => {
  const home = join(folder, 'home');
  const work = join(folder, 'work');
  for (const path of [join(work, 'paste'), join(home, '.portico')]) mkdirSync(path, { recursive: true });
  const back = process.cwd();
  process.chdir(work);
  try {
    const read = async () => {
      const config = await Config.load({ env: { HOME: home }, prog: 'api', groups: { app: options } });
      return [config.group('app', options).level, config.configFiles.map((path) => path.slice(folder.length))];
    };
    assert.deepEqual(await read(), [0, []]);
    writeFileSync(join(home, '.portico', 'portico.conf'), '[app]\nlevel = 1\n');
    writeFileSync(join(home, 'api.conf'), '[app]\nlevel = 2\n');
    assert.deepEqual(await read(), [2, ['/home/.portico/portico.conf', '/home/api.conf']]);
    writeFileSync(join(work, 'paste', 'portico.ini'), '[app]\nlevel = 3\n');
    assert.deepEqual(await read(), [3, ['/work/paste/portico.ini']]);
    writeFileSync(join(work, 'portico.ini'), '[app]\nlevel = 4\n');
    assert.deepEqual(await read(), [4, ['/work/portico.ini']]);
  } finally {
    process.chdir(back);
  }
});

test('CF-5 CF-6 CF-62 all files and directories that cannot be read are reported at once', async () => {
  const gone = join(folder, 'gone.conf');
  await assert.rejects(load({ files: [gone, folder], dirs: [join(folder, 'no.d')] }), (error: ConfigError) => {
    assert.equal(error.code, 'PORTICO_CONFIG_REFUSED');
    assert.deepEqual(error.message.split('\n'), [
      `error: cannot read config file ${gone}: it does not exist (ENOENT)`,
      `error: cannot read config file ${folder}: it is a directory (EISDIR)`,
      `error: cannot read config dir ${join(folder, 'no.d')}: it does not exist (ENOENT)`,
    ]);
    return true;
  });
});

test('CF-6 a directory gives its *.conf in byte order, no hidden ones, links followed', async () => {
  const dir = join(folder, 'k8s');
  mkdirSync(join(dir, 'deeper.conf'), { recursive: true });
  const real = write('real', '[app]\nnames = linked\n');
  symlinkSync(real, join(dir, 'b.conf'));
  for (const name of ['a.conf', 'c.conf', '.hidden.conf', 'C.conf', 'note.txt']) {
    writeFileSync(join(dir, name), `[app]\nnames = ${name}\n`);
  }
  const config = await load({ dirs: [dir] });
  assert.deepEqual(config.group('app', options).names, ['C.conf', 'a.conf', 'linked', 'c.conf']);
});

test('CF-8 config_file in a file is refused', () => {
  const config = Config.fromText('[DEFAULT]\nconfig_file = other.ini\n');
  assert.throws(() => config.validate(), /only be given on the command line, as --config-file/);
});

test('CF-9 CF-12 the environment has its own names; an unknown one is an error', async () => {
  const env = {
    PORTICO_API_COMPUTE__LEVEL: '3',
    PORTICO_APP__LEVLE: '1',
    PORTICO_WORKER_ID: '1',
    OTHER_APP__LEVEL: '9',
  };
  const config = await load({ env, groups: { 'api:compute': options, app: options } });
  assert.equal(config.group('api:compute', options).level, 3);
  assert.deepEqual(
    config.problems().map(({ severity, location, hint }) => [severity, location?.detail, hint]),
    [['error', 'PORTICO_APP__LEVLE', "did you mean 'PORTICO_APP__LEVEL'?"]],
  );
  assert.throws(() => config.validate(), /env PORTICO_APP__LEVLE: error/);
});

test('CF-12 a variable that names no group, or lacks an underscore, is a warning with the variable that was meant', async () => {
  const env = { PORTICO_OS_ENV_COMPAT: '1', PORTICO_APP_LEVEL: '3', PORTICO_WORKER_ID: '1' };
  const config = await load({ env, groups: { app: options } });
  assert.deepEqual(
    config.problems().map(({ severity, location, message, hint }) => [severity, location?.detail, message, hint]),
    [
      ['warning', 'PORTICO_OS_ENV_COMPAT', 'no group is named', "did you mean 'PORTICO_DEFAULT__OS_ENV_COMPAT'?"],
      [
        'warning',
        'PORTICO_APP_LEVEL',
        'group and option are separated by two underscores',
        "did you mean 'PORTICO_APP__LEVEL'?",
      ],
    ],
  );
});

test('CF-9 OS_ variables count under os_env_compat; two different ones are an error', async () => {
  const both = { OS_APP__LEVEL: '1', PORTICO_DEFAULT__OS_ENV_COMPAT: 'yes' };
  assert.equal((await load({ env: { OS_APP__LEVEL: '1' } })).group('app', options).level, 0);
  assert.equal((await load({ env: both })).group('app', options).level, 1);
  await assert.rejects(
    load({ env: { ...both, PORTICO_APP__LEVEL: '2' } }),
    /env PORTICO_APP__LEVEL: error: .*OS_APP__LEVEL/,
  );
});

test('CF-10 variables are parsed with the full type; a JSON array gives items, an empty one sets to empty', async () => {
  const values = async (env: Record<string, string>) => (await load({ env })).group('app', options);
  assert.deepEqual((await values({ PORTICO_APP__NAMES: 'ab' })).names, ['ab']);
  assert.deepEqual((await values({ PORTICO_APP__NAMES: '["a", "b,c"]' })).names, ['a', 'b,c']);
  assert.equal((await values({ PORTICO_DEFAULT__OLD_LEVEL: '8' })).level, 8);
  const file = write('words.conf', '[app]\nwords = a\n');
  const config = await load({ files: [file], env: { PORTICO_APP__WORDS: '' } });
  assert.deepEqual(config.group('app', options).words, []);
});

test('CF-11 a secret may stand in a file that a variable names; both forms are an error', async () => {
  const file = write('secret', 'p$w#d\n\n');
  const config = await load({ env: { PORTICO_APP__KEY_FILE: file } });
  assert.equal(config.group('app', options).key, 'p$w#d\n');
  const both = { PORTICO_APP__KEY_FILE: file, PORTICO_APP__KEY: 'x' };
  await assert.rejects(
    load({ env: both }),
    /env PORTICO_APP__KEY_FILE: error: \[app\] key: is set by PORTICO_APP__KEY too/,
  );
  await assert.rejects(load({ env: { PORTICO_APP__KEY_FILE: join(folder, 'none') } }), /cannot read .*none: ENOENT/);
  const plain = await load({ env: { PORTICO_APP__LEVEL_FILE: file } });
  assert.match(plain.problems()[0]?.message ?? '', /only secret options are read from files/);
});

test('CF-11 where an option has the name with _file, the variable is that of the option', async () => {
  const groups = {
    app: defineOptions({
      key: string({ secret: true, help: 'The key.' }),
      key_file: string({ secret: true, help: 'A file with the key.' }),
    }),
  };
  const config = await load({ groups, env: { PORTICO_APP__KEY_FILE: '/run/key' } });
  const { key, keyFile } = config.group('app', groups.app);
  assert.deepEqual([key, keyFile], [undefined, '/run/key']);
  assert.deepEqual(config.problems(), []);
});

test('CF-14 unknown, shortened and incomplete arguments are refused, with the nearest name', async () => {
  const usage = (argv: string[], message: RegExp) =>
    assert.rejects(
      load({ argv }),
      (error: UsageError) => error instanceof UsageError && message.test(error.describe()),
    );
  await usage(['--app-levle', '3'], /unknown argument --app-levle\n {2}did you mean '--app-level'/);
  await usage(['--app-lev', '3'], /unknown argument --app-lev/);
  await usage(['--config-file'], /--config-file needs a value/);
  await usage(['--set', 'app.level'], /--set takes group\.option=value/);
  await usage(['serve'], /unexpected argument serve/);
});

test('CF-19 another format is refused with a hint', async () => {
  await assert.rejects(load({ files: [write('a.toml', '')] }), /only the INI format is read/);
});

test('CF-25 a repeated key collects over all files; a repeated single one warns with both lines', async () => {
  const first = write('r1.conf', '[app]\nnames = a\nnames = b\n');
  const second = write('r2.conf', '[app]\nnames = c\nlevel = 1\nlevel = 2\n');
  const config = await load({ files: [first, second] });
  assert.deepEqual(config.group('app', options).names, ['a', 'b', 'c']);
  assert.equal(config.group('app', options).level, 2);
  const [warning] = config.problems();
  assert.equal(warning?.severity, 'warning');
  assert.match(warning?.message ?? '', /lines 3 and 4/);
});

test('CF-4 default directories are read after the files; missing ones are fine', async () => {
  const home = join(folder, 'home2');
  mkdirSync(join(home, '.portico', 'portico.conf.d'), { recursive: true });
  writeFileSync(join(home, '.portico', 'portico.conf.d', '1.conf'), '[app]\nlevel = 5\n');
  const file = write('below.conf', '[app]\nlevel = 1\n');
  const given = { env: { HOME: home }, prog: 'api', files: [file], groups: { app: options } };
  assert.equal((await Config.load(given)).group('app', options).level, 5);
  assert.equal((await Config.load({ ...given, dirs: [] })).group('app', options).level, 1);
  assert.equal((await Config.load({ ...given, env: { HOME: folder } })).group('app', options).level, 1);
});

test('CF-7 a relative file is shown as named and found again after a change of directory; ~ expands', async () => {
  const back = process.cwd();
  const home = process.env.HOME;
  write('moved.conf', '[app]\nlevel = 1\n');
  process.chdir(folder);
  process.env.HOME = folder;
  try {
    const config = await load({ files: ['moved.conf'] });
    process.chdir(back);
    write('moved.conf', '[app]\nlevel = 2\n');
    const next = await config.readAgain();
    assert.equal(next.group('app', options).level, 2);
    assert.equal(next.getLocation('app', 'level').detail, 'moved.conf:2:9');
    assert.deepEqual((await load({ files: ['~/moved.conf'] })).configFiles, [join(folder, 'moved.conf')]);
  } finally {
    process.chdir(back);
    process.env.HOME = home;
  }
});

test('CF-78 a file that holds a secret and that others may read is a warning, unless told otherwise', async () => {
  const file = write('open.conf', '[app]\nkey = hunter2\n');
  const codes = async (given: Parameters<typeof load>[0] = {}) =>
    (await load({ files: [file], ...given })).problems().map(({ code }) => code);
  assert.deepEqual(await codes(), []);
  chmodSync(file, 0o644);
  assert.deepEqual(await codes(), ['PORTICO_CONFIG_EXPOSED']);
  assert.deepEqual(await codes({ set: ['check_file_modes=no'] }), []);
  assert.deepEqual(await codes({ set: ['app.key=x', 'check_file_modes=no'] }), ['PORTICO_CONFIG_EXPOSED']);
});

test('CF-78 the reader of a group logs no warning about file modes either, if they are not checked', async () => {
  const file = write('open-group.conf', '[app]\nkey = hunter2\n');
  chmodSync(file, 0o644);
  const logged = async (set: string[]): Promise<readonly string[]> => {
    const lines: string[] = [];
    const log = createLogger({ format: 'json', destination: { write: (line) => void lines.push(line) } });
    (await load({ files: [file], set, log })).group('app', options);
    return lines.map((line) => (JSON.parse(line) as { code: string }).code);
  };
  assert.deepEqual(await logged([]), ['PORTICO_CONFIG_EXPOSED']);
  assert.deepEqual(await logged(['check_file_modes=no']), []);
});

test('CF-78 a connection that names a file alone is nothing others must not read', async () => {
  const options = defineOptions({ connection: uri({ secret: true, help: 'Where the data is.' }) });
  const codes = async (connection: string) => {
    const file = write('store.conf', `[store]\nconnection = ${connection}\n`);
    chmodSync(file, 0o644);
    const config = await Config.load({ files: [file], env: {} });
    config.group('store', options);
    return config.problems().map(({ code }) => code);
  };
  assert.deepEqual(await codes('sqlite:///data.db'), []);
  assert.deepEqual(await codes('postgresql://me:secret@db/data'), ['PORTICO_CONFIG_EXPOSED']);
  assert.deepEqual(await codes('postgresql:///data?password=secret'), ['PORTICO_CONFIG_EXPOSED']);
  assert.deepEqual(await codes('nats://t0ken@host'), ['PORTICO_CONFIG_EXPOSED']);
  assert.deepEqual(await codes('nats://127.0.0.1:4222/?response_timeout=3'), []);
});

test('CF-106 names of project and application give prefix and files; loading again starts anew', async () => {
  const home = join(folder, 'home3');
  mkdirSync(home);
  writeFileSync(join(home, 'my-app.conf'), '[app]\nlevel = 1\nwords = a\n');
  const given = { project: 'my-app', prog: 'x', env: { HOME: home, MY_APP_APP__LEVEL: '2' } };
  const first = await Config.load({ ...given, defaultFiles: [join(home, 'my-app.conf')] });
  assert.deepEqual({ ...first.group('app', options) }, { level: 2, names: [], words: ['a'], key: undefined });
  first.setOverride('app', 'level', 3);
  const second = await Config.load({ ...given, defaultFiles: [] });
  assert.deepEqual({ ...second.group('app', options) }, { level: 2, names: [], words: [], key: undefined });
});
