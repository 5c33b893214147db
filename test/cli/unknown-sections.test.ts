/** A section without an owner is refused by check and by a reload; a section that code reads or declares is never reported. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReloadReport } from 'portico/launch';
import { askSocket } from '../e2e/clients.js';
import { emptyProject, freePort, startProject } from '../e2e/program.js';
import { command } from './command.js';

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
  const apis = `[api:hello]\nport = ${one}\nworkers = 1\n[api:other]\nport = ${two}\nworkers = 1\n`;
  return `[DEFAULT]\nenabled_apis = hello,other\n${more}\n${apis}${names.map(section).join('')}[shopp]\nx = 1\n[whatever]\n`;
}

const SHOPP = "[shopp] unknown section: did you mean 'shop'?";
const WHATEVER =
  '[whatever] unknown section: if it belongs to another application, add whatever to [DEFAULT] other_names';

/** The errors about sections in a text, each with its hint. */
function told(text: string): string[] {
  const found = text.matchAll(/^portico\.ini:\d+:1: error: (\[.*\] unknown section)\n {2}(.*)$/gm);
  return [...found].map(([, said, hint]) => `${said}: ${hint}`).sort();
}

test('CF-66 sections without an owner are errors of check and of a reload, and those that code reads are none', async (t) => {
  const text = await ini([...KNOWN, ...SHIPPED]);
  const project = emptyProject({ 'app.js': APP, 'api-paste.ini': PASTE, 'portico.ini': text });
  const checked = command(['check'], { cwd: project.folder });
  assert.equal(checked.status, 78);
  assert.deepEqual(told(checked.stdout), [SHOPP, WHATEVER]);
  assert.match(
    checked.stdout,
    /If these names belong to other applications, write in \[DEFAULT\]:\n {2}other_names = whatever\n/,
  );

  const fine = text.replace('[shopp]\nx = 1\n[whatever]\n', '');
  writeFileSync(join(project.folder, 'portico.ini'), fine);
  const program = startProject(t, project);
  const [, socket] = await program.printed(/"event":"control","socket":"([^"]+)"/);
  await program.printed(/"event":"ready"/);
  writeFileSync(join(project.folder, 'portico.ini'), text);
  const { outcome, error = '' } = (await askSocket<ReloadReport>(socket!, 'POST', '/reload')).body;
  assert.equal(outcome, 'refused');
  assert.deepEqual(told(error), [SHOPP, WHATEVER]);
  assert.match(error, /\n {2}other_names = whatever$/m);
});

test('CF-66 a name is an error too where a manager is, or where another host runs an API with the same file', async () => {
  const text = await ini(['stock']);
  const files = { 'app.js': `${APP}export class Manager {}\n`, 'api-paste.ini': PASTE };
  for (const whole of [
    text.replace('workers = 1', 'manager = ./app.js:Manager'),
    text.replace('hello,other', 'hello'),
  ]) {
    const project = emptyProject({ ...files, 'portico.ini': whole });
    const unread =
      whole === text.replace('hello,other', 'hello') ? ["[stock] unknown section: did you mean 'stock'?"] : [];
    const all = told(command(['check'], { cwd: project.folder }).stdout);
    assert.deepEqual(
      all.filter((line) => !unread.includes(line) && !line.startsWith('[stock]')),
      [SHOPP, WHATEVER],
    );
  }
});

test('CF-66 a package announces options in its package.json: their names have an owner without a pipeline that reads them', () => {
  const options = `import { defineOptions, string } from 'portico/config';
export const options = defineOptions('shopp', { y: string({ default: '', help: 'Any text.' }) });\n`;
  const manifest = (module: string): string =>
    JSON.stringify({ type: 'module', dependencies: { shaper: '1' }, portico: { options: module } });
  const shaper = JSON.stringify({ name: 'shaper', type: 'module', portico: { options: './options.js' } });
  const project = emptyProject({
    'app.js': APP,
    'api-paste.ini': PASTE,
    'options.js': options,
    'node_modules/shaper/package.json': shaper,
    'node_modules/shaper/options.js': options.replace("'shopp'", "'shaper'"),
    'portico.ini': `[api:hello]\nport = 0\n[shopp]\nx = 1\n[shaper]\ny = 1\n`,
  });
  const check = (module: string): string => {
    writeFileSync(join(project.folder, 'package.json'), manifest(module));
    return command(['check'], { cwd: project.folder }).stdout;
  };
  const told = check('./options.js');
  assert.match(told, /error: \[shopp\] x: unknown option\n {2}did you mean 'y'\?/);
  assert.doesNotMatch(told, /shaper/);
  const gone = check('./gone.js');
  assert.match(gone, /package\.json:1:1: warning: portico\.options: "\.\/gone\.js" cannot be loaded: /);
});

