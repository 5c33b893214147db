/**
 * Packages: the package of a file, the packages that a folder can import, their `package.json`; and the module of a specifier, seen from
 * another folder: as for `import` in a file of that folder, and then as in a file of the application. `exports` is read here and not by
 * Node: `import.meta.resolve` takes no parent without a flag, and `require.resolve` ignores exports that are only for `import`. The last
 * one tells whether the package of SQLite is missed.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ignoreErrors } from '../errors/index.js';
import { servedPath } from '../process/index.js';

/** The fields of a `package.json` that are used here. */
export interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly bin?: string | Readonly<Record<string, string>>;
  readonly exports?: Exports;
  /** Factories and drivers that the package announces. */
  readonly portico?: unknown;
}

/** The value of `exports` in a `package.json`. */
type Exports = string | null | readonly Exports[] | { readonly [condition: string]: Exports };

/** A package and its folder. */
interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
  /** A folder from which it can be required by name. */
  readonly seenFrom: string;
}

/**
 * Returns the package of a file, whose links are followed: the nearest folder above it with a readable manifest that `fits`. Undefined
 * if there is none.
 */
export function packageOf(file: string, fits: (manifest: Manifest) => boolean = () => true): Package | undefined {
  for (const folder of foldersUpwards(dirname(realPath(file)))) {
    // A manifest that cannot be read is skipped.
    const manifest = ignoreErrors(() => readManifest(folder));
    if (manifest !== undefined && fits(manifest)) return { folder, manifest, seenFrom: folder };
  }
  return undefined;
}

/**
 * Returns the command's name: that of the script in `bin` of the application's package, else the script's name without its extension; empty
 * without a script. `argv`: default the process's.
 */
export function commandName(argv: readonly string[] = process.argv): string {
  const [, script] = argv;
  if (script === undefined) return '';
  return nameInManifest(script) ?? basename(script, extname(script));
}

function nameInManifest(script: string): string | undefined {
  // A manifest that only declares the module type (`{"type": "module"}`) is not a package.
  const own = packageOf(script, ({ name, bin }) => name !== undefined || bin !== undefined);
  if (own === undefined) return undefined;
  const { name = '', bin } = own.manifest;
  const commands = typeof bin === 'string' ? { [name.slice(name.lastIndexOf('/') + 1)]: bin } : (bin ?? {});
  const wanted = realPath(script);
  return Object.keys(commands).find((command) => realPath(resolve(own.folder, commands[command]!)) === wanted);
}

/** Returns the version of Portico; undefined if its manifest cannot be read. */
export function ownVersion(): string | undefined {
  return packageOf(fileURLToPath(import.meta.url))?.manifest.version;
}

/** Yields a folder and its parents, up to the root. */
function* foldersUpwards(from: string): Generator<string> {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    yield folder;
    if (dirname(folder) === folder) return;
  }
}

/** Returns the `package.json` of a folder; undefined if there is none. Throws if it cannot be read or parsed. */
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

/** Resolves the links of a path; a path without a file is only made absolute. */
export function realPath(path: string): string {
  return ignoreErrors(() => realpathSync(path)) ?? resolve(path);
}

/**
 * Returns the nearest package of that name: the folder's own package, if it has exports, else one in a `node_modules` folder upwards;
 * then likewise from the application's folders.
 */
export function findPackage(name: string, from: string): Package | undefined {
  for (const start of searchFolders(from)) {
    const own = enclosingPackage(start);
    if (own?.manifest.name === name && own.manifest.exports !== undefined) return own;
    for (const modules of modulesUpwards(start)) {
      const folder = join(modules, name);
      const manifest = readManifest(folder);
      if (manifest !== undefined) return { folder, manifest, seenFrom: modules };
    }
  }
  return undefined;
}

/** Returns the URL of the module that a package announces as its extension: `"portico": { "extension": "./extension.js" }`. */
export function announcedExtension({ folder, manifest }: Omit<Package, 'seenFrom'>): string | undefined {
  const { extension } = (manifest.portico ?? {}) as { readonly extension?: unknown };
  return typeof extension === 'string' ? pathToFileURL(join(folder, extension)).href : undefined;
}

