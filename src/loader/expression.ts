/**
 * Factory expressions: `package/subpath:export`, `./file.js:Class.method`, `file:///…/x.js:export`.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean, type Origin, PorticoError } from '../errors/index.js';
import { strip } from '../ini/index.js';
import { foldersFrom, importFailure, ModuleMissing, moduleUrl } from '../service/internal.js';
import { ownExport } from './own-exports.js';
import { type PasteError, refuse } from './paste-error.js';

/** An expression taken apart; without `attribute`, the default export is meant. */
export interface Expression {
  readonly module: string;
  readonly attribute?: string;
}

/**
 * Splits at the last colon, unless a `/` follows it; `#` in the place of the colon means the same. Blanks around the
 * colon and extras in brackets, as Python's entry points may have them, are left out. Undefined when it is malformed.
 */
export function parseExpression(text: string): Expression | undefined {
  const whole = strip(text).replace(/\s*\[[^\]]*\]$/, '');
  const split = splitAt(whole);
  if (split < 0) return isModule(whole) ? { module: whole } : undefined;
  const module = strip(whole.slice(0, split));
  const attribute = strip(whole.slice(split + 1));
  return isModule(module) && ATTRIBUTE.test(attribute) ? { module, attribute } : undefined;
}

/** The expression with blanks and extras left out: how aliases compare them. */
export function normalExpression(text: string): string {
  const parsed = parseExpression(text);
  if (parsed === undefined) return text;
  return parsed.attribute === undefined ? parsed.module : `${parsed.module}:${parsed.attribute}`;
}

/** Imports the module of an expression, seen from `folder`, and gives the export. `written` is for messages. */
export async function evaluateExpression(
  { module, attribute }: Expression,
  folder: string,
  written: string,
  origin: Origin,
): Promise<unknown> {
  const namespace = await importModule(module, attribute, folder, written, origin);
  if (attribute === undefined) {
    if ('default' in namespace) return namespace.default;
    throw noExport(`${module} has no default export`, 'default', exportsOf(namespace), origin);
  }
  let owner: unknown;
  let value: unknown = namespace;
  for (const step of attribute.split('.')) {
    owner = value;
    value = memberOf(owner, step) ?? (owner === namespace ? memberOf(namespace.default, step) : undefined);
    if (value === undefined) {
      const names = owner === namespace ? exportsOf(namespace) : Object.keys((owner ?? {}) as object);
      throw noExport(`${module} has no export ${JSON.stringify(attribute)}`, step, names, origin);
    }
  }
  return owner === namespace || typeof value !== 'function'
    ? value
    : methodOf(owner, value as (...given: never[]) => unknown);
}

type Namespace = Readonly<Record<string, unknown>> & { readonly default?: unknown };

const ATTRIBUTE = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(\.[\p{ID_Start}$_][\p{ID_Continue}$]*)*$/u;
const PATH = /^(\.{1,2}\/|\/|file:)/;

function splitAt(text: string): number {
  const hash = /\S#\S*$/.exec(text);
  if (hash !== null) return hash.index + 1;
  const colon = text.lastIndexOf(':');
  return colon >= 0 && text.indexOf('/', colon) < 0 ? colon : -1;
}

function isModule(text: string): boolean {
  if (text === '' || text.includes('\n')) return false;
  return PATH.test(text) || (!/\s/.test(text) && !text.replace(/^(node|data):/, '').includes(':'));
}

/** Own and inherited members, but nothing that every object or function has: no file means `constructor` by a factory. */
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

/** A method with its owner for `this`; what it has declared about its options stays visible on it. */
function methodOf(owner: unknown, method: (...given: never[]) => unknown): unknown {
  return Object.assign(method.bind(owner), method);
}

function exportsOf(namespace: Namespace): string[] {
  return Object.keys(namespace).filter((name) => name !== 'module.exports');
}

