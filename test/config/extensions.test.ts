/** The list `[DEFAULT] extensions`: what it loads, and its errors with their locations. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Config, type ConfigError, defineOptions, integer } from 'portico/config';
import { extensionsOf, loadedExtensionsOf, type Provides } from 'portico/extension';
import { captureLog } from 'portico/testing';
import { loadAnnounced } from '../../dist/modules/index.js';
import { emptyProject } from '../fixtures/project.js';
import { printed } from './printed.js';
import 'portico/launch';
import { RPCConnection } from 'portico/rpc';

/** An extension with these members, as a package. */
function packageOf(name: string, members: string): Readonly<Record<string, string>> {
  return {
    [`node_modules/${name}/package.json`]: JSON.stringify({
      name,
      type: 'module',
      portico: { extension: './extension.js' },
    }),
    [`node_modules/${name}/extension.js`]: `export const extension = { name: '${name}', ${members} };\n`,
  };
}

const SPOOL = `options: { spool: async () => (await import('./options.js')).spoolOptions },
  commands: { spool: () => import('./command.js') },
  provides: { transports: { spool: async () => () => undefined } },`;
const { folder } = emptyProject({
  ...packageOf('portico-spool', SPOOL),
  'node_modules/portico-spool/options.js':
    "import { defineOptions, integer, string } from 'portico/config';\nexport const spoolOptions = defineOptions('spool', { keep: integer({ default: 3, help: 'Days.' }), key: string({ secret: true, help: 'A key.' }) });\n",
  ...packageOf('badobj', 'comands: {},'),
  ...packageOf('kinds', 'services: { batch: () => import("./x.js") },'),
  ...packageOf('nofunction', 'commands: { look: 5 },'),
  ...packageOf('noscheme', 'provides: { transports: { x: 7 } },'),
  ...packageOf('notable', 'provides: { transports: async () => ({}) },'),
  ...packageOf('nopart', 'provides: { transport: {} },'),
  ...packageOf('nostatus', 'status: {},'),
  ...packageOf('nocommands', 'commands: [],'),
  ...packageOf('noalias', "aliases: { 'wsgi.audit:factory': 5 },"),
  ...packageOf('alias', "aliases: { 'wsgi.audit:factory': 'alias:audit' },"),
  ...packageOf('same-alias', "aliases: { 'wsgi.audit:factory': 'same-alias:audit' },"),
  ...packageOf('twin', 'commands: { spool: () => import("./x.js") },'),
  ...packageOf('second-registry', 'provides: { registry: async () => ({}) },'),
  ...packageOf('own-check', 'commands: { check: () => import("./x.js") },'),
  ...packageOf('own-wsgi', 'options: { wsgi: async () => ({}) },'),
  ...packageOf('failing', 'options: { failing: async () => { throw new Error("no such file: /tmp/keys"); } },'),
  ...packageOf('without-options', 'options: { empty: async () => undefined },'),
  ...packageOf('module-options', 'options: { module: () => import("./options.js") },'),
  'node_modules/module-options/options.js':
    "import { defineOptions, integer } from 'portico/config';\nexport const moduleOptions = defineOptions({ keep: integer({ help: 'Days.' }) });\n",
  'package.json': JSON.stringify({
    name: 'program',
    type: 'module',
    dependencies: { 'portico-tape': '1', 'portico-disk': '1', 'portico-lost': '1' },
  }),
  ...packageOf('portico-tape', 'options: { tape: async () => ({}) },'),
  ...packageOf('portico-disk', ''),
  'node_modules/portico-disk/extension.js':
    "export default { name: 'portico-disk', options: { disk: async () => ({}) } };\n",
  ...packageOf('portico-lost', 'options: { ; },'),
  'node_modules/noext/package.json': '{ "name": "noext" }',
  'late.js':
    "import { defineOptions, integer } from 'portico/config';\nexport const extension = { name: 'late', options: { late: async () => lateOptions }, provides: { transports: { late: async () => () => undefined } } };\nconst lateOptions = defineOptions('late', { keep: integer({ help: 'Days.' }) });\n",
  'loud.js':
    "export const extension = { name: 'loud', provides: { transports: { LOUD: async () => () => { throw new Error('no broker of mine'); } } } };\n",
  'own.js': "export default { name: 'own' };\n",
  'empty.js': 'export const something = 1;\n',
});

