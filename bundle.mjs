#!/usr/bin/env node
// Bundles the compiler's output in `compiled` into the published modules in `lib`: a few files for each directory of `src` instead of
// hundreds. In every process, Node takes half a millisecond and some kilobytes for each file that it imports. For each module of `src`,
// `dist` gets a file beside its declarations that exports it from `lib`: tests import private parts of what is published.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const [src, compiled, dist, lib] = ['src', 'compiled', 'dist', 'lib'].map((folder) => join(root, folder));
/** The names of all shipped options, so that every process knows them without an import of the modules that declare them. */
const NAMES = 'shipped-names.json';
/** Has the names of all files that were made. Nothing has to be done if they exist, and all else is older. */
const stamp = join(compiled, '.bundled');
if (isMade()) process.exit(0);
const { rollup } = await import('rollup');
const { parseAst } = await import('rollup/parseAst');
const { transform } = await import('esbuild');

/** The thread of each process that serves. It is published as CommonJS: for an ES module Node starts a loader there, 7 ms of CPU time. */
const THREAD = 'launch/worker/watch-thread.js';

/** Files that Portico starts by path, as processes and threads. */
const STARTED = ['launch/worker/worker-bootstrap.js', THREAD, 'middleware/auth/basic-auth-worker.js'];

/**
 * The modules that entries import first. They are together in a file with nothing else, because they must run before others load: only code
 * that loads later comes from the cache of compiled code.
 */
const FIRST = ['process/early-signals.js', 'process/v8.js', 'process/own-files.js', 'process/start-memory.js'];

/**
 * The modules that start the first worker of `api-cli`. They load next, so that the worker and the rest of the parent load at the same
 * time. Each directory gets a file, so that an application that imports one of these modules does not load the commands.
 */
const AHEAD = [
  'process/process-options.js',
  'process/entered-folder.js',
  'launch/protocol.js',
  'launch/parent/worker-process.js',
  'cli/command-line.js',
  'cli/commands.js',
];

/** Lists of files to load, with the directory that reads them. */
const LISTS = { 'filters.js': 'loader' };

/** Directories of the core whose `internal.js` declares options that any process checks. */
const OWNERS = ['app', 'operating', 'server', 'service'];

/** Directories that every process needs, together in one file for each layer: a file takes 0.25 ms of CPU time. */
const LAYERS = {
  base: ['errors', 'ini', 'log', 'modules', 'process', 'spans', 'tasks', 'text', 'wire'],
  config: ['config', 'counts', 'managers', 'service'],
};

/**
 * The modules that these entries load at their start. A directory is split into one file for each entry in this order that is the first to
 * need parts of it, so that no entry loads modules that only a later one needs.
 */
const PROGRAMS = {
  // The parent process, which needs no schemas and no routing.
  '': ['cli/main.js', 'cli/begin.js', 'cli/program.js', 'cli/serve/serve.js'],
  // A worker of `api-cli`, whose application usually has a Router.
  '-worker': ['launch/worker/worker-bootstrap.js', 'cli/serve/served-api.js', 'app/index.js', 'routing/index.js'],
  // An application that embeds Portico.
  '-embedded': ['index.js'],
};

/**
 * Modules of Node that are costly and that few processes need at their start: `node:crypto` takes 3 to 6 ms of CPU time, `node:tls` 1, and on
 * Node 24 another 7 for a thread that reads certificates, `node:fs/promises` 1. Shared files load each of them when it is first used.
 */
const LATER = ['node:crypto', 'node:tls', 'node:fs/promises', 'node:dns/promises'];

/** A module that exports each export of each module. It is not written: it says where in `lib` they are. */
const ALL = 'all.js';

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const published = Object.values(exports).flatMap(({ default: path }) => (path ? [relative('lib', path)] : []));
const modules = new Map(filesBelow(src).map((path) => [compiledName(path), readModule(compiledName(path))]));
/** The extensions that are shipped, `portico/<name>`, with their modules. */
const EXTENSIONS = new Map(
  [...modules.keys()].flatMap((path) => {
    const name = /^extras\/([^/]+)\/extension\.js$/.exec(path)?.[1];
    return name === undefined ? [] : [[`portico/${name}`, path]];
  }),
);
const entries = new Set([
  ...published,
  ...Object.values(bin).map((path) => relative('lib', path)),
  ...STARTED,
  // The loader imports the files of the filters that a paste file names.
  ...modules.get('filters.js').loads,
  // Configuration imports extensions by the names in the table.
  ...EXTENSIONS.values(),
  // Exports for other directories beside the entry points.
  ...[...modules.keys()].filter((path) => basename(path) === 'internal.js'),
]);
const importers = new Map([...modules.keys()].map((path) => [path, new Set()]));
const loaded = new Set([...modules.values()].flatMap((module) => module.loads));
for (const [path, module] of modules) {
  Object.assign(module, direct(module));
  for (const each of module.imports) importers.get(each).add(path);
}

