/** Tests every refusal of a paste file: its code, its location (marked in the text), its hint and its path. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loader } from 'portico/loader';
import { PasteError } from '#internal/loader';
import { folderOf } from './folder.js';
import { unmarked } from './marked.js';

const MODULE = `
export const app = () => (req, res) => res.end();
export const filter = () => (app) => (req, res) => app(req, res);
export const seven = 7;
export default app;
`;

interface Refusal {
  /** The top file with marks; the first mark is the expected place. */
  readonly ini: string;
  readonly more?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly code: string;
  /** Texts that the message and hint must contain. */
  readonly says: readonly string[];
}

/** Returns the error of loading and creating, and the locations of the marks. */
async function refusalOf({ ini, more = {}, name }: Pick<Refusal, 'ini' | 'more' | 'name'>) {
  const { files, places } = unmarked({ 'api-paste.ini': ini, ...more });
  const folder = folderOf({ 'package.json': '{"type":"module"}', 'm.js': MODULE, ...files });
  try {
    await new Loader(`${folder}/api-paste.ini`).loadApp(name);
  } catch (error) {
    assert.ok(error instanceof PasteError, String(error));
    return { error, folder, places };
  }
  return assert.fail('the file was accepted');
}

const APP = '\n[app:api]\npaste.app_factory = ./m.js:app\n[filter:authtoken]\npaste.filter_factory = ./m.js:filter\n';

