/** Tests `check`, which reports all errors of a file with their locations, and warnings. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger } from 'portico';
import { Config, type Diagnostic } from 'portico/config';
import { Loader } from 'portico/loader';
import { printDiagnostic } from '#internal/config';
import { aliasBlock } from '#internal/loader';
import { folderOf } from './folder.js';
import { unmarked } from './marked.js';

const MODULES = {
  'api.js': `export { app, filter } from './m.js';`,
  'package.json': '{"type":"module"}',
  'm.js': `
import { filterFactory } from 'portico/app';
import { defineOptions, integer, string } from 'portico/config';
import { ConfigurationRefused } from '${new URL('../../lib/config/internal.js', import.meta.url).href}';
globalThis.called ??= [];
export const app = () => { globalThis.called.push('app'); return () => undefined; };
export const filter = () => { globalThis.called.push('filter'); return (inner) => inner; };
const options = defineOptions({ limit: integer({ default: 5, min: 1, help: 'How many.' }), key: string({ default: '', help: 'A key.' }) });
export const limited = filterFactory('limited', options, () => (inner) => inner);
const named = (group) => filterFactory(group, defineOptions({}), () => (inner) => inner);
export const cors = named('cors');
export const auth_token = named('auth_token');
export const documented = filterFactory('documented', defineOptions({}), () => (inner) => inner, { openapi: () => ({}) });
export const rate_limit = named('rate_limit');
export const proxy_headers = named('proxy_headers');
const needed = defineOptions({ key: string({ required: true, help: 'A key.' }) });
export const needing = filterFactory('needing', needed, () => (inner) => inner);
const spare = defineOptions({ folder: string({ default: '', help: 'A folder.' }) });
const opened = ({ folder }, { section: { origin } }) => {
  if (folder === '') throw new ConfigurationRefused('TEST_FOLDER', { message: 'folder is not set', origin });
  return (inner) => inner;
};
export const opening = filterFactory('opening', spare, opened, { trial: true });
`,
};

/** The package's directory, so that the modules of the files can import it by name. */
const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');

type Found = Diagnostic & { readonly file: string; readonly line: number; readonly column: number };

async function check(files: Readonly<Record<string, string>>, options: object = {}): Promise<Found[]> {
  const folder = folderOf({ ...MODULES, ...files });
  folderLink(folder);
  return (await Loader.checkFile(join(folder, 'api-paste.ini'), options)).map((found) => {
    const { file, line, column } = found.location!.origin!;
    const detail = found.location!.detail.replace(`${folder}/`, '');
    const message = found.message.replaceAll(`${folder}/`, '');
    return {
      ...found,
      location: { kind: 'file', detail },
      file: file.replace(`${folder}/`, ''),
      line,
      column,
      message,
    };
  });
}

function folderLink(folder: string): void {
  // The node_modules of a service, with this package in it.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'portico'));
}

const placesOf = (findings: readonly Found[], severity: Found['severity']) =>
  findings
    .filter((finding) => finding.severity === severity)
    .map(({ code, file, line, column }) => `${code.replace('PORTICO_', '')} ${file}:${line}:${column}`);

const locationsOf = (findings: readonly Found[]) => findings.map(({ file, line, column }) => ({ file, line, column }));

test('PD-152 ten errors in one file are ten messages, each in its line and column', async () => {
  const [ini, expected] = ['ini', 'txt'].map((kind) =>
    readFileSync(join(root, `test/fixtures/ten-errors.${kind}`), 'utf8'),
  );
  const findings = await check({ 'api-paste.ini': ini! });
  assert.equal(findings.length, 10);
  assert.equal(findings.map((finding) => `${printDiagnostic(finding)}\n`).join(''), expected);
});

