#!/usr/bin/env node
// Bundles the compiler's output in `dist` into the published modules in `lib`: a few files for each directory of `src` instead of
// hundreds. In every process, Node takes half a millisecond and some kilobytes for each file that it imports.
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
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const lib = join(root, 'lib');
/** The names of all shipped options, so that every process knows them without an import of the modules that declare them. */
const NAMES = 'shipped-names.json';
/** Has the names of all files that were made. Nothing has to be done if they exist, and all else is older. */
const stamp = join(dist, '.bundled');
if (isMade()) process.exit(0);
const { rollup } = await import('rollup');

/** Files that Portico starts by path, as processes and threads. */
const STARTED = [
  'launch/worker/worker-bootstrap.js',
  'cli/worker-modules.js',
  'launch/worker/watch-thread.js',
  'middleware/auth/basic-auth-worker.js',
];

/** The modules that programs import first. They are together in a file with nothing else, because they must run before others load. */
const FIRST = ['process/early-signals.js', 'process/v8.js', 'process/own-files.js'];

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

/** Directories that every process needs, together in one file. */
const BASE = ['errors', 'log', 'process', 'text'];

/**
 * The modules that programs load at their start. A directory is split into one file for each program in this order that is the first to
 * need parts of it, so that no program loads modules that only a later one needs.
 */
const PROGRAMS = {
  // The parent process, which needs no schemas and no routing.
  '': ['cli/main.js', 'cli/begin.js', 'cli/program.js', 'cli/serve/serve.js'],
  // A worker of `api-cli`, whose application usually has a Router.
  '-worker': ['launch/worker/worker-bootstrap.js', 'routing/index.js'],
  // A program that embeds Portico.
  '-embedded': ['index.js'],
};

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entryPoints = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)]
  .filter((path) => path !== undefined)
  .map((path) => relative('lib', path));
// For a filter of a paste file, the loader imports the file that `middleware/index.js` names.
const filters = readFileSync(join(dist, 'middleware/index.js'), 'utf8').matchAll(/ from '\.\/([^']+)'/g);
// Exports that directories use of each other beside the entry points. Tests of private parts import them.
const internal = readdirSync(dist).map((folder) => `${folder}/internal.js`);
// What an extra provides to the core, which finds it by a group of options.
const provided = readdirSync(dist).map((folder) => `${folder}/provided.js`);
const entries = new Set([
  ...entryPoints,
  ...STARTED,
  ...[...filters].map(([, path]) => `middleware/${path}`),
  ...[...internal, ...provided].filter((path) => existsSync(join(dist, path))),
]);

const bundle = await rollup({
  input: Object.fromEntries([...entries].map((path) => [path, join(dist, path)])),
  external: (id) => !/^[./]/.test(id),
  preserveEntrySignatures: 'strict',
  treeshake: false,
  plugins: [{ name: 'compiled', load: compiled }],
  onLog: (level, log, report) => {
    // The compiler's helpers for decorators.
    if (log.code !== 'THIS_IS_UNDEFINED') report(level, log);
  },
});
const { output } = await bundle.generate({
  dir: lib,
  // No source maps: a stack trace names a line of `lib`, which is published and readable. `src` is not published.
  sourcemap: false,
  entryFileNames: '[name]',
  // No hash in the names, so that a running process still finds the files that it imports later.
  chunkFileNames: ({ facadeModuleId, name }) =>
    facadeModuleId === null ? `chunks/${name}.js` : relative(dist, facadeModuleId),
  manualChunks: chunkOf,
  onlyExplicitManualChunks: true,
  minifyInternalExports: false,
  hoistTransitiveImports: false,
});

// Programs may be running: each file is replaced in one step, and old files are removed last.
for (const { fileName, type, code, source } of output) write(join(lib, fileName), type === 'chunk' ? code : source);
// npm and npx run these by name.
for (const path of Object.values(bin)) chmodSync(join(root, path), 0o755);
const made = new Set(output.map(({ fileName }) => fileName));
for (const path of filesBelow(lib)) if (!made.has(path)) rmSync(join(lib, path));
// Output of a deleted source file would otherwise be published and found by tests.
for (const path of filesBelow(dist)) {
  const source = path.replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
  if (source !== path && !existsSync(join(root, 'src', source))) rmSync(join(dist, path));
}

const names = await shippedNames();
for (const folder of [dist, lib]) write(join(folder, NAMES), names);

// The package contains only the declarations that the entry points reach; npm leaves out the others.
const published = declarations();
const unpublished = filesBelow(dist).filter((path) => path.endsWith('.d.ts') && !published.has(path));
write(join(dist, '.npmignore'), `${unpublished.join('\n')}\n`);
writeFileSync(stamp, filesBelow(lib).join('\n'));