const TABLE: Readonly<Record<string, readonly Refusal[]>> = {
  'PD-104 files and lines': [
    {
      ini: '[app:main]\nuse = ▸config:none.ini',
      code: 'NO_FILE',
      says: ['none.ini', 'no such file', 'relative to the file'],
    },
    { ini: '[app:main]\nuse = ▸config:sub', more: { 'sub/x': '' }, code: 'IS_A_DIRECTORY', says: ['sub'] },
    { ini: '▸x = 1\n[app:main]', code: 'NO_SECTION_HEADER', says: ['x = 1', 'Put a header'] },
    { ini: '▸\ufeff[app:main]', code: 'NO_SECTION_HEADER', says: ['byte order mark'] },
    { ini: '[app:main]\n▸bad\nx = 1\n= 2', code: 'BAD_LINE', says: ['this line', 'so is line 4'] },
    { ini: '[app:main]\n▸bad\nx = 1\n= 2\nworse', code: 'BAD_LINE', says: ['this line', 'so are lines 4, 5'] },
    { ini: '[app:main]\n[x]\n  ▸[app:main]', code: 'DUPLICATE_SECTION', says: ['[app:main]', 'line 1', 'Merge'] },
    { ini: '[app:main]\nx = 1\ny = 2\n▸x : 3', code: 'DUPLICATE_OPTION', says: ['"x"', '[app:main]', 'line 2'] },
  ],
  'PD-105 interpolation': [
    {
      ini: '[app:main]\nlog = a%%b▸%(hree)s',
      code: 'INTERPOLATION_MISSING',
      says: ['[app:main] log:', 'hree', 'Did you mean "here"?'],
    },
    {
      ini: '[DEFAULT]\nx = %(y)s\ny = 1%(z)s\n[app:main]',
      code: 'INTERPOLATION_MISSING',
      says: ['[DEFAULT] y:', '"%(z)s"'],
    },
    {
      ini: '[DEFAULT]\ny = 1▸%(z)s\n[app:main]\nx = %(y)s',
      code: 'INTERPOLATION_MISSING',
      says: ['[DEFAULT] y: "%(z)s" refers to an option that [DEFAULT] does not have (the value is "1%(z)s")'],
    },
    {
      ini: '[app:main]\nurl = %(next)s\nnext = a▸%(urll)s',
      code: 'INTERPOLATION_MISSING',
      says: ['[app:main] next: "%(urll)s" refers', 'Did you mean "url"?'],
    },
    {
      ini: '[app:main]\nurl = %(next)s\nnext = a▸%x',
      code: 'INTERPOLATION_SYNTAX',
      says: ['[app:main] next: "%" must be followed'],
    },
    {
      ini: '[app:main]\nset z = 1\nx = ▸%(z)s',
      code: 'INTERPOLATION_MISSING',
      says: ['"set z" sets a value in global_conf'],
    },
    { ini: '[app:main]\nx = 100▸% sure', code: 'INTERPOLATION_SYNTAX', says: ['% sure', '"%%"'] },
    { ini: '[app:main]\npassword = s3cr3t▸%(x', code: 'INTERPOLATION_SYNTAX', says: ['[app:main] password:'] },
    {
      ini: '[app:main]\nx = 1\n  ▸%(y)s\ny = %(x)s',
      code: 'INTERPOLATION_DEPTH',
      says: ['"x" refers to "y" refers to "x"', 'cycle'],
    },
  ],
  'PD-106 names': [
    {
      ini: `[pipeline:main]\npipeline = authtoken\n    ▸athtoken api${APP}`,
      code: 'NO_SECTION',
      says: ['no filter is called "athtoken"', 'Did you mean "authtoken"?', 'Filters in this file: authtoken.'],
    },
    {
      ini: `[pipeline:main]\npipeline = ▸api api${APP}`,
      code: 'NO_SECTION',
      says: ['an app with this name in line 3', 'only the last name'],
    },
    { ini: `[pipeline:main]\npipeline = ▸authtoken, api${APP}`, code: 'NO_SECTION', says: ['comma'] },
    {
      ini: `[pipeline:main]\npipeline = api # the ▸app${APP}`,
      code: 'NO_SECTION',
      says: ['"app"', 'Write a comment on a separate line'],
    },
    { ini: '[app:main]\nuse = ▸x\n[app :x]', code: 'NO_SECTION', says: ['[app :x] in line 3', 'write [app:x]'] },
    {
      ini: `[pipeline:main]\npipeline = ▸timing api\n[filtr:timing]\n[apps:timing]${APP}`,
      code: 'NO_SECTION',
      says: ['[filtr:timing] in line 3', 'write [filter:timing]'],
    },
    {
      ini: `[pipeline:main]\npipeline = ▸timing api${APP}\n[filter:timing\nx = 1`,
      code: 'NO_SECTION',
      says: ['no filter is called "timing"'],
    },
    { ini: '[app:main]\nuse = ▸x\n[api:x]', code: 'NO_SECTION', says: ['Apps in this file: main.'] },
    { ini: '[app:main]\nuse = ▸other.ini', code: 'NO_SECTION', says: ['write "config:other.ini"'] },
    {
      ini: '[app:main]\nuse = ▸x\n[app:x]\n[pipeline:x]',
      code: 'AMBIGUOUS_SECTION',
      says: ['[app:x] (line 3)', '[pipeline:x] (line 4)'],
    },
    { ini: '[app:main]\nuse = ▸app:x', code: 'UNKNOWN_SCHEME', says: ['"app"', 'config, egg, call'] },
    { ini: '[app:main]\nuse = ▸cofnig:x.ini', code: 'UNKNOWN_SCHEME', says: ['Did you mean "config"?'] },
    {
      ini: '[app:main]\nuse = a\n[app:a]\nuse = b\n[app:b]\nuse = ▸a',
      code: 'CYCLE',
      says: ['app:a leads to app:b, app:b leads to app:a'],
    },
  ],
  'PD-107 sections': [
    {
      ini: '▸[app:main]\nx = 1',
      code: 'NO_LOADER',
      says: ['[app:main] has no factory', 'use = …', 'paste.app_factory'],
    },
    {
      ini: `[pipeline:main]\npipeline = x api\n▸[filter:x]\npaste.filter_factry = ./m.js:filter${APP}`,
      code: 'NO_LOADER',
      says: ['"paste.filter_factry" in line 4', 'Did you mean "paste.filter_factory"?'],
    },
    {
      ini: '[DEFAULT]\nuse = y\n▸[app:main]\nuse = x',
      code: 'NO_LOADER',
      says: ['line 4', '[DEFAULT] (line 2)', 'hides it'],
    },
    { ini: '▸[app:main]\nUse = x', code: 'NO_LOADER', says: ['write "use", not "Use"'] },
    {
      ini: '[app:main]\npaste.app_factory = ./m.js:app\n▸paste.composite_factory = ./m.js:app',
      code: 'MULTIPLE_PROTOCOLS',
      says: ['paste.app_factory', 'paste.composite_factory'],
    },
    { ini: '▸[pipeline:main]\nset x = 1', code: 'MISSING_SETTING', says: ['"pipeline"'] },
    { ini: '▸[pipeline:main]\nx = 1\npipelines = a', code: 'MISSING_SETTING', says: ['line 3', 'mean "pipeline"?'] },
    {
      ini: '[DEFAULT]\nnext = a\n▸[filter-app:main]\nnext = api\nuse = authtoken',
      code: 'MISSING_SETTING',
      says: ['"next"', 'line 4', 'line 2'],
    },
    { ini: `[pipeline:main]\npipeline = api\n▸extra = 1\nuse = x${APP}`, code: 'EXTRA_SETTINGS', says: ['extra, use'] },
    { ini: '[pipeline:main]\npipeline =▸', code: 'EMPTY_PIPELINE', says: ['[pipeline:main]'] },
    {
      ini: '[DEFAULT]\nregion = x\n[app:main]\nget where = ▸regoin',
      code: 'MISSING_KEY',
      says: ['regoin', 'Did you mean "region"?'],
    },
    {
      ini: '▸[composite:main]\nuse = call:nova.api.auth:pipeline_factory\nkeystoen = api',
      code: 'MISSING_KEY',
      says: ['"keystone"', 'Did you mean "keystoen"?'],
    },
  ],
  'PD-108 factories': [
    {
      ini: '[app:main]\npaste.app_factory = ▸./m.js:app # mine',
      code: 'BAD_FACTORY_EXPRESSION',
      says: ['./m.js:app # mine', 'on a separate line'],
    },
    {
      ini: '[app:main]\npaste.app_factory = ▸./m.js:ap',
      code: 'BAD_FACTORY_EXPRESSION',
      says: ['"ap"', 'Did you mean "app"?'],
    },
    { ini: '[app:main]\nuse = ▸call:nocolon', code: 'BAD_CALL_SPEC', says: ['nocolon', 'call:package/path:export'] },
    { ini: '[app:main]\npaste.app_factory = ▸./none.js:app', code: 'NO_MODULE', says: ['./none.js'] },
    { ini: '[app:main]\npaste.app_factory = ▸./mm.js:app', code: 'NO_MODULE', says: ['Did you mean "./m.js"?'] },
    {
      ini: '[app:main]\npaste.app_factory = ▸nova.api.x:App.factory',
      code: 'NO_MODULE',
      says: ['[portico:aliases]', 'nova.api.x:App.factory    ./nova/api/x.js:App.factory'],
    },
    { ini: '[app:main]\nuse = ▸egg:Psate#urlmap', code: 'NO_PACKAGE', says: ['Psate', 'Did you mean "Paste"'] },
    { ini: `[app:main]\nrequire = Paste ▸Nope\nuse = api${APP}`, code: 'NO_PACKAGE', says: ['"Nope"'] },
    {
      ini: '[app:main]\nuse = ▸egg:Paste#urlmpa',
      code: 'NO_ENTRY_POINT',
      says: ['"urlmpa"', '"Paste"', 'Did you mean "urlmap"?'],
    },
    {
      ini: '[pipeline:main]\npipeline = ▸call:./m.js:app',
      code: 'UNKNOWN_PROTOCOL',
      says: ['call:./m.js:app', 'separate section'],
    },
    { ini: '[app:main]\npaste.app_factory = ▸./m.js:seven', code: 'BAD_TYPE', says: ['./m.js:seven', 'a number'] },
    { ini: '[app:main]\nuse = ▸egg:', code: 'BAD_VALUE', says: ['distribution'] },
  ],
  'PD-109 composites': [
    {
      ini: `[composite:main]\nuse = egg:Paste#urlmap\n/ = api\n▸domain = api${APP}`,
      code: 'BAD_VALUE',
      says: ['"domain" must be followed'],
    },
    { ini: `[composite:main]\nuse = egg:Paste#urlmap\n▸/a /b = api${APP}`, code: 'BAD_VALUE', says: ['/a and /b'] },
    {
      ini: `[composite:main]\nuse = egg:Paste#urlmap\n▸v2 = api${APP}`,
      code: 'BAD_MOUNT',
      says: ['"v2"', 'begins with "/"'],
    },
    {
      ini: `[composite:main]\nuse = egg:Paste#urlmap\n/ = api\n/v2 = ▸nope${APP}`,
      code: 'NO_SECTION',
      says: ['"nope"'],
    },
    {
      ini: `[composite:main]\nuse = egg:Paste#cascade\napp1 = api\n▸other = api${APP}`,
      code: 'BAD_VALUE',
      says: ['"other"', '"api"', '"app"'],
    },
    {
      ini: `[composite:main]\nuse = egg:Paste#cascade\napp1 = api\ncatch = ▸404 nope${APP}`,
      code: 'BAD_VALUE',
      says: ['nope'],
    },
    {
      ini: `[composite:main]\nuse = egg:Paste#cascade\napp1 = api\ncatch = ▸200${APP}`,
      code: 'MISSING_KEY',
      says: ['200'],
    },
    {
      ini: '[composite:main]\nuse = egg:Paste#urlmap\n/ = ▸main',
      code: 'CYCLE',
      says: ['composite:main leads to composite:main'],
    },
  ],
  'PD-157 PD-158 aliases': [
    {
      ini: '[app:main]\nuse = egg:x#y\n[portico:aliases]\na =\n  egg:x#y ./m.js:app\n  ▸only',
      code: 'BAD_ALIAS',
      says: ['"only" has 1'],
    },
    {
      ini: '[app:main]\npaste.app_factory = ▸a.b:c\n[portico:aliases]\nx = a.b:c d.e:f\ny = d.e:f a.b:c',
      code: 'CYCLE',
      says: ['a.b:c → d.e:f → a.b:c'],
    },
  ],
};

