#!/usr/bin/env node
// Runs the compiled tests with Node's own runner, which takes a plain list of files alike on every Node version
// (globs and folders it does not).
//
//   node test/run.mjs                all tests
//   node test/run.mjs loader e2e     those whose path below test/ begins with one of the words
//   node test/run.mjs --long e2e/faults   with the counts of docs/reliability.md, which take minutes
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

// What users import is made of what was compiled, which takes a few seconds.
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

// Control sockets of programs that tests kill go with it.
const runtime = mkdtempSync(join(tmpdir(), 'portico-run-'));
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    `--test-timeout=${long ? 900_000 : 400_000}`,
    // Node's default is one processor less than there are: files that wait for processes would leave the other of two idle. With one more
    // than there are, tests of what ends in time failed for want of a processor.
    `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
    ...files.toSorted((a, b) => (a < b ? -1 : 1)),
  ],
  { stdio: 'inherit', env: { ...process.env, XDG_RUNTIME_DIR: runtime, ...(long && { PORTICO_FAULTS: 'long' }) } },
);
rmSync(runtime, { recursive: true });
process.exit(run.status ?? 1);
