/** The report of a reload about its changes, and what a reload does to numbers of workers and addresses. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { ask } from '../../e2e/clients.js';
import { until } from '../../e2e/faults/target.js';
import { emptyProject, freePort, startedOnce, startProject, untilFileEnds } from '../../e2e/program.js';
import { pidApp } from '../../e2e/projects.js';
import { reloadedProject, reports } from '../../e2e/reloaded-project.js';
import { childrenOf, isAlive } from '../../fixtures/running-program.js';
import { makePair } from '../../server/certificate-files.js';

const APP = `${pidApp}\nexport const pass = () => (app) => app;\n`;

const paste = (hello: string, chosen: string): string =>
  [
    '[app:base]\npaste.app_factory = ./app.js:app\n',
    '[app:second]\npaste.app_factory = ./app.js:app\n',
    '[app:other]\npaste.app_factory = ./app.js:app\n',
    `[pipeline:hello]\npipeline = ${hello}\n`,
    '[pipeline:same]\npipeline = one base\n',
    `[composite:api]\nuse = call:nova.api.auth:pipeline_factory_v21\nkeystone = ${chosen}\n`,
    ...['one', 'two', 'three', 'four'].map((name) => `[filter:${name}]\npaste.filter_factory = ./app.js:pass\n`),
  ].join('\n');

const file = untilFileEnds();
/** A fleet for the tests that follow one another. The last one changes how it reloads. */
const shared = startedOnce(async () => {
  const port = await freePort();
  const hello = `[api:hello]\nport = ${port}\nworkers = 1\n`;
  const files = {
    'app.js': APP,
    'api-paste.ini': paste('one two three base', 'one two base'),
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\ngraceful_shutdown_timeout = 20\n${hello}[wsgi]\nkeep_alive_timeout = 30\n`,
  };
  const it = await reloadedProject(file, files, /^hello .*:\d+/m);
  /** The configuration behind the first test. */
  const plain = (more = ''): string => `[DEFAULT]\nenabled_apis = hello\n${more}${hello}`;
  return { ...it, port, hello, plain, first: files['portico.ini'] };
});

test('OP-81 OP-85 a report says of each changed option old, new, where and what takes it up, and of a refused reload what it would have changed', async () => {
  const it = await shared();
  const { port } = it;
  it.write(it.first.replace('[api', 'api_paste_config = lost.ini\n[api'));
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

test('LC-538 OP-86 SIGTTIN and SIGTTOU during a reload count, and the reload does not take them back', async () => {
  const it = await shared();
  it.write(it.plain());
  await it.reload();
  const reloadDuring = async (signal: 'SIGTTIN' | 'SIGTTOU', workers: number): Promise<void> => {
    await until(() => childrenOf(it.program.pid).length <= 2);
    const before = childrenOf(it.program.pid);
    const known = reports(it.program).length;
    const from = it.program.output().length;
    it.program.kill('SIGHUP');
    await it.program.printed(/Caught SIGHUP/, from);
    it.program.kill(signal);
    while (reports(it.program).length === known) await it.program.printed(/\n/, it.program.output().length);
    assert.equal(reports(it.program)[known]?.outcome, 'accepted');
    for (const pid of before) await it.program.printed(new RegExp(`"pid":${pid},"code":0`));
    // All serve with the new configuration; one that the reload has replaced before it served may still end.
    await until(() => childrenOf(it.program.pid).length === workers);
    const now = childrenOf(it.program.pid);
    for (const pid of now) await it.program.printed(new RegExp(`Child ${pid} is ready`));
    assert.ok(before.every((pid) => !isAlive(pid)));
  };
  await reloadDuring('SIGTTIN', 2);
  await reloadDuring('SIGTTOU', 1);
});

test('OP-81 CF-82 CF-91 what a report says of restart_method and of logs is what happens', async () => {
  const it = await shared();
  it.write(it.plain('restart_method = mutate\nlog_format = text\nlog_level = debug\nsecond_term = force\n'));
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

test('OP-81 CF-91 a report names certificates and paste files of another content, with the APIs that read them', async (t) => {
  const [old, renewed] = [await makePair(), await makePair(3)];
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
  const program = startProject(t, project);
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
  // It might be taken for the refused certificate.
  assert.doesNotMatch(refused.warnings.join('\n'), /expire/);
  const broken = await reload({ 'key.pem': renewed.key, 'cert.pem': 'no certificate' });
  assert.equal(broken.outcome, 'refused');
  const [file] = broken.changes;
  assert.deepEqual([file?.option, /^sha256 [0-9a-f]{12}$/.test(file?.new ?? '')], ['ssl.cert_file', true], file?.new);
});