for (const [about, rows] of Object.entries(TABLE)) {
  test(`${about}: code, line, column and hint`, async () => {
    for (const row of rows) {
      const { error, folder, places } = await refusalOf(row);
      assert.equal(error.code, `PORTICO_PASTE_${row.code}`, error.describe());
      const text = error.describe();
      for (const part of row.says) assert.ok(text.includes(part), `${text}\n  … does not say: ${part}`);
      if (places[0] === undefined) continue;
      const { file, line, column } = places[0];
      const origin = error.origin!;
      assert.deepEqual([origin.file, origin.line, origin.column], [`${folder}/${file}`, line, column], text);
      assert.ok(error.message.startsWith(`${folder}/${file}:${line}:${column}: `), text);
    }
  });
}

test('PD-103 the value of a secret option is in no message', async () => {
  const { error } = await refusalOf({ ini: '[app:main]\npassword = s3cr3t%(x' });
  assert.ok(!error.describe().includes('s3cr3t'), error.describe());
});

test('PD-104 a byte that is not UTF-8 is named with its location', () => {
  const folder = folderOf({ 'api-paste.ini': Buffer.from('[app:main]\nname = caf\xe9\n', 'latin1') });
  assert.throws(
    () => new Loader(`${folder}/api-paste.ini`),
    (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.equal(error.code, 'PORTICO_PASTE_NOT_UTF8');
      assert.deepEqual([error.origin?.line, error.origin?.column], [2, 11]);
      assert.match(error.message, /0xe9/);
      return true;
    },
  );
});

