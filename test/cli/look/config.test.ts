/** `api-cli config`, as an operator runs it. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

interface Description {
  readonly groups: readonly {
    name: string;
    options: readonly { name: string; default?: string; required?: boolean }[];
  }[];
}

function run(args: string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = command(['config', ...args], { cwd, env });
  return { code: status, out: stdout, err: stderr };
}

test('OP-8 CF-95 CF-118 a generated sample, uncommented whole, validates and changes nothing', async () => {
  const project = emptyProject({});
  const { out, code } = run(['generate'], project.folder);
  assert.equal(code, 0);
  assert.match(out, /^# \[api:<name>\]$/m);
  // Templates and options without a default stay commented out.
  const plain = out.replaceAll(/^#(?=[a-z_]+ = )/gm, '');
  // Filters with a required option are in no file that does not set it.
  const description = JSON.parse(run(['generate', '--format', 'json'], project.folder).out) as Description;
  const demanding = description.groups.filter(({ options }) => options.some(({ required }) => required));
  const sections = plain
    .split(/^(?=\[)/m)
    .filter((text) => !demanding.some(({ name }) => text.startsWith(`[${name}]`)));
  assert.ok(sections.length > 20);
  const ofApis = description.groups.find(({ name }) => name === 'api:<name>')!.options;
  const defaults = ofApis.flatMap((each) => (each.default === undefined ? [] : [`${each.name} = ${each.default}\n`]));
  writeFileSync(join(project.folder, 'portico.ini'), `${sections.join('')}\n[api:sample]\n${defaults.join('')}`);
  const validated = command(['check'], { cwd: project.folder });
  assert.doesNotMatch(validated.stdout, /error: (?!.*Could not find config)/);
  const changed = run(['show', '--changed', '--json'], project.folder);
  assert.deepEqual((JSON.parse(changed.out) as { options: unknown[] }).options, []);
});

test('OP-8 CF-95 a generated file passes check as it is, and no file that is there is written over', async () => {
  const project = emptyProject({
    'api-paste.ini': '[app:hello]\npaste.app_factory = portico/middleware:echo\n',
  });
  const generate = () => run(['generate', '--output-file', 'portico.ini'], project.folder);
  assert.deepEqual(generate(), { code: 0, out: '', err: '' });
  const check = command(['check', '--set', 'DEFAULT.enabled_apis=hello'], { cwd: project.folder });
  assert.equal(check.status, 0, check.stdout + check.stderr);
  const path = join(project.folder, 'portico.ini');
  writeFileSync(path, '[api:hello]\nport = 8080\n');
  const { code, err } = generate();
  assert.equal(code, 1);
  assert.match(err, /cannot write portico\.ini: it already exists \(EEXIST\)/);
  assert.match(err, /Choose another file, or move this one first\./);
  assert.equal(readFileSync(path, 'utf8'), '[api:hello]\nport = 8080\n');
});

test('OP-8 CF-95 --minimal prints the options that this configuration has to set, and none of filters it does not use', async () => {
  const project = emptyProject({
    'api-paste.ini': `[pipeline:hello]
pipeline = named counted app
[filter:named]
paste.filter_factory = portico/middleware:basicAuth
[filter:counted]
paste.filter_factory = portico/middleware:stats
name = hello
[app:app]
paste.app_factory = portico/middleware:echo
`,
    'portico.ini': '[api:hello]\nport = 0\n',
  });
  const missing = run(['generate', '--minimal'], project.folder);
  assert.deepEqual([missing.code, missing.out.match(/^[^#\n].*$/gm)], [0, ['[basic_auth]', 'user_file = <path>']]);
  writeFileSync(join(project.folder, 'portico.ini'), '[api:hello]\nport = 0\n[basic_auth]\nuser_file = users\n');
  assert.equal(run(['generate', '--minimal'], project.folder).out, missing.out);
  assert.deepEqual(run(['generate', '--minimal', '--no-import'], project.folder), {
    code: 0,
    out: '# This configuration has no required option: all others have defaults.\n',
    err: '',
  });
  assert.equal(run(['generate', '--minimal', '--no-import', '--format', 'md'], project.folder).out, '');
});

test('OP-8 CF-98 show tells a value, where it comes from and what it shadows, and masks secrets', async () => {
  const project = emptyProject({
    'portico.ini': '[api:hello]\nport = 8080\n\n[database]\nconnection = postgresql://me:hunter2@db/x\n',
  });
  const shown = run(['show', 'hello.port', '--set', 'api:hello.port=9090'], project.folder);
  assert.match(
    shown.out,
    /^\[api:hello\] port = 9090 {2}\(command line, argument 1\)\n {4}shadows 8080 {2}\(portico\.ini:2:8\)$/m,
  );
  const all = run(['show'], project.folder);
  assert.doesNotMatch(all.out, /hunter2/);
  assert.match(all.out, /\[database\] connection = /);
  const group = run(['show', 'hello'], project.folder);
  assert.match(group.err, /hello is a group, not an option\n.*It has .*hello\.port/);
  const wrong = run(['show', 'hello.prot'], project.folder);
  assert.equal(wrong.code, 2);
});

test('OP-8 CF-98 show of all options asks for none of a filter, which a section of the paste file may set', async () => {
  const project = emptyProject({ 'portico.ini': '[api:hello]\nport = 8080\n' });
  const { code, out, err } = run(['show'], project.folder);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^\[api:hello\] port = 8080 {2}\(portico\.ini:2:8\)$/m);
});

test('OP-3 CF-95 options that factories of the paste file have declared are known to show and generate', async () => {
  const project = emptyProject({
    'app.js': `import { appFactory, filterFactory } from 'portico/app';
import { defineOptions, integer, string } from 'portico/config';
const own = defineOptions({ most: integer({ default: 4, help: 'How many of them.' }) });
const further = defineOptions({ proxy_key: string({ default: '', secret: true, help: 'What the proxy signs with.' }) });
const required = defineOptions({ name: string({ required: true, help: 'Whose.' }) });
export const limit = filterFactory('limit', own, () => (app) => app);
export const named = filterFactory('named', required, () => (app) => app);
export const app = appFactory('hello', {}, () => () => undefined, { groups: { 'api:hello': further } });
export const plain = () => () => undefined;
plain.groups = { shelf: defineOptions({ width: integer({ default: 7, help: 'In metres.' }) }) };
`,
    'options.js': `import { defineOptions, integer } from 'portico/config';
export const storage = defineOptions('storage', { room: integer({ default: 3, help: 'How much of it.' }) });
`,
    'package.json': '{ "type": "module", "portico": { "options": "./options.js" } }',
    'api-paste.ini':
      '[pipeline:hello]\npipeline = limit named app\n[filter:limit]\npaste.filter_factory = ./app.js:limit\n[filter:named]\npaste.filter_factory = ./app.js:named\nname = x\n[app:app]\npaste.app_factory = ./app.js:app\n[app:other]\npaste.app_factory = ./app.js:plain\n',
    'portico.ini':
      '[DEFAULT]\ndebug = true\n[api:hello]\nport = 0\nproxy_key = s3cr3t\n[limit]\nmost = 5\n[shelf]\nwidth = 8\n',
  });
  // Commands of this file run in one process: the next one imports the factories.
  assert.equal(run(['show', 'limit.most', '--no-import'], project.folder).code, 2);
  const shown = run(['show', 'limit.most'], project.folder);
  assert.match(
    shown.out,
    /^\[limit\] most = 5 {2}\(portico\.ini:7:8; sections of the paste file: api-cli pipeline\)$/m,
    shown.err,
  );
  assert.match(run(['show'], project.folder).out, /^\[api:hello\] proxy_key = \*{4} {2}\(portico\.ini:5:13\)$/m);
  const { out } = run(['generate'], project.folder);
  assert.match(out, /^\[storage\]\n\n# How much of it\. \(integer\)\n#room = 3$/m);
  assert.match(out, /^\[shelf\]\n\n# In metres\. \(integer\)\n#width = 7$/m);
  assert.match(out, /^\[limit\]\n\n# How many of them\. \(integer\)\n#most = 4$/m);
  assert.match(out, /^\[api:hello\]\n\n# What the proxy signs with\. \(string\)\n#proxy_key =$/m);
  assert.match(out, /^# \[api:<name>\]$/m);
  const check = command(['check', '--set', 'storage.room=x'], { cwd: project.folder });
  assert.equal(check.status, 78, check.stdout + check.stderr);
  assert.doesNotMatch(check.stdout, /unknown/);
  assert.match(check.stdout, /error: \[storage\] room: should be an integer; got x/);
});

test('CF-66 CF-34 options of an API that has no section are shown, by the names they have on the command line', async () => {
  const project = emptyProject({ 'portico.ini': '[DEFAULT]\nenabled_apis = hello\n' });
  const { out, code } = run(['show', 'hello.port'], project.folder, { PORTICO_API_HELLO__PORT: '8001' });
  assert.equal(code, 0);
  assert.match(out, /^\[api:hello\] port = 8001 {2}\(env PORTICO_API_HELLO__PORT\)$/m);
  const set = run(['show', 'hello.port', '--set', 'api:hello.port=8001'], project.folder);
  assert.deepEqual([set.code, set.err], [0, '']);
});
