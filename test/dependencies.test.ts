/** Tests that docs/stability.md gives number, size and reason of the packages that an installation brings. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './fixtures/project.js';

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const direct = Object.keys(packages['']!.dependencies!);
const [, page = ''] = readFileSync(join(root, 'docs/stability.md'), 'utf8').split(/^## Dependencies$/m);

/** Returns where a package is that a package at `from` requires. */
function locationOf(name: string, from: string): string {
  const here = `${from}${from === '' ? '' : '/'}node_modules/${name}`;
  if (here in packages) return here;
  assert.notEqual(from, '', `${name} is in no node_modules`);
  return locationOf(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}

/** Returns the locations of packages and of all that they require. */
function withRequired(names: readonly string[], from = '', found = new Set<string>()): Set<string> {
  for (const name of names) {
    const location = locationOf(name, from);
    if (found.has(location)) continue;
    found.add(location);
    withRequired(Object.keys(packages[location]!.dependencies ?? {}), location, found);
  }
  return found;
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? bytesOf(path) : statSync(path).size);
    }, 0);
}

const megabytes = (locations: Iterable<string>): number =>
  [...locations].reduce((sum, location) => sum + bytesOf(join(root, location)), 0) / 1e6;

test('docs/stability.md names each dependency, with its reason and the packages that only it brings', () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (\d+) \| (.+) \|$/gm)];
  const alone = (name: string): number => {
    const others = withRequired(direct.filter((each) => each !== name));
    return [...withRequired([name])].filter((location) => !others.has(location)).length;
  };
  assert.deepEqual(
    Object.fromEntries(rows.map(([, name, number]) => [name, Number(number)])),
    Object.fromEntries(direct.map((name) => [name, alone(name)])),
    'write a row with the reason of a new dependency, and delete the row of one that is gone',
  );
});

test('docs/stability.md has the number of all packages, and their size to a tenth', () => {
  const [, number, size] = /(\d+) packages of (\d+) MB/.exec(page) ?? [];
  const all = withRequired(direct);
  assert.equal(Number(number), all.size);
  const measured = megabytes(all);
  assert.ok(Math.abs(Number(size) - measured) < measured / 10, `${measured} MB`);
});

test('docs/stability.md names each optional package', () => {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    peerDependencies: Readonly<Record<string, string>>;
  };
  const named = [...page.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
  const unnamed = Object.keys(peerDependencies).filter((name) => !named.includes(name));
  assert.deepEqual(unnamed, []);
});