// Files for modules that the same entries need, by these entries.
const shared = new Map();
const files = new Map([...modules.keys()].map((path) => [path, fileOf(path)]));
const alone = [...loaded].filter((path) => files.get(path) === nameOf(path));
const built = await rollup({
  // By name: each of them has its own file, even if nothing else is in it.
  input: Object.fromEntries(
    [ALL, ...entries, ...alone].flatMap((path) => (published.includes(path) ? [] : [[path, path]])),
  ),
  external: (id) => id !== ALL && !modules.has(id) && ownModule(id, '') === undefined,
  // Only entry points have no exports beside their own.
  preserveEntrySignatures: 'allow-extension',
  treeshake: false,
  plugins: [{ name: 'portico', resolveId, buildStart, load, renderChunk }],
  onLog: (level, log, report) => {
    // The compiler's helpers for decorators.
    if (log.code !== 'THIS_IS_UNDEFINED') report(level, log);
  },
});
const { output } = await built.generate({
  dir: lib,
  sourcemap: true,
  // `src` is published.
  sourcemapExcludeSources: true,
  // No hash in the names, so that a running process still finds the files that it imports later.
  entryFileNames: ({ name }) => (name === THREAD ? name.replace(/js$/, 'cjs') : name),
  // As `.mjs`: for each `.js`, Node 24 reads the package's manifest anew to learn what it is, 0.4 ms of CPU time.
  chunkFileNames: ({ facadeModuleId, name }) => facadeModuleId ?? `chunks/${name}.mjs`,
  manualChunks: (path) => files.get(path),
  onlyExplicitManualChunks: true,
  minifyInternalExports: false,
  hoistTransitiveImports: false,
});

// Applications may be running: each file is replaced in one step, and old files are removed last.
const made = new Map();
for (const { fileName, code, source } of output)
  if (!fileName.startsWith(ALL)) made.set(join(lib, fileName), code ?? source);
for (const [path, text] of facades()) made.set(join(dist, path), text);
made.set(join(lib, NAMES), await shippedNames());
for (const [path, text] of made) write(path, text);
// npm and npx run these by name.
for (const path of Object.values(bin)) chmodSync(join(root, path), 0o755);
for (const path of filesBelow(lib)) if (!made.has(join(lib, path))) rmSync(join(lib, path));
// Output of a deleted source file would otherwise be published and found by tests.
for (const folder of [compiled, dist])
  for (const path of filesBelow(folder)) if (!modules.has(compiledName(path))) rmSync(join(folder, path));
// The package contains only the declarations that the entry points reach; npm leaves out the others.
const reached = declarations();
const unpublished = filesBelow(dist).filter((path) => !reached.has(path));
// From the root: a name alone means files of that name in each directory.
write(join(dist, '.npmignore'), unpublished.map((path) => `/${path}\n`).join(''));
writeFileSync(stamp, [...made.keys()].join('\n'));

function isMade() {
  if (!existsSync(stamp)) return false;
  const { mtimeMs } = statSync(stamp);
  const needed = [join(root, 'bundle.mjs'), join(root, 'package.json'), ...readFileSync(stamp, 'utf8').split('\n')];
  for (const folder of [compiled, dist, lib])
    if (existsSync(folder)) needed.push(...filesBelow(folder).map((path) => join(folder, path)));
  return needed.every((path) => existsSync(path) && statSync(path).mtimeMs <= mtimeMs);
}

/** Returns what a module imports and passes on. */
function readModule(path) {
  const code = readFileSync(join(compiled, path), 'utf8');
  const moduleOf = ({ source }) => (source?.type === 'Literal' ? ownModule(source.value, path) : undefined);
  const { body } = parseAst(code);
  const statics = body.map((node) => ({ ...node, from: moduleOf(node) })).filter(({ from }) => from !== undefined);
  return {
    code,
    statics,
    // Few modules import others later, and a walk through all nodes takes longer than to read them.
    loads: (code.includes('import(') ? nodesIn(body) : [])
      .filter(({ type }) => type === 'ImportExpression')
      .flatMap((node) => moduleOf(node) ?? []),
    reexports: new Map(
      statics.flatMap(({ type, from, specifiers }) =>
        type === 'ExportNamedDeclaration'
          ? specifiers.map(({ local, exported }) => [exported.name, [from, local.name]])
          : [],
      ),
    ),
  };
}

/** Returns the module that an import means, by its path or as users import it: extras name the core `portico/app`. */
function ownModule(specifier, importer) {
  if (specifier.startsWith('.')) return join(dirname(importer), specifier);
  const path = exports[specifier.replace(/^portico(?=\/|$)/, '.')]?.default;
  return specifier.startsWith('portico') && path ? relative('lib', path) : undefined;
}