test('PD-152 the page about the loader shows a file and its errors', async () => {
  const page = readFileSync(join(root, 'docs/reference/loader.md'), 'utf8');
  const [ini, expected] = ['ini', 'text'].map(
    (kind) => new RegExp(`\`\`\`${kind} check\\n(.*?)\`\`\``, 's').exec(page)?.[1],
  );
  const findings = await check({ 'api-paste.ini': ini! });
  assert.equal(findings.map((finding) => `${printDiagnostic(finding)}\n`).join(''), expected);
});

test('PD-152 no factory is called', async (t) => {
  const called: string[] = [];
  Object.assign(globalThis, { called });
  t.after(() => Reflect.deleteProperty(globalThis, 'called'));
  const ini =
    '[pipeline:main]\npipeline = f api\n[filter:f]\npaste.filter_factory = ./m.js:filter\n[app:api]\nuse = call:./m.js:app\n';
  assert.deepEqual(await check({ 'api-paste.ini': ini }), []);
  assert.deepEqual(called, []);
});

test('PD-152 included files are checked whole, sections of theirs that nothing leads to as well', async () => {
  const { files, places } = unmarked({
    'api-paste.ini': '[composite:main]\nuse = egg:Paste#urlmap\n/ = config:sub/b.ini#good\n/x = ▸config:none.ini\n',
    'sub/b.ini':
      '[app:good]\npaste.app_factory = ../m.js:app\n[app:bad]\nx = ▸%(y)s\nuse = good\n[pipeline:worse]\npipeline = ▸nope good\n',
  });
  const findings = await check(files);
  assert.deepEqual(locationsOf(findings), places);
  assert.ok(findings[1]?.hint?.startsWith('Names there are') || findings[1]?.code.endsWith('INTERPOLATION_MISSING'));
});

test('PD-105 PD-150 an option without an owner that several values reach is an error once, where it is written', async () => {
  const { files, places } = unmarked({
    'api-paste.ini':
      '[DEFAULT]\nbase = %(root)s\nroot = ▸%(rot)s/x\n[app:main]\npaste.app_factory = ./m.js:app\na = %(base)s\nurl = %(next)s\nnext = ▸%(urll)s\nagain = %(url)s\n',
  });
  const findings = await check(files);
  assert.deepEqual(locationsOf(findings), places);
  assert.deepEqual(
    findings.map(({ hint }) => /^Did you mean.*/.exec(hint ?? '')?.[0]),
    [undefined, 'Did you mean "url"?'],
  );
});

test('PD-150 PD-152 an error in an included file says which line includes it, as a start does', async () => {
  const { files, places } = unmarked({
    'api-paste.ini': '[DEFAULT]\nrate = 50%%\n[app:main]\nuse = ▸config:b.ini\n',
    'b.ini': '[app:main]\nx = ▸%(y)s\npaste.app_factory = ./m.js:app\n',
  });
  const findings = await check(files);
  assert.deepEqual(locationsOf(findings), places);
  assert.match(findings[0]?.message ?? '', /b\.ini: \[DEFAULT\] rate: "%" must be followed by/);
  assert.match(findings[1]?.hint ?? '', / Included from .*api-paste\.ini:4\.$/);
});

test('PD-152 a section that reads what only its users set is not an error', async () => {
  const ini =
    '[pipeline:main]\npipeline = f api\nset where = north\n[filter:f]\npaste.filter_factory = ./m.js:filter\nget place = where\n[app:api]\nuse = call:./m.js:app\n';
  assert.deepEqual(placesOf(await check({ 'api-paste.ini': ini }), 'error'), []);
});

test('MW-4 MW-5 the options a factory has declared are validated in their section', async () => {
  const { files, places } = unmarked({
    'api-paste.ini': `[pipeline:main]\npipeline = l api\n[filter:l]\npaste.filter_factory = ./m.js:limited\nlimit = ▸none\n▸lmit = 5\nkey = x\n[app:api]\nuse = call:./m.js:app\n`,
  });
  const findings = await check(files);
  const codes = findings.map(({ code }) => code);
  assert.deepEqual(codes, ['PORTICO_CONFIG_VALUE', 'PORTICO_CONFIG_UNKNOWN_OPTION']);
  assert.deepEqual(locationsOf(findings), places);
  assert.match(findings[1]?.hint ?? '', /did you mean 'limit'\?/);
});

