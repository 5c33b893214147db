import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Logger } from 'portico';
import { Config, type ConfigChanges, defineOptions, dict, integer, port, string } from 'portico/config';
import { ConfigError } from '#internal/config';
import { silentLogger } from '#internal/log';

const options = defineOptions({
  workers: integer({ default: 1, min: 1, mutable: true, help: 'x' }),
  level: integer({ default: 1, mutable: true, help: 'x' }),
  topic: string({ default: 'none', help: 'x' }),
  port: port({ default: 0, restart: true, help: 'x' }),
  token: string({ default: '', secret: true, mutable: true, help: 'x' }),
  levels: dict({ help: 'x' }),
});

let folder: string;
let file: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portico-reload-'));
  file = join(folder, 'portico.ini');
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const note = (...line: unknown[]) => void said.push(String(line.at(-1)).replaceAll(folder, ''));
const log: Logger = { ...silentLogger(), warn: note, info: note, error: note };

function write(text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}

async function load(text: string, more: Parameters<typeof Config.load>[0] = {}): Promise<Config> {
  write(text);
  const config = await Config.load({ files: [file], dirs: [], env: {}, log, ...more });
  config.group('app', options);
  return config;
}

const values = (config: Config) => config.group('app', options);
const sorted = (changes: ConfigChanges) =>
  [...changes].map(([name, { old, new: now }]) => `${name} ${String(old)} ${String(now)}`).sort();

test('CF-81 CF-94 LC-1206 a reload replaces everything, but for what needs new sockets', async () => {
  const config = await load('[app]\nworkers = 1\ntopic = a\nport = 1\n');
  write('[app]\nworkers = 2\ntopic = b\nport = 2\n');
  assert.deepEqual(sorted(await config.reload()), ['app.topic a b', 'app.workers 1 2']);
  assert.equal(config.generation, 2);
  const { workers, topic, port: number } = values(config);
  assert.deepEqual([workers, topic, number], [2, 'b', 1]);
  assert.deepEqual(said, [
    'Option app.workers changed from [1] to [2]',
    'Option app.topic changed from [a] to [b]',
    '/portico.ini:4:8: warning: ignoring change to [app] port from [1] to [2] (restart needed)',
  ]);
  said = [];
  write('[app]\nworkers = 2\ntopic = b\nport = 1\n');
  assert.deepEqual(sorted(await config.reload()), []);
  assert.deepEqual(said, []);
});

test('OP-86 CF-81 what a reload adds has the address it asks for; only addresses in use stay', async () => {
  const config = await load('[api:one]\nport = 1\n');
  config.register('api:<name>', options);
  config.api('one', options);
  write('[api:one]\nport = 11\n[api:two]\nport = 2\n');
  const dropped = await config.prepareReload();
  assert.equal(dropped.config.api('two', options).port, 2);
  const kept = await config.prepareReload();
  assert.equal(kept.config.api('two', options).port, 2);
  await kept.accept();
  assert.deepEqual([config.api('one', options).port, config.api('two', options).port], [1, 2]);
  write('[api:one]\nport = 11\n[api:two]\nport = 22\n');
  await config.reload();
  assert.deepEqual([config.api('one', options).port, config.api('two', options).port], [1, 2]);
});

test('CF-80 CF-91 CF-118 a mutate applies what is mutable and warns about the rest', async () => {
  const config = await load('[app]\nworkers = 1\ntopic = a\n');
  write('[app]\nworkers = 2\ntopic = b\n');
  assert.deepEqual(sorted(await config.reload({ method: 'mutate' })), ['app.workers 1 2']);
  assert.deepEqual([values(config).workers, values(config).topic], [2, 'a']);
  assert.match(
    said.join('\n'),
    /portico\.ini:3:9: warning: ignoring change to \[app\] topic from \[a\] to \[b\] \(restart needed\)/,
  );
  assert.deepEqual(sorted(await config.reload()), ['app.topic a b']);
});

test('CF-72 CF-83 LC-517 CF-118 a broken file changes nothing', async () => {
  const config = await load('[app]\nworkers = 3\nlevel = 1\n');
  const before = values(config);
  for (const broken of ['[app]\nworkers = 0\nlevel = 2\n', '[app\n', '[app]\nworker = 1\n']) {
    write(broken);
    for (const method of ['reload', 'mutate'] as const) {
      await assert.rejects(config.reload({ method }), ConfigError, broken);
    }
  }
  rmSync(file);
  await assert.rejects(config.reload(), /cannot read config file/);
  assert.equal(config.generation, 1);
  assert.deepEqual(values(config), before);
});