test('PD-61 PD-150 an error in the third file names that file, and the references that led there', async () => {
  const { error, folder, places } = await refusalOf({
    ini: '[composite:main]\nuse = egg:Paste#urlmap\n/ = ▸config:one/a.ini#x',
    more: {
      'one/a.ini': '[DEFAULT]\n[app:x]\nuse = ▸config:../two/b.ini#y',
      'two/b.ini': '[pipeline:y]\npipeline = ▸nope z',
    },
  });
  assert.equal(error.code, 'PORTICO_PASTE_NO_SECTION');
  // The app is resolved before the filters.
  assert.match(error.describe(), /no app is called "z"/);
  assert.deepEqual([error.origin?.file, error.origin?.line, error.origin?.column], [`${folder}/two/b.ini`, 2, 17]);
  assert.deepEqual(
    error.via.map(({ origin: { file, line, column } }) => ({ file: file.slice(folder.length + 1), line, column })),
    places.slice(0, 2),
  );
  assert.ok(error.hint?.endsWith(`Included from ${folder}/one/a.ini:3.`), error.describe());
});

test('PD-150 a value put in by interpolation is the reference, with the option it came from in the way', async () => {
  const { error, folder, places } = await refusalOf({
    ini: `[DEFAULT]\n▸filters = authtoken nope\n[pipeline:main]\npipeline = ▸%(filters)s api${APP}`,
  });
  assert.match(error.message, /no filter is called "nope"/);
  assert.deepEqual([error.origin?.line, error.origin?.column], [places[1]?.line, places[1]?.column]);
  assert.deepEqual(
    error.via.map(({ origin }) => [origin.file, origin.line, origin.column]),
    [[`${folder}/api-paste.ini`, 2, 1]],
  );
});

test('PD-150 the names of files are written as code wrote the first one', async (t) => {
  const { files } = unmarked({
    'api-paste.ini': '[app:main]\nuse = config:sub/b.ini',
    'sub/b.ini': '[app:main]\nuse = x',
  });
  const folder = folderOf(files);
  const before = process.cwd();
  process.chdir(folder);
  t.after(() => process.chdir(before));
  await assert.rejects(
    new Loader('api-paste.ini').loadApp(),
    /^PasteError: sub\/b\.ini:2:7: \[app:main\] use: no app is called "x"\./,
  );
});
