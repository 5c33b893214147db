/** The report of a reload about its changes, and the addresses of added and removed APIs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { ask } from '../../e2e/clients.js';
import { until } from '../../e2e/faults/target.js';
import { emptyProject, freePort, Program, startApiCli } from '../../e2e/program.js';
import { pidApp, pidPaste } from '../../e2e/projects.js';
import { type ReloadedProject, reloadedProject, reports } from '../../e2e/reloaded-project.js';
import { childrenOf, isAlive, RunningProgram } from '../../fixtures/running-program.js';
import { makePair } from '../../server/certificate-files.js';

function started(t: TestContext, ini: string): Promise<ReloadedProject> {
  const files = {
    'app.js': pidApp,
    'api-paste.ini': `${pidPaste}\n[app:other]\npaste.app_factory = ./app.js:app\n`,
    'portico.ini': ini,
  };
  return reloadedProject(t, files, /^hello .*:\d+/m);
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(false));
    socket.once('error', () => resolve(true));
  }).then((refused) => {
    socket.destroy();
    return refused as boolean;
  });
}

test('OP-81 OP-85 a report says of each changed option old, new, where and what takes it up, and of a refused reload what it would have changed', async (t) => {
  const port = await freePort();
  const before = `[DEFAULT]\nenabled_apis = hello\ngraceful_shutdown_timeout = 20\n[api:hello]\nport = ${port}\nworkers = 1\n[wsgi]\nkeep_alive_timeout = 30\n`;
  const it = await started(t, before);
  it.write(before.replace('[api', 'api_paste_config = lost.ini\n[api'));
  const refused = await it.reload();
  assert.equal(refused.outcome, 'refused');
  assert.match(refused.error ?? '', /Could not find config at lost\.ini/);
  assert.deepEqual(
    refused.changes.map(({ option, new: now, effect }) => [option, now, effect]),
    [['DEFAULT.api_paste_config', 'lost.ini', 'not applied']],
  );

  it.write(
    `[DEFAULT]\nenabled_apis = hello\ngraceful_shutdown_timeout = 30\n[api:hello]\nport = ${port + 1}\nworkers = 2\n`,
  );
  const report = await it.reload();
  assert.equal(report.outcome, 'accepted');
  const changes = new Map(report.changes.map(({ option, ...rest }) => [option, rest]));
  assert.deepEqual(changes.get('DEFAULT.graceful_shutdown_timeout'), {
    old: '20',
    new: '30',
    where: 'portico.ini:3:29',
    effect: 'applied',
  });
  assert.deepEqual(changes.get('wsgi.keep_alive_timeout'), {
    old: '30',
    new: '65',
    where: 'no longer at portico.ini:8:22',
    effect: 'applied',
  });
  assert.deepEqual(changes.get('api:hello.port'), {
    old: String(port),
    new: String(port + 1),
    where: 'portico.ini:5:8',
    effect: 'needs a restart',
  });
  assert.equal(changes.get('api:hello.workers')?.new, '2');
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
});

test('OP-81 CF-82 CF-91 what a report says of restart_method and of logs is what happens', async (t) => {
  const ini = (more: string): string => `[DEFAULT]\nenabled_apis = hello\n${more}[api:hello]\nworkers = 1\n`;
  const it = await started(t, ini(''));
  it.write(ini('restart_method = mutate\nlog_format = text\nlog_level = debug\nsecond_term = force\n'));
  const report = await it.reload();
  assert.deepEqual(
    report.changes.map(({ option, effect }) => [option, effect]),
    [
      ['DEFAULT.log_level', 'applied'],
      ['DEFAULT.log_format', 'needs a restart'],
      ['DEFAULT.restart_method', 'needs a restart'],
      ['DEFAULT.second_term', 'applied'],
    ],
  );
  assert.match(
    it.program.stderr,
    /portico\.ini:3:18: warning: ignoring change to \[DEFAULT\] restart_method from \[reload\] to \[mutate\] \(restart needed\)/,
  );
  // The parent logs all options at debug, and this is its level.
  assert.match(it.program.stderr, new RegExp(`"level":"debug","time":"[^"]*","pid":${it.program.pid},`));
  const again = await it.reload();
  assert.equal(again.method, 'reload');
  assert.deepEqual(Object.values(again.replaced), [1]);
  assert.ok(
    it.program.stderr
      .trim()
      .split('\n')
      .every((line) => line.startsWith('{')),
    it.program.stderr,
  );
});

test('OP-81 a report says which filters and apps of each pipeline were added, removed and moved', async (t) => {
  const filters = ['one', 'two', 'three', 'four'].map(
    (name) => `[filter:${name}]\npaste.filter_factory = ./app.js:pass\n`,
  );
  const paste = (hello: string, chosen: string): string =>
    [
      '[app:base]\npaste.app_factory = ./app.js:app\n',
      '[app:second]\npaste.app_factory = ./app.js:app\n',
      `[pipeline:hello]\npipeline = ${hello}\n`,
      '[pipeline:same]\npipeline = one base\n',
      `[composite:api]\nuse = call:nova.api.auth:pipeline_factory_v21\nkeystone = ${chosen}\n`,
      ...filters,
    ].join('\n');
  const project = emptyProject({
    'app.js': `${pidApp}\nexport const pass = () => (app) => app;\n`,
    'api-paste.ini': paste('one two three base', 'one two base'),
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nworkers = 1\n`,
  });
  const programs: Program[] = [];
  t.after(async () => {
    for (const program of programs) await program.end();
    project.remove();
  });
  for (const way of ['parent', 'single process'] as const) {
    writeFileSync(join(project.folder, 'api-paste.ini'), paste('one two three base', 'one two base'));
    writeFileSync(join(project.folder, 'one.mjs'), IN_PLACE);
    const program =
      way === 'parent'
        ? startApiCli([], { cwd: project.folder })
        : new Program(process.execPath, ['one.mjs'], { cwd: project.folder });
    programs.push(program);
    await program.printed(/^hello .*:\d+/m);
    writeFileSync(join(project.folder, 'api-paste.ini'), paste('three one four two second', 'two base'));
    program.kill('SIGHUP');
    await program.printed(/"event":"reload".*\n/);
    const [report] = reports(program);
    assert.equal(report?.outcome, 'accepted', way);
    assert.deepEqual(report.pipelines, [
      { pipeline: 'hello', added: ['four', 'second'], removed: ['base'], moved: ['three'] },
      { pipeline: 'api.keystone', added: [], removed: ['one'], moved: [] },
    ]);
    program.kill();
    await program.ended;
  }
});

test('OP-81 CF-91 a report names certificates and paste files of another content, with the APIs that read them', async (t) => {
  const [old, renewed] = [await makePair(), await makePair()];
  const paste = (greeting: string, kept: string): string =>
    [
      '[pipeline:hello]\npipeline = one base\n',
      '[pipeline:other]\npipeline = two base\n',
      '[app:third]\nuse = config:more.ini\n',
      `[filter:one]\npaste.filter_factory = ./app.js:pass\ngreeting = ${greeting}\n`,
      '[filter:two]\npaste.filter_factory = ./app.js:pass\n',
      `[app:base]\npaste.app_factory = ./app.js:app\nkept = ${kept}\n`,
    ].join('\n');
  const more = (word: string): string => `[app:main]\npaste.app_factory = ./app.js:app\nword = ${word}\n`;
  const enabled = 'enabled_apis = hello,other,third\nenabled_ssl_apis = hello\n';
  const apis = ['hello', 'other', 'third'].map((name) => `[api:${name}]\nport = 0\nworkers = 1\n`).join('');
  const project = emptyProject({
    'app.js': `${pidApp}\nexport const pass = () => (app) => app;\n`,
    'api-paste.ini': paste('old', 'a'),
    'more.ini': more('old'),
    'cert.pem': old.cert,
    'key.pem': old.key,
    'portico.ini': `[DEFAULT]\n${enabled}${apis}[ssl]\ncert_file = cert.pem\nkey_file = key.pem\n`,
  });
  const program = startApiCli([], { cwd: project.folder });
  t.after(async () => {
    await program.end();
    project.remove();
  });
  await program.printed(/^third .*:\d+/m);
  const reload = async (files: Readonly<Record<string, string>>): Promise<ReloadReport> => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(project.folder, name), text);
    const known = reports(program).length;
    program.kill('SIGHUP');
    while (reports(program).length === known) await program.printed(/\n/, program.output().length);
    return reports(program)[known]!;
  };

  const { changes } = await reload({
    'api-paste.ini': paste('new', 'a'),
    'more.ini': more('new'),
    'cert.pem': renewed.cert,
    'key.pem': renewed.key,
  });
  const inFolder = (name: string): string => join(project.folder, name);
  const effect = 'applied';
  const paths = { option: 'DEFAULT.api_paste_config', effect, where: 'default' };
  const services = ['hello', 'other', 'third'];
  assert.deepEqual(
    changes.map((change) => Object.fromEntries(Object.entries(change).filter(([name]) => !/^(?:old|new)$/.test(name)))),
    [
      { option: 'ssl.cert_file', effect, where: 'portico.ini:14:13', file: inFolder('cert.pem'), services: ['hello'] },
      { option: 'ssl.key_file', effect, where: 'portico.ini:15:12', file: inFolder('key.pem'), services: ['hello'] },
      { ...paths, file: inFolder('api-paste.ini'), services },
      { ...paths, file: inFolder('more.ini'), services },
    ],
  );
  const [cert, key] = changes;
  assert.match(cert?.new ?? '', /^valid until 20\d\d-.*Z, sha256 [0-9a-f]{12}$/);
  assert.notEqual(cert?.new, cert?.old);
  assert.deepEqual([key?.old, key?.new], ['****', '****']);
  const refused = await reload({ 'key.pem': old.key });
  assert.equal(refused.outcome, 'refused');
  assert.deepEqual(
    refused.changes.map(({ option, effect }) => [option, effect]),
    [['ssl.key_file', 'not applied']],
  );
});

/** A program that serves the API in its own process. */
const IN_PLACE = `
import { Config, createLogger, launch, WSGIService } from 'portico';
const config = await Config.load();
const log = createLogger({ format: 'json' });
const launcher = await launch(new WSGIService('hello', config, { log }), { config, log });
console.log('hello http://127.0.0.1:0');
process.exitCode = await launcher.wait();
`;

