#!/usr/bin/env node
// The kit of attacks on a built tree: npm run test:security
//
//   node test/security/run.mjs              each group of attacks, then its mutants
//   node test/security/run.mjs --mutants    the mutants alone, as .ci/run does, for npm test has run the attacks
//   node test/security/run.mjs memory       the groups that are named
//
// A mutant is a copy of the tree with one protection taken out on purpose. The attacks of its group must fail there: a kit
// that passes with and without a protection proves nothing.
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
/** What a mutant needs of the tree. Its packages are those of the tree. */
const COPIED = ['package.json', 'dist', 'dist-test', 'lib', 'test', 'paste'];
/** The published modules. A protection stands in one of them as it does in `dist`, so that no mutant has to be bundled. */
const published = readdirSync(join(root, 'lib'), { recursive: true }).filter((path) => path.endsWith('.js'));
/** For each file of tests. */
const MINUTES = 5;
/** How long what a run has started may take to end, in milliseconds. */
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
// Each has a copy of the tree, so as many run side by side as there are processors.
const waiting = chosen.flatMap((group) => group.mutants.map((mutant) => [group, mutant]));
const tries = async () => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (await isFound(...next)) found++;
    else survived++;
  }
};
await Promise.all(Array.from({ length: availableParallelism() }, tries));
console.log(`groups with a failed attack: ${attacks}; mutants found: ${found}, not found: ${survived}`);
process.exit(attacks + survived === 0 ? 0 : 1);

/** Command that runs the attacks of a group, or those of `tests` and `names`, on the tree in `where`: arguments of `spawn`. */
function attack(where, { name, tests, names }, stdio) {
  const files = tests.map((test) => join(where, 'dist-test', `${test}.test.js`));
  // The runner fails for a file that is not there, which would look like an attack that finds something.
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
 * Runs attacks until one has failed and another has not: a test failed then, and not a program that could not be started.
 * What is left of them would tell nothing more, so they are ended with all that they have started.
 */
async function judged([command, words, options]) {
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
  // A file that runs out of its time may leave a program that holds the output open.
  const overdue = setTimeout(endAll, MINUTES * 60_000 + END_MS, child, 'SIGKILL');
  await closed;
  clearTimeout(overdue);
  return { caught, stdout };
}

/** Signals the group of processes of a child. */
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

async function isFound(group, { what, file, replace, by, tests = group.tests, names }) {
  const copy = mkdtempSync(join(tmpdir(), 'portico-mutant-'));
  try {
    const filter = (path) => !/\.(map|d\.ts)$/.test(path);
    for (const part of COPIED) cpSync(join(root, part), join(copy, part), { recursive: true, filter });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const modules = published.map((path) => join('lib', path)).filter((path) => read(copy, path).includes(replace));
    const places = [join('dist', file), ...modules];
    if (modules.length !== 1 || places.some((path) => read(copy, path).split(replace).length !== 2)) {
      console.error(
        `${group.name}: ${JSON.stringify(replace)} does not stand once in ${file} and in lib: mend groups.mjs`,
      );
      return false;
    }
    for (const path of places) {
      writeFileSync(
        join(copy, path),
        read(copy, path).replace(replace, () => by),
      );
    }
    const { caught, stdout } = await judged(attack(copy, { ...group, tests, names }, 'pipe'));
    console.log(`${caught ? 'found' : 'NOT FOUND'}: ${group.name}: ${what}`);
    if (!caught) console.log(stdout.split('\n').slice(-20).join('\n'));
    return caught;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