function isMade() {
  if (!existsSync(stamp) || !existsSync(lib)) return false;
  const { mtimeMs } = statSync(stamp);
  const made = readFileSync(stamp, 'utf8').split('\n');
  const needed = [...made.map((path) => join(lib, path)), join(lib, NAMES), join(dist, NAMES)];
  if (!needed.every((path) => existsSync(path))) return false;
  const files = [join(root, 'bundle.mjs'), join(root, 'package.json'), join(dist, '.tsbuildinfo')];
  for (const folder of [dist, lib]) files.push(...filesBelow(folder).map((path) => join(folder, path)));
  return files.every((path) => statSync(path).mtimeMs <= mtimeMs);
}

/** Returns the table of the names, as text: that of all options which the modules declare with their group. */
async function shippedNames() {
  const { writeTable } = await import(join(dist, 'config/internal.js'));
  const directories = new Map();
  for (const path of filesBelow(dist).toSorted()) {
    const text = path.endsWith('.js') ? readFileSync(join(dist, path), 'utf8') : '';
    const groups = [...text.matchAll(/\b(?:defineOptions|owns)\('([^'$]+)'/g)].map(([, group]) => group);
    if (groups.length === 0) continue;
    await import(join(dist, path));
    const [directory] = path.split('/');
    if (!existsSync(join(lib, directory, 'internal.js'))) continue;
    for (const group of groups) directories.set(group, directory);
  }
  // The factories of filters declare their groups.
  await import(join(dist, 'middleware/index.js'));
  return writeTable(directories);
}

/** Returns the declaration files of the entry points and all files that they import. */
function declarations() {
  const found = new Set(
    Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : relative('dist', types))),
  );
  for (const path of found) {
    const text = readFileSync(join(dist, path), 'utf8');
    for (const [, specifier] of text.matchAll(/\b(?:from|import|import\()\s*['"](\.[^'"]+)\.js['"]/g)) {
      found.add(join(dirname(path), `${specifier}.d.ts`));
    }
  }
  return found;
}

/**
 * Writes a module. Characters beyond Latin-1 become escapes: with a single one of them, V8 needs twice the memory for the file.
 */
function compiled(path) {
  const code = readFileSync(path, 'utf8').replaceAll(
    /[^\0-\xff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return { code: direct(path, code), map: null };
}

/**
 * Replaces imports from a directory's `index.js` or `internal.js` by imports from the modules that these re-export. Otherwise each module
 * would depend on all modules of every directory that it imports from.
 */
function direct(path, code) {
  return code.replaceAll(
    /^(import|export) \{([^}]*)\} from '(\.[^']*\/(?:index|internal)\.js)';$/gm,
    (_, verb, names, specifier) =>
      namesIn(names)
        .map(([name, local]) => {
          const [file, exported] = exporterOf(join(dirname(path), specifier), name);
          return `${verb} { ${exported} as ${local} } from './${relative(dirname(path), file)}';`;
        })
        .join(' '),
  );
}

/** Returns the module that declares an export of `index.js` or `internal.js`, and the name there. */
function exporterOf(file, name) {
  if (!/\/(?:index|internal)\.js$/.test(file)) return [file, name];
  for (const [, names, specifier] of readFileSync(file, 'utf8').matchAll(/^export \{([^}]*)\} from '([^']*)';$/gm)) {
    const found = namesIn(names).find(([, exported]) => exported === name);
    if (found !== undefined) return exporterOf(join(dirname(file), specifier), found[0]);
  }
  throw new Error(`${relative(dist, file)} does not export ${name}`);
}

/** Parses `a, b as c` into pairs of the name there and the name here. */
function namesIn(list) {
  return list.split(',').flatMap((each) => {
    const [name, as = name] = each.trim().split(' as ');
    return name === '' ? [] : [[name, as]];
  });
}

/**
 * Returns the name of the file for a module: its directory and the first program that needs it. Rollup places the modules that no program
 * loads at its start: it groups them by the entries that need them, so that no command loads modules of another.
 */
function chunkOf(id, { getModuleInfo }) {
  const { isEntry, dynamicImporters, importers } = getModuleInfo(id);
  if (isEntry || (dynamicImporters.length > 0 && importers.length === 0)) return undefined;
  const needing = entriesOf(id, getModuleInfo);
  if (FIRST.includes(relative(dist, id))) return 'first';
  const [folder] = relative(dist, id).split('/');
  if (AHEAD.includes(relative(dist, id))) return `${folder}-ahead`;
  if (needing.size === 1) return undefined;
  const needs = (roots) => roots.some((root) => needing.has(join(dist, root)));
  const [program] = Object.entries(PROGRAMS).find(([, roots]) => needs(roots)) ?? [];
  return program === undefined ? undefined : `${BASE.includes(folder) ? 'base' : folder}${program}`;
}

/** Returns the entries and the dynamically imported modules that import a module, directly or through others. */
function entriesOf(id, getModuleInfo) {
  const importers = new Set([id]);
  const entriesOfIt = new Set();
  for (const each of importers) {
    const info = getModuleInfo(each);
    if (info.isEntry || info.dynamicImporters.length > 0) entriesOfIt.add(each);
    for (const importer of info.importers) importers.add(importer);
  }
  return entriesOfIt;
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|map|ts)$/.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function write(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
