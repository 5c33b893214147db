#!/usr/bin/env node
// Makes `lib`, which is what runs, of `dist`, which is what the compiler wrote: a few large files instead of hundreds of
// small ones, because Node takes a third of a millisecond and some kilobytes for each file that it imports, in every
// process. Shared parts are in files of their own, so that each thing still exists once, whoever imports it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, 'dist');
const lib = join(root, 'lib');

/** Read for the files of its exports, which are then imported one by one: kept as it is, and they as its neighbours. */
const MIDDLEWARE_DOOR = 'middleware/index.js';

/** Files that are started as programs and threads of their own. */
const STARTED = [
  'launch/worker/worker-bootstrap.js',
  'launch/worker/watch-thread.js',
  'middleware/auth/basic-auth-worker.js',
];

/** The file on whose place that of all others is reckoned. It must lie in `lib` itself, as it lies in `dist` itself. */
const PLACE = 'own-files.js';

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const doors = [...Object.values(exports).map((entry) => entry.default), ...Object.values(bin)]
  .filter((path) => path !== undefined)
  .map((path) => relative('lib', path));
const middleware = readFileSync(join(dist, MIDDLEWARE_DOOR), 'utf8');
const filters = [...middleware.matchAll(/ from '\.\/([^']+)'/g)].map(([, path]) => `middleware/${path}`);
const entries = new Set([...doors, ...filters, ...STARTED]);
entries.delete(MIDDLEWARE_DOOR);

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: [...entries].map((path) => join(dist, path)),
  outdir: lib,
  outbase: dist,
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  metafile: true,
  write: false,
  logLevel: 'warning',
});

const place = Object.entries(metafile.outputs).find(([, { inputs }]) => Object.hasOwn(inputs, `dist/${PLACE}`))?.[0];
if (place === undefined || dirname(place) !== 'lib') throw new Error(`${PLACE} must lie in lib, but lies in ${place}`);

// What is new comes before what is old goes: programs that run may still import.
const written = new Set();
for (const { path, text } of outputFiles) write(path, withOwnNames(text));
write(join(lib, MIDDLEWARE_DOOR), middleware);
for (const name of readdirSync(lib, { recursive: true })) {
  if (name.endsWith('.js') && !written.has(join(lib, name))) rmSync(join(lib, name));
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
  writeFileSync(path, text);
}
