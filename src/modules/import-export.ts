/**
 * Exports of modules by their name in configuration: `package/subpath:export`, `./file.js#Class.method`, or a module alone, which means
 * its default export; and optional packages, imported on demand.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigurationRefused, ignoreErrors } from '../errors/index.js';
import { ownFile } from '../process/index.js';
import { importFailure } from './import-failure.js';

/** A parsed name of an export. */
export interface ExportReference {
  readonly module: string;
  /** A member of an export has dots. Undefined: the default export. */
  readonly name?: string;
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;
const PATH = /^(\.{1,2}\/|\/|file:)/;

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
  return PATH.test(text) || (!/\s/.test(text) && !text.replace(/^(node|data):/, '').includes(':'));
}

/** A module that exists cannot be imported. The message is one line, with the place in the module if known. */
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
 * Throws {@link ImportFailed} and {@link ExportMissing}.
 */
export async function importExport({ module, name }: ExportReference, url: string): Promise<FoundExport> {
  const namespace = await importModule(module, name, url);
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

async function importModule(module: string, name: string | undefined, url: string): Promise<Namespace> {
  const own = name === undefined ? undefined : fileOfOwnExport(module, url, name);
  try {
    const alone = own === undefined ? undefined : ((await import(own)) as Namespace);
    return alone !== undefined && Object.hasOwn(alone, name!) ? alone : ((await import(url)) as Namespace);
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

const MIDDLEWARE = 'portico/middleware';

/**
 * Returns the URL of the file in Portico that has this one export of `portico/middleware`, so that a paste file that names six filters
 * does not load the other forty. Undefined if `url` is not in the running Portico, or for a name that it does not export.
 */
export function fileOfOwnExport(module: string, url: string, name: string): string | undefined {
  if (module !== MIDDLEWARE) return undefined;
  const index = ownFile('middleware/index.js');
  if (url !== MIDDLEWARE && url !== index.href && !isLinkTo(index, url)) return undefined;
  filters ??= exportsByName(index);
  const file = filters.get(name);
  return file === undefined ? undefined : new URL(file, index).href;
}

/** Reports whether a URL leads to a file through a link, as with pnpm and workspaces. */
function isLinkTo(file: URL, url: string): boolean {
  return ignoreErrors(() => realpathSync(fileURLToPath(url))) === fileURLToPath(file);
}

let filters: ReadonlyMap<string, string> | undefined;

/** Returns the files of exports by name, as listed in the index, which exports less than its files do. */
function exportsByName(index: URL): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [, names = '', file = ''] of readFileSync(index, 'utf8').matchAll(/export \{([^}]*)\} from '([^']+)'/g)) {
    for (const name of names.split(',')) files.set(name.trim(), file);
  }
  return files;
}

/** A package that may be missing. */
export interface OptionalPeer {
  /** The code of the error. */
  readonly code: string;
  /** The line of configuration that needs it. */
  readonly neededBy: string;
  /** The argument of `npm install`: `pg`, `rabbitmq-client@5`. */
  readonly spec: string;
}

/** Imports an optional package. Rejects with `code` if it is not installed; errors inside it are rethrown unchanged. */
export async function importPeer<T>(load: () => Promise<T>, { code, neededBy, spec }: OptionalPeer): Promise<T> {
  try {
    return await load();
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