test('OP-81 CF-76 a report shows no secret', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portico-report-'));
  const file = join(folder, 'greeter.ini');
  writeFileSync(file, '[greeter]\npassword = first-secret\nworkers = 1\n');
  const fleet = new RunningProgram('configured', ['--config-file', file]);
  t.after(async () => {
    await fleet.cleanUp();
    rmSync(folder, { recursive: true });
  });
  await fleet.event('launched');
  writeFileSync(file, '[greeter]\npassword = second-secret\nworkers = 1\n');
  fleet.kill('SIGHUP');
  const { changes } = (await fleet.event('reload')) as unknown as ReloadReport;
  assert.deepEqual(changes, [
    { option: 'greeter.password', old: '****', new: '****', where: `${file}:2:12`, effect: 'applied' },
  ]);
  assert.doesNotMatch(fleet.text(), /-secret/);
});

test('OP-81 a report names the options of filters that changed, and not their values, which may be secret', async (t) => {
  const filter =
    "export const greet = (_, __, { config }) => { config.group('greet', options); return (app) => app; };";
  const options = "{ word: string({ default: '' }), phrase: string({ secret: true }), gone: string({ default: '' }) }";
  const files = {
    'app.js': `import { string } from 'portico/config';\n${pidApp}\nconst options = ${options};\n${filter}\n`,
    'api-paste.ini': `[pipeline:hello]\npipeline = greet base\n[filter:greet]\npaste.filter_factory = ./app.js:greet\n[app:base]\npaste.app_factory = ./app.js:app\n`,
  };
  const ini = (greet: string): string =>
    `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = 0\nworkers = 1\n[greet]\n${greet}`;
  const it = await reloadedProject(
    t,
    { ...files, 'portico.ini': ini('word = old-word\ngone = old-gone\n') },
    /^hello .*:\d+/m,
  );
  it.write(ini('word = new-word\nphrase = new-phrase\n'));
  const report = await it.reload();
  assert.equal(report.outcome, 'accepted');
  const effect = 'applied';
  assert.deepEqual(report.changes, [
    { option: 'greet.word', old: '****', new: '****', where: 'portico.ini:7:8', effect },
    { option: 'greet.gone', old: '****', new: 'none', where: 'no longer at portico.ini:8:8', effect },
    { option: 'greet.phrase', old: 'none', new: '****', where: 'portico.ini:8:10', effect },
  ]);
  assert.doesNotMatch(it.program.output(), /(?:old|new)-/);
  assert.deepEqual((await it.reload()).changes, []);
});