async function importModule(
  module: string,
  attribute: string | undefined,
  folder: string,
  written: string,
  origin: Origin,
): Promise<Namespace> {
  const url = findModule(module, folder, written, origin);
  const own = attribute === undefined ? undefined : ownExport(module, url, attribute);
  try {
    const alone = own === undefined ? undefined : ((await import(own)) as Namespace);
    return alone !== undefined && Object.hasOwn(alone, attribute!) ? alone : ((await import(url)) as Namespace);
  } catch (error) {
    throw refuse('no-module', {
      message: `${JSON.stringify(module)} cannot be loaded: ${await importFailure(error, url)}`,
      origin,
      hint: importHint(error),
      cause: error,
    });
  }
}

/** What to do about a module that does not even parse. */
function importHint(error: unknown): string | undefined {
  if (error instanceof PorticoError) return error.hint;
  if (!(error instanceof SyntaxError) || !/token 'export'|import statement|token 'import'/.test(error.message)) {
    return undefined;
  }
  return 'It has the syntax of ES modules: name it .mjs, or say "type": "module" in the package.json above it.';
}

/** The URL of an expression's module. Imports nothing; throws `no-module` when there is none. */
export function findModule(module: string, folder: string, written: string, origin: Origin): string {
  try {
    return moduleUrl(module, folder);
  } catch (error) {
    if (error instanceof ModuleMissing) throw noModule(error, module, folder, written, origin);
    throw error;
  }
}

function noModule(error: ModuleMissing, module: string, folder: string, written: string, origin: Origin): PasteError {
  const beside = error.what === 'package' ? fileBeside(module, folder) : undefined;
  if (beside !== undefined) {
    return refuse('no-module', {
      message: `no package is called ${JSON.stringify(module)}, but there is a file of that name.`,
      hint: `Relative modules begin with "./": write ${written.replace(module, beside)}.`,
      origin,
    });
  }
  const python = error.what === 'package' && PYTHON_MODULE.test(module);
  const why = error.what === 'package' ? 'no such package is installed where this file can reach it' : error.message;
  const proposal = python
    ? `    ${normalExpression(written)}    ./${module.replaceAll('.', '/')}.js:factory`
    : undefined;
  const looked = `Looked in node_modules of ${foldersFrom(folder).join(', ')}, and above.`;
  // Only Python has dots between words; a single word is more often a package that is not installed.
  const about = module.includes('.')
    ? 'It looks like a Python module.'
    : `${looked} Is it not installed there? If it is a Python module:`;
  const missing =
    error.what === 'package' ? looked : 'Others are looked for in node_modules, from the folder of this file.';
  const hint =
    proposal === undefined
      ? (didYouMean(module, error.known) ??
        (error.known.length > 0 ? `It has: ${error.known.slice(0, 10).join(', ')}.` : undefined))
      : `${about} Say what stands for it here, in [portico:aliases]:\n${proposal}`;
  return refuse('no-module', {
    message: `no module is called ${JSON.stringify(module)}: ${why}.`,
    hint: hint ?? `Relative modules begin with "./". ${missing}`,
    origin,
    ...(proposal === undefined ? {} : { proposal: proposal.trim() }),
  });
}

/** Dotted identifiers of Python, which takes letters of every script. */
const PYTHON_MODULE = /^[\p{XID_Start}_]\p{XID_Continue}*(\.[\p{XID_Start}_]\p{XID_Continue}*)*$/u;

/** How a file that lies where the name was written is named from there. */
function fileBeside(module: string, folder: string): string | undefined {
  const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts'];
  const found = endings.map((ending) => `${module}${ending}`).find((name) => isFile(join(folder, name)));
  return found === undefined ? undefined : `./${found}`;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function noExport(what: string, name: string, names: readonly string[], origin: Origin): PasteError {
  const there = names.length === 0 ? 'It exports nothing.' : `It has: ${names.slice(0, 10).join(', ')}.`;
  return refuse('bad-factory-expression', {
    message: `${what}.`,
    hint: [didYouMean(name, names), there].filter((part) => part !== undefined).join(' '),
    origin,
  });
}