/** Reports whether a specifier is a path or the URL of a file, and names no package. */
export function isFileSpecifier(specifier: string): boolean {
  return /^(\.{1,2}\/|\/|file:)/.test(specifier);
}

/** Returns the package that a folder belongs to. Throws for a manifest that cannot be read. */
function enclosingPackage(from: string): Package | undefined {
  for (const folder of foldersUpwards(from)) {
    const manifest = readManifest(folder);
    if (manifest !== undefined) return { folder, manifest, seenFrom: folder };
  }
  return undefined;
}

/** Returns the names of the packages in the `node_modules` folders that files in these folders can reach, nearest first. */
export function packageNames(from: readonly string[]): string[] {
  const visible = (folder: string): string[] => readdirSync(folder).filter((name) => !name.startsWith('.'));
  // A scope may be a link, or no folder.
  const inScope = (folder: string, scope: string): string[] =>
    (ignoreErrors(() => visible(join(folder, scope))) ?? []).map((name) => `${scope}/${name}`);
  const folders = new Set(from.flatMap((start) => [...modulesUpwards(start)]));
  return [...folders].flatMap((folder) =>
    visible(folder).flatMap((name) => (name.startsWith('@') ? inScope(folder, name) : [name])),
  );
}

/**
 * Returns the folders to search for packages, in this order: the given one, that of the application's main module, and the working
 * directory. A configuration may be far from its application (`/etc`).
 */
export function searchFolders(folder: string): string[] {
  const script = process.argv[1];
  return [
    ...new Set([
      servedPath(resolve(folder)),
      ...(script === undefined ? [] : [folderOfProgram(script)]),
      process.cwd(),
    ]),
  ];
}

/** Returns the folder of the application; for a command in `node_modules/.bin`, that of the project with the packages. */
function folderOfProgram(script: string): string {
  const folder = dirname(resolve(script));
  return folder.endsWith(BIN_FOLDER) ? dirname(dirname(folder)) : folder;
}

const BIN_FOLDER = join('/', 'node_modules', '.bin');

/** Yields the `node_modules` folders that files in a folder can reach, nearest first. */
function* modulesUpwards(from: string): Generator<string> {
  for (const folder of foldersUpwards(from)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) yield modules;
  }
}

/** A module does not exist. */
export class ModuleMissing extends Error {
  /** The missing part: the package, a subpath that it exports, or the file. */
  readonly what: 'package' | 'subpath' | 'file';
  /** Specifiers that exist. */
  readonly known: readonly string[];

  constructor(what: ModuleMissing['what'], message: string, known: readonly string[] = []) {
    super(message);
    this.what = what;
    this.known = known;
  }
}

const CONDITIONS: ReadonlySet<string> = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * Returns the URL to import for `specifier` in a file of `folder`. A package is searched for upwards of the {@link searchFolders}.
 * `portico` is the running one if it is in none of them, or if the one found lacks the module. Throws {@link ModuleMissing}.
 */
export function moduleUrl(specifier: string, folder: string): string {
  if (/^(file|node|data):/.test(specifier)) return specifier;
  if (/^\.{1,2}\//.test(specifier) || isAbsolute(specifier)) {
    const path = servedPath(resolve(folder, specifier));
    if (!existsSync(path)) throw new ModuleMissing('file', `there is no file ${path}`, filesBeside(specifier, path));
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
    // Another version of Portico, without that module.
    if (!(error instanceof ModuleMissing)) throw error;
  }
  const own = enclosingPackage(dirname(fileURLToPath(import.meta.url)))!;
  return urlIn(own, specifier, name, subpath!);
}

/** Returns files in the folder of a path, in the form of the specifier. */
function filesBeside(specifier: string, path: string): string[] {
  const names = ignoreErrors(() => readdirSync(dirname(path))) ?? [];
  return names.map((name) => specifier.slice(0, specifier.lastIndexOf('/') + 1) + name);
}

const OWN_NAME = 'portico';

