/**
 * Imports what others name: exports in configuration (`package/subpath:export`, `./file.js#Class.method`, or a module alone, which means
 * its default export), optional packages on demand, and the options that packages announce in their `package.json`.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  ConfigurationRefused,
  type Diagnostic,
  errorText,
  ignoreErrors,
  loadFailure,
  locationInFile,
  shownPath,
} from '../errors/index.js';
import { isOwnFile } from '../process/index.js';
import { announcedExtension, findPackage, isFileSpecifier, type Manifest, packageOf } from './packages.js';

/** A parsed name of an export. */
export interface ExportReference {
  readonly module: string;
  /** A member of an export has dots. Undefined: the default export. */
  readonly name?: string;
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;

/**
 * Splits a name at the last colon, unless a `/` follows it; `#` may replace the colon. Blanks around it are ignored. Returns undefined
 * for text that is not such a name.
 */
export function parseExportReference(text: string): ExportReference | undefined {
  const at = separatorIn(text);
  if (at < 0) return isSpecifier(text) ? { module: text } : undefined;
  const module = text.slice(0, at).trim();
  const name = text.slice(at + 1).trim();
  return isSpecifier(module) && NAME.test(name) ? { module, name } : undefined;
}

function separatorIn(text: string): number {
  const hash = /\S#\S*$/.exec(text);
  if (hash !== null) return hash.index + 1;
  const colon = text.lastIndexOf(':');
  const isScheme = text.slice(0, colon) === 'node';
  return isScheme || text.includes('/', Math.max(colon, 0)) ? -1 : colon;
}

function isSpecifier(text: string): boolean {
  if (text === '' || text.includes('\n')) return false;
  return isFileSpecifier(text) || (!/\s/.test(text) && !text.replace(/^(node|data):/, '').includes(':'));
}

/** A module that exists cannot be imported. The message is one line, with the location in the module if known. */
export class ImportFailed extends Error {}

/** A module does not have this export. */
export class ExportMissing extends Error {
  /** The part of the name that is missing. */
  readonly part: string;
  /** The exports that exist. */
  readonly known: readonly string[];

