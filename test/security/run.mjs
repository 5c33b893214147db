#!/usr/bin/env node
// The kit of attacks on a built tree: npm run test:security
//
//   node test/security/run.mjs              each group of attacks, then its mutants
//   node test/security/run.mjs --mutants    the mutants alone, as .ci/run does, for npm test has run the attacks
//   node test/security/run.mjs memory       the groups that are named
//
// A mutant is a copy of the tree with one protection taken out on purpose. The attacks of its group must fail there: a kit
// that passes with and without a protection proves nothing.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { groups } from './groups.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** What a mutant needs of the tree. Its packages are those of the tree. */
const COPIED = ['package.json', 'bundle.mjs', 'src', 'dist', 'dist-test', 'lib', 'test', 'paste'];
/** For each file of tests. */
const MINUTES = 2;

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
for (const group of chosen) {
  if (!onlyMutants && attack(root, group, 'inherit').status !== 0) attacks++;
  for (const mutant of group.mutants) {
    if (isFound(group, mutant)) found++;
    else survived++;
  }
}
console.log(`groups with a failed attack: ${attacks}; mutants found: ${found}, not found: ${survived}`);
process.exit(attacks + survived === 0 ? 0 : 1);

/** Runs the attacks of a group, or those of `tests`, on the tree in `where`. */
function attack(where, { name, tests }, stdio) {
  if (stdio === 'inherit') console.log(`== ${name}`);
  const files = tests.map((test) => join(where, 'dist-test', `${test}.test.js`));
  // The runner fails for a file that is not there, which would look like an attack that finds something.
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new Error(`${missing} is not there: mend ${name} in groups.mjs`);
  return spawnSync(
    process.execPath,
    ['--test', '--test-reporter=spec', `--test-timeout=${MINUTES * 60_000}`, ...files],
    {
      cwd: where,
      stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    },
  );
}

function isFound(group, { what, file, replace, by, tests = group.tests }) {
  const copy = mkdtempSync(join(tmpdir(), 'portico-mutant-'));
  try {
    for (const part of COPIED) cpSync(join(root, part), join(copy, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const path = join(copy, 'dist', file);
    const text = readFileSync(path, 'utf8');
    if (text.split(replace).length !== 2) {
      console.error(`${group.name}: ${JSON.stringify(replace)} does not stand once in ${file}: mend groups.mjs`);
      return false;
    }
    writeFileSync(
      path,
      text.replace(replace, () => by),
    );
    const bundled = spawnSync(process.execPath, ['bundle.mjs'], { cwd: copy, encoding: 'utf8' });
    if (bundled.status !== 0) {
      console.error(`${group.name}: the mutant does not build: ${bundled.stderr}`);
      return false;
    }
    const { status, stdout } = attack(copy, { ...group, tests }, 'pipe');
    // A test that failed, not a program that could not be started.
    const caught = status !== 0 && /^ℹ fail [1-9]/m.test(stdout) && /^ℹ pass [1-9]/m.test(stdout);
    console.log(`${caught ? 'found' : 'NOT FOUND'}: ${group.name}: ${what}`);
    if (!caught) console.log(stdout.split('\n').slice(-20).join('\n'));
    return caught;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