function noPackage(name: string, folder: string): ModuleMissing {
  // A package of the application is not searched for in Portico's own folder.
  const own = dirname(dirname(fileURLToPath(import.meta.url)));
  const isOwn = (each: string): boolean => (ignoreErrors(() => realpathSync(each)) ?? each).startsWith(own);
  const folders = searchFolders(folder);
  const looked = folders.filter((each) => !isOwn(each)).join(', ') || folders.join(', ');
  return new ModuleMissing('package', `no package "${name}" is in node_modules of ${looked}, or above`);
}

function urlIn(found: Package, specifier: string, name: string, subpath: string): string {
  if (found.manifest.exports === undefined || found.manifest.exports === null) {
    return withoutExports(specifier, found, subpath);
  }
  const target = exported(found.manifest.exports, `.${subpath}`);
  if (target === undefined) {
    const known = subpathsOf(found.manifest.exports).map((path) => name + path.slice(1));
    throw new ModuleMissing('subpath', `the package "${name}" does not export ".${subpath}"`, known);
  }
  const path = join(found.folder, target);
  if (!existsSync(path)) throw new ModuleMissing('file', `there is no file ${path}, to which "${specifier}" refers`);
  return pathToFileURL(path).href;
}

/** Resolves a package without an exports map: `main`, `index.js`, and files with or without their extension. */
function withoutExports(specifier: string, found: Package, subpath: string): string {
  try {
    return pathToFileURL(createRequire(join(found.seenFrom, 'paste.ini')).resolve(specifier)).href;
  } catch {
    const path = join(found.folder, subpath);
    throw new ModuleMissing('file', `there is no module at ${path}`);
  }
}

/** Returns the target of a subpath in an exports map (Node: Packages, "Package entry points"); undefined if it has none. */
function exported(exports: Exports, subpath: string): string | undefined {
  const map = subpathMap(exports);
  if (map === undefined) return subpath === '.' ? targetOf(exports, '') : undefined;
  if (Object.hasOwn(map, subpath) && !subpath.includes('*')) return targetOf(map[subpath]!, '');
  const patterns = Object.keys(map)
    .filter((key) => key.includes('*'))
    .sort((a, b) => b.indexOf('*') - a.indexOf('*') || b.length - a.length);
  for (const pattern of patterns) {
    const [before, after] = pattern.split('*', 2) as [string, string];
    const fits = subpath.startsWith(before) && subpath.endsWith(after) && subpath.length >= pattern.length;
    if (fits) return targetOf(map[pattern]!, subpath.slice(before.length, subpath.length - after.length));
  }
  return undefined;
}

function targetOf(value: Exports, star: string): string | undefined {
  if (value === null) return undefined;
  if (typeof value === 'string') return value.startsWith('./') ? value.replaceAll('*', star) : undefined;
  if (Array.isArray(value)) {
    return (value as readonly Exports[]).map((entry) => targetOf(entry, star)).find((found) => found !== undefined);
  }
  for (const [condition, nested] of Object.entries(value)) {
    if (!CONDITIONS.has(condition)) continue;
    const found = targetOf(nested as Exports, star);
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

// SQLite, which some Node versions have in a package.

/** The error of a Node without SQLite. */
export const NO_SQLITE = {
  message: `this Node (${process.version}) has no SQLite, and the package @photostructure/sqlite is not installed`,
  hint: 'Run npm install @photostructure/sqlite@1.2, or use Node 22.13 or newer.',
};

/** Returns the reason that no database can be opened on this Node; undefined if there is a driver. Does not load it. */
export function sqliteProblem(): { readonly message: string; readonly hint: string } | undefined {
  if (isBuiltin('node:sqlite')) return undefined;
  return ignoreErrors(() => createRequire(import.meta.url).resolve('@photostructure/sqlite')) === undefined
    ? NO_SQLITE
    : undefined;
}

/**
 * Returns the file of an SQLite connection in SQLAlchemy's form: three slashes and a relative path, four and an
 * absolute one.
 */
export function sqlitePath(connection: string): string {
  const path = /^sqlite:\/\/\/(.*)$/s.exec(connection)?.[1];
  return path === undefined || path === '' || path === ':memory:' ? ':memory:' : resolve(decodeURIComponent(path));
}