  constructor(part: string, known: readonly string[]) {
    super(`there is no export ${part}`);
    this.part = part;
    this.known = known;
  }
}

/** An export, and the object that contains it if its name has dots. */
export interface FoundExport {
  readonly value: unknown;
  readonly owner?: unknown;
}

/**
 * Imports `url`, which the module of a reference resolves to, and returns the export. A CommonJS module exports its `module.exports`.
 * `load` imports another file that has the export. Throws {@link ImportFailed} and {@link ExportMissing}.
 */
export async function importExport(
  { name }: ExportReference,
  url: string,
  load: () => Promise<object> = () => import(url),
): Promise<FoundExport> {
  const namespace = await importModule(url, load);
  if (name === undefined) {
    if (!('default' in namespace)) throw new ExportMissing('default', exportsOf(namespace));
    return { value: defaultOf(namespace) };
  }
  let owner: unknown;
  let value: unknown = namespace;
  for (const part of name.split('.')) {
    owner = value;
    value = memberOf(owner, part) ?? (owner === namespace ? memberOf(namespace.default, part) : undefined);
    if (value === undefined) {
      throw new ExportMissing(part, owner === namespace ? exportsOf(namespace) : Object.keys(Object(owner) as object));
    }
  }
  return owner === namespace ? { value } : { value, owner };
}

type Namespace = Readonly<Record<string, unknown>> & { readonly default?: unknown };

async function importModule(url: string, load: () => Promise<object>): Promise<Namespace> {
  try {
    return (await load()) as Namespace;
  } catch (cause) {
    throw new ImportFailed(await importFailure(cause, url), { cause });
  }
}

/** Returns the default export. A module compiled from ES to CommonJS has it one level deeper. */
function defaultOf(namespace: Namespace): unknown {
  const inner = namespace.default as { __esModule?: boolean; default?: unknown } | null | undefined;
  return inner?.__esModule === true && inner.default !== undefined ? inner.default : inner;
}

function exportsOf(namespace: Namespace): string[] {
  return Object.keys(namespace).filter((name) => name !== 'module.exports');
}

/** Returns an own or inherited member, but not one that every object or function has, such as `constructor`. */
function memberOf(owner: unknown, name: string): unknown {
  if (owner === null || owner === undefined) return undefined;
  const value = (owner as Record<string, unknown>)[name];
  return Object.hasOwn(owner, name) || !EVERYWHERE.has(value) ? value : undefined;
}

const EVERYWHERE: ReadonlySet<unknown> = new Set(
  [Object.prototype, Function.prototype].flatMap((prototype) =>
    Object.values(Object.getOwnPropertyDescriptors(prototype)).map(({ value }): unknown => value),
  ),
);

/** A package that may be missing. */
export interface OptionalPeer {
  /** The code of the error. */
  readonly code: string;
  /** The line of configuration that needs it. */
  readonly neededBy: string;
  /** The argument of `npm install`: `pg`, `rabbitmq-client@5`. */
  readonly spec: string;
}

/**
 * Imports an optional package. Rejects with `code` if it is not installed; errors inside it are rethrown unchanged. `load` gives its import
 * `failed` as `catch`, with which esbuild leaves out a package that is not installed: `(failed) => import('pg').catch(failed)`.
 */
export async function importPeer<T>(
  load: (failed: (error: unknown) => never) => Promise<T>,
  { code, neededBy, spec }: OptionalPeer,
): Promise<T> {
  try {
    return await load((error) => {
      throw error;
    });
  } catch (cause) {
    const [name] = spec.split('@');
    const { code: reason, message } = cause as { readonly code?: unknown; readonly message?: string };
    if (reason !== 'ERR_MODULE_NOT_FOUND' || message?.includes(`'${name}'`) !== true) throw cause;
    throw new ConfigurationRefused(code, {
      message: `${neededBy} needs the package ${name}, which is not installed`,
      hint: `npm install ${spec}`,
      cause,
    });
  }
}

/** Time in ms for another process to find the location of an error. */
const SEARCH_MS = 5000;

/**
 * Returns one line: the error of `import(url)`, and `file:line:column` in the application's modules if known, because the error is there
 * and not in the paste file or option that names the module.
 */
export async function importFailure(error: unknown, url: string): Promise<string> {
  const reason = errorText(error).replaceAll(/\s*\n\s*/g, ' ');
  if (/^Unknown file extension "\.[mc]?ts"/.test(reason)) {
    return `${reason}: Node ${process.versions.node} cannot run TypeScript; compile it, or use Node 22.18 or newer`;
  }
  const imported = / imported from (\/.+|[A-Za-z]:\\.+)$/.exec(reason)?.[1];
  if (imported !== undefined) return `${reason}${lineOfImport(reason, imported)}`;
  const place = await placeOf(error, url);
  return place === undefined || reason.includes(place) ? reason : `${reason.replace(/\.$/, '')}, at ${place}`;
}

async function placeOf(error: unknown, url: string): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return thrownAt(error);
  return markedPlace(error.stack ?? '') ?? (await placeFromOutside(error, url)) ?? thrownAt(error);
}

/** Returns the location that Node puts before some stacks: `file:line`, the line, and carets under the error. */
function markedPlace(stack: string): string | undefined {
  const [head, file, line] = /^(file:\S+|\/.+|[A-Za-z]:\\.+):(\d+)\r?\n/.exec(stack) ?? [];
  if (head === undefined || file === undefined) return undefined;
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  const shown = stack.slice(head.length);
  if (!/^SyntaxError \[ERR_\w+_TYPESCRIPT_SYNTAX\]/m.test(shown)) {
    const blanks = /^.*\r?\n(\s*)\^/.exec(shown)?.[1];
    // It has no carets at the end of a file.
    return blanks === undefined ? `${path}:${line}` : `${path}:${line}:${blanks.length + 1}`;
  }
  // For TypeScript it shows the previous line as well, and no carets if the error is longer than a line.
  const blanks = /^.*\r?\n(?:.*\r?\n)?( *)\^/.exec(shown)?.[1];
  if (blanks === undefined) return `${path}:${line}`;
  return `${path}:${line}:${columnBehind(blanks.length, linesOf(path)[Number(line) - 1] ?? '')}`;
}

/** Returns the column in a line that is shown with tabs expanded to multiples of four columns. */
function columnBehind(blanks: number, text: string): number {
  let column = 1;
  for (let width = 0; width < blanks; column++) width += text[column - 1] === '\t' ? 4 - (width % 4) : 1;
  return column;
}

function linesOf(file: string): string[] {
  // The text only helps to find the location; the file is already known.
  return ignoreErrors(() => readFileSync(file, 'utf8').split('\n')) ?? [];
}

/**
 * Finds the location of a syntax error in a separate process. V8 knows where an ES module does not parse, but `import()` loses the location;
 * only Node's output for an uncaught error has it. The process imports the module beside a missing export, so it reads all modules and
 * runs none.
 */
