#!/usr/bin/env node
// Runs the compiled tests with Node's test runner. It gets a plain list of files, which works on every Node version (globs and
// directories do not).
//
//   node test/run.mjs                all tests
//   node test/run.mjs loader e2e     tests whose path below test/ begins with one of the words
//   node test/run.mjs --long e2e/faults   with the counts of docs/reliability.md, which take minutes
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

// The tests import the bundled modules, as users do. Bundling takes a few seconds.
const bundled = spawnSync(process.execPath, [join(dirname(fileURLToPath(import.meta.url)), '..', 'bundle.mjs')], {
  stdio: 'inherit',
});
if (bundled.status !== 0) process.exit(1);

const compiled = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist-test');
const sources = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const long = words.includes('--long');
const wanted = words.filter((word) => word !== '--long');

const files = [];
const walk = (folder) => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'runtimes' && entry.name !== 'plugins') walk(path);
    } else if (entry.name.endsWith('.test.ts')) {
      const name = relative(sources, path).replaceAll('\\', '/');
      if (wanted.length === 0 || wanted.some((word) => name.startsWith(word))) {
        files.push(join(compiled, name.replace(/\.ts$/, '.js')));
      }
    }
  }
};
walk(sources);
if (files.length === 0) {
  console.error(`no test file begins with: ${wanted.join(', ')}`);
  process.exit(1);
}

// It holds control sockets of programs that tests kill, and is removed at the end.
const runtime = mkdtempSync(join(tmpdir(), 'portico-run-'));
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${long ? 900_000 : 400_000}`,
    // Node's default is the number of processors minus one, which on two processors leaves one idle while a file waits for processes. With
    // one more than the number of processors, tests of deadlines failed for lack of processor time.
    `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
    ...files.toSorted((a, b) => (a < b ? -1 : 1)),
  ],
  { stdio: 'inherit', env: { ...process.env, XDG_RUNTIME_DIR: runtime, ...(long && { PORTICO_FAULTS: 'long' }) } },
);
rmSync(runtime, { recursive: true });
process.exit(run.status ?? 1);