test('CF-83 a mutate refuses a broken value of an option that it would ignore', async () => {
  const config = await load('[app]\nport = 1\n');
  write('[app]\nport = x\nworkers = 2\n');
  await assert.rejects(config.reload({ method: 'mutate' }), /port: should be an integer/);
});

test('CF-84 CF-13 LC-1208 command line, environment and overrides keep their precedence', async () => {
  const env: NodeJS.ProcessEnv = { PORTICO_APP__LEVEL: '5' };
  const config = await load('[app]\nworkers = 1\n', { set: ['app.workers=7'], env });
  env.PORTICO_APP__LEVEL = '6';
  write('[app]\nworkers = 2\nlevel = 2\n');
  assert.deepEqual(sorted(await config.reload()), []);
  assert.deepEqual([values(config).workers, values(config).level], [7, 5]);
  assert.deepEqual(said, [
    '/portico.ini:2:11: warning: [app] workers: the changed value does not count: command line, argument 1 sets the option',
    '/portico.ini:3:9: warning: [app] level: the changed value does not count: env PORTICO_APP__LEVEL sets the option',
  ]);
});

test('CF-51 cross-checks refuse a reload too', async () => {
  const config = await load('[app]\nworkers = 1\n');
  config.check((checked) =>
    checked.group('app', options).workers > 4 ? [{ group: 'app', opt: 'workers', message: 'too many' }] : [],
  );
  write('[app]\nworkers = 5\n');
  await assert.rejects(config.reload(), /portico\.ini:2:11: error: \[app\] workers: too many/);
  assert.equal(values(config).workers, 1);
});

test('CF-85 CF-87 LC-1207 hooks are told parsed values in their order; one that throws does not stop the rest', async () => {
  const config = await load('[app]\nworkers = 1\n');
  const told: string[] = [];
  config.onMutate(async (changed, changes) => {
    await Promise.resolve();
    told.push(`first ${sorted(changes).join(' ')} ${changed.group('app', options).workers}`);
  });
  config.onMutate(() => {
    throw new Error('no');
  });
  const forget = config.onMutate(() => {
    told.push('forgotten');
  });
  forget();
  config.watch('app.workers', (value) => {
    told.push(`watch ${String(value)}`);
  });
  config.watch('app.topic', () => {
    told.push('never');
  });
  write('[app]\nworkers = 2\n');
  await config.reload();
  assert.deepEqual(told, ['first app.workers 1 2 2', 'watch 2']);
  assert.match(said.join('\n'), /a hook for configuration changes failed/);
});

test('CF-76 CF-118 LC-1215 a changed secret is masked in the log and real for hooks', async () => {
  const config = await load('[app]\ntoken = hunter1\n');
  let seen: unknown;
  config.watch('app.token', (value) => {
    seen = value;
  });
  write('[app]\ntoken = hunter2\n');
  await config.reload();
  assert.equal(seen, 'hunter2');
  assert.deepEqual(said, ['Option app.token changed from [****] to [****]']);
});

test('CF-83 a prepared reload can be tried and dropped; only an accepted one counts, and only once', async () => {
  const config = await load('[app]\nworkers = 1\n');
  const paste = join(folder, 'api-paste.ini');
  writeFileSync(paste, 'old');
  assert.equal(String(config.readFile(paste)), 'old');
  writeFileSync(paste, 'new');
  write('[app]\nworkers = 2\n');
  const dropped = await config.prepareReload();
  const kept = await config.prepareReload();
  assert.deepEqual(
    kept.changes.map(({ opt, effect }) => [opt, effect]),
    [['workers', 'now']],
  );
  assert.equal(String(config.readFile(paste)), 'old');
  const worker = Config.fromSnapshot(JSON.parse(JSON.stringify(kept.snapshot())));
  assert.deepEqual([String(worker.readFile(paste)), values(worker).workers, worker.generation], ['new', 2, 2]);
  assert.equal(values(config).workers, 1);
  await kept.accept();
  assert.deepEqual([String(config.readFile(paste)), values(config).workers], ['new', 2]);
  await assert.rejects(dropped.accept(), /another configuration was accepted meanwhile/);
});

