#!/usr/bin/env node
// Runs the test suites of Express, Koa, Fastify, compression and on-finished on Node's HTTP server and then on Portico's, and lists the
// tests that pass only on the first. Downloads nothing: FOLDER contains their checkouts, each under its name, after `npm install`.
// Status 0: only tests listed in expected.mjs differ.
//
//   node test/peers/run.mjs FOLDER             all suites in FOLDER; after a build
//   node test/peers/run.mjs FOLDER express     the named suites
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expected } from './expected.mjs';

/** The timeout of a suite. */
const TIME_LIMIT_MS = 900_000;
const here = dirname(fileURLToPath(import.meta.url));

const suites = {
  'on-finished': mocha('--check-leaks', 'test/'),
  compression: mocha('--check-leaks'),
  express: mocha('--require', 'test/support/env', '--check-leaks', 'test/', 'test/acceptance/'),
  koa: nodeTest('__tests__'),
  fastify: nodeTest('test'),
};

const [folder, ...named] = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(suites, name));
if (folder === undefined || unknown !== undefined) {
  console.error(`usage: node test/peers/run.mjs FOLDER [${Object.keys(suites).join('|')}]…`);
  process.exit(2);
}
const wanted = named.length > 0 ? named : Object.keys(suites);
const missing = wanted.filter((name) => !existsSync(join(folder, name, 'node_modules')));
for (const name of missing) console.log(`== ${name}: no checkout with node_modules in ${join(folder, name)}`);
const present = wanted.filter((name) => !missing.includes(name));
let unexpected = present.length === 0 || missing.some((name) => named.includes(name)) ? 1 : 0;
for (const name of present) unexpected += compare(name);
process.exit(unexpected > 0 ? 1 : 0);

/** Prints the differences and returns the number of unexpected ones. */
function compare(name) {
  const bare = run(name, '');
  const ours = run(name, ` --import=${join(here, 'served.mjs')}`);
  const differing = [...bare].filter(([title, { passed }]) => passed && ours.get(title)?.passed !== true);
  const passed = [...bare.values()].filter((result) => result.passed).length;
  console.log(
    `== ${name}: ${passed} of ${bare.size} tests pass on Node's server, ${differing.length} of these not on Portico's`,
  );
  let unexpectedHere = passed === 0 ? 1 : 0;
  for (const [title] of differing) {
    const known = expected[name].find((entry) => title.includes(entry.title));
    if (known === undefined || !names(known)) {
      unexpectedHere++;
      console.log(`DIFFERS  ${title}\n         ${ours.get(title)?.message.split('\n', 1)[0] ?? 'it did not run'}`);
    } else console.log(`expected ${title}\n         ${known.page}: ${known.reason}`);
  }
  return unexpectedHere;
}

/** Reports whether the page contains the reason. */
function names({ page, reason }) {
  return readFileSync(join(here, '..', '..', page), 'utf8').includes(`**${reason}**`);
}

/** Returns each test's result by its title. Repeated titles get a number. */
function run(name, nodeOptions) {
  const place = mkdtempSync(join(tmpdir(), 'portico-peers-'));
  try {
    const cwd = resolve(folder, name);
    const file = join(place, 'results');
    writeFileSync(file, '');
    spawnSync(process.execPath, suites[name](cwd, file), {
      cwd,
      env: {
        ...process.env,
        NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''}${nodeOptions}`,
        PORTICO_PEERS_RESULTS: file,
      },
      stdio: 'ignore',
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGKILL',
    });
    const results = new Map();
    for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const result = JSON.parse(line);
      let { title } = result;
      for (let count = 2; results.has(title); count++) title = `${result.title} (${count})`;
      results.set(title, result);
    }
    return results;
  } finally {
    rmSync(place, { recursive: true });
  }
}

function mocha(...options) {
  const reporter = join(here, 'mocha-results.cjs');
  return (cwd) => [mochaOf(cwd), '--exit', `--reporter=${reporter}`, ...options];
}

/** Returns the command of mocha, whose name depends on the version. */
function mochaOf(cwd) {
  const place = join(cwd, 'node_modules', 'mocha');
  return join(place, JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')).bin.mocha);
}

function nodeTest(tests) {
  return (cwd, file) => [
    '--test',
    // Many files wait seconds for their last connection.
    '--test-concurrency=8',
    '--test-timeout=60000',
    `--test-reporter=${join(here, 'results.mjs')}`,
    `--test-reporter-destination=${file}`,
    ...readdirSync(join(cwd, tests), { recursive: true })
      .filter((path) => path.endsWith('.test.js'))
      .map((path) => join(tests, path))
      .toSorted(),
  ];
}
