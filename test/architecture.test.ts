/**
 * Tests the layers by the import lines: a directory imports from itself and from the `index.ts` and `internal.ts` of lower directories,
 * and each dependency is imported in one file.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tokensIn } from './tokens.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const src = join(root, 'src');

/** The directories from which each directory may import, besides itself. */
const GROUND = ['text', 'errors', 'process', 'modules', 'log', 'ini', 'sqlite'];
const FIRST = [...GROUND, 'config', 'tasks', 'service'];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  text: [],
  errors: ['text', 'process'],
  process: [],
  modules: ['text', 'errors', 'process'],
  log: ['text', 'errors', 'process'],
  ini: ['errors', 'text'],
  sqlite: ['errors', 'process', 'modules'],
  config: GROUND,
  counts: [...GROUND, 'config'],
  spans: GROUND,
  tasks: GROUND,
  service: [...GROUND, 'config', 'tasks'],
  managers: [...FIRST, 'counts'],
  wire: [],
  app: [...FIRST, 'wire'],
  extension: [...FIRST, 'counts', 'spans', 'managers', 'wire', 'app'],
  routing: [...FIRST, 'app'],
  loader: [...FIRST, 'managers', 'app'],
  middleware: [...FIRST, 'app'],
  operating: [...FIRST, 'counts', 'managers'],
  launch: [...FIRST, 'counts', 'spans', 'operating'],
  server: [...FIRST, 'counts', 'spans', 'managers', 'wire', 'app', 'loader'],
  plan: ['text', 'errors', 'process'],
  testing: [...FIRST, 'managers', 'app', 'middleware'],
};

/**
 * The parts of a directory, lowest first: its subdirectories, and the files beside them. A part imports from itself and from lower
 * parts; `index.ts` and `internal.ts` are above all. Inside directories without an entry the order is not checked.
 */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  app: [
    'app',
    'caller-identity',
    'request-context',
    'fault',
    'fault-form',
    'header-fields',
    'response-methods',
    'server-state',
    'request-trial',
    'exchange',
    'entering',
    'slot',
    'request-fields',
    'factory',
    'shared-store',
    'response',
    'file-sender',
    'faults',
    'held-apps',
    'request-path',
    'remote',
    'cross-site',
    'read-body',
    'host',
    'compose',
    'forward-headers',
    'shared-database',
    'schemas',
  ],
  cli: [
    'command-line',
    'command',
    'command-failure',
    'control-client',
    'configured',
    'validate',
    'facts',
    'run-main',
    'look',
    'plan',
    'control-commands',
    'notify-command',
    'serve',
    'new-project',
    'init-command',
    'plan-command',
    'commands',
    'commands-of-extensions',
    'usage-text',
    'program',
    'worker-modules',
    'begin',
    'main',
  ],
  routing: [
    'template',
    'route',
    'matching',
    'urls',
    'api-version',
    'version-negotiation',
    'caller-context',
    'actions',
    'mapper',
    'operation',
    'built-router',
    'fault-mapping',
    'openapi-schemas',
    'openapi-operation',
    'openapi',
    'version-starts',
    'router-options',
    'route-method',
    'connect-options',
    'serving',
    'router-app',
    'describe-routes',
    'router-routes',
    'router',
  ],
  config: [
    'link-places',
    'read-unless-fifo',
    'state',
    'types',
    'values',
    'sources',
    'changes',
    'extension-objects',
    'extensions',
    'config-holder',
    'load-config',
    'program-log',
    'config',
    'documents',
  ],
  operating: [
    'private-socket',
    'questions',
    'report',
    'status',
    'backdoor',
    'control',
    'control-routes',
    'control-servers',
    'diagnosis',
  ],
  launch: [
    'launcher-options',
    'protocol',
    'worker-message',
    'exit-status',
    'waiting',
    'shared-buckets',
    'process',
    'launcher',
    'sockets',
    'systemd',
    'worker',
    'services',
    'parent',
    'reload',
    'launcher-status',
    'runner',
    'owned-process',
    'launcher-core',
    'in-process',
    'fleet-runner',
    'worker-side',
    'launch',
    'launch-on-call',
  ],
  server: [
    'endpoint',
    'missing-file',
    'wsgi-options',
    'server-options',
    'tls',
    'spans',
    'connections',
    'requests',
    'front',
    'server',
    'api',
  ],
};