function nodesIn(node) {
  if (typeof node !== 'object' || node === null) return [];
  return [...(typeof node.type === 'string' ? [node] : []), ...Object.values(node).flatMap(nodesIn)];
}

/**
 * Replaces imports from a directory's `index.js` or `internal.js` by imports from the modules that these re-export. Otherwise each module
 * would depend on all modules of every directory that it imports from. Returns the code, in which no line has moved, and what it imports.
 */
function direct({ code, statics }) {
  let text = code;
  const imports = [];
  for (const { type, from, specifiers, start, end } of statics.toReversed()) {
    if (!isIndex(from)) {
      imports.push(from);
      continue;
    }
    const verb = type === 'ImportDeclaration' ? 'import' : 'export';
    const each = specifiers.map(({ imported, local, exported }) => {
      const [file, name] = exporterOf(from, (imported ?? local).name);
      imports.push(file);
      return `${verb} { ${name} as ${(exported ?? local).name} } from '${file}';`;
    });
    text = `${text.slice(0, start)}${each.join(' ')}${text.slice(end)}`;
  }
  return { code: text, imports: imports.toReversed() };
}

function isIndex(path) {
  return ['index.js', 'internal.js'].includes(basename(path));
}

/** Returns the module that declares an export of `index.js` or `internal.js`, and the name there. */
function exporterOf(path, name) {
  const reexported = isIndex(path) ? modules.get(path).reexports.get(name) : undefined;
  return reexported === undefined ? [path, name] : exporterOf(...reexported);
}

/**
 * Returns the name of the file for a module: its own, that of the one entry that needs it, or of its directory and the first entry that
 * needs it. Modules that no entry loads at its start are together if the same entries need them, so that no command loads those of another.
 */
function fileOf(path) {
  const [, folder] = /^(?:extras\/)?([^/]+)/.exec(LISTS[path] ?? path);
  if (entries.has(path) || (loaded.has(path) && importers.get(path).size === 0)) return nameOf(path);
  if (FIRST.includes(path)) return 'first';
  if (AHEAD.includes(path)) return `${folder}-ahead`;
  const needing = entriesOf(path);
  if (needing.size === 1) return nameOf([...needing][0]);
  const [program] = Object.entries(PROGRAMS).find(([, roots]) => roots.some((each) => needing.has(each))) ?? [];
  if (program !== undefined) {
    const layer = Object.keys(LAYERS).find((name) => LAYERS[name].includes(folder)) ?? folder;
    return `${layer}${program}`;
  }
  // Processes import what stands in `internal.js` from its own file.
  const key = [...needing]
    .filter((each) => basename(each) !== 'internal.js')
    .toSorted()
    .join();
  if (!shared.has(key)) shared.set(key, nameOf(path).replaceAll('/', '-'));
  return shared.get(key);
}

function nameOf(path) {
  return path.replace(/\.js$/, '');
}

/** Returns the entries and the dynamically imported modules that import a module, directly or through others. */
function entriesOf(path) {
  const all = new Set([path]);
  for (const each of all) for (const importer of importers.get(each)) all.add(importer);
  return new Set([...all].filter((each) => entries.has(each) || loaded.has(each)));
}

function buildStart() {
  for (const id of published) this.emitFile({ type: 'chunk', id, name: id, preserveSignature: 'strict' });
}

function resolveId(id, importer) {
  return id === ALL || modules.has(id) ? id : (ownModule(id, importer) ?? null);
}

/** Returns a compiled module with its source map, or that of all exports. */
async function load(id) {
  if (id !== ALL) {
    const map = JSON.parse(readFileSync(join(compiled, `${id}.map`), 'utf8'));
    return { code: modules.get(id).code, map: { ...map, sources: [join(src, `${nameOf(id)}.ts`)] } };
  }
  const all = await Promise.all([...modules.keys()].map((path) => this.load({ id: path })));
  return all
    .map(({ id: path, exports: names }) => {
      return `export { ${names.map((name) => `${name} as '${path}:${name}'`)} } from '${path}';`;
    })
    .join('\n');
}

/** Removes comments, and writes characters beyond ASCII as escapes: with one of them beyond Latin-1, V8 needs twice the memory for the file. */
function renderChunk(code, { fileName }) {
  if (fileName === ALL) return null;
  const options = { charset: 'ascii', legalComments: 'none', sourcemap: true, target: 'esnext' };
  if (fileName.endsWith('.cjs')) return transform(code, { ...options, format: 'cjs' });
  // Files that only an API with a certain filter loads take them at once: its first request does not wait for a module.
  const later = fileName.startsWith('chunks/') ? LATER : [];
  const define = {};
  return transform(withoutNamespaces(code, later, define), { ...options, define });
}

