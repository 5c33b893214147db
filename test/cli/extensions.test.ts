/** Errors of extensions in the output of commands. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, runApiCli } from '../e2e/program.js';
import { command, isServing } from './command.js';

const { folder } = emptyProject({
  'p.ini': '[DEFAULT]\nextensions = ./broken.js\n[spool]\nkeep = 5\n',
  'without.ini': '[DEFAULT]\nextensions = -portico/registry\n',
  'services.ini':
    '[DEFAULT]\nextensions = -portico/rpc\nenabled_services = images\n[service:images]\nmanager = ./images.js:Images\n',
  'sessions.ini':
    '[DEFAULT]\nextensions = -portico/sessions, -portico/audit\n[api:shop]\nport = 0\n[session]\nlife_s = 60\n',
  'own-sessions.ini': '[DEFAULT]\nextensions = -portico/sessions, ./own-sessions.js\n[api:shop]\nport = 0\n',
  'own-sessions.js': `export const extension = {
  name: 'own-sessions',
  aliases: { 'portico/middleware:session': './own-filter.js:filter', 'portico/sessions:session': './own-filter.js:filter' },
};
`,
  'own-filter.js': 'export const filter = () => (app) => app;\n',
  'api-paste.ini': `[pipeline:shop]
pipeline = session audit direct app
[filter:session]
paste.filter_factory = portico/middleware:session
[filter:audit]
use = egg:keystonemiddleware#audit
[filter:direct]
paste.filter_factory = portico/sessions:session
[app:app]
paste.app_factory = ./app.js:app
`,
  'app.js': 'export const app = () => (req, res) => res.end();\n',
  'images.js': 'export class Images {}\n',
  'spool.js':
    "export const extension = { name: 'spool', provides: { transports: { spool: async () => () => undefined } } };\n",
  'member.js': "export const extension = { name: 'member', command: {} };\n",
  'status.js': "export const extension = { name: 'odd', status: async () => ({ states() {} }) };\n",
  'own-check.js': "export const extension = { name: 'own', commands: { check: () => import('./x.js') } };\n",
  'broken.js': "export const extension = { name: 'broken' };\nexport const more = { ; };\n",
  'facts.ini':
    '[DEFAULT]\nextensions = ./facts.js\nenabled_apis = shop\n[api:shop]\nlisten = [::]:8080\nworkers = 3\n[admin]\nlisten = 127.0.0.1:9100\n',
  'facts.js': `export const extension = {
  name: 'facts',
  commands: { facts: async () => ({ register: (program, context) => context.addCommand(program, 'facts', 'Prints facts.', 'facts').action(
    async (args) => context.print({ json: true }, await context.applicationFacts(await context.readConfiguration(args), args)),
  ) }) },
};
`,
  'commands.ini': '[DEFAULT]\nextensions = ./commands.js\n',
  'commands.js': `export const extension = {
  name: 'strange',
  commands: {
    absent: () => import('./absent.js'),
    module: async () => ({ run() {} }),
    thrower: async () => ({
      register() { throw new Error('no such program'); } }),
    nothing: async () => ({ register() {} }),
    hello: async () => ({ register: (program, { addCommand }) => addCommand(program, 'hello', 'Says hello.', 'hello').action(() => console.error('hello')) }),
  },
};
`,
});

async function outcome(...words: readonly string[]) {
  return isServing(words) ? runApiCli(folder, ...words) : command(words, { cwd: folder });
}

async function run(...words: readonly string[]): Promise<string> {
  const { stdout, stderr } = await outcome(...words);
  return stdout + stderr;
}

test('a module with an error is refused with its location in the list and in its code; names that it may have are not told', async () => {
  const text = await run('check', '--config-file', 'p.ini');
  assert.match(
    text,
    /p\.ini:2:14: error: \[DEFAULT\] extensions: \.\/broken\.js cannot be loaded: Unexpected token ';', at \S*broken\.js:2:23/,
  );
  assert.match(text, /further errors may follow once this is fixed/);
  assert.doesNotMatch(text, /spool/);
});

test('a command of an extension that is left out, or of a list that cannot be read, says so', async () => {
  assert.match(
    await run('service', 'list', '--config-file', 'without.ini'),
    /^error: the command service belongs to portico\/registry, which \[DEFAULT\] extensions leaves out\. Remove -portico\/registry there\./,
  );
  assert.match(
    await run('spool', 'purge', '--config-file', 'p.ini'),
    /^error: there is no command "spool"\. .* Those of its extensions are not known: see api-cli check\./s,
  );
});

test('a broken command of an extension is reported by its name, and help has all others', async () => {
  const cases = {
    absent:
      /^the command absent of strange cannot be loaded: Cannot find module '.*absent\.js' imported from .*commands\.js:4:26\n$/,
    module:
      /^the command module of strange has no register\(\)\n {2}Its file exports: export function register\(program, context\) \{ … \}\.\n$/,
    thrower: /^the command thrower of strange cannot be registered: no such program, at .*commands\.js:7:26\n$/,
    nothing: /^the command nothing of strange is not added by its register\(\)\n$/,
    hello: /^hello\n$/,
  };
  for (const [name, text] of Object.entries(cases)) {
    assert.match(await run(name, '--config-file', 'commands.ini'), text, name);
  }
  const help = await run('--help', '--config-file', 'commands.ini');
  assert.match(help, /warning: the command thrower of strange cannot be registered: no such program/);
  assert.match(help, /^ {2}hello/m);
  assert.match(help, /^ {2}check /m);
});

test('a command of an extension gets the facts of an application: addresses for its clients, workers, files, no secret', async () => {
  const facts = JSON.parse(
    await run('facts', '--config-file', 'facts.ini', '--set', 'database.connection=postgresql://a:b@c/d'),
  ) as Record<string, unknown>;
  assert.deepEqual(facts.apis, [
    {
      name: 'shop',
      address: { host: '::', port: 8080 },
      connect: '127.0.0.1:8080',
      isLocal: false,
      usesTls: false,
      needsCertificate: false,
      workers: 3,
      setsWorkers: true,
    },
  ]);
  assert.deepEqual(facts.admin, {
    address: { host: '127.0.0.1', port: 9100 },
    connect: '127.0.0.1:9100',
    isLocal: true,
  });
  const [file, set] = facts.arguments as Record<string, string>[];
  assert.equal(file!.value, join(folder, 'facts.ini'));
  assert.equal(set!.shown, 'database.connection=****');
});

test('generate is a command of an extension, which a list leaves out', async () => {
  assert.match(
    await run('generate', 'nginx', '--set', 'DEFAULT.extensions=-portico/generate'),
    /^error: the command generate belongs to portico\/generate, which \[DEFAULT\] extensions leaves out\./,
  );
});

test('a service whose extension is left out is refused at the list, by check and at a start', async () => {
  const refused =
    /services\.ini:2:14: error: \[DEFAULT\] extensions: the list leaves out portico\/rpc, which provides the services of \[service:<name>\]\n {2}remove -portico\/rpc/;
  for (const words of [['check'], []]) assert.match(await run(...words, '--config-file', 'services.ini'), refused);
});

test('a factory of an extension that the list leaves out is an error at its reference, by any of its names', async () => {
  const text = await run('check', '--config-file', 'sessions.ini');
  const leftOut = 'which [DEFAULT] extensions leaves out';
  for (const line of [
    `api-paste.ini:4:24: error: [filter:session] paste.filter_factory: portico/middleware:session belongs to portico/sessions, ${leftOut}.\n  Remove -portico/sessions from [DEFAULT] extensions.`,
    `api-paste.ini:6:7: error: [filter:audit] use: egg:keystonemiddleware#audit belongs to portico/audit, ${leftOut}.`,
    `api-paste.ini:8:24: error: [filter:direct] paste.filter_factory: portico/sessions:session belongs to portico/sessions, ${leftOut}.`,
    `sessions.ini:5:1: error: [session] this section belongs to portico/sessions, ${leftOut}`,
  ]) {
    assert.ok(text.includes(line), `${line}\n${text}`);
  }
  assert.doesNotMatch(
    await run('check', '--config-file', 'sessions.ini', '--set', 'DEFAULT.extensions='),
    /belongs to/,
  );
});

test('an extension may replace factories of one that the list leaves out', async () => {
  const text = await run('check', '--config-file', 'own-sessions.ini');
  assert.doesNotMatch(text, /belongs to portico\/sessions/);
});

test('a list with an error is refused with 78 by check and at a start, whatever else the file has', async () => {
  const cases: Readonly<Record<string, string>> = {
    './spol.js': 'there is no file FOLDER/spol.js\n  Did you mean "./spool.js"?',
    './member.js': './member.js: an extension has no member "command"\n  Did you mean "commands"?',
    './images.js': './images.js is no extension: its module exports no "extension"',
    './broken.js': "./broken.js cannot be loaded: Unexpected token ';'",
    'portico-none': 'there is no extension portico-none: no package of that name',
    './own-check.js': './own-check.js has the command check, which Portico has',
  };
  const service = '[rpc]\ntransport_url = spool://h\n[service:images]\nmanager = ./images.js:Images\n';
  for (const [entry, text] of Object.entries(cases)) {
    writeFileSync(join(folder, 'list.ini'), `[DEFAULT]\nextensions = ./spool.js, ${entry}\n${service}`);
    for (const words of [['check'], []]) {
      const { status, stdout, stderr } = await outcome(...words, '--config-file', 'list.ini');
      const all = (stdout + stderr).replaceAll(folder, 'FOLDER');
      assert.equal(status, 78, all);
      assert.equal(all.indexOf(`list.ini:2:26: error: [DEFAULT] extensions: ${text}`), 0, all);
      assert.equal(all.match(/: error: /g)?.length, 1, all);
    }
  }
});

test('check imports the driver of the configured URL, and tells its failure there', async () => {
  const cases: Readonly<Record<string, string>> = {
    'async () => 7':
      'the transport x:// is the number 7, not a function\n  Its import returns a function that makes a Transport.',
    "() => import('none')": "the transport x:// cannot be loaded: Cannot find package 'none' imported from FOLDER/",
  };
  const service = '[service:images]\nmanager = ./images.js:Images\n';
  for (const [at, [driver, text]] of Object.entries(cases).entries()) {
    writeFileSync(
      join(folder, `x${at}.js`),
      `export const extension = { name: 'x', provides: { transports: { x: ${driver} } } };\n`,
    );
    writeFileSync(
      join(folder, 'x.ini'),
      `[DEFAULT]\nextensions = ./x${at}.js\n[rpc]\ntransport_url = x://h\n${service}`,
    );
    for (const words of [['check'], []]) {
      const { status, stdout, stderr } = await outcome(...words, '--config-file', 'x.ini');
      const all = (stdout + stderr).replaceAll(folder, 'FOLDER');
      assert.equal(status, 78, all);
      assert.ok(all.includes(`x.ini:4:17: error: [rpc] transport_url: ${text}`), all);
      assert.equal(all.match(/: error: /g)?.length, 1, all);
    }
  }
});

test('check imports commands and parts of the status, and tells all errors at the list', async () => {
  writeFileSync(join(folder, 'parts.ini'), '[DEFAULT]\nextensions = ./commands.js, ./status.js\n');
  const text = await run('check', '--config-file', 'parts.ini');
  const at = 'parts.ini:2:14: error: [DEFAULT] extensions: ';
  for (const said of [
    'the command absent of strange cannot be loaded: Cannot find module',
    'the command module of strange has no register()',
    'the command thrower of strange cannot be registered: no such program',
    'the command nothing of strange is not added by its register()',
    'the status of odd cannot be loaded: its module has no status()',
  ])
    assert.ok(text.includes(at + said), `${said} in\n${text}`);
  assert.equal(text.match(/ extensions: /g)?.length, 5, text);
  const unread = await run('check', '--no-import', '--config-file', 'parts.ini');
  assert.doesNotMatch(unread, / extensions: /);
});
