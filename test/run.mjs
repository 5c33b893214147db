#!/usr/bin/env node
// Runs tests with Node's test runner, and closes with a line of counts.
//
//   node test/run.mjs                   all tests
//   node test/run.mjs loader e2e        tests whose path below test/ begins with one of the words
//   node test/run.mjs --fast            tests that start no process and need no other server; kinds.mjs says which these are
//   node test/run.mjs --e2e --foreign   tests of processes, and tests that need RabbitMQ, PostgreSQL, Python, nginx …
//   node test/run.mjs --changed         tests of the files that changed since the last commit
//   node test/run.mjs --quick loader    leaves out tests that are not fast, unless a word names the file or nothing else is left
//   node test/run.mjs --compile loader  compiles what changed first
//   node test/run.mjs --long e2e/faults   with the counts of docs/reliability.md, which take minutes
//   node test/run.mjs --fast --cpu      names the CPU time of every file at the end, not only of the eight that take most
//   node test/run.mjs sim --seed 17     all simulations, with one seed and all their steps
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { changedTests } from './changed.mjs';
import { kindOf, LONG_DIRECTORIES, LONGEST, testFiles, WAITING } from './kinds.mjs';

const tests = dirname(fileURLToPath(import.meta.url));
const root = join(tests, '..');

/** Milliseconds for a file with the counts of docs/reliability.md, and for all fast files of a directory. */
const LONG_MS = 1_800_000;
/** Short files that start processes and share one. */
const SHARING = 4;
const FLAGS = ['--fast', '--e2e', '--foreign', '--changed', '--quick', '--compile', '--long', '--cpu'];
const given = process.argv.slice(2);
const seedAt = given.indexOf('--seed');
const [, seed] = seedAt < 0 ? [] : given.splice(seedAt, 2);
if (seedAt >= 0 && !/^[1-9]\d*$/.test(seed ?? '')) end(`--seed needs a number from 1, not ${seed}`);
const flags = new Set(given.filter((word) => word.startsWith('--')));
const words = given.filter((word) => !word.startsWith('--'));
const unknown = [...flags].filter((flag) => !FLAGS.includes(flag));
if (unknown.length > 0) end(`no option is called ${unknown.join(', ')}; options: ${[...FLAGS, '--seed'].join(', ')}`);

const changed = flags.has('--changed') ? changedTests() : undefined;
const kinds = ['fast', 'e2e', 'foreign'].filter((kind) => flags.has(`--${kind}`));
let chosen = testFiles()
  .filter(
    (file) =>
      words.length === 0 ||
      words.some((word) => (word === 'sim' ? file.includes('simulation/') : file.startsWith(word))),
  )
  .filter((file) => changed === undefined || changed.has(file))
  .map((file) => ({ file, kind: kindOf(file) }))
  .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
if (chosen.length === 0) end(`no test file is chosen by: ${given.join(' ')}`, changed === undefined ? 1 : 0);
if (flags.has('--quick')) chosen = quick(chosen);

if (flags.has('--compile')) await compile();
// The tests import the bundled modules, as users do.
else await run(join(root, 'bundle.mjs'));