let count = 0;
/** Loads a file with these lines. */
async function load(...lines: readonly string[]): Promise<Config> {
  const file = join(folder, `p${count++}.ini`);
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return Config.load({ files: [file], argv: false, env: {}, collect: true });
}

/** Returns all findings as they are printed, with names in place of paths. */
async function found(...lines: readonly string[]): Promise<readonly string[]> {
  // Members for the package itself are in no declaration.
  const config = await ((await load(...lines)) as unknown as { toValidate(): Promise<Config> }).toValidate();
  return printed(config.problems(), folder);
}

const refused = (...extensions: readonly string[]): Promise<readonly string[]> =>
  found('[DEFAULT]', `extensions = ${extensions.join(', ')}`);

test('without an entry in the list the section of an extension is unknown', async () => {
  assert.match((await found('[spool]', 'keep = 5'))[0]!, /^p\.ini:1:1: error: \[spool\] unknown section/);
});

test('an entry that is no extension is an error at its location, with what to do', async () => {
  const cases: Readonly<Record<string, string>> = {
    'portico-spol':
      'p.ini:2:14: error: [DEFAULT] extensions: there is no extension portico-spol: no package of that name is in node_modules of FOLDER, or above\n  did you mean portico-spool?',
    noext:
      'p.ini:2:14: error: [DEFAULT] extensions: noext is no extension: FOLDER/node_modules/noext/package.json names none\n  An extension announces its module there: "portico": { "extension": "./extension.js" }.',
    badobj:
      'p.ini:2:14: error: [DEFAULT] extensions: badobj: an extension has no member "comands"\n  Did you mean "commands"?',
    kinds:
      'p.ini:2:14: error: [DEFAULT] extensions: kinds: an extension has no member "services"\n  Members: name, status, aliases, options, commands, provides.',
    nofunction:
      'p.ini:2:14: error: [DEFAULT] extensions: nofunction: the command look is the number 5, not a function\n  Write a function that imports it.',
    noscheme:
      'p.ini:2:14: error: [DEFAULT] extensions: noscheme: x of transports is the number 7, not a function\n  Write a function that imports it.',
    notable:
      'p.ini:2:14: error: [DEFAULT] extensions: notable: "transports" is a function, not an object\n  Write its functions by name.',
    nopart:
      'p.ini:2:14: error: [DEFAULT] extensions: nopart: "provides" has no member "transport"\n  Did you mean "transports"?',
    nostatus:
      'p.ini:2:14: error: [DEFAULT] extensions: nostatus: the status is an object, not a function\n  Write a function that imports it.',
    nocommands:
      'p.ini:2:14: error: [DEFAULT] extensions: nocommands: "commands" is a list, not an object\n  Write its functions by name.',
    noalias:
      'p.ini:2:14: error: [DEFAULT] extensions: noalias: the alias wsgi.audit:factory is the number 5, not a text\n  Write "wsgi.audit:factory": "package:export".',
    'alias, same-alias':
      'p.ini:2:21: error: [DEFAULT] extensions: same-alias has the alias wsgi.audit:factory, which alias has too\n  remove one of both from the list',
    './empty.js':
      'p.ini:2:14: error: [DEFAULT] extensions: ./empty.js is no extension: its module exports no "extension"\n  Export an object: export const extension = { name: \'my-extension\', … }.',
    '-portico/regstry':
      'p.ini:2:14: error: [DEFAULT] extensions: Portico has no extension portico/regstry to leave out\n  Did you mean "portico/registry"?',
    'portico-spool, ./own.js, portico-spool':
      'p.ini:2:14: error: [DEFAULT] extensions: portico-spool is in the list twice\n  remove one of them',
    'portico-spool, twin':
      'p.ini:2:29: error: [DEFAULT] extensions: twin has the command spool, which portico-spool has too\n  remove one of both from the list',
    'second-registry':
      'p.ini:2:14: error: [DEFAULT] extensions: second-registry has the part registry, which portico/registry has too\n  add -portico/registry to the list, or remove second-registry',
    'own-check':
      'p.ini:2:14: error: [DEFAULT] extensions: own-check has the command check, which Portico has\n  give it another name',
    'own-wsgi':
      'p.ini:2:14: error: [DEFAULT] extensions: own-wsgi has the option group [wsgi], which Portico has\n  give it another name',
  };
  for (const [list, text] of Object.entries(cases)) assert.deepEqual(await refused(list), [text], list);
});

