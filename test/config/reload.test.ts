import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import type { Logger } from 'portico';
import { Config, defineOptions, dict, integer, port, string } from 'portico/config';
import { ConfigError } from '#internal/config';
import { silentLogger } from '#internal/log';
import { temporaryFolder } from '../fixtures/keeper.js';

const options = defineOptions({
  workers: integer({ default: 1, min: 1, help: 'x' }),
  level: integer({ default: 1, help: 'x' }),
  topic: string({ default: 'none', help: 'x' }),
  port: port({ default: 0, restart: true, help: 'x' }),
  token: string({ default: '', secret: true, help: 'x' }),
  levels: dict({ help: 'x' }),
});

let folder: string;
let file: string;
let said: string[];
beforeEach(() => {
  folder = temporaryFolder('portico-reload-');
  file = join(folder, 'portico.ini');
  said = [];
});

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
/** Reads the next configuration, and returns its changes too. */
async function again(config: Config) {
  const { config: next, changes, accept } = await config.next();
  accept();
  const named = changes.map(({ group, opt, old, new: now }) => `${group}.${opt} ${String(old)} ${String(now)}`);
  return { next, changed: named.sort() };
}

test('CF-81 CF-94 LC-1206 a reload is a new configuration, but for what needs new sockets; the old one stays as it was', async () => {
  const config = await load('[app]\nworkers = 1\ntopic = a\nport = 1\n');
  write('[app]\nworkers = 2\ntopic = b\nport = 2\n');
  const { next, changed } = await again(config);
  assert.deepEqual(changed, ['app.port 1 2', 'app.topic a b', 'app.workers 1 2']);
  assert.deepEqual([config.generation, next.generation], [1, 2]);
  const shown = [config, next].map((each) => [values(each).workers, values(each).topic, values(each).port]);
  assert.deepEqual(shown, [
    [1, 'a', 1],
    [2, 'b', 1],
  ]);
  assert.deepEqual(said, [
    'Option app.workers changed from [1] to [2]',
    'Option app.topic changed from [a] to [b]',
    '/portico.ini:4:8: warning: ignoring change to [app] port from [1] to [2] (restart needed)',
  ]);
  said = [];
  write('[app]\nworkers = 2\ntopic = b\nport = 1\n');
  assert.deepEqual((await again(next)).changed, []);
  assert.deepEqual(said, []);
});

test('OP-86 CF-81 what a reload adds has the address it asks for; only addresses in use stay', async () => {
  const config = await load('[api:one]\nport = 1\n');
  config.register('api:<name>', options);
  config.api('one', options);
  write('[api:one]\nport = 11\n[api:two]\nport = 2\n');
  const dropped = await config.next();
  assert.equal(dropped.config.api('two', options).port, 2);
  const second = await config.readAgain();
  assert.deepEqual([second.api('one', options).port, second.api('two', options).port], [1, 2]);
  write('[api:one]\nport = 11\n[api:two]\nport = 22\n');
  const third = await second.readAgain();
  assert.deepEqual([third.api('one', options).port, third.api('two', options).port], [1, 2]);
});

test('CF-72 CF-83 LC-517 CF-118 a broken file changes nothing', async () => {
  const config = await load('[app]\nworkers = 3\nlevel = 1\n');
  const before = values(config);
  for (const broken of ['[app]\nworkers = 0\nlevel = 2\n', '[app\n', '[app]\nworker = 1\n', '[app]\nport = x\n']) {
    write(broken);
    await assert.rejects(config.readAgain(), ConfigError, broken);
  }
  rmSync(file);
  await assert.rejects(config.readAgain(), /cannot read config file/);
  assert.equal(config.generation, 1);
  assert.deepEqual(values(config), before);
});

test('CF-84 CF-13 LC-1208 command line, environment and overrides keep their precedence', async () => {
  const env: NodeJS.ProcessEnv = { PORTICO_APP__LEVEL: '5' };
  const config = await load('[app]\nworkers = 1\n', { set: ['app.workers=7'], env });
  env.PORTICO_APP__LEVEL = '6';
  write('[app]\nworkers = 2\nlevel = 2\n');
  const { next, changed } = await again(config);
  assert.deepEqual(changed, []);
  assert.deepEqual([values(next).workers, values(next).level], [7, 5]);
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
  await assert.rejects(config.readAgain(), /portico\.ini:2:11: error: \[app\] workers: too many/);
  assert.equal(values(config).workers, 1);
});

