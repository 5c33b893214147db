/** A section that no code reads is reported once by each command; a section that is read is never reported. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { askSocket } from '../e2e/clients.js';
import { emptyProject, freePort, Program, runApiCli, startProject } from '../e2e/program.js';
import { command, isServing } from './command.js';

/** Factories that read groups they have not declared, and one that has declared them. */
const APP = `
import { appFactory } from 'portico/app';
import { defineOptions, string } from 'portico/config';
const options = defineOptions({ x: string({ default: '', help: 'Any text.' }) });
const reading = (group) => (_globalConf, _localConf, { config }) => {
  config.group(group, options);
  return (_req, res) => res.end('hello');
};
export const shop = reading('shop');
export const stock = reading('stock');
export const idle = appFactory('warehouse', options, () => (_req, res) => res.end('idle'));
`;

const PASTE = `[app:hello]
paste.app_factory = ./app.js:shop
[app:other]
paste.app_factory = ./app.js:stock
[app:idle]
paste.app_factory = ./app.js:idle
`;

/** Sections that are read or ignored; sections of unused parts are known as well. */
const KNOWN = ['shop', 'stock', 'warehouse', 'x-mine', 'rpc', 'upgrade_levels'];
const SHIPPED = ['cors', 'database', 'servicegroup', 'jwt', 'control'];
const section = (name: string): string => `[${name}]\n`;

async function ini(names: readonly string[], more = ''): Promise<string> {
  const [one, two] = [await freePort(), await freePort()];
  const apis = `[api:hello]\nport = ${one}\nworkers = 2\n[api:other]\nport = ${two}\nworkers = 1\n`;
  return `[DEFAULT]\nenabled_apis = hello,other\n${more}\n${apis}${names.map(section).join('')}[shopp]\nx = 1\n[whatever]\n`;
}

/** The log lines about unknown sections, without their places. */
function told(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  const texts = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
  return texts
    .flatMap((text) => /portico\.ini:\d+:1: warning: (\[.*\] unknown section.*)/.exec(text)?.[1] ?? [])
    .sort();
}

const SHOPP = "[shopp] unknown section; did you mean 'shop'?";
const WHATEVER = '[whatever] unknown section; a section named x-… is ignored';
const timeout = 60_000;

test('CF-66 a section that no API reads is a warning of check, of a start and of a reload, once', {
  timeout,
}, async (t) => {
  const text = await ini([...KNOWN, ...SHIPPED]);
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': text });
  const checked = command(['check'], { cwd: project.folder });
  assert.equal(checked.status, 0);
  const found = checked.stdout.match(/^portico\.ini:\d+:1: .*/gm)?.map((line) => line.replace(/^.*?:1: /, ''));
  assert.deepEqual(found, ['warning: [shopp] unknown section', 'warning: [whatever] unknown section']);

  const program = startProject(t, project);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/\[whatever\] unknown section/);
  assert.deepEqual(told(program.stderr), [SHOPP, WHATEVER]);

  writeFileSync(join(project.folder, 'portico.ini'), `${text}[neverread]\n`);
  const tried = await askSocket<ReloadReport>(socket!, 'POST', '/reload/dry-run');
  const done = await askSocket<ReloadReport>(socket!, 'POST', '/reload');
  for (const { body } of [tried, done]) {
    assert.equal(body.outcome, 'accepted');
    const names = body.warnings.map((line) => /warning: \[(.*)\] unknown section\n/.exec(line)?.[1]);
    assert.deepEqual(names.sort(), ['neverread', 'shopp', 'whatever']);
  }
  assert.equal(told(program.stderr).filter((line) => line.startsWith('[neverread]')).length, 1);
});

test('CF-66 a reload under strict_config refuses sections that nothing reads, and takes those that the application reads', {
  timeout,
}, async (t) => {
  const text = `[DEFAULT]\nenabled_apis = hello\nstrict_config = true\n[api:hello]\nport = ${await freePort()}\nworkers = 1\n`;
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': text });
  const program = startProject(t, project);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  const reload = async (more: string, path = '/reload'): Promise<ReloadReport> => {
    writeFileSync(join(project.folder, 'portico.ini'), text + more);
    return (await askSocket<ReloadReport>(socket!, 'POST', path)).body;
  };
  for (const path of ['/reload/dry-run', '/reload']) {
    const refused = await reload('[shop]\n[elsewhere]\nx = 1\n', path);
    assert.equal(refused.outcome, 'refused');
    assert.match(refused.error ?? '', /portico\.ini:8:1: error: \[elsewhere\] unknown section/);
    assert.doesNotMatch(refused.error ?? '', /\[shop\]/);
  }
  assert.equal((await reload('[shop]\nx = 1\n')).outcome, 'accepted');
});

