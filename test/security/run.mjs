#!/usr/bin/env node
// Runs the attacks on a built tree: npm run test:security
//
//   node test/security/run.mjs              each group of attacks, then its mutants
//   node test/security/run.mjs --mutants    only the mutants, as .ci/run does, because its tests are the attacks
//   node test/security/run.mjs memory       the named groups
//
// A mutant is a copy of the tree from which one protection is removed, and put back afterwards. The attacks of its group must
// fail there: attacks that pass with and without a protection prove nothing.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groups } from './groups.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** The parts of the tree that a mutant needs. It uses the packages of the tree. */
const COPIED = ['package.json', 'dist', 'dist-test', 'lib', 'test', 'paste', 'examples/compute/dist'];
/** The published modules, which the tests import. One of them contains the protection, so no mutant has to be bundled. */
const published = readdirSync(join(root, 'lib'), { recursive: true }).filter((path) => /\.m?js$/.test(path));
/** The time limit for each test file. */
const MINUTES = 5;
/** The time in milliseconds in which the processes of a run must end. */
const END_MS = 10_000;

const words = process.argv.slice(2);
const onlyMutants = words.includes('--mutants');
const wanted = words.filter((word) => !word.startsWith('--'));
const unknown = wanted.filter((word) => !groups.some(({ name }) => name === word));
if (unknown.length > 0) {
  console.error(`no group is called ${unknown.join(', ')}; groups: ${groups.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const chosen = groups.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

let attacks = 0;
let survived = 0;
let found = 0;
if (!onlyMutants) {
  for (const group of chosen) {
    console.log(`== ${group.name}`);
    if (spawnSync(...attack(root, group, 'inherit')).status !== 0) attacks++;
  }
}
// Each CPU has a copy of the tree, where one mutant runs after another.
const waiting = chosen.flatMap((group) => group.mutants.map((mutant) => [group, mutant]));
const tries = async () => {
  const copy = copied();
  try {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (await isFound(copy, ...next)) found++;
      else survived++;
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, tries));
console.log(`groups with a failed attack: ${attacks}; mutants found: ${found}, not found: ${survived}`);
process.exit(attacks + survived === 0 ? 0 : 1);

/** The arguments of `spawn` that run the attacks of a group, or `tests` and `names` of them, on the tree in `where`. */
function attack(where, { name, tests, names }, stdio) {
  const files = tests.map((test) => join(where, 'dist-test', `${test}.test.js`));
  // The runner fails for a missing file, which would look like an attack that finds something.
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`${missing} is not there: mend ${name} in groups.mjs`);
  return [
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-timeout=${MINUTES * 60_000}`,
      ...(names === undefined ? [] : [`--test-name-pattern=${names}`]),
      ...files,
    ],
    { cwd: where, stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'] },
  ];
}

/**
 * Runs attacks until one has failed and another has passed: then a test has failed, not the start of the process. The
 * remaining attacks would show nothing more, so they are ended with all their processes.
 */
async function checked([command, words, options]) {
  const child = spawn(command, words, { ...options, detached: true });
  const closed = once(child, 'close');
  let stdout = '';
  let caught = false;
  child.stderr.resume();
  child.stdout.on('data', (data) => {
    stdout += data;
    if (caught || !/^ *✖ /m.test(stdout) || !/^ *✔ /m.test(stdout)) return;
    caught = true;
    endAll(child, 'SIGTERM');
    const late = setTimeout(endAll, END_MS, child, 'SIGKILL');
    child.once('close', () => clearTimeout(late));
  });
  // A file that exceeds its time limit may leave a process that holds the output open.
  const overdue = setTimeout(endAll, MINUTES * 60_000 + END_MS, child, 'SIGKILL');
  await closed;
  clearTimeout(overdue);
  return { caught, stdout };
}

/** Signals the process group of a child. */
function endAll({ pid }, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // All have ended.
  }
}

function read(folder, path) {
  return readFileSync(join(folder, path), 'utf8');
}

/** Returns a copy of the tree. */
function copied() {
  const copy = mkdtempSync(join(tmpdir(), 'portico-mutant-'));
  const filter = (path) => !/\.(map|d\.ts)$/.test(path);
  for (const part of COPIED) cpSync(join(root, part), join(copy, part), { recursive: true, filter });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

async function isFound(copy, group, { what, file, replace, by, tests = group.tests, names }) {
  const modules = published.map((path) => join('lib', path)).filter((path) => read(copy, path).includes(replace));
  const [path] = modules;
  const text = path === undefined ? '' : read(copy, path);
  if (modules.length !== 1 || text.split(replace).length !== 2) {
    console.error(`${group.name}: ${JSON.stringify(replace)}, of ${file}, does not stand once in lib: mend groups.mjs`);
    return false;
  }
  writeFileSync(
    join(copy, path),
    text.replace(replace, () => by),
  );
  const { caught, stdout } = await checked(attack(copy, { ...group, tests, names }, 'pipe'));
  writeFileSync(join(copy, path), text);
  console.log(`${caught ? 'found' : 'NOT FOUND'}: ${group.name}: ${what}`);
  if (!caught) console.log(stdout.split('\n').slice(-20).join('\n'));
  return caught;
}