test('a section [cors.<name>] is known beside other errors, also to config show', async () => {
  const paste =
    '[pipeline:hello]\npipeline = cors nosuch echo\n[filter:cors]\npaste.filter_factory = portico/middleware:cors\n';
  const sections = ['[cors.partner]', '[cors.b]', '[cors_x]'].map((name) => `${name}\nallow_methods = GET\n`).join('');
  const project = emptyProject({
    'api-paste.ini': `${paste}[app:echo]\npaste.app_factory = portico/middleware:echo\n`,
    'portico.ini': `[api:hello]\nport = ${await freePort()}\n[wsgi]\nkeep_aliv = 3\n${sections}`,
  });
  const { status, stdout } = command(['check'], { cwd: project.folder });
  assert.equal(status, 78);
  assert.match(stdout, /keep_aliv: unknown option/);
  assert.match(stdout, /\[cors_x\] unknown section.{1,4}did you mean/s);
  assert.doesNotMatch(stdout, /\[cors\.\w+\] unknown section/);
  const shown = command(['config', 'show', 'cors.partner.allow_methods'], { cwd: project.folder });
  assert.equal(shown.stdout, '[cors.partner] allow_methods = GET  (portico.ini:6:17)\n');
  const generated = command(['config', 'generate'], { cwd: project.folder });
  assert.doesNotMatch(generated.stdout, /cors\.partner/);
});

test('config show has the options of the application, and says of those of filters where their sections are shown', () => {
  const { folder } = emptyProject({
    'store.js': `import { defineOptions, string } from 'portico/config';
export const options = defineOptions('tickets', { connection: string({ default: 'memory', help: 'Database.' }) });
`,
    'app.js': `import { appFactory, filterFactory } from 'portico';
import { defineOptions, string } from 'portico/config';
import './store.js';
export const app = appFactory('app', defineOptions({}), () => (_req, res) => res.end());
export const team = filterFactory('team', defineOptions({ team: string({ required: true, help: 'Team.' }) }), () => (app) => app);
`,
    'api-paste.ini': `[pipeline:tickets]
pipeline = team app
[filter:team]
paste.filter_factory = ./app.js:team
team = storage
[app:app]
paste.app_factory = ./app.js:app
`,
    'portico.ini': '[api:tickets]\nport = 0\n[tickets]\nconnection = file\n',
  });
  const show = (...words: string[]) => command(['config', 'show', ...words], { cwd: folder });
  assert.deepEqual(show('tickets.connection'), {
    status: 0,
    stdout: '[tickets] connection = file  (portico.ini:4:14)\n',
    stderr: '',
  });
  assert.match(show('tickets.conection').stderr, /Did you mean "tickets\.connection"\?/);
  const note = 'sections of the paste file: api-cli pipeline';
  const unset = `[team] team = none  (default; ${note})\n`;
  assert.deepEqual(show('team.team'), { status: 0, stdout: unset, stderr: '' });
  assert.ok(show().stdout.includes(unset));
  // The section of the paste file takes precedence over both.
  const given = show('team.team', '--set', 'team.team=x');
  assert.equal(given.stdout, `[team] team = x  (command line, argument 1; ${note})\n`);
  writeFileSync(join(folder, 'portico.ini'), '[team]\nteam = y\n', { flag: 'a' });
  assert.equal(show('team.team').stdout, `[team] team = y  (portico.ini:6:8; ${note})\n`);
});
