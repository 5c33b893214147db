#!/usr/bin/env node
// Makes `lib`, the published modules, of `dist`, what the compiler wrote: a few files for each folder of `src` instead of
// hundreds, because Node takes half a millisecond and some kilobytes for each file that it imports, in every process.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const lib = join(root, 'lib');

/** Files that Portico starts by their path, as programs and threads. */
const STARTED = [
  'launch/worker/worker-bootstrap.js',
  'cli/worker-modules.js',
  'launch/worker/watch-thread.js',
  'middleware/auth/basic-auth-worker.js',
];

/** The modules with which programs begin, and nothing beside them: what they do has to come before anything else is loaded. */
const FIRST = [
  'process/early-signals.js',
  'process/first-parent.js',
  'process/held-tick.js',
  'process/own-files.js',
  'process/compile-cache.js',
];

/**
 * The modules by which `api-cli` starts its first worker, which comes next: the worker and all else are loaded at the same time. A file for
 * each folder: what imports one of them, as an application does, does not get the commands.
 */
const AHEAD = [
  'process/arguments.js',
  'process/entered-folder.js',
  'process/option-variables.js',
  'launch/parent/worker-process.js',
  'cli/command-line.js',
  'cli/commands.js',
];

/** Folders that every process needs, in one file together. */
const BASE = ['errors', 'log', 'process', 'text'];

/**
 * What programs load at their start. A folder is in as many files as there are programs that begin to need parts of it: none loads
 * what only a later one needs.
 */
const PROGRAMS = {
  // A parent, which judges and routes nothing.
  '': ['cli/main.js', 'cli/begin.js', 'cli/program.js', 'cli/serve.js'],
  // A worker of `api-cli`, whose application most often has a router.
  '-worker': ['launch/worker/worker-bootstrap.js', 'routing/index.js'],
  // A program of one's own.
  '-embedded': ['index.js'],
};

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entryPoints = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)]
  .filter((path) => path !== undefined)
  .map((path) => relative('lib', path));
// The loader imports a filter of a paste file from the file that `middleware/index.js` names for it.
const filters = readFileSync(join(dist, 'middleware/index.js'), 'utf8').matchAll(/ from '\.\/([^']+)'/g);
// What directories use of each other beside entry points, for tests of private parts.
const internal = readdirSync(dist).map((folder) => `${folder}/internal.js`);
const entries = new Set([
  ...entryPoints,
  ...STARTED,
  ...[...filters].map(([, path]) => `middleware/${path}`),
  ...internal.filter((path) => existsSync(join(dist, path))),
]);

const bundle = await rollup({
  input: Object.fromEntries([...entries].map((path) => [path, join(dist, path)])),
  external: (id) => !/^[./]/.test(id),
  preserveEntrySignatures: 'strict',
  treeshake: false,
  plugins: [{ name: 'compiled', load: compiled }],
  onLog: (level, log, report) => {
    // What the compiler writes for decorators.
    if (log.code !== 'THIS_IS_UNDEFINED') report(level, log);
  },
});
const { output } = await bundle.generate({
  dir: lib,
  // A stack names a line of `lib`, which is there to be read: what a map would name instead, `src`, is not published.
  sourcemap: false,
  entryFileNames: '[name]',
  // Without a hash: what a running process imports later is then a file that is there.
  chunkFileNames: ({ facadeModuleId, name }) =>
    facadeModuleId === null ? `chunks/${name}.js` : relative(dist, facadeModuleId),
  manualChunks: chunkOf,
  onlyExplicitManualChunks: true,
  minifyInternalExports: false,
  hoistTransitiveImports: false,
});

// Programs may run meanwhile: no file is ever half written, and what is old goes last.
for (const { fileName, type, code, source } of output) write(join(lib, fileName), type === 'chunk' ? code : source);
// npx and npm run them by name.
for (const path of Object.values(bin)) chmodSync(join(root, path), 0o755);
const made = new Set(output.map(({ fileName }) => fileName));
for (const path of filesBelow(lib)) if (!made.has(path)) rmSync(join(lib, path));
// What the compiler wrote of a source that is gone would be published, and found by tests.
for (const path of filesBelow(dist)) {
  const source = path.replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
  if (source !== path && !existsSync(join(root, 'src', source))) rmSync(join(dist, path));
}

// npm leaves these out of the package, which has the declarations that entry points lead to.
const published = declarations();
const unpublished = filesBelow(dist).filter((path) => path.endsWith('.d.ts') && !published.has(path));
write(join(dist, '.npmignore'), `${unpublished.join('\n')}\n`);

/** The declarations of the entry points, and all that these import. */
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
 * A module. V8 holds a file with one character beyond Latin-1 in twice the memory, so these are
 * written as escapes.
 */
function compiled(path) {
  const code = readFileSync(path, 'utf8').replaceAll(
    /[^\0-\xff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return { code: direct(path, code), map: null };
}

/**
 * Imports of a folder's `index.js` or `internal.js` as imports of the modules behind it. These files only export what others have;
 * through them every module would need all of each folder that it takes something from.
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

/** The module behind `index.js` or `internal.js` that has an export, and what it is called there. */
function exporterOf(file, name) {
  if (!/\/(?:index|internal)\.js$/.test(file)) return [file, name];
  for (const [, names, specifier] of readFileSync(file, 'utf8').matchAll(/^export \{([^}]*)\} from '([^']*)';$/gm)) {
    const found = namesIn(names).find(([, exported]) => exported === name);
    if (found !== undefined) return exporterOf(join(dirname(file), specifier), found[0]);
  }
  throw new Error(`${relative(dist, file)} does not export ${name}`);
}

/** `a, b as c` as pairs: what it is called there, and here. */
function namesIn(list) {
  return list.split(',').flatMap((each) => {
    const [name, as = name] = each.trim().split(' as ');
    return name === '' ? [] : [[name, as]];
  });
}

/**
 * The folder of a module that several entries share, and the first program that needs it. What none of these programs begins with is
 * left to rollup, which puts together what the same entries need: a command loads nothing that is for another.
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

/** The entries, and modules that are loaded later, which import a module directly or through others. */
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