test('an extension whose options cannot be read says why', async () => {
  const [failing = ''] = await refused('failing');
  const text =
    'p.ini:2:14: error: [DEFAULT] extensions: failing: the options of [failing] cannot be read: no such file: /tmp/keys';
  assert.equal(failing.slice(0, text.length), text);
});

test('an option group without declarations is an error at its entry, whether the group is written or not', async () => {
  const cases: Readonly<Record<string, string>> = {
    'without-options':
      'p.ini:2:14: error: [DEFAULT] extensions: without-options: the options of [empty] are undefined, not the declarations of options\n  Return what defineOptions returns: the export of a module, and not the module.',
    'module-options':
      'p.ini:2:14: error: [DEFAULT] extensions: module-options: the options of [module] cannot be read: option moduleOptions is an object, not the declaration of an option\n  Return what defineOptions returns: the export of a module, and not the module.',
  };
  for (const [list, text] of Object.entries(cases)) {
    assert.deepEqual(await refused(list), [text], list);
    assert.equal((await found('[DEFAULT]', `extensions = ${list}`, '[empty]', 'keep = 5'))[0], text, list);
  }
});

test('all errors of the list are reported at once, each at its entry', async () => {
  const all = await refused('noext', 'badobj', 'portico-spol');
  assert.deepEqual(
    all.map((each) => each.slice(0, each.indexOf(' error'))),
    ['p.ini:2:14:', 'p.ini:2:21:', 'p.ini:2:29:'],
  );
});

test('one that is left out has no options: a section and an option of it say so', async () => {
  assert.deepEqual(
    await found(
      '[DEFAULT]',
      'extensions = -portico/registry',
      '[servicegroup]',
      'driver = db',
      '[database]',
      'connection = x',
    ),
    [
      'p.ini:4:1: error: [servicegroup] driver: this option belongs to portico/registry, which [DEFAULT] extensions leaves out\n  remove -portico/registry from [DEFAULT] extensions',
      'p.ini:5:1: error: [database] this section belongs to portico/registry, which [DEFAULT] extensions leaves out\n  remove -portico/registry from [DEFAULT] extensions',
    ],
  );
});

test('a section of one that is installed, and not in the list, says so', async () => {
  const lines = ['[tape]', 'speed = 4', '[disk]', 'size = 1', '[lost]', 'size = 1'];
  assert.match((await found(...lines))[0]!, /^p\.ini:1:1: error: \[tape\] unknown section/);
  await loadAnnounced([join(folder, 'p.ini')]);
  const [tape, disk, lost, ...others] = await found(...lines);
  assert.equal(
    tape,
    'p.ini:1:1: error: [tape] this section belongs to portico-tape, which [DEFAULT] extensions does not have\n  add portico-tape to [DEFAULT] extensions',
  );
  assert.equal(
    disk,
    'p.ini:3:1: error: [disk] this section belongs to portico-disk, which [DEFAULT] extensions does not have\n  add portico-disk to [DEFAULT] extensions',
  );
  assert.match(lost!, /^p\.ini:5:1: error: \[lost\] unknown section/);
  assert.deepEqual(others, []);
  assert.deepEqual(await found('[DEFAULT]', 'extensions = portico-tape', '[tape]'), []);
});

test('options of an extension have owners and types; its secrets are masked', async () => {
  assert.deepEqual(await found('[DEFAULT]', 'extensions = portico-spool', '[spool]', 'keep = 5', 'key = s3cret'), []);
  const wrong = await found('[DEFAULT]', 'extensions = portico-spool', '[spool]', 'keep = many', 'kep = 4');
  assert.equal(wrong.length, 2);
  assert.match(wrong[0]!, /^p\.ini:4:8: error: \[spool\] keep: .*many/s);
  assert.match(wrong[1]!, /^p\.ini:5:1: error: \[spool\] kep: unknown option\n.*keep/s);
});

test('shipped ones are always there, others in the order of the list; an object is imported once', async () => {
  const config = await load('[DEFAULT]', 'extensions = ./own.js, portico-spool');
  const names = (await extensionsOf(config)).map(({ name }) => name);
  assert.deepEqual(names, [
    'portico/audit',
    'portico/generate',
    'portico/policy',
    'portico/redis',
    'portico/registry',
    'portico/rpc',
    'portico/sessions',
    'own',
    'portico-spool',
  ]);
  const again = await load('[DEFAULT]', 'extensions = ./own.js');
  assert.equal(
    (await extensionsOf(again)).at(-1),
    (await extensionsOf(config)).find(({ name }) => name === 'own'),
  );
  const without = await load('[DEFAULT]', 'extensions = -portico/registry');
  assert.deepEqual(
    (await extensionsOf(without)).map(({ name }) => name),
    ['portico/audit', 'portico/generate', 'portico/policy', 'portico/redis', 'portico/rpc', 'portico/sessions'],
  );
});