// It holds control sockets of processes that tests kill and what files share, and is removed at the end.
const runtime = mkdtempSync(join(tmpdir(), 'portico-run-'));
const counts = join(runtime, 'counts.json');
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${pathToFileURL(join(tests, 'counts.cjs')).href}`,
    `--test-reporter-destination=${counts}`,
    // For a process that does not keep the limits of together.mjs, which name the test and the file.
    `--test-timeout=${LONG_MS}`,
    // Files wait half of their time, for processes or for limits of time, so one more than there are CPUs runs.
    `--test-concurrency=${availableParallelism() + 1}`,
    ...programs(runtime),
  ],
  {
    stdio: 'inherit',
    env: {
      ...process.env,
      XDG_RUNTIME_DIR: runtime,
      PORTICO_TEST_SHARED: runtime,
      ...(flags.has('--long') && { PORTICO_FAULTS: 'long' }),
      ...(seed && { PORTICO_TEST_SEED: seed }),
    },
  },
);
const {
  pass = 0,
  fail = 1,
  cancelled = 0,
  skipped = 0,
  slowest = [],
  told = [],
} = existsSync(counts) ? JSON.parse(readFileSync(counts, 'utf8')) : {};
const cpu = existsSync(join(runtime, 'cpu')) ? readFileSync(join(runtime, 'cpu'), 'utf8').trimEnd().split('\n') : [];
rmSync(runtime, { recursive: true });
// A file that cannot be imported, or ends its process, is no test that the runner counts.
const failed = Math.max(fail + cancelled, status === 0 ? 0 : 1);
for (const each of told) console.log(each);
if (chosen.length > 1) {
  console.log(`slowest: ${slowest.map(([file, ms]) => `${file} ${Math.round(ms / 1000)} s`).join(', ')}`);
  // The first file of a process takes the start of the process too.
  const taken = cpu.map((line) => line.split(' ')).sort(([, left], [, right]) => right - left);
  const sum = taken.reduce((all, [, seconds]) => all + Number(seconds), 0);
  const most = taken.slice(0, flags.has('--cpu') ? taken.length : 8).map(([file, seconds]) => `${file} ${seconds} s`);
  console.log(`most CPU time, of ${Math.round(sum)} s: ${most.join(flags.has('--cpu') ? '\n' : ', ')}`);
}
console.log(`${pass} passed, ${failed} failed, ${skipped} skipped`);
process.exit(status ?? 1);

/**
 * Returns the processes to run: one for the fast files of each directory, because most of their time is imports, one for a few short ones of
 * the others, which load the same code and commands, and one for each long file.
 */
function programs(folder) {
  const together = new Map();
  const alone = [];
  const shared = new Map();
  for (const { file, kind } of chosen) {
    const output = file.replace(/\.ts$/, '.js');
    const [directory] = file.includes('/') ? file.split('/') : ['top'];
    if (kind !== 'fast') {
      const isShort = !LONGEST.includes(file) && !WAITING.includes(file);
      const open = shared.get(`${kind} ${directory}`);
      if (isShort && open !== undefined && open.files.length < SHARING) open.files.push(output);
      else {
        alone.push({ name: file, kind, files: [output], fast: false });
        if (isShort) shared.set(`${kind} ${directory}`, alone.at(-1));
      }
    } else {
      // A long file that waits is alone: the others of its directory run beside it.
      const name = LONG_DIRECTORIES.includes(file) ? file : directory;
      const { files } = together.get(name) ?? { files: [] };
      together.set(name, { name, files: [...files, output], fast: true });
    }
  }
  // Those that take longest begin, and of the others the largest, so that the last ones are small.
  const place = ({ name, files }) =>
    LONG_DIRECTORIES.includes(name) ? LONG_DIRECTORIES.indexOf(name) : LONG_DIRECTORIES.length + 1 / files.length;
  const byTime = [...together.values()].sort((left, right) => place(left) - place(right));
  const driver = pathToFileURL(join(tests, 'together.mjs')).href;
  return [...byTime, ...ordered(alone)].map(({ name, files, fast }, index) => {
    const limits = flags.has('--long')
      ? { testMs: LONG_MS, fileMs: LONG_MS }
      : (fast || LONGEST.includes(name)) && { testMs: fast ? 240_000 : 400_000 };
    // The runner sorts the files by their paths.
    const path = join(folder, `${String(index).padStart(3, '0')}-${name.replaceAll('/', '-')}.mjs`);
    writeFileSync(
      path,
      `import { together } from '${driver}';\n\nawait together(${JSON.stringify(files)}, ${JSON.stringify({ fast, ...limits, ...(WAITING.includes(name) && { atOnce: 2 }) })});\n`,
    );
    return path;
  });
}

/** Returns the longest files first. Among the others, foreign ones, which wait for servers, are spread between those that compute. */
function ordered(alone) {
  const places = new Map();
  for (const kind of ['e2e', 'foreign']) {
    const files = alone.filter((each) => each.kind === kind);
    for (const [at, each] of files.entries()) places.set(each, (at + 0.5) / files.length);
  }
  const place = (each) =>
    LONGEST.includes(each.name) ? LONGEST.indexOf(each.name) - LONGEST.length : places.get(each);
  return alone.sort((left, right) => place(left) - place(right));
}

/** Leaves out the files that are not fast, and says so. */
function quick(files) {
  const fast = files.filter(({ file, kind }) => kind === 'fast' || changed !== undefined || words.includes(file));
  if (fast.length === 0 || fast.length === files.length) return files;
  console.log(`left out, because they start processes or need servers: ${files.length - fast.length} files.`);
  console.log(`  node test/run.mjs ${words.join(' ')} runs all of them`);
  return fast;
}

/** Compiles the sources and the tests that changed, and bundles if a source did. */
async function compile() {
  const compiler = join(root, 'node_modules', 'typescript-7', 'bin', 'tsc');
  // Each of several checkers would check the types that all files share: a quarter of the CPU time.
  const compiled = (...words) => run(compiler, '--checkers', '1', '-p', join(...words));
  // The declarations of each are read by the next.
  await compiled(root, 'tsconfig.json');
  await run(join(root, 'examples', 'compute', 'build.mjs'));
  await Promise.all([compiled(tests, 'tsconfig.json'), run(join(root, 'bundle.mjs'))]);
}

async function run(...command) {
  // Compiler and bundler are in Go, and collect garbage for a fifth of their time with its default.
  const env = { GOGC: '400', ...process.env };
  const [status] = await once(spawn(process.execPath, command, { stdio: 'inherit', env }), 'exit');
  if (status !== 0) process.exit(1);
}

function end(message, status = 1) {
  console.error(message);
  process.exit(status);
}