test('OP-80 RL-68 an API whose port is taken refuses the reload that adds it, until the port is free; OP-86 CF-81 one that a reload removes gives it back, and comes again on another', async (t) => {
  const taken = createServer().listen(await freePort(), '127.0.0.1');
  t.after(() => taken.close());
  await once(taken, 'listening');
  const { port: first } = taken.address() as { port: number };
  const [own, second] = [await freePort(), await freePort()];
  const hello = `[api:hello]\nport = ${own}\nworkers = 1\n`;
  const alone = `[DEFAULT]\nenabled_apis = hello\n${hello}`;
  const withOther = (port: number): string =>
    `[DEFAULT]\nenabled_apis = hello,other\n${hello}[api:other]\nport = ${port}\nworkers = 1\n`;
  const it = await started(t, alone);
  const before = childrenOf(it.program.pid);
  it.write(withOther(first));
  const refused = await it.reload();
  assert.equal(refused.outcome, 'refused');
  assert.match(refused.error ?? '', new RegExp(`127\\.0\\.0\\.1:${first}.*in use`));
  assert.deepEqual(childrenOf(it.program.pid), before);
  taken.close();
  await once(taken, 'close');
  assert.deepEqual((await it.reload()).added, ['other']);
  assert.equal((await ask(`http://127.0.0.1:${first}/`)).status, 200);

  it.write(alone);
  const removal = await it.reload();
  assert.deepEqual(removal.removed, ['other']);
  const gone = removal.changes.find(({ option }) => option === 'api:other.port');
  assert.deepEqual([gone?.old, gone?.effect], [String(first), 'applied']);
  assert.doesNotMatch(it.program.output(), /restart needed/);
  // The report does not wait for draining workers.
  assert.equal(await until(() => isRefused(first)), true);
  it.write(withOther(second));
  const addition = await it.reload();
  assert.deepEqual(addition.added, ['other']);
  assert.equal((await ask(`http://127.0.0.1:${second}/`)).status, 200);
  assert.equal(await isRefused(first), true);
  // An address in use does not change, and the report says so.
  it.write(withOther(first));
  const move = await it.reload();
  assert.equal(move.changes.find(({ option }) => option === 'api:other.port')?.effect, 'needs a restart');
  assert.match(
    it.program.output(),
    new RegExp(`\\[api:other\\] port from \\[${second}\\] to \\[${first}\\] \\(restart needed`),
  );
  assert.equal((await ask(`http://127.0.0.1:${second}/`)).status, 200);
});

