/**
 * Finds the module a specifier means, seen from a folder that is not this file's: as `import` in a file of that folder
 * would, and then as in a file of the program, because a configuration may be far from it (`/etc`). `import.meta.resolve`
 * takes no parent on Node 20, and `require.resolve` does not see packages that export only to `import`.
 */
import { existsSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { foldersUpwards, programFolders, readManifest } from '../config/index.js';

/** Why there is no such module. `known`: names that would have worked. */
export class ModuleMissing extends Error {
  readonly what: 'package' | 'subpath' | 'file';
  readonly known: readonly string[];

  constructor(what: 'package' | 'subpath' | 'file', message: string, known: readonly string[] = []) {
    super(message);
    this.what = what;
    this.known = known;
  }
}

type Exports = string | null | readonly Exports[] | { readonly [condition: string]: Exports };

interface Manifest {
  readonly name?: string;
  readonly exports?: Exports;
  /** Factories that the package announces. */
  readonly portico?: unknown;
}

const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default']);

/** A package that was found: its folder, its manifest, and a folder from which it can be required by its name. */
export interface FoundPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly seenFrom: string;
}

/**
 * The URL to import for `specifier` in a file of `folder`. A package is looked for upwards of that folder, then of the
 * program's ({@link programFolders}); `portico` is, where it is in none of them, the one that is running. Throws
 * {@link ModuleMissing}.
 */
export function moduleUrl(specifier: string, folder: string): string {
  if (/^(file|node|data):/.test(specifier)) return specifier;
  if (/^\.{1,2}\//.test(specifier) || isAbsolute(specifier)) {
    const path = resolve(folder, specifier);
    if (!existsSync(path)) throw new ModuleMissing('file', `there is no file ${path}`);
    return pathToFileURL(path).href;
  }
  if (isBuiltin(specifier)) return specifier;
  const [, name, subpath] = /^((?:@[^/]+\/)?[^/]+)(.*)$/s.exec(specifier) ?? [undefined, specifier, ''];
  const found = findPackage(name!, folder);
  if (name !== OWN_NAME) {
    if (found === undefined) throw noPackage(name!, folder);
    return urlIn(found, specifier, name!, subpath!);
  }
  try {
    if (found !== undefined) return urlIn(found, specifier, name, subpath!);
  } catch (error) {
    // Another version of Portico, which does not have that yet.
    if (!(error instanceof ModuleMissing)) throw error;
  }
  return urlIn(ownPackage(dirname(fileURLToPath(import.meta.url)))!, specifier, name, subpath!);
}

const OWN_NAME = 'portico';

function noPackage(name: string, folder: string): ModuleMissing {
  const looked = foldersFrom(folder).join(', ');
  return new ModuleMissing('package', `no package "${name}" is in node_modules of ${looked}, or above`);
}

function urlIn(found: FoundPackage, specifier: string, name: string, subpath: string): string {
  if (found.manifest.exports === undefined || found.manifest.exports === null) {
    return withoutExports(specifier, found, subpath);
  }
  const target = exported(found.manifest.exports, `.${subpath}`);
  if (target === undefined) {
    const known = subpathsOf(found.manifest.exports).map((path) => name + path.slice(1));
    throw new ModuleMissing('subpath', `the package "${name}" does not export ".${subpath}"`, known);
  }
  const path = join(found.folder, target);
  if (!existsSync(path)) throw new ModuleMissing('file', `there is no file ${path}, which "${specifier}" stands for`);
  return pathToFileURL(path).href;
}

/**
 * The nearest package of that name: the folder's own package, if it has exports, else in a `node_modules` upwards; then
 * likewise from the program's folders.
 */
export function findPackage(name: string, from: string): FoundPackage | undefined {
  for (const start of foldersFrom(from)) {
    const own = ownPackage(start);
    if (own?.manifest.name === name && own.manifest.exports !== undefined) return own;
    for (const modules of modulesUpwards(start)) {
      const folder = join(modules, name);
      const manifest = readManifest<Manifest>(folder);
      if (manifest !== undefined) return { folder, manifest, seenFrom: modules };
    }
  }
  return undefined;
}

/**
 * All `node_modules` folders that a file in one of these folders can reach, nearest first. Default: as packages are looked
 * for from `from`.
 */
export function moduleFolders(from: string, starts: readonly string[] = foldersFrom(from)): Iterable<string> {
  return new Set(starts.flatMap((start) => [...modulesUpwards(start)]));
}

/** Where packages are looked for, in this order. */
export function foldersFrom(folder: string): string[] {
  return [...new Set([resolve(folder), ...programFolders()])];
}

function* modulesUpwards(from: string): Generator<string> {
  for (const folder of foldersUpwards(from)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) yield modules;
  }
}

/** The package that a folder belongs to. */
function ownPackage(from: string): FoundPackage | undefined {
  for (const folder of foldersUpwards(from)) {
    const manifest = readManifest<Manifest>(folder);
    if (manifest !== undefined) return { folder, manifest, seenFrom: folder };
  }
  return undefined;
}

/** Packages without an exports map: `main`, `index.js`, and files with or without their ending. */
function withoutExports(specifier: string, found: FoundPackage, subpath: string): string {
  try {
    return pathToFileURL(createRequire(join(found.seenFrom, 'paste.ini')).resolve(specifier)).href;
  } catch {
    const path = join(found.folder, subpath);
    throw new ModuleMissing('file', `there is no module at ${path}`);
  }
}

/** Where an exports map leads for a subpath (Node: Packages, "Package entry points"); undefined for nowhere. */
function exported(exports: Exports, subpath: string): string | undefined {
  const map = subpathMap(exports);
  if (map === undefined) return subpath === '.' ? target(exports, '') : undefined;
  if (Object.hasOwn(map, subpath) && !subpath.includes('*')) return target(map[subpath]!, '');
  const patterns = Object.keys(map)
    .filter((key) => key.includes('*'))
    .sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [before, after] = pattern.split('*', 2) as [string, string];
    const fits = subpath.startsWith(before) && subpath.endsWith(after) && subpath.length >= pattern.length;
    if (fits) return target(map[pattern]!, subpath.slice(before.length, subpath.length - after.length));
  }
  return undefined;
}

function target(value: Exports, star: string): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return value.startsWith('./') ? value.replaceAll('*', star) : undefined;
  if (Array.isArray(value)) {
    return (value as readonly Exports[]).map((entry) => target(entry, star)).find((found) => found !== undefined);
  }
  for (const [condition, nested] of Object.entries(value)) {
    if (!CONDITIONS.has(condition)) continue;
    const found = target(nested as Exports, star);
    if (found !== undefined) return found;
  }
  return undefined;
}

function subpathMap(exports: Exports): Readonly<Record<string, Exports>> | undefined {
  if (exports === null || typeof exports !== 'object' || Array.isArray(exports)) return undefined;
  const map = exports as Readonly<Record<string, Exports>>;
  return Object.keys(map).some((key) => key.startsWith('.')) ? map : undefined;
}

function subpathsOf(exports: Exports): string[] {
  const map = subpathMap(exports);
  return map === undefined ? ['.'] : Object.keys(map);
}
