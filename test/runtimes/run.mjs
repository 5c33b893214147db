#!/usr/bin/env node
// Runs the compiled tests on every supported Node: npm run test:runtimes, with the words of test/run.mjs. npm installs the versions that
// package.json here names: the oldest supported and the newest of each release line.
//
//   node test/runtimes/run.mjs                         all
//   node test/runtimes/run.mjs 24 oldest26 -- launch   both of 24 and the oldest 26, some tests
//   node test/runtimes/run.mjs oldest app routing      the oldest of each line, some tests
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const all = Object.keys(JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).dependencies);
const isVersion = (word) => all.some((name) => name === word || name.endsWith(word) || name.startsWith(word));
const words = process.argv.slice(2);
const split = words.indexOf('--');
const named = (split < 0 ? words : words.slice(0, split)).filter(isVersion);
const wanted = split < 0 ? words.filter((word) => !isVersion(word)) : words.slice(split + 1);
const chosen = all.filter(
  (name) =>
    named.length === 0 ||
    named.some((word) =>
      /^[a-z]+$/.test(word) ? name.startsWith(word) : name === word || (/^\d+$/.test(word) && name.endsWith(word)),
    ),
);

// Each time, because there may be newer versions.
const install = spawnSync('npm', ['update', '--no-package-lock', '--no-audit', '--no-fund'], {
  cwd: here,
  stdio: 'inherit',
});
if (install.status !== 0 && !existsSync(join(here, 'node_modules'))) process.exit(install.status ?? 1);

const failed = [];
for (const name of chosen) {
  const node = join(here, 'node_modules', name, 'bin', 'node');
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  console.log(`== Node ${version ?? `${name} is not installed`}`);
  const run = spawnSync(node, [join(here, '..', 'run.mjs'), ...wanted], { stdio: 'inherit' });
  if (run.status !== 0) failed.push(version ?? name);
}
console.log(failed.length === 0 ? `all ${chosen.length} pass` : `failed on: ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);