test('CF-91 a mutate reads certificates afresh and leaves other files as they were', async () => {
  const config = await load('');
  const [cert, paste] = [join(folder, 'cert.pem'), join(folder, 'api-paste.ini')];
  writeFileSync(cert, 'old');
  writeFileSync(paste, 'old');
  config.readFile(cert, { mutable: true });
  config.readFile(paste);
  writeFileSync(cert, 'new');
  writeFileSync(paste, 'new');
  await config.reload({ method: 'mutate' });
  assert.deepEqual([String(config.readFile(cert)), String(config.readFile(paste))], ['new', 'old']);
  rmSync(cert);
  await config.reload();
  assert.equal(String(config.readFile(paste)), 'new');
  assert.throws(() => config.readFile(cert), /ENOENT/);
});

test('CF-16 CF-111 LC-306 a worker has what its parent accepted, whatever the files say now', async () => {
  const secret = join(folder, 'token');
  writeFileSync(secret, 'from a file\n');
  const env = { PORTICO_APP__TOKEN_FILE: secret };
  const parent = await load('[app]\nworkers = 4\nlevels = a:b\n', { env, set: ['app.level=9'] });
  parent.setOverride('app', 'levels', new Map([['x', 'y']]));
  const paste = join(folder, 'api-paste.ini');
  writeFileSync(paste, Buffer.from([0, 255, 10]));
  parent.readFile(paste);
  const configuration = JSON.parse(JSON.stringify(parent.snapshot()));
  for (const path of [file, secret, paste]) rmSync(path);
  const worker = await Config.load({ worker: { configuration }, files: ['elsewhere.ini'] });
  assert.deepEqual(values(worker), values(parent));
  assert.deepEqual([values(worker).workers, values(worker).level, values(worker).token], [4, 9, 'from a file']);
  assert.deepEqual([...values(worker).levels], [['x', 'y']]);
  assert.deepEqual(worker.getLocation('app', 'workers'), parent.getLocation('app', 'workers'));
  assert.deepEqual(worker.readFile(paste), Buffer.from([0, 255, 10]));
});

test('CF-86 a worker takes up what its parent accepted, runs its hooks, and refuses what it cannot use', async () => {
  const parent = await load('[app]\nworkers = 1\n');
  const worker = Config.fromSnapshot(parent.snapshot());
  values(worker);
  const own = defineOptions({ extra: integer({ default: 0, help: 'x' }) });
  worker.group('own', own);
  let told = 0;
  worker.onMutate(() => {
    told++;
  });
  write('[app]\nworkers = 2\ntopic = b\n');
  await parent.reload({ method: 'mutate' });
  assert.deepEqual(sorted(await worker.adopt(parent.snapshot())), ['app.workers 1 2']);
  assert.deepEqual([told, worker.generation, values(worker).topic], [1, 2, 'none']);
  assert.equal((await worker.adopt(parent.snapshot())).size, 0);
  write('[app]\nworkers = 3\n[own]\nextra = x\n');
  await parent.reload();
  await assert.rejects(worker.adopt(parent.snapshot()), /extra: should be an integer/);
  assert.equal(values(worker).workers, 2);
});

test('CF-113 LC-1221 a file without a folder is looked for beside the configuration files', async () => {
  const config = await load('');
  // The published declarations leave it out.
  const find = (name: string): unknown => (config as Config & { findFile(name: string): unknown }).findFile(name);
  const paste = join(folder, 'api-paste.ini');
  assert.equal(find('api-paste.ini'), undefined);
  writeFileSync(paste, '');
  assert.equal(find('api-paste.ini'), paste);
  assert.equal(find(paste), paste);
});

test('CF-81 who holds a prepared configuration sees what comes after it was accepted', async () => {
  const config = await load('[app]\nlevel = 1\n');
  write('[app]\nlevel = 2\n');
  const dropped = await config.prepareReload();
  const taken = await config.prepareReload();
  assert.deepEqual([values(taken.config).level, values(config).level], [2, 1]);
  await taken.accept();
  write('[app]\nlevel = 3\n');
  await taken.config.reload({ method: 'mutate' });
  assert.deepEqual([values(taken.config).level, values(config).level, taken.config.generation], [3, 3, 3]);
  config.setOverride('app', 'level', 4);
  assert.equal(values(taken.config).level, 4);
  assert.equal(values(dropped.config).level, 2);
});

test('CF-118 a warning about what a reload reads is told once, also where checks read it', async () => {
  const config = await load('[app]\nworkers = 1\n');
  config.check((next) => {
    values(next);
    return undefined;
  });
  write('[app]\nworkers = 1\nworkers = 2\n');
  const prepared = await config.prepareReload();
  values(prepared.config);
  await prepared.accept();
  values(config);
  const told = said.filter((text) => text.includes('set more than once'));
  assert.equal(told.length, 1, said.join('\n'));
});