test('PD-152 without imports modules are looked for, and composites of the Loader still followed', async () => {
  const { files, places } = unmarked({
    'api-paste.ini':
      '[composite:main]\nuse = egg:Paste#urlmap\n/ = ▸nope\n/a = api\n/b = b\n[app:api]\npaste.app_factory = ./m.js:nothing\n[app:b]\npaste.app_factory = ▸./none.js:x\n',
  });
  const findings = await check(files, { import: false });
  assert.deepEqual(locationsOf(findings), places);
});

test('PD-152 with names only what they lead to is looked at', async () => {
  const ini = '[app:a]\nuse = call:./m.js:app\n[app:b]\nuse = nope\n';
  assert.deepEqual(await check({ 'api-paste.ini': ini }, { names: ['a'] }), []);
  assert.deepEqual(placesOf(await check({ 'api-paste.ini': ini }, { names: ['b'] }), 'error'), [
    'PASTE_NO_SECTION api-paste.ini:4:7',
  ]);
});

test('PD-161 Python left over becomes one block to paste', async () => {
  const ini =
    '[pipeline:main]\npipeline = a t api\n[filter:a]\npaste.filter_factory = nova.api.auth:Context.factory\n[filter:t]\nuse = egg:mycompany.auth#token\n[app:api]\nuse = call:nova.api.v2:make\n';
  assert.equal(
    aliasBlock(await check({ 'api-paste.ini': ini })),
    [
      '[portico:aliases]',
      'python =',
      '    nova.api.auth:Context.factory    portico/middleware:context',
      '    egg:mycompany.auth#token    ./mycompany/auth.js:token    paste.filter_factory',
      '    nova.api.v2:make    ./nova/api/v2.js:make',
    ].join('\n'),
  );
});

