/**
 * Exports of modules by their name in configuration: `package/subpath:export`, `./file.js#Class.method`, or a module
 * alone, whose default export is meant; and packages that few programs need, imported by what needs them.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ConfigurationRefused, ignoreErrors } from '../errors/index.js';
import { ownFile } from '../process/index.js';
import { importFailure } from './import-failure.js';

/** A name taken apart. */
export interface ExportReference {
  readonly module: string;
  /** A member of an export has dots. Undefined: the default export. */
  readonly name?: string;
}

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;
const PATH = /^(\.{1,2}\/|\/|file:)/;

/**
 * Splits at the last colon, unless a `/` follows it; `#` in the place of the colon means the same. Blanks around it are
 * left out. Undefined for what is no such name.
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

/** A module that was found cannot be imported. The message is one line, with the place in the module where it is known. */
export class ImportFailed extends Error {}

/** A module has no such export. */
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

/** An export, and where its name has dots the object that it is a member of. */
export interface FoundExport {
  readonly value: unknown;
  readonly owner?: unknown;
}

/**
 * Imports `url`, which the module of a reference stands for, and gives the export. A CommonJS module counts with what it
 * assigns to `module.exports`. Throws {@link ImportFailed} and {@link ExportMissing}.
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

/** A module compiled from ES to CommonJS has its default export one level deeper. */
function defaultOf(namespace: Namespace): unknown {
  const inner = namespace.default as { __esModule?: boolean; default?: unknown } | null | undefined;
  return inner?.__esModule === true && inner.default !== undefined ? inner.default : inner;
}

function exportsOf(namespace: Namespace): string[] {
  return Object.keys(namespace).filter((name) => name !== 'module.exports');
}

/** Own and inherited members, but nothing that every object or function has: no file means `constructor` by an export. */
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
 * The file of Portico that has this one export of `portico/middleware`, as a URL: a paste file that names six filters does
 * not load the other forty. Undefined where `url` is not the Portico that is running, and for names it does not export.
 */
export function fileOfOwnExport(module: string, url: string, name: string): string | undefined {
  if (module !== MIDDLEWARE) return undefined;
  const index = ownFile('middleware/index.js');
  if (url !== MIDDLEWARE && url !== index.href && !isLinkTo(index, url)) return undefined;
  filters ??= exportsByName(index);
  const file = filters.get(name);
  return file === undefined ? undefined : new URL(file, index).href;
}

/** Whether a URL leads to a file by a link, as those of pnpm and workspaces. */
function isLinkTo(file: URL, url: string): boolean {
  return ignoreErrors(() => realpathSync(fileURLToPath(url))) === fileURLToPath(file);
}

let filters: ReadonlyMap<string, string> | undefined;

/** Files of exports, by name, as the index says it, which exports less than its files do. */
function exportsByName(index: URL): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [, names = '', file = ''] of readFileSync(index, 'utf8').matchAll(/export \{([^}]*)\} from '([^']+)'/g)) {
    for (const name of names.split(',')) files.set(name.trim(), file);
  }
  return files;
}

/** A package that may be missing. */
export interface OptionalPeer {
  /** Of the error. */
  readonly code: string;
  /** The line of configuration that needs it. */
  readonly neededBy: string;
  /** As `npm install` takes it: `pg`, `rabbitmq-client@5`. */
  readonly spec: string;
}

/** Imports an optional package. Rejects with `code` where it is not installed; errors inside it pass unchanged. */
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