async function placeFromOutside(error: SyntaxError, url: string): Promise<string | undefined> {
  const code = `import ${JSON.stringify(url)}; import { none } from 'data:text/javascript,';`;
  // Imported on demand: an application without errors does not need it.
  const { execFile } = await import('node:child_process');
  const said = await new Promise<string>((settle) => {
    const args = ['--input-type=module', '--eval', code];
    try {
      execFile(process.execPath, args, { timeout: SEARCH_MS, env: {} }, (_, _out, text) => settle(text));
    } catch {
      // Child processes may be forbidden, as by Node's permission model: the error is reported without its location.
      settle('');
    }
  });
  return said.includes(`SyntaxError: ${error.message}`) ? markedPlace(said) : undefined;
}

/** Returns `:line:column` of the failed import in the file that contains it; empty if it is not a literal there. */
function lineOfImport(reason: string, file: string): string {
  const wanted = /^Cannot find (?:package|module) '(.+?)'/.exec(reason)?.[1];
  if (wanted === undefined) return '';
  for (const [index, line] of linesOf(file).entries()) {
    for (const { 1: name, index: column } of line.matchAll(/['"]([^'"]+)['"]/g)) {
      const isIt = name === wanted || name!.startsWith(`${wanted}/`) || resolve(dirname(file), name!) === wanted;
      if (isIt) return `:${index + 1}:${column + 1}`;
    }
  }
  return '';
}

/** Returns `file:line:column` of the innermost frame outside Node, dependencies and Portico; undefined without one. */
export function thrownAt(error: unknown): string | undefined {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return undefined;
  for (const line of error.stack.split('\n')) {
    const [, file, position] = /^\s+at (?:.*\()?(.+?):(\d+:\d+)\)?$/.exec(line) ?? [];
    if (file === undefined || !/^(?:file:|\/|[A-Za-z]:[\\/])/.test(file)) continue;
    const path = file.startsWith('file:') ? fileURLToPath(file.replace(/[?#].*$/s, '')) : file;
    if (isOwnFile(path) || /[\\/]node_modules[\\/]/.test(path)) continue;
    return `${path}:${position}`;
  }
  return undefined;
}

/**
 * Imports the options that the packages of these files, and their dependencies, announce: `"portico": { "options": "./options.js" }` names a
 * module that declares them. Their names have an owner then, even where the code that reads them does not run. Returns a warning for each
 * module that cannot be imported.
 */
export async function loadAnnounced(files: readonly string[]): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  for (const [folder, manifest] of packagesOf(files)) {
    const extension = announcedExtension({ folder, manifest });
    if (extension !== undefined) await noteExtension(manifest.name ?? folder, extension);
    const { options } = (manifest.portico ?? {}) as { readonly options?: unknown };
    if (options === undefined) continue;
    const module = typeof options === 'string' ? options : JSON.stringify(options);
    try {
      await import(pathToFileURL(join(folder, module)).href);
    } catch (error) {
      const location = locationInFile({ file: shownPath(join(folder, 'package.json')), line: 1, column: 1 });
      const { message, reason } = loadFailure(module, errorText(error));
      const hint = 'Name a module that declares options: "portico": { "options": "./options.js" }.';
      const said = { message: `portico.options: ${message}`, reason, hint };
      found.push({ severity: 'warning', code: 'PORTICO_MODULE_FAILED', location, ...said });
    }
  }
  return found;
}

/** Option groups of extensions that packages announce, each with the name of its package: hints for applications that do not list it. */
export const announcedGroups = new Map<string, string>();

async function noteExtension(name: string, url: string): Promise<void> {
  type Member = { readonly options?: object } | null;
  type Announced = { readonly extension?: Member; readonly default?: Member };
  // One that is broken is reported where it is listed.
  const module = await import(url).then(
    (found: Announced) => found,
    () => ({}) as Announced,
  );
  for (const group of Object.keys((module.extension ?? module.default)?.options ?? {}))
    announcedGroups.set(group, name);
}

/** Returns each package by its folder. */
function packagesOf(files: readonly string[]): Map<string, Manifest> {
  const packages = new Map<string, Manifest>();
  for (const file of files) {
    const own = packageOf(resolve(file));
    if (own === undefined || packages.has(own.folder)) continue;
    packages.set(own.folder, own.manifest);
    const { dependencies = {} } = own.manifest as { readonly dependencies?: Readonly<Record<string, string>> };
    for (const name of Object.keys(dependencies)) {
      const further = ignoreErrors(() => findPackage(name, dirname(file)));
      if (further !== undefined) packages.set(further.folder, further.manifest);
    }
  }
  return packages;
}