const WARNINGS: Readonly<Record<string, { ini: string; code: string; says: string; errors?: number }>> = {
  'an option that a default hides, with both lines': {
    ini: '[DEFAULT]\ndebug = no\n[app:main]\nuse = call:./m.js:app\n▸debug = yes\n',
    code: 'HIDDEN_OPTION',
    says: 'api-paste.ini:2',
  },
  'a comment behind a value': {
    ini: '[app:main]\nuse = call:./m.js:app\nx = 5 ▸# five\n',
    code: 'INLINE_COMMENT',
    says: '"#"',
  },
  'options given to a pipeline': {
    ini: '[app:main]\nuse = p\n▸x = 1\n[pipeline:p]\npipeline = a\n[app:a]\nuse = call:./m.js:app\n',
    code: 'LOST_OPTION',
    says: 'has no effect',
  },
  'options given to a filter around something': {
    ini: '[app:main]\nuse = b\n▸x = 1\n[app:b]\nuse = a\nfilter-with = f\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:./m.js:filter\n',
    code: 'LOST_OPTION',
    says: 'has no effect',
  },
  'a set that members do not see': {
    ini: '[composite:main]\nuse = call:nova.api.auth:pipeline_factory\n▸set x = 1\nkeystone = a\n[app:a]\nuse = call:./m.js:app\n',
    code: 'UNSEEN_SET',
    says: 'not visible to',
  },
  'a mount that a later one replaces': {
    ini: '[composite:main]\nuse = egg:Paste#urlmap\n▸/v2 = a\n/v2/ = a\n[app:a]\nuse = call:./m.js:app\n',
    code: 'MOUNT_REPLACED',
    says: '"/v2/" replaces it',
  },
  'a mount that never matches': {
    ini: '[composite:main]\nuse = egg:Paste#urlmap\n▸domain A.com /v2 = a\n[app:a]\nuse = call:./m.js:app\n',
    code: 'MOUNT_NEVER_MATCHES',
    says: 'lower case',
  },
  'apps of a cascade whose numbers are out of order': {
    ini: '[composite:main]\nuse = egg:Paste#cascade\napp2 = a\n▸app10 = a\n[app:a]\nuse = call:./m.js:app\n',
    code: 'CASCADE_ORDER',
    says: '"app10" is tried before "app2"',
  },
  'a filter that nothing leads to': {
    ini: '[app:main]\nuse = call:./m.js:app\n▸[filter:f]\nuse = call:./m.js:filter\n',
    code: 'UNUSED_SECTION',
    says: 'is not used',
  },
  'a misspelt prefix': {
    ini: '[app:main]\nuse = call:./m.js:app\n▸[pipline:x]\npipeline = main\n',
    code: 'SPOILT_HEADER',
    says: '"pipline:" is not "pipeline:"',
  },
  'a misspelt [DEFAULT]': {
    ini: '[app:main]\nuse = call:./m.js:app\n▸[DEFUALT]\na = b\n',
    code: 'SPOILT_HEADER',
    says: '"DEFUALT" is not "DEFAULT"',
  },
  'a header that is never found': {
    ini: '[app:main]\nuse = call:./m.js:app\n▸[App:x]\n',
    code: 'SPOILT_HEADER',
    says: '"app:"',
  },
  'use in [DEFAULT]': {
    ini: '[DEFAULT]\n▸filter-with = f\n[app:main]\npaste.app_factory = ./m.js:app\n',
    code: 'DEFAULT_FACTORY',
    says: 'hides',
  },
  'a filter twice in a pipeline': {
    ini: '[pipeline:main]\npipeline = f ▸f a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:./m.js:filter\n',
    code: 'FILTER_TWICE',
    says: 'twice',
  },
  'cors inside authentication (MW-9)': {
    ini: '[pipeline:main]\npipeline = f ▸g a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:./m.js:auth_token\n[filter:g]\nuse = call:./m.js:cors\n',
    code: 'FILTER_ORDER',
    says: 'preflight',
  },
  'rates by user outside of authentication (MW-20)': {
    ini: '[pipeline:main]\npipeline = ▸f g a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:portico/middleware:rateLimit\nrules = all address 1/s 1\n  boot user 1/s 1\n[filter:g]\nuse = call:./m.js:auth_token\n',
    code: 'FILTER_ORDER',
    says: 'f comes before g: its rule "boot" counts by caller, which is unknown there',
  },
  'rates by user outside of a session (AT-11)': {
    ini: '[pipeline:main]\npipeline = ▸f g a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:portico/middleware:rateLimit\nrules = boot user 1/s 1\n[filter:g]\nuse = call:portico/middleware:session\nsecrets = 12345678901234567890123456789012\n',
    code: 'FILTER_ORDER',
    says: 'f comes before g: its rule "boot" counts by caller, which is unknown there',
  },
  'rates by token without authentication': {
    ini: '[pipeline:main]\npipeline = id ▸f own a\n[app:a]\nuse = call:./m.js:app\n[filter:id]\nuse = call:portico/middleware:requestId\n[filter:f]\nuse = call:portico/middleware:rateLimit\nrules = boot token-hash 1/s 1\n[filter:own]\nuse = call:./m.js:filter\n',
    code: 'FILTER_ORDER',
    says: 'no filter before f authenticates: its rule "boot" counts by caller, which is unknown there',
  },
  'rates by user alone in their pipeline': {
    ini: '[pipeline:main]\npipeline = ▸f a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:portico/middleware:rateLimit\nrules = boot user 1/s 1\n',
    code: 'FILTER_ORDER',
    says: 'Put a filter that authenticates before f: auth_token, jwt, basic_auth, noauth, session, or your own.',
  },
  'path_prefix inside of what decides by paths': {
    ini: '[pipeline:main]\npipeline = f ▸g a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:./m.js:rate_limit\n[filter:g]\nuse = call:portico/middleware:pathPrefix\n',
    code: 'FILTER_ORDER',
    says: 'g comes after f',
  },
  'context outside of authentication, where it lets all requests pass': {
    ini: '[pipeline:main]\npipeline = ▸f g a\n[app:a]\nuse = call:./m.js:app\n[filter:f]\nuse = call:portico/middleware:context\nrequire_identity = false\n[filter:g]\nuse = call:./m.js:auth_token\n',
    code: 'FILTER_ORDER',
    says: 'no request has one in its context',
  },
};

