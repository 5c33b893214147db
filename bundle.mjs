#!/usr/bin/env node
// Makes `lib`, which is what runs, of `dist`, which is what the compiler wrote: a few large files instead of hundreds of
// small ones, because Node takes a third of a millisecond and some kilobytes for each file that it imports, in every
// process. Shared parts are in files of their own, so that each thing still exists once, whoever imports it.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const lib = join(root, 'lib');

/** Read for the files of its exports, which are then imported one by one: kept as it is, and they as its neighbours. */
const MIDDLEWARE_DOOR = 'middleware/index.js';

/** Files that are started as programs and threads of their own. */
const STARTED = [
  'cli/serve.js',
  'launch/worker/worker-bootstrap.js',
  'launch/worker/watch-thread.js',
  'middleware/auth/basic-auth-worker.js',
];

/**
 * Small files that go together into one, whoever needs which of them: each file that Node imports takes 0.7 ms of a processor.
 * What is in a file is decided by who imports it: each of a group imports the next, and the last the first. So none may need
 * another of its group while it is loaded, as a class does that extends one.
 */
const TOGETHER = [
  [
    'errors/errors.js',
    'log/log.js',
    'log/plain-lines.js',
    'log/standard-error.js',
    'process/early-signals.js',
    'process/exit-place.js',
    'process/loadable.js',
    'process/loading.js',
    'process/own-files.js',
  ],
  ['launch/assignment.js', 'launch/exit-status.js', 'launch/worker/worker-start.js'],
  [
    'cli/api-names.js',
    'cli/enabled-apis.js',
    'cli/failure.js',
    'cli/missing-app.js',
    'cli/configuration.js',
    'cli/run-apis.js',
    'cli/missing-port.js',
  ],
];

/** What several files share lies in this folder of `lib`. */
const CHUNKS = 'chunks';

/** The file on whose place that of all others is reckoned: it must lie as deep in `lib` as it does in `dist`. */
const PLACE = 'process/own-files.js';

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const doors = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)]
  .filter((path) => path !== undefined)
  .map((path) => relative('lib', path));
const middleware = readFileSync(join(dist, MIDDLEWARE_DOOR), 'utf8');
const filters = [...middleware.matchAll(/ from '\.\/([^']+)'/g)].map(([, path]) => `middleware/${path}`);
const entries = new Set([...doors, ...filters, ...STARTED]);
entries.delete(MIDDLEWARE_DOOR);

const nextOf = new Map(
  TOGETHER.flatMap((group) => group.map((path, at) => [join(dist, path), join(dist, group[(at + 1) % group.length])])),
);
const prepared = {
  name: 'prepared',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      const next = nextOf.get(path);
      const contents = withoutComments(readFileSync(path, 'utf8'));
      if (next === undefined) return { contents };
      return { contents: `${contents}\nimport ${JSON.stringify(next)};\n`, resolveDir: dirname(path) };
    });
  },
};

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: [...entries].map((path) => join(dist, path)),
  outdir: lib,
  outbase: dist,
  chunkNames: `${CHUNKS}/[name]-[hash]`,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  plugins: [prepared],
  metafile: true,
  write: false,
  logLevel: 'warning',
  // That these imports are for nothing: they decide in which file a module is, and leave no line there.
  logOverride: { 'ignored-bare-import': 'silent' },
});

// Named after what they hold, not by their content: what a running process imports later is then the module it has.
const names = new Map(
  Object.entries(metafile.outputs)
    .filter(([path]) => dirname(path) === `lib/${CHUNKS}`)
    .map(([path, { inputs, entryPoint }]) => {
      const input = entryPoint ?? Object.keys(inputs).toSorted()[0] ?? path;
      return [basename(path), relative('dist', input).replaceAll('/', '-')];
    }),
);
// A file that is imported by itself may have a second one, of what it begins with.
const taken = new Set();
const isEntry = ([path]) => metafile.outputs[`lib/${CHUNKS}/${path}`].entryPoint !== undefined;
for (const [path, name] of [...names].toSorted((a, b) => Number(isEntry(b)) - Number(isEntry(a)))) {
  let own = name;
  for (let part = 2; taken.has(own); part++) own = name.replace(/(\.js)$/, `-${part}$1`);
  taken.add(own);
  names.set(path, own);
}
const place = Object.entries(metafile.outputs).find(([, { inputs }]) => Object.hasOwn(inputs, `dist/${PLACE}`))?.[0];
if (dirname(place ?? '') !== `lib/${CHUNKS}`)
  throw new Error(`${PLACE} must lie in lib/${CHUNKS}, but lies in ${place}`);

// What is imported comes before what imports it, and what is new before what is old goes: programs may run meanwhile.
const written = new Set();
const isShared = (path) => names.has(basename(path));
for (const { path, text } of outputFiles.toSorted((a, b) => Number(isShared(b.path)) - Number(isShared(a.path)))) {
  write(join(dirname(path), names.get(basename(path)) ?? basename(path)), withOwnNames(withStableNames(text)));
}
write(join(lib, MIDDLEWARE_DOOR), middleware);
for (const name of readdirSync(lib, { recursive: true })) {
  if (name.endsWith('.js') && !written.has(join(lib, name))) rmSync(join(lib, name));
}
// What the compiler wrote of a source that is gone would be published, and found by tests.
for (const name of readdirSync(dist, { recursive: true })) {
  const source = name.replace(/(\.d\.ts|\.js)$/, '.ts');
  if (source !== name && !existsSync(join(root, 'src', source))) rmSync(join(dist, name));
}

/**
 * Node holds the text of each file for as long as its process lives: a supervisor takes 0.5 MiB less without what is written
 * for readers of the source. Lines stay, for the places in stacks.
 */
function withoutComments(text) {
  const compilerOptions = {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    removeComments: true,
  };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

function withStableNames(text) {
  return text.replaceAll(/(["/])([\w-]+-[A-Z0-9]{8}\.js)"/g, (all, before, name) =>
    names.has(name) ? `${before}${names.get(name)}"` : all,
  );
}

/**
 * A class that speaks of itself is called `_Config` in the bundle, and so would be its errors and what is shown of its
 * objects. `keepNames` would mend it, but for each closure of each request.
 */
function withOwnNames(text) {
  const renamed = [...text.matchAll(/^var (\w+) = class _\1\b/gm)].map(([, name]) => name);
  return renamed.reduce((mended, name) => mended.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), text);
}

function write(path, text) {
  written.add(path);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
