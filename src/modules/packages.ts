/**
 * Packages: the one a file belongs to, those that a folder can import, and what their `package.json` says.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ignoreErrors } from '../errors/index.js';

/** What a `package.json` may say, as far as it is asked for here. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly exports?: Exports;
  /** Factories and drivers that the package announces. */
  readonly portico?: unknown;
}

/** The value of `exports` in a `package.json`. */
export type Exports = string | null | readonly Exports[] | { readonly [condition: string]: Exports };

/** A package, and the folder it stands in. */
export interface OwnPackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * The package of a file, whose links are followed: the nearest one above it whose manifest can be read and `fits`. Undefined
 * where there is none.
 */
export function packageOf(file: string, fits: (manifest: Manifest) => boolean = () => true): OwnPackage | undefined {
  for (const folder of foldersUpwards(dirname(realPath(file)))) {
    // A manifest that cannot be read is skipped.
    const manifest = ignoreErrors(() => readManifest(folder));
    if (manifest !== undefined && fits(manifest)) return { folder, manifest };
  }
  return undefined;
}

/** A folder and those it is in, up to the root. */
function* foldersUpwards(from: string): Generator<string> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) return;
  }
}

/** The `package.json` of a folder; undefined where there is none. Throws for one that cannot be read. */
function readManifest(folder: string): Manifest | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, 'package.json'), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const manifest: unknown = JSON.parse(text);
  return typeof manifest === 'object' && manifest !== null ? (manifest as Manifest) : undefined;
}

/** A path without links; as it is where there is no such file. */
export function realPath(path: string): string {
  return ignoreErrors(() => realpathSync(path)) ?? resolve(path);
}

/** A package that was found: its folder, its manifest, and a folder from which it can be required by its name. */
export interface FoundPackage extends OwnPackage {
  readonly seenFrom: string;
}

/**
 * The nearest package of that name: the folder's own package, if it has exports, else in a `node_modules` upwards; then
 * likewise from the program's folders.
 */
export function findPackage(name: string, from: string): FoundPackage | undefined {
  for (const start of searchFolders(from)) {
    const own = enclosingPackage(start);
    if (own?.manifest.name === name && own.manifest.exports !== undefined) return { ...own, seenFrom: own.folder };
    for (const modules of modulesUpwards(start)) {
      const folder = join(modules, name);
      const manifest = readManifest(folder);
      if (manifest !== undefined) return { folder, manifest, seenFrom: modules };
    }
  }
  return undefined;
}

/** The package that a folder belongs to. Throws for a manifest that cannot be read. */
export function enclosingPackage(from: string): OwnPackage | undefined {
  for (const folder of foldersUpwards(from)) {
    const manifest = readManifest(folder);
    if (manifest !== undefined) return { folder, manifest };
  }
  return undefined;
}

/** The names of the packages that files in one of these folders can import, nearest first. */
export function packageNames(from: readonly string[]): string[] {
  return [...moduleFolders(from)].flatMap((folder) => readdirSync(folder).filter((name) => !name.startsWith('.')));
}

/** Every package that files in `from` can import, nearest first; one whose manifest cannot be read is left out. */
export function* packagesFrom(from: string): Generator<OwnPackage> {
  for (const modules of moduleFolders(searchFolders(from))) {
    for (const name of readdirSync(modules)) {
      if (name.startsWith('.')) continue;
      const names = name.startsWith('@') ? readdirSync(join(modules, name)).map((each) => join(name, each)) : [name];
      for (const each of names) {
        const folder = join(modules, each);
        const manifest = ignoreErrors(() => readManifest(folder));
        if (manifest !== undefined) yield { folder, manifest };
      }
    }
  }
}

/**
 * Where packages are looked for from a folder, in this order: there, beside the program's main module, and in the working
 * directory. A configuration may be far from the program it is for (`/etc`).
 */
export function searchFolders(folder: string): string[] {
  const script = process.argv[1];
  return [...new Set([resolve(folder), ...(script === undefined ? [] : [dirname(resolve(script))]), process.cwd()])];
}

/** All `node_modules` folders that files in one of these folders can reach, nearest first. */
function moduleFolders(from: readonly string[]): Set<string> {
  return new Set(from.flatMap((start) => [...modulesUpwards(start)]));
}

function* modulesUpwards(from: string): Generator<string> {
  for (const folder of foldersUpwards(from)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) yield modules;
  }
}