test('CF-76 CF-118 LC-1215 a changed secret is masked in the log, and its value is in the next configuration', async () => {
  const config = await load('[app]\ntoken = hunter1\n');
  write('[app]\ntoken = hunter2\n');
  const next = await config.readAgain();
  assert.deepEqual([values(config).token, values(next).token], ['hunter1', 'hunter2']);
  assert.deepEqual(said, ['Option app.token changed from [****] to [****]']);
});

test('CF-83 a next configuration can be tried and dropped, with its own content of files', async () => {
  const config = await load('[app]\nworkers = 1\n');
  const paste = join(folder, 'api-paste.ini');
  writeFileSync(paste, 'old');
  assert.equal(String(config.readFile(paste)), 'old');
  writeFileSync(paste, 'new');
  write('[app]\nworkers = 2\n');
  const { config: next, changes } = await config.next();
  assert.deepEqual(
    changes.map(({ opt, needsRestart }) => [opt, needsRestart]),
    [['workers', false]],
  );
  const worker = Config.fromSnapshot(JSON.parse(JSON.stringify(next.snapshot())));
  assert.deepEqual([String(worker.readFile(paste)), values(worker).workers, worker.generation], ['new', 2, 2]);
  assert.deepEqual([String(next.readFile(paste)), values(next).workers], ['new', 2]);
  assert.deepEqual([String(config.readFile(paste)), values(config).workers], ['old', 1]);
});

test('a refused reload leaves no group behind that services declared in it: the next one is accepted', async () => {
  const config = await load('[app]\nlevel = 1\n');
  write('[app]\nlevel = x\n[only_there]\nsize = 1\n');
  const refused = await config.next({ collect: true });
  assert.match(refused.refusal?.message ?? '', /portico\.ini:2:9: error: \[app\] level: should be an integer/);
  // Services declare their options in the configuration that is tried.
  const declared = defineOptions({ size: integer({ required: true, help: 'x' }) });
  assert.equal(refused.config.group('only_there', declared).size, 1);
  const empty = defineOptions({ size: integer({ required: true, help: 'x' }) });
  assert.throws(() => refused.config.group('nowhere', empty), /\[nowhere\] size: value required/);
  config.group('meanwhile', options);
  write('[app]\nlevel = 3\n');
  const accepted = await config.next();
  assert.equal(accepted.refusal, undefined);
  accepted.config.group('new', options);
  config.group('late', options);
  accepted.accept();
  const next = accepted.config;
  assert.equal(values(next).level, 3);
  for (const group of ['meanwhile', 'late', 'new']) assert.ok(next.has(group, 'level'), group);
  for (const group of ['only_there', 'nowhere'])
    for (const each of [config, next]) assert.ok(!each.has(group, 'size'), group);
  assert.deepEqual(next.problems(), []);
});

test('CF-91 each configuration has the files as they were when it was read', async () => {
  const config = await load('');
  const cert = join(folder, 'cert.pem');
  writeFileSync(cert, 'old');
  config.readFile(cert);
  writeFileSync(cert, 'new');
  const next = await config.readAgain();
  assert.deepEqual([String(config.readFile(cert)), String(next.readFile(cert))], ['old', 'new']);
  rmSync(cert);
  const third = await next.readAgain();
  assert.throws(() => third.readFile(cert), /ENOENT/);
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

test('CF-86 a worker gets a later configuration of its parent beside its own', async () => {
  const parent = await load('[app]\nworkers = 1\n');
  const worker = Config.fromSnapshot(parent.snapshot());
  write('[app]\nworkers = 2\ntopic = b\n');
  const later = worker.accepted(JSON.parse(JSON.stringify((await parent.readAgain()).snapshot())));
  assert.deepEqual([later.generation, values(later).workers, values(later).topic], [2, 2, 'b']);
  assert.deepEqual([worker.generation, values(worker).workers, values(worker).topic], [1, 1, 'none']);
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

test('CF-118 a warning about what a reload reads is reported once, also where checks read it', async () => {
  const config = await load('[app]\nworkers = 1\n');
  config.check((next) => {
    values(next);
    return undefined;
  });
  write('[app]\nworkers = 1\nworkers = 2\n');
  const { config: next, accept } = await config.next();
  values(next);
  accept();
  values(next);
  const told = said.filter((text) => text.includes('set more than once'));
  assert.equal(told.length, 1, said.join('\n'));
});
