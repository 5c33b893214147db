// The tests that the files changed since the last commit concern.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf, testFiles } from './kinds.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Returns them as paths below `test`. */
export function changedTests() {
  const git = (...words) => execFileSync('git', words, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  const changed = [
    ...git('diff', '--name-only', '--relative', 'HEAD'),
    ...git('ls-files', '--others', '--exclude-standard'),
  ];
  const all = testFiles();
  return new Set(changed.flatMap((path) => testsOf(path, all)));
}

/** The tests that use a file of `test`; those beside a file of `src` and those that import it; those that name any other file. */
function testsOf(path, all) {
  if (path.startsWith('test/')) return all.filter((file) => importsOf(file).has(path.slice('test/'.length)));
  const module = /^src\/(.*)\.ts$/.exec(path)?.[1];
  const source = module?.replace('extras/', '');
  if (source === undefined) return all.filter((file) => textOf(file).includes(path));
  const importing = all.filter((file) => textOf(file).includes(`dist/${module}.js`));
  if (all.includes(`${source}.test.ts`)) return [`${source}.test.ts`, ...importing];
  let folder = dirname(source);
  while (folder !== '.' && !existsSync(join(root, 'test', folder))) folder = dirname(folder);
  return [...all.filter((file) => file.startsWith(`${folder}/`)), ...importing];
}

function textOf(file) {
  return readFileSync(join(root, 'test', file), 'utf8');
}