test('LC-538 OP-86 TTIN and TTOU during a reload count, and the reload does not take them back; LC-518 LC-519 a storm of SIGHUP loses nothing, and SIGTERM in it ends with 0', async (t) => {
  const port = await freePort();
  const it = await started(t, `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 2\n`);
  const old = childrenOf(it.program.pid);
  assert.equal(old.length, 2);
  it.program.kill('SIGHUP');
  await it.program.printed(/Caught SIGHUP/);
  it.program.kill('SIGTTOU');
  while (reports(it.program).length === 0) await it.program.printed(/\n/, it.program.output().length);
  assert.equal(reports(it.program)[0]?.outcome, 'accepted');
  for (const pid of old) await it.program.printed(new RegExp(`"pid":${pid},"code":0`));
  const one = childrenOf(it.program.pid);
  assert.equal(one.length, 1);

  it.program.kill('SIGHUP');
  await it.program.printed(/Caught SIGHUP[\s\S]*Caught SIGHUP/);
  it.program.kill('SIGTTIN');
  while (reports(it.program).length === 1) await it.program.printed(/\n/, it.program.output().length);
  for (const pid of one) await it.program.printed(new RegExp(`"pid":${pid},"code":0`));
  // Both serve with the new configuration.
  const now = childrenOf(it.program.pid);
  assert.equal(now.length, 2);
  for (const pid of now) await it.program.printed(new RegExp(`Child ${pid} is ready`));
  assert.ok(one.every((pid) => !isAlive(pid)));

  let answers = 0;
  for (let round = 0; round < 40; round++) {
    it.program.kill('SIGHUP');
    answers += (await ask(`http://127.0.0.1:${port}/`)).status === 200 ? 1 : 0;
  }
  assert.equal(answers, 40);
  it.program.kill('SIGHUP');
  it.program.kill('SIGTERM');
  it.program.kill('SIGHUP');
  assert.deepEqual(await it.program.ended, { code: 0, signal: null }, it.program.output());
  assert.ok(reports(it.program).every(({ outcome }) => outcome === 'accepted' || outcome === 'abandoned'));
});