test('only a section near a known one is news where a manager may read any', { timeout }, async (t) => {
  const text = await ini([], '').then((whole) => whole.replace('workers = 1', 'manager = ./app.js:Manager'));
  const files = { 'app.js': `${APP}export class Manager {}\n`, 'api-paste.ini': PASTE, 'portico.ini': text };
  const program = startProject(t, emptyProject(files));
  await program.printed(/"msg":"Ready after/);
  await program.end();
  assert.deepEqual(told(program.stderr), [SHOPP]);
});

test('nor where an API may read it that another host runs with the same file', { timeout }, async (t) => {
  const text = (await ini(['stock'])).replace('hello,other', 'hello');
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': text });
  const { stdout } = command(['check'], { cwd: project.folder });
  assert.deepEqual(stdout.match(/\[\w+\] unknown section/g), ['[shopp] unknown section']);
  const program = startProject(t, project);
  await program.printed(/unknown section/);
  await program.end();
  assert.deepEqual(told(program.stderr), [SHOPP]);
});

test('config validate warns of a section that the declared groups do not have', { timeout }, async (t) => {
  const groups = `import { defineOptions, string } from 'portico/config';
export const groups = { shop: defineOptions({ x: string({ help: 'Any text.' }) }) };\n`;
  const files = { 'app.js': APP, 'groups.js': groups, 'api-paste.ini': PASTE, 'portico.ini': await ini(['shop']) };
  const project = emptyProject(files);
  t.after(() => project.remove());
  const { status, stdout } = command(['config', 'validate', '--groups', './groups.js:groups'], { cwd: project.folder });
  assert.equal(status, 0);
  assert.match(stdout, /warning: \[shopp\] unknown section\n {2}did you mean 'shop'/);
  assert.match(stdout, /warning: \[whatever\] unknown section/);
  assert.doesNotMatch(stdout, /\[shop\]/);
});

for (const [how, launched] of [
  ['in one process', 'await launch(service, { config })'],
  ['in workers', 'new ProcessLauncher({ config })'],
] as const) {
  test(`an embedded service ${how} warns of sections that nothing reads, at the start and at a reload`, {
    timeout,
  }, async (t) => {
    const main = `
import { Config, launch, runMain, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';
await runMain(async () => {
  const config = await Config.load();
  const service = new WSGIService('hello', config);
  const launcher = ${launched};
  if (launcher instanceof ProcessLauncher) await launcher.launchService(service, { workers: 2 });
  return launcher.wait();
});
`;
    const project = emptyProject({
      'main.js': main,
      'app.js': APP,
      'api-paste.ini': PASTE,
      'portico.ini': (await ini(KNOWN.filter((name) => name !== 'stock'))).replace(/\[api:other\](?:.*\n){3}/, ''),
    });
    const program = new Program(process.execPath, ['main.js'], { cwd: project.folder });
    t.after(async () => {
      await program.end();
      project.remove();
    });
    await program.printed(/\[whatever\] unknown section/);
    const file = join(project.folder, 'portico.ini');
    writeFileSync(file, `${readFileSync(file, 'utf8')}[neverread]\n`);
    program.kill('SIGHUP');
    await program.printed(/\[neverread\] unknown section/);
    await program.printed(/"event":"reload"/);
    const more = told(program.stderr).filter((line) => line.startsWith('[neverread]'));
    assert.equal(more.length, 1);
    assert.deepEqual(
      told(program.stderr).filter((line) => !more.includes(line)),
      [SHOPP, WHATEVER],
    );
  });
}

test('a section [cors.<name>] is known beside other mistakes, also to config show and config validate', async () => {
  const paste =
    '[pipeline:hello]\npipeline = cors nosuch echo\n[filter:cors]\npaste.filter_factory = portico/middleware:cors\n';
  const sections = ['[cors.partner]', '[cors.b]', '[cors_x]'].map((name) => `${name}\nallow_methods = GET\n`).join('');
  const project = emptyProject({
    'api-paste.ini': `${paste}[app:echo]\npaste.app_factory = portico/middleware:echo\n`,
    'portico.ini': `[api:hello]\nport = ${await freePort()}\n[wsgi]\nkeep_aliv = 3\n${sections}`,
  });
  try {
    for (const words of [['check'], ['serve'], ['config', 'validate', '--strict']]) {
      const { status, stdout, stderr } = isServing(words)
        ? await runApiCli(project.folder, ...words)
        : command(words, { cwd: project.folder });
      assert.equal(status, 78, words.join(' '));
      assert.match(stdout + stderr, /keep_aliv: unknown option/);
      assert.match(stdout + stderr, /\[cors_x\] unknown section: its options have no effect.{1,4}did you mean/s);
      assert.doesNotMatch(stdout + stderr, /\[cors\.\w+\] unknown section/);
    }
    const shown = command(['config', 'show', 'cors.partner.allow_methods'], { cwd: project.folder });
    assert.equal(shown.stdout, '[cors.partner] allow_methods = GET  (portico.ini:6:17)\n');
    const generated = command(['config', 'generate'], { cwd: project.folder });
    assert.doesNotMatch(generated.stdout, /cors\.partner/);
  } finally {
    project.remove();
  }
});