/**
 * Takes Node's modules without their ES namespaces. To make one, Node calls all getters of the module: that of `node:http` for `WebSocket`
 * loads undici, 20 ms of CPU time in each process on Node 24 and 26; those of `node:fs` and `node:util` take 1 to 2 ms, a small module 0.2.
 * `define` gets what each name from one of the modules `later` has to be replaced by.
 */
function withoutNamespaces(code, later, define) {
  const imports = /^import (?:(?:\* as )?(\w[\w$]*)(?:, )?)?(\{.*\})? from '(node:.+)';$/gm;
  return code.replaceAll(imports, (_, whole, names, id) => {
    const module = `process.getBuiltinModule('${id}')`;
    if (later.includes(id) && whole === undefined) {
      const from = id.replaceAll(/\W/g, '_');
      for (const [, name, local = name] of names.matchAll(/([\w$]+)(?: as ([\w$]+))?/g))
        define[local] = `${from}.module.${name}`;
      return `const ${from} = { get module() { Object.defineProperty(this, 'module', { value: ${module} }); return this.module; } };`;
    }
    const parts = names?.replaceAll(' as ', ': ');
    if (whole === undefined) return `const ${parts} = ${module};`;
    return `const ${whole} = ${module}${parts ? `, ${parts} = ${whole}` : ''};`;
  });
}

/** Returns the files of `dist` that export each module from `lib`. */
function facades() {
  const { body } = parseAst(output.find(({ fileName }) => fileName === ALL).code);
  const imported = new Map();
  const texts = new Map([...modules.keys()].map((path) => [path, '']));
  for (const { type, source, specifiers = [] } of body)
    for (const { local, imported: name, exported } of specifiers) {
      if (type === 'ImportDeclaration') {
        imported.set(local.name, [source.value, name.name]);
        continue;
      }
      const [from, there] = source ? [source.value, local.name] : imported.get(local.name);
      const [path, here] = exported.value.split(':');
      const file = from.startsWith('.') ? relative(join(dist, dirname(path)), join(lib, from)) : from;
      texts.set(path, `${texts.get(path)}export { ${there} as ${here} } from '${file}';\n`);
    }
  return texts;
}

/** Returns the table of the names, as text. */
async function shippedNames() {
  // Extras import the core by its name: here they shall have the modules beside them.
  const doors = Object.entries(exports).flatMap(([name, { default: path }]) =>
    path ? [[name, path.replace('/lib', '')]] : [],
  );
  const manifest = { name: 'portico', type: 'module', exports: Object.fromEntries(doors) };
  write(join(compiled, 'package.json'), JSON.stringify(manifest));
  // The names of extensions are known before what they have.
  const bare = [...EXTENSIONS].map(([name, module]) => [
    name,
    { module, groups: [], provides: {}, aliases: {}, sections: {} },
  ]);
  const empty = { sections: {}, owners: {}, extensions: Object.fromEntries(bare), commands: [], groups: [] };
  write(join(compiled, NAMES), JSON.stringify(empty));
  const { shippedExtensions, writeTable } = await import(join(compiled, 'config/internal.js'));
  const { COMMANDS } = await import(join(compiled, 'cli/commands.js'));
  const { bundledOptions } = await import(join(compiled, 'cli/configured/bundled-options.js'));
  await bundledOptions();
  const extensions = (await shippedExtensions()).map(({ name, options = {}, provides = {}, aliases = {} }) => [
    name,
    { module: EXTENSIONS.get(name), groups: Object.keys(options), provides: kindsOf(provides), aliases },
  ]);
  return writeTable(new Map(extensions), OWNERS, [...COMMANDS.keys()]);
}

/** Returns whether each part is a function, or an object of functions by name. */
function kindsOf(provides) {
  return Object.fromEntries(Object.entries(provides).map(([part, value]) => [part, typeof value]));
}

/** Returns the declaration files of the entry points and all files that they import. */
function declarations() {
  const found = new Set(Object.values(exports).flatMap(({ types }) => (types ? [relative('dist', types)] : [])));
  for (const path of found) {
    // As the compiler writes it, with the doc comments of the source; `/*` may also stand in a text, as in 'text/*'.
    const code = readFileSync(join(dist, path), 'utf8').replaceAll(/^\s*\/\*\*.*?\*\//gms, '');
    for (const [, target] of code.matchAll(/\b(?:from|import) ?\(?['"](\..*?)['"]/g))
      found.add(join(dirname(path), target).replace(/\.js$/, '.d.ts'));
  }
  return found;
}

function compiledName(path) {
  return path.replace(/(?:\.d\.ts|\.ts|\.js\.map)$/, '.js');
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ['.js', '.cjs', '.mjs', '.map', '.ts'].includes(extname(entry.name)))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function write(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
