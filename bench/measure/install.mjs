// Installs the contestants in a separate directory, because they are not dependencies of the project.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../contestants/', import.meta.url));

/** Runs `npm ci` there, unless the versions of the lock file are already installed. */
export function installContestants(say) {
  const installed = `${folder}node_modules/.package-lock.json`;
  const lock = `${folder}package-lock.json`;
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say('installing the contestants into bench/contestants/node_modules');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error('npm ci in bench/contestants failed: nothing to compare with');
}

/** Returns the installed versions by name. */
export function versionsOf(names) {
  return Object.fromEntries(
    names.map((name) => [name, JSON.parse(readFileSync(`${folder}node_modules/${name}/package.json`, 'utf8')).version]),
  );
}
