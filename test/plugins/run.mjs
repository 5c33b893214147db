#!/usr/bin/env node
// Tests plugins of Fastify, middleware of Express and whole frameworks with the packed package and two workers: npm run test:plugins.
// npm installs their newest versions, as package.json here names them.
//
//   node test/plugins/run.mjs                    all
//   node test/plugins/run.mjs cors express       those whose name contains one of the words
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const npm = (...words) =>
  spawnSync('npm', [...words, '--no-audit', '--engine-strict=false', '--no-fund', '--loglevel=error'], {
    cwd: here,
    stdio: 'inherit',
  }).status;

// Each time, because there may be newer versions.
if (npm('update', '--no-package-lock') !== 0 && !existsSync(join(here, 'node_modules'))) process.exit(1);
const folder = mkdtempSync(join(tmpdir(), 'portico-plugins-'));
try {
  const words = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  const tarball = execFileSync('npm', words, { cwd: join(here, '..', '..'), encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1);
  if (npm('install', '--no-package-lock', '--no-save', join(folder, tarball)) !== 0) process.exit(1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', join(here, 'tried.test.mjs')], {
  stdio: 'inherit',
  env: { ...process.env, PORTICO_PLUGINS: process.argv.slice(2).join(' ') },
});
process.exit(status ?? 1);