/** The entry point and cli may import everything. */
const UNBOUND = ['index', 'cli'];

/** The only files that import each package as a value: one of the core, and one of each extra. A package without an entry may not be imported. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  fastify: ['app/host/fastify-app.ts'],
  '@fastify/middie': ['app/host/fastify-app.ts'],
  ini: ['config/documents/write-ini.ts'],
  pino: ['log/log.ts'],
  'pino-pretty': ['log/readable.ts'],
  commander: ['cli/program.ts'],
  yaml: ['extras/policy/policy-file.ts'],
  selfsigned: ['server/api/api-tls.ts'],
  '@photostructure/sqlite': ['sqlite/database.ts'],
  pg: ['extras/registry/postgresql-store.ts'],
  'prom-client': ['extras/metrics/own-metrics.ts'],
  redis: ['extras/redis/redis-connection.ts'],
  'rabbitmq-client': ['extras/rpc/transport/amqp/amqp-connection.ts'],
};

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  /** Path of the imported file below `src`, if the specifier is relative. */
  readonly target: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(path: string): Import[] {
  const text = readFileSync(path, 'utf8');
  const found: Import[] = [];
  const statement =
    /^\s*(import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?(['"])([^'"]+)\3|\bimport\(\s*(['"])([^'"]+)\5\s*\)/gm;
  for (const match of text.matchAll(statement)) {
    const specifier = match[4] ?? match[6];
    if (specifier === undefined) continue;
    const before = text.slice(0, match.index);
    if (/^\s*\*/.test(before.slice(before.lastIndexOf('\n') + 1) + match[0].trimStart())) continue;
    const names = /\{([^}]*)\}/.exec(match[0])?.[1];
    const onlyTypes =
      names
        ?.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .every((name) => name.startsWith('type ')) ?? false;
    found.push({
      file: relative(src, path).replaceAll('\\', '/'),
      line: before.split('\n').length,
      specifier,
      target: relative(src, resolve(dirname(path), specifier)).replaceAll('\\', '/'),
      typeOnly: match[2] !== undefined || onlyTypes,
    });
  }
  return found;
}

/** `app`, `extras/rpc`; the name of a file that is in no directory. */
const directoryOf = (file: string): string =>
  /^(?:extras\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? file.replace(/\.[jt]s$/, '');
const isExtra = (file: string): boolean => file.startsWith('extras/');
/** This list stands above all directories, and those that read it below: its imports are not run with it. */
const LISTS = ['filters.ts'];
const imports = sourceFiles(src).flatMap(importsOf);
const all = imports.filter(
  ({ file, target }) => !LISTS.includes(file) && !LISTS.map((each) => each.replace('.ts', '.js')).includes(target),
);

test('the list of filters has only closures, each of an import below middleware, and three files read it', () => {
  const text = readFileSync(join(src, 'filters.ts'), 'utf8').replace(/^\/\*\*.*?\*\//s, '');
  const lines = text.slice(text.indexOf('= {\n') + 4, text.indexOf('\n}')).split('\n');
  const other = lines.filter((line) => !/^ {2}\w+: \(\) => import\('\.\/middleware\/[\w/-]+\.js'\),$/.test(line));
  assert.deepEqual(other, []);
  assert.deepEqual(
    imports.filter(({ target }) => target === 'filters.js').map(({ file }) => file),
    ['loader/counterparts.ts', 'loader/filter-order.ts', 'loader/own-filters.ts'],
  );
});

test('imports point down: a directory imports itself and the index.ts and internal.ts of lower ones', () => {
  const wrong: string[] = [];
  for (const { file, line, specifier, target } of all) {
    if (!specifier.startsWith('.') || isExtra(file)) continue;
    const [from, to] = [directoryOf(file), directoryOf(target)];
    if (from === to) continue;
    const where = `src/${file}:${line} imports ${specifier}`;
    if (target.includes('/') && !/^[^/]+\/(index|internal)\.js$/.test(target)) {
      wrong.push(`${where}: across folders only index.ts, which is published, and internal.ts may be imported`);
    }
    const allowed = ALLOWED[from];
    if (!UNBOUND.includes(from) && !allowed?.includes(to)) wrong.push(`${where}: ${from} may not import ${to}`);
  }
  assert.deepEqual(wrong, []);
});

test('extras import their own files, packages and what Portico publishes, by its name, and not each other', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { types?: string }>;
  };
  const isOfCore = (name: string): boolean =>
    exports[name.replace('portico', '.')]?.types?.startsWith('./dist/extras/') === false;
  const wrong = all.filter(({ file, specifier, target }) => {
    if (!isExtra(file)) return false;
    if (/^[.#]/.test(specifier)) return directoryOf(target) !== directoryOf(file);
    return /^portico(?:\/|$)/.test(specifier) && !isOfCore(specifier);
  });
  assert.deepEqual(
    wrong.map(({ file, line, specifier }) => `src/${file}:${line} imports ${specifier}`),
    [],
  );
});

test('the core imports no extra, but to publish it: it asks the extensions of an application for what they provide', () => {
  const known = all.filter(
    ({ file, specifier, target }) =>
      !isExtra(file) && (specifier.startsWith('.') ? isExtra(target) : /^portico(?:\/|$)/.test(specifier)),
  );
  assert.deepEqual(
    known.map(({ file, specifier }) => `src/${file} imports ${specifier}`),
    // The filter session is published under both names.
    ['src/middleware/index.ts imports portico/sessions'],
  );
});

test('the core has the name of an extra as an example in its help, and nowhere else', () => {
  const extras = readdirSync(join(src, 'extras'), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  const names = new RegExp(`\\bportico/(?:${extras.join('|')})\\b`);
  const naming = sourceFiles(src).filter((path) => {
    const code = readFileSync(path, 'utf8').replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, '');
    return !isExtra(relative(src, path)) && names.test(code);
  });
  assert.deepEqual(
    naming.map((path) => relative(src, path)),
    ['config/values/declared-groups.ts', 'middleware/index.ts'],
  );
});

/** Imports of a module that a file or a package names, by their file. */
const COMPUTED: Readonly<Record<string, readonly string[]>> = {
  'config/extension-objects.ts': ['import(url'],
  'config/values/owners.ts': ['import(module', 'import(shippedUrl'],
  'modules/import-export.ts': ['import(url', 'import(pathToFileURL', 'import(url'],
};

test('an import takes a literal, or what a file names: no directory imports another one by a computed path', () => {
  const computed = sourceFiles(src).flatMap((path) => {
    const code = readFileSync(path, 'utf8').replaceAll(/^\s*(?:\*|\/\/|\/\*).*$/gm, '');
    const found = code.match(/\bimport\((?!['"])\w+/g);
    return found === null ? [] : [[relative(src, path), [...found]] as const];
  });
  assert.deepEqual(Object.fromEntries(computed), COMPUTED);
});

test('no directory imports a higher one by a name of the package', () => {
  const named = all.filter(({ specifier }) => specifier.startsWith('#'));
  assert.deepEqual(
    named.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test('within a directory imports point down as well: its parts have an order', () => {
  const partOf = (file: string): string => file.split('/')[1]!.replace(/\.[jt]s$/, '');
  const wrong: string[] = [];
  for (const [directory, order] of Object.entries(PARTS)) {
    const parts = readdirSync(join(src, directory), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || /(?<!^index|^internal)\.ts$/.test(entry.name))
      .map(({ name }) => name.replace(/\.ts$/, ''));
    assert.deepEqual(
      [...new Set(parts)].toSorted(),
      order.toSorted(),
      `the parts of src/${directory} are in the table`,
    );
  }
  for (const { file, line, specifier, target } of all) {
    const order = PARTS[directoryOf(file)];
    if (order === undefined || !specifier.startsWith('.') || directoryOf(target) !== directoryOf(file)) continue;
    const [from, to] = [partOf(file), partOf(target)];
    if (from === to || from === 'index' || from === 'internal') continue;
    if (order.indexOf(to) > order.indexOf(from) || !order.includes(to)) {
      wrong.push(`src/${file}:${line} imports ${specifier}: ${to} stands above ${from}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no file of src imports itself by way of others, types included, and no directory does', () => {
  const files = new Map<string, string[]>();
  const directories = new Map<string, string[]>();
  for (const { file, specifier } of all) {
    if (!specifier.startsWith('.')) continue;
    const target = relative(src, resolve(src, dirname(file), specifier)).replace(/\.js$/, '.ts');
    files.set(file, [...(files.get(file) ?? []), target]);
    const [from, to] = [directoryOf(file), directoryOf(target)];
    if (from !== to) directories.set(from, [...(directories.get(from) ?? []), to]);
  }
  assert.deepEqual([...circlesIn(directories), ...circlesIn(files)], []);
});

/** Returns the cycles of a graph, each as a path. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    if (way.includes(node)) found.push([...way.slice(way.indexOf(node)), node].join(' -> '));
    if (done.has(node)) return;
    done.add(node);
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}

test('what Node keeps by names without documentation is known to one directory', () => {
  const wrong: string[] = [];
  for (const path of sourceFiles(src)) {
    const file = relative(src, path).replaceAll('\\', '/');
    if (!['app', 'loader', 'middleware', 'server', 'testing'].includes(directoryOf(file))) continue;
    readFileSync(path, 'utf8')
      .split('\n')
      .forEach((line, at) => {
        if (/\._[a-z]|getOwnPropertySymbols/i.test(line)) wrong.push(`src/${file}:${at + 1} ${line.trim()}`);
      });
  }
  assert.deepEqual(wrong, []);
});

test('each package is imported as a value by one file, and by one of each extra', () => {
  const byPackage = new Map<string, Set<string>>();
  for (const { file, specifier, typeOnly } of all) {
    if (specifier.startsWith('.') || specifier.startsWith('node:') || /^(?:portico|#)/.test(specifier)) continue;
    assert.ok(!builtinModules.includes(specifier), `src/${file}: write node:${specifier}`);
    if (typeOnly) continue;
    const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
    byPackage.set(name, (byPackage.get(name) ?? new Set()).add(file));
  }
  const wrong: string[] = [];
  for (const [name, files] of byPackage) {
    const planned = PACKAGES[name];
    const parts = [...files].map((file) => (isExtra(file) ? directoryOf(file) : 'core'));
    if (new Set(parts).size < files.size) wrong.push(`${name}: ${[...files].join(', ')}`);
    for (const file of files) if (planned !== undefined && !planned.includes(file)) wrong.push(`${name}: ${file}`);
  }
  assert.deepEqual(wrong, []);
});

/** Not imported: it stops Fastify from installing a newer version, whose dependency needs Node 22. */
const PINNED = 'light-my-request';

test('the package depends on what it imports, types included, and on nothing else', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>;
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  const required = sourceFiles(src).flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(/\brequire\('([^']+)'\)/g)].map(([, name]) => name!),
  );
  const imported = [...all.map(({ specifier }) => specifier), ...required]
    .filter((name) => !/^(\.|#|node:|data:|portico($|\/))/.test(name))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
  const wanted = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  assert.deepEqual([...new Set([...imported, PINNED])].toSorted(), wanted.toSorted());
});

test('no file and no directory is a dumping ground: its name says what it holds', () => {
  const names = sourceFiles(src).map((path) => relative(root, path));
  const unnamed = /(^|\/)(utils?|helpers?|common|misc|shared|lib|core)(\.ts|\/)/;
  assert.deepEqual(
    names.filter((name) => unnamed.test(name)),
    [],
  );
});

test('the code of a directory does not grow: its tokens are no more than its row of tokens.txt', () => {
  const path = join(root, 'test', 'tokens.txt');
  const counted = new Map<string, number>();
  for (const file of sourceFiles(src)) {
    const directory = directoryOf(relative(src, file));
    counted.set(directory, (counted.get(directory) ?? 0) + tokensIn(readFileSync(file, 'utf8')));
  }
  const table = [...counted].map(([directory, tokens]) => `${directory} ${tokens}\n`).join('');
  if (process.env.PORTICO_RECORD === '1') writeFileSync(path, table);
  const rows = new Map(
    [...readFileSync(path, 'utf8').matchAll(/^(\S+) (\d+)$/gm)].map(([, name, most]) => [name!, Number(most)]),
  );
  const grown = [...counted].flatMap(([directory, tokens]) => {
    const most = rows.get(directory) ?? 0;
    return tokens > most ? [`${directory} has ${tokens} tokens, ${tokens - most} more than its row`] : [];
  });
  const gone = [...rows.keys()].filter((name) => !counted.has(name)).map((name) => `${name} is no directory`);
  const rule =
    'Look for what does the same already. A commit that raises a row says why, and lowers another one:\n' +
    '`npm run tokens` writes test/tokens.txt as the code is.';
  assert.deepEqual([...grown, ...gone], [], [...grown, ...gone, rule].join('\n'));
});

test('tokens: comments weigh nothing, and a text, a template and an expression are one each', () => {
  const weights: Readonly<Record<string, number>> = {
    '// a comment\n/** and */ one /* more */': 1,
    "throw new Error('a long text, with // and /* in it', { cause })": 10,
    'const a = `x ${b.c} y ${{ d: `${e}` }} z`;': 14,
    'a / b / c': 5,
    'const isWord = /[/`${]+\\/x/u.test(text) && type / 2 > 1': 15,
    'return /}/': 2,
    'this.#n ??= x?.y': 7,
  };
  for (const [code, weight] of Object.entries(weights)) assert.equal(tokensIn(code), weight, code);
});

test('every directory has an index.ts, and package.json exports those that are public and no other file', () => {
  const foldersOf = (folder: string): string[] =>
    readdirSync(join(src, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  const directories = [...foldersOf('.').filter((name) => name !== 'extras'), ...foldersOf('extras')];
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>;
  };
  const withoutIndex = directories.filter((name) => name !== 'cli' && !existsSync(join(src, name, 'index.ts')));
  // It has a command alone.
  assert.deepEqual(withoutIndex, [join('extras', 'generate')]);

  const inner = [
    'counts',
    'errors',
    'ini',
    'log',
    'managers',
    'modules',
    'operating',
    'plan',
    'process',
    'spans',
    'text',
    'wire',
  ];
  const expected = [
    '.',
    './package.json',
    ...directories.filter((name) => ![...inner, ...withoutIndex].includes(name)).map((name) => `./${basename(name)}`),
  ];
  assert.deepEqual(Object.keys(manifest.exports).sort(), expected.sort());
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue;
    const entry = join(directories.find((name) => basename(name) === subpath.slice(2)) ?? '.', 'index');
    assert.deepEqual(target, { types: `./dist/${entry}.d.ts`, default: `./lib/${entry}.js` });
  }
});

test('an entry point exports what a page names, in code or as the name of a filter, and nothing else', async () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  const pages = ['.', 'docs'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: folder === 'docs' })
      .map(String)
      .filter((name) => name.endsWith('.md') && !name.endsWith('CHANGELOG.md') && !name.startsWith('api'))
      .map((name) => readFileSync(join(root, folder, name), 'utf8')),
  );
  const named = new Set(pages.join('\n').match(/\w+/g));
  const unnamed: string[] = [];
  for (const [entry, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    for (const name of Object.keys((await import(join(root, target.default))) as object)) {
      const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (!named.has(name) && !named.has(snake)) unnamed.push(`${entry} ${name}`);
    }
  }
  assert.deepEqual(unnamed, []);
});

test('a file that is published keeps its name when its content changes: what runs may import it later', () => {
  const hashed = readdirSync(join(root, 'lib'), { recursive: true }).filter((name) =>
    /-[A-Z0-9]{8}\.js$/.test(String(name)),
  );
  assert.deepEqual(hashed, []);
});

test('what is published has the names it was written with: errors and objects are shown by them', async () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  const wrong: string[] = [];
  for (const [entry, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue;
    const module = (await import(join(root, target.default))) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      const isClass = typeof value === 'function' && String(value).startsWith('class');
      if (isClass && value.name !== name) wrong.push(`${entry} ${name} is called ${value.name}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('docs/architecture.md names files that exist, and all directories of src', () => {
  const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  const named = [...page.matchAll(/`((?:src|test)\/[^`\s]*)`/g)].map(([, path]) => path!);
  assert.deepEqual(
    named.filter((path) => !existsSync(join(root, path))),
    [],
  );
  const table = /\| Directories of `src`[\s\S]*?\n\n/.exec(page)![0];
  const directories = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(
    directories.map(({ name }) => name).filter((name) => !table.includes(`\`${name}\``)),
    [],
  );
});