for (const [about, { ini, code, says }] of Object.entries(WARNINGS)) {
  test(`PD-153 check warns of ${about}`, async () => {
    const { files, places } = unmarked({ 'api-paste.ini': ini });
    const findings = await check(files);
    assert.deepEqual(placesOf(findings, 'error'), []);
    const { file, line, column } = places[0]!;
    assert.deepEqual(placesOf(findings, 'warning'), [`PASTE_${code} ${file}:${line}:${column}`]);
    assert.ok(printDiagnostic(findings[0]!).includes(says), printDiagnostic(findings[0]!));
  });
}

test('MW-20 rates by user behind authentication, or by address in front of it, are as they should be', async () => {
  const pipeline = (filters: string, rules: string): string =>
    `[pipeline:main]\npipeline = ${filters} a\n[app:a]\nuse = call:./m.js:app\n[filter:auth]\nuse = call:./m.js:auth_token\n[filter:rate]\nuse = call:portico/middleware:rateLimit\nrules = ${rules}\n`;
  const warnings = async (ini: string, config?: Config): Promise<string[]> =>
    placesOf(await check({ 'api-paste.ini': ini }, config === undefined ? {} : { config }), 'warning');
  assert.deepEqual(await warnings(pipeline('auth rate', 'boot project 1/s 1')), []);
  assert.deepEqual(await warnings(pipeline('rate auth', 'all address 1/s 1')), []);
  assert.deepEqual(await warnings(pipeline('rate auth', 'all route 1/s 1')), []);
  const own = pipeline('auth rate', 'boot token-hash 1/s 1').replace('m.js:auth_token', 'm.js:filter');
  assert.deepEqual(await warnings(own), [], 'a filter of the application may authenticate');
  const inMap = `[pipeline:main]\npipeline = auth map\n[composite:map]\nuse = egg:Paste#urlmap\n/v1 = inner\n${pipeline('rate', 'boot user 1/s 1').replace(':main]', ':inner]')}`;
  assert.deepEqual(await warnings(inMap), [], 'and so may one around the pipeline');
  const configured = Config.fromText('[rate_limit]\nrules = boot project 1/s 1\n');
  const inherited = pipeline('rate auth', '').replace('rules = \n', '');
  assert.equal((await warnings(inherited, configured)).length, 1);
});

test('MW-9 loading warns of filters in the wrong order', async () => {
  const folder = folderOf({
    ...MODULES,
    'api-paste.ini':
      '[pipeline:main]\npipeline = rate proxy a\n[app:a]\nuse = call:./m.js:app\n[filter:rate]\nuse = call:./m.js:rate_limit\n[filter:proxy]\nuse = call:./m.js:proxy_headers\n',
  });
  folderLink(folder);
  const { log, lines } = capturedLog();
  const app = await new Loader(join(folder, 'api-paste.ini'), { config: new Config(), log }).loadApp();
  await app.close();
  const warned = lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  assert.deepEqual(warned, [
    'pipeline "main": proxy comes after rate: all clients behind the proxy would count as one.',
  ]);
});

