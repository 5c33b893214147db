#!/usr/bin/env node
// Runs the compiled tests on other Node versions: npm run test:runtimes, or with words as test/run.mjs takes them.
//
//   node test/runtimes/run.mjs 24 26 -- launch e2e/fleet
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const split = words.indexOf('--');
const versions = (split < 0 ? words : words.slice(0, split)).filter((word) => /^\d+$/.test(word));
const wanted = split < 0 ? words.filter((word) => !/^\d+$/.test(word)) : words.slice(split + 1);

if (!existsSync(join(here, 'node_modules'))) {
  const install = spawnSync('npm', ['install', '--no-package-lock'], { cwd: here, stdio: 'inherit' });
  if (install.status !== 0) process.exit(install.status ?? 1);
}
let status = 0;
for (const version of versions.length > 0 ? versions : ['22', '24', '26']) {
  const node = join(here, 'node_modules', `node${version}`, 'bin', 'node');
  console.log(`== Node ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`);
  const run = spawnSync(node, [join(here, '..', 'run.mjs'), ...wanted], { stdio: 'inherit' });
  status = Math.max(status, run.status ?? 1);
}
process.exit(status);