test('an extension without a written option is not asked for what a configuration may use', async () => {
  const none = await load('[DEFAULT]', 'extensions = portico-spool');
  assert.deepEqual(await extensionsOf(none, { configured: true }), []);
  const spool = await load('[DEFAULT]', 'extensions = portico-spool', '[spool]', 'keep = 4');
  const names = (await extensionsOf(spool, { configured: true })).map(({ name }) => name);
  assert.deepEqual(names, ['portico-spool']);
});

test('those that are asked for a part are those that provide it, of others too', async () => {
  const config = await load('[DEFAULT]', 'extensions = portico-spool');
  const namesOf = async (providing: keyof Provides): Promise<string[]> =>
    (await extensionsOf(config, { providing })).map(({ name }) => name);
  assert.deepEqual(await namesOf('calls'), ['portico/rpc']);
  assert.deepEqual(await namesOf('transports'), ['portico/rpc', 'portico-spool']);
  assert.deepEqual(await extensionsOf(config, { configured: true, providing: 'registry' }), []);
});

test('a reload reads the list: a wrong one refuses it, a changed one waits for a restart', async () => {
  const config = await load('[DEFAULT]', 'extensions = portico-spool');
  config.group('DEFAULT', defineOptions({}));
  const file = join(folder, `p${count - 1}.ini`);
  writeFileSync(file, '[DEFAULT]\nextensions = portico-spol\n');
  await assert.rejects(config.next(), (error: ConfigError) => {
    assert.match(error.message, /2:14: .*there is no extension portico-spol/);
    return true;
  });
  writeFileSync(file, '[DEFAULT]\nextensions =\n');
  const { changes } = await config.next();
  const [change] = changes.filter(({ opt }) => opt === 'extensions');
  assert.equal(change?.needsRestart, true);
});

test('a worker reads the list of its parent, from its snapshot', async () => {
  const config = await load('[DEFAULT]', 'extensions = portico-spool', '[spool]', 'keep = 7');
  const worker = await Config.load({ worker: { configuration: config.snapshot() } as never, argv: false });
  assert.deepEqual(
    loadedExtensionsOf(worker)?.map(({ name }) => name),
    [
      'portico/audit',
      'portico/generate',
      'portico/policy',
      'portico/redis',
      'portico/registry',
      'portico/rpc',
      'portico/sessions',
      'portico-spool',
    ],
  );
  assert.equal(worker.group('spool', defineOptions({ keep: integer({ default: 3, help: 'Days.' }) })).keep, 7);
});

test('those of a text are known after they are imported; before that, an error says so in place of unknown names', async () => {
  const lines = [
    '[DEFAULT]',
    `extensions = ${join(folder, 'late.js')}`,
    '[late]',
    'keep = 5',
    '[rpc]',
    'transport_url = late://h',
  ];
  const config = Config.fromText(lines.join('\n'), { file: 'p.ini' });
  assert.deepEqual(printed(config.problems(), folder), [
    'p.ini:2:14: error: [DEFAULT] extensions: its extensions are not imported, so their options and parts are not known\n  import them first: await extensionsOf(config)',
  ]);
  assert.equal(loadedExtensionsOf(config), undefined);
  assert.equal((await extensionsOf(config)).at(-1)?.name, 'late');
  assert.deepEqual(config.problems(), []);
});

test('a connection imports the extensions of its configuration, and finds schemes in any letters', async () => {
  const { log } = captureLog();
  const ask = async (extension: string): Promise<unknown> => {
    const text = `[DEFAULT]\nextensions = ${join(folder, extension)}\n[rpc]\ntransport_url = loud://h\n`;
    const rpc = new RPCConnection({ config: Config.fromText(text, { file: 'p.ini' }), log });
    try {
      return await rpc.connected(1000);
    } finally {
      await rpc.close();
    }
  };
  await assert.rejects(ask('loud.js'), /no broker of mine/);
  await assert.rejects(ask('none.js'), /p\.ini:2:14: error: \[DEFAULT\] extensions: there is no file .*none\.js/);
  await assert.rejects(ask('own.js'), /p\.ini:4:17: error: \[rpc\] transport_url: there is no transport loud:\/\//);
});