test('check and a load refuse context outside of authentication, and say the right order; behind a filter of the application it may be right', async () => {
  const ini = (filters: string): string =>
    `[pipeline:main]\npipeline = ${filters} a\n[app:a]\nuse = call:./m.js:app\n[filter:context]\nuse = call:portico/middleware:context\n[filter:auth]\nuse = call:./m.js:auth_token\n[filter:id]\nuse = call:portico/middleware:requestId\n[filter:own]\nuse = call:./m.js:filter\n`;
  const { files, places } = unmarked({ 'api-paste.ini': ini('id ▸context auth') });
  const findings = await check(files);
  const { file, line, column } = places[0]!;
  assert.deepEqual(placesOf(findings, 'error'), [`PASTE_FILTER_ORDER ${file}:${line}:${column}`]);
  assert.match(printDiagnostic(findings[0]!), /every request gets 401\.\n {2}Put auth before context/);
  const folder = folderOf({ ...MODULES, ...files });
  folderLink(folder);
  const loading = new Loader(join(folder, 'api-paste.ini'), { config: new Config() }).loadApp();
  await assert.rejects(loading, { code: 'PORTICO_PASTE_FILTER_ORDER' });
  assert.deepEqual(await check({ 'api-paste.ini': ini('id own auth context') }), []);
  const behindOwn = await check({ 'api-paste.ini': ini('id own context auth') });
  assert.deepEqual([placesOf(behindOwn, 'error'), placesOf(behindOwn, 'warning').length], [[], 1]);
  const orderOf = (found: readonly { readonly code?: string; readonly severity: string }[]): string[] =>
    found.filter(({ code }) => code?.endsWith('PASTE_FILTER_ORDER')).map(({ severity }) => severity);
  const more =
    '[filter:said]\nuse = call:./m.js:documented\n[filter:connect]\nuse = call:portico/middleware:connect\nmiddleware = ./m.js:filter\n';
  for (const outer of ['said', 'connect']) {
    const found = await check({ 'api-paste.ini': `${ini(`${outer} context auth`)}${more}` });
    assert.deepEqual([outer, orderOf(found)], [outer, ['warning']]);
  }
  const nested = ini('id context auth').replace('pipeline:main', 'pipeline:inner');
  const map = '[composite:map]\nuse = egg:Paste#urlmap\n/: inner\n';
  const behind = (app: string): string => `${nested}${map}[pipeline:main]\npipeline = own ${app}\n`;
  for (const app of ['inner', 'map']) {
    const inside = folderOf({ ...MODULES, 'api-paste.ini': behind(app) });
    folderLink(inside);
    const path = join(inside, 'api-paste.ini');
    const found = await Loader.checkFile(path, { names: ['main'] });
    assert.deepEqual([app, orderOf(found)], [app, ['warning']]);
    await (await new Loader(path, { config: new Config() }).loadApp()).close();
  }
  const mapped = await check({ 'api-paste.ini': nested + map }, { names: ['map'] });
  assert.deepEqual(orderOf(mapped), ['error']);
});

function capturedLog() {
  const lines: { level: string; msg: string }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as { level: string; msg: string }) };
  return { log: createLogger({ format: 'json', destination }), lines };
}

test('a value that cannot be read is one error, without those that follow from its absence', async () => {
  const file = (value: string): string => `[pipeline:main]
pipeline = needing opening app
[filter:needing]
paste.filter_factory = ./m.js:needing
key = ${value}
[filter:opening]
paste.filter_factory = ./m.js:opening
folder = ${value}
[app:app]
paste.app_factory = ./m.js:app
`;
  const service = { config: Config.fromText('') };
  const bad = await check({ 'api-paste.ini': file('%(her)s/x') }, service);
  assert.deepEqual(placesOf(bad, 'error'), [
    'PASTE_INTERPOLATION_MISSING api-paste.ini:5:7',
    'PASTE_INTERPOLATION_MISSING api-paste.ini:8:10',
  ]);
  const empty = await check({ 'api-paste.ini': file('').replaceAll(/^(?:key|folder) = $/gm, '') }, service);
  assert.deepEqual(placesOf(empty, 'error'), ['CONFIG_REQUIRED api-paste.ini:3:1', 'TEST_FOLDER api-paste.ini:6:1']);
});
